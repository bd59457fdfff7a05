//! [`ApiError`]: statuses and bodies as RabbitMQ's management plugin has them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::broker::error::BrokerError;

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
    /// 405.
    NotAllowed,
    /// 412.
    Precondition(String),
    /// 500, where RabbitMQ fails without a word.
    Crash,
    /// 401: nobody, or the wrong password.
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
            Self::NotAllowed => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
            Self::Crash => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "not_authorized",
                json!("Not_Authorized"),
            ),
            Self::Refused(reason) => (StatusCode::UNAUTHORIZED, "not_authorised", json!(reason)),
        };
        let body = Json(json!({ "error": error, "reason": reason }));
        let mut response = (status, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let realm = header::HeaderValue::from_static("Basic realm=\"RabbitMQ Management\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}
