//! `/api/definitions`.

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, body::Bytes};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::{Answer, Api, no_content};
use crate::broker::definitions::{Fault, Plan, Scope};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/definitions", get(export).post(import))
        .route("/api/all-configuration", get(export).post(import))
        .route(
            "/api/definitions/{vhost}",
            get(export_vhost).post(import_vhost),
        )
}

/// What a request asks for beside the definitions.
#[derive(Clone, Debug, Default, Deserialize)]
struct Wishes {
    /// Offer the answer as a file of this name.
    download: Option<String>,
    /// Do nothing if the last import was of the same definitions.
    #[serde(default)]
    skip_if_unchanged: bool,
}

async fn export(State(api): State<Api>, Query(wishes): Query<Wishes>) -> Answer {
    Ok(exported(&api.broker().export(Scope::Broker)?, &wishes))
}

async fn export_vhost(
    State(api): State<Api>,
    Path(vhost): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Answer {
    let all = api.broker().export(Scope::Vhost(&vhost));
    let all = all.map_err(|_| ApiError::bad_request("vhost_not_found"))?;
    Ok(exported(&all, &wishes))
}

fn exported(all: &Value, wishes: &Wishes) -> Response {
    let mut response = Json(all).into_response();
    let name = wishes.download.as_deref();
    let disposition =
        name.and_then(|name| HeaderValue::try_from(format!("attachment; filename={name}")).ok());
    if let Some(disposition) = disposition {
        response
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Definitions in a request's body: as it is, or as a page sends a file.
pub(super) struct Upload {
    text: Bytes,
    /// Where the page wants to go afterwards.
    redirect: Option<HeaderValue>,
}

impl Upload {
    pub(super) async fn read(request: Request, api: &Api) -> Result<Self, Response> {
        let kind = media_type(request.headers());
        match kind.as_str() {
            "application/json" => {
                let text = Bytes::from_request(request, api).await;
                let text = text.map_err(IntoResponse::into_response)?;
                Ok(Self {
                    text,
                    redirect: None,
                })
            }
            "multipart/form-data" => {
                let parts = Multipart::from_request(request, api).await;
                let parts = parts.map_err(IntoResponse::into_response)?;
                let broken = |error: MultipartError| error.status().into_response();
                Self::read_parts(parts).await.map_err(broken)
            }
            _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()),
        }
    }

    async fn read_parts(mut parts: Multipart) -> Result<Self, MultipartError> {
        // Without a file there is nothing that could be read as JSON.
        let mut upload = Self {
            text: Bytes::from_static(b"-"),
            redirect: None,
        };
        while let Some(part) = parts.next_field().await? {
            match part.name() {
                Some("file") => upload.text = part.bytes().await?,
                Some("redirect") => {
                    upload.redirect = HeaderValue::try_from(part.text().await?).ok();
                }
                _ => {}
            }
        }
        Ok(upload)
    }

    /// No body is no definitions.
    pub(super) fn json(&self) -> Result<Value, ApiError> {
        match self.text.is_empty() {
            true => Ok(json!({})),
            false => serde_json::from_slice(&self.text)
                .map_err(|_| ApiError::bad_request("failed_to_parse_json")),
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.unwrap_or_default().trim().to_ascii_lowercase()
}

async fn import(
    State(api): State<Api>,
    caller: Caller,
    Query(wishes): Query<Wishes>,
    request: Request,
) -> Answer {
    take(&api, &caller, &wishes, Scope::Broker, request).await
}

async fn import_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(wishes): Query<Wishes>,
    request: Request,
) -> Answer {
    api.broker().vhost(&vhost)?;
    take(&api, &caller, &wishes, Scope::Vhost(&vhost), request).await
}

async fn take(
    api: &Api,
    caller: &Caller,
    wishes: &Wishes,
    scope: Scope<'_>,
    request: Request,
) -> Answer {
    let upload = match Upload::read(request, api).await {
        Ok(upload) => upload,
        Err(refused) => return Ok(refused),
    };
    let definitions = upload.json()?;
    let broker = api.broker();
    let is_known = wishes.skip_if_unchanged && broker.was_imported(&definitions);
    if !is_known {
        match Plan::new(broker, &definitions, scope, caller.name()) {
            Ok(plan) => broker.apply(plan, api.shared.clock.now().tick),
            Err(fault) => return Ok(refusal(&fault)),
        }
    }
    Ok(match upload.redirect {
        Some(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        None => no_content(),
    })
}

/// RabbitMQ's answer, and the place that it does not tell; where it fails with 500, this is 400 too.
pub(super) fn refusal(fault: &Fault) -> Response {
    let mut body = json!({ "error": "bad_request", "reason": fault.reason });
    let at = fault.at.to_string();
    for (key, text) in [("at", at.as_str()), ("detail", fault.detail)] {
        if !text.is_empty() {
            body[key] = json!(text);
        }
    }
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
