//! [`ApiError`]: statuses and bodies as RabbitMQ's management plugin has them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::broker::error::BrokerError;

/// Browsers ask for a name and a password; who sent wrong ones is not asked again.
const CHALLENGE: &str = "Basic realm=\"RabbitMQ Management\"";

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ApiError {
    /// 404, the same for every object.
    NotFound,
    /// 404 with a reason: something that a request needs is not there.
    Missing(String),
    /// 400.
    BadRequest(Value),
    /// 400 with another name.
    Bad(&'static str, String),
    /// 412.
    Precondition(String),
    /// 503: what RabbitMQ would ask a queue's replicas for.
    Unavailable(String),
    /// 400 where RabbitMQ fails with 500: what it makes of a value that is not of the right kind.
    WrongKind,
    /// 503.
    Busy(String),
    /// A status and nothing else.
    Bare(u16),
    /// 405: settings forbid it.
    Locked(&'static str),
    /// 401: nobody.
    NoCredentials,
    /// 401: a user that is not there, or the wrong password.
    Unauthenticated,
    /// 401: somebody, but not allowed to.
    Refused(&'static str),
}

impl ApiError {
    pub(super) fn bad_request(reason: impl Into<Value>) -> Self {
        Self::BadRequest(reason.into())
    }

    /// RabbitMQ lists the missing keys as an Erlang term.
    pub(super) fn keys_missing(keys: &[&str]) -> Self {
        let all: Vec<String> = keys
            .iter()
            .map(|key| format!("{{key_missing,{key}}}"))
            .collect();
        Self::bad_request(format!("[{}]", all.join(",")))
    }
}

impl From<BrokerError> for ApiError {
    fn from(error: BrokerError) -> Self {
        match &error {
            BrokerError::NoVhost(_) => Self::Missing("vhost_not_found".to_owned()),
            BrokerError::NotFound(_) => Self::Missing(error.to_string()),
            BrokerError::Reserved(..)
            | BrokerError::DefaultExchange
            | BrokerError::SystemExchange(_)
            | BrokerError::AccessRefused(_) => Self::Refused("Access refused."),
            _ => Self::bad_request(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error, reason) = match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Object Not Found",
                json!("Not Found"),
            ),
            Self::Missing(reason) => (StatusCode::NOT_FOUND, "not_found", json!(reason)),
            Self::BadRequest(reason) => (StatusCode::BAD_REQUEST, "bad_request", reason),
            Self::Bad(error, reason) => (StatusCode::BAD_REQUEST, error, json!(reason)),
            Self::Precondition(reason) => (
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                json!(reason),
            ),
            Self::Unavailable(reason) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "service_unavailable",
                json!(reason),
            ),
            Self::WrongKind => (
                StatusCode::BAD_REQUEST,
                "bad_request",
                json!("a value is not of the kind that is expected"),
            ),
            Self::Locked(reason) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                json!(reason),
            ),
            Self::Busy(reason) => (StatusCode::SERVICE_UNAVAILABLE, "busy", json!(reason)),
            Self::Bare(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                return status.into_response();
            }
            Self::NoCredentials => {
                let challenge = [(header::WWW_AUTHENTICATE, CHALLENGE)];
                return (StatusCode::UNAUTHORIZED, challenge).into_response();
            }
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "not_authorized",
                json!("Not_Authorized"),
            ),
            Self::Refused(reason) => (StatusCode::UNAUTHORIZED, "not_authorised", json!(reason)),
        };
        let body = Json(json!({ "error": error, "reason": reason }));
        (status, body).into_response()
    }
}
