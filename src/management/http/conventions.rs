//! The one middleware of the management API: methods, who may ask, bodies, headers.
//!
//! The order is RabbitMQ's: an unknown method, one that the route does not have, `OPTIONS`, who
//! asks, what may be answered, the body, and only then the handler.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::RequestExt as _;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, SERVER,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::routes::{self, Known, Operation, Verb, Who};
use crate::management::Api;
use crate::management::auth::{Caller, Credentials};
use crate::management::error::ApiError;

/// For all of a request's body.
const BODY_PATIENCE: Duration = Duration::from_secs(60);
/// Longest text of another's error that is told.
const REASON_BYTES_MAX: usize = 200;

/// RabbitMQ's management stops with the application; here somebody has to answer the tools.
const STOPPED: &str = "the application is stopped; `rabbitmqctl start_app` starts it";

/// Where RabbitMQ's own pages were or are.
const MOVED: &[(&str, &str)] = &[
    ("/api", "/api/index.html"),
    ("/doc/stats.html", "/api/index.html"),
];

/// Methods that RabbitMQ knows.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// What a path that is not there allows.
const ALLOW_NOWHERE: HeaderValue = HeaderValue::from_static("HEAD, GET, OPTIONS");
/// Answers depend on these headers.
const VARY_ON: HeaderValue = HeaderValue::from_static("accept, accept-encoding, origin");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");
/// RabbitMQ's since 4.1.
const POLICY: HeaderValue = HeaderValue::from_static("script-src 'self'; object-src 'self'");

/// What holds for all routes, around the handler of one.
pub(in crate::management) async fn conventions(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Response {
    let mut headers = api.cors.headers(request.headers());
    let path = request.extensions().get::<MatchedPath>();
    let known = path.and_then(|path| routes::find(path.as_str()));
    let allow = known.map_or(ALLOW_NOWHERE, |known| known.allow.clone());
    let is_known = METHODS.contains(request.method());
    let is_allowed = is_known && allows(&allow, request.method());
    let is_question = request.method() == Method::OPTIONS;
    if is_question && !headers.is_empty() {
        let asked = request.headers();
        api.cors.preflight(asked, &allow, &mut headers);
    }
    if is_known && (is_question || !is_allowed) {
        headers.insert(ALLOW, allow);
    }
    let response = if has_no_host(&request) {
        StatusCode::BAD_REQUEST.into_response()
    } else if !is_known {
        StatusCode::NOT_IMPLEMENTED.into_response()
    } else if !is_allowed {
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    } else if is_question {
        ().into_response()
    } else if let Some(new) = moved(request.uri().path()) {
        return moved_to(api.path_prefix.before(new));
    } else {
        let answer = answer(&api, known, request, next).await;
        answer.unwrap_or_else(ApiError::into_response)
    };
    add_own(&api, &mut headers);
    let policy = api.settings.config.management.csp.as_deref();
    let policy = policy.and_then(|policy| HeaderValue::from_str(policy).ok());
    finished(response, headers, policy.unwrap_or(POLICY)).await
}

/// Headers that are set; what cannot be one is left out.
fn add_own(api: &Api, headers: &mut HeaderMap) {
    for (name, value) in &api.settings.config.management.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
}

fn allows(allow: &HeaderValue, method: &Method) -> bool {
    let mut words = allow.to_str().unwrap_or_default().split(", ");
    words.any(|word| word == method.as_str())
}

fn has_no_host(request: &Request) -> bool {
    request.version() == Version::HTTP_11
        && request.uri().host().is_none()
        && !request.headers().contains_key(HOST)
}

fn moved(path: &str) -> Option<&'static str> {
    let mut all = MOVED.iter();
    all.find(|(old, _)| *old == path).map(|(_, new)| *new)
}

pub(super) fn moved_to(path: String) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(LOCATION, path)]).into_response()
}

fn peer(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|peer| peer.0.ip())
}

/// Who asks, if it may.
async fn caller(
    api: &Api,
    peer: Option<IpAddr>,
    shown: &Credentials,
    who: Who,
    vhost: Option<&str>,
) -> Result<Caller, ApiError> {
    let caller = Caller::authorised(api, shown, who, vhost).await;
    if matches!(caller, Err(ApiError::Unauthenticated)) {
        let ms = peer.map_or(0, |peer| refusal_delay_ms(api, peer));
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    caller
}

/// Lets in who may see the whole node (`prometheus.authentication`).
pub(in crate::management) async fn for_monitors(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Response {
    if api.settings.config.prometheus.authenticates {
        let (shown, peer) = (Credentials::of(&request), peer(&request));
        if let Err(refused) = caller(&api, peer, &shown, Who::Monitoring, None).await {
            return refused.into_response();
        }
    }
    next.run(request).await
}

/// Who fails to log in again and again is told so with a delay.
fn refusal_delay_ms(api: &Api, peer: IpAddr) -> u64 {
    let now = api.shared.clock.now().tick;
    api.broker().guesses.failed(peer, now)
}

/// The handler's answer to a request that may be made.
async fn answer(
    api: &Api,
    known: Option<&'static Known>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(known) = known else {
        // A route that the table does not have would be open to anyone.
        return match request.extensions().get::<MatchedPath>() {
            Some(_) => Err(ApiError::NotFound),
            None => Ok(next.run(request).await),
        };
    };
    let operation = known.route.operation(request.method());
    let operation = operation.ok_or(ApiError::NotFound)?;
    if operation.who != Who::Anyone {
        let vhost = vhost_of(&mut request).await;
        let shown = Credentials::of(&request);
        let peer = peer(&request);
        let caller = caller(api, peer, &shown, operation.who, vhost.as_deref()).await?;
        if !api.shared.is_running() && needs_application(known.route.path, operation, &caller) {
            return Err(ApiError::Unavailable(STOPPED.to_owned()));
        }
        request.extensions_mut().insert(caller);
    }
    acceptable(operation, request.headers())?;
    Ok(next
        .run(with_whole_body(request, api.body_bytes_max()).await?)
        .await)
}

/// While the application is stopped there is only what starts it again; the tools may look.
fn needs_application(path: &str, operation: &Operation, caller: &Caller) -> bool {
    let may_look = matches!(caller, Caller::Local) && operation.method == Verb::Get;
    !may_look && !path.starts_with("/dev/")
}

async fn vhost_of(request: &mut Request) -> Option<String> {
    let params = request.extract_parts::<RawPathParams>().await.ok()?;
    let vhost = params.iter().find(|(name, _)| *name == "vhost");
    vhost.map(|(_, vhost)| vhost.to_owned())
}

/// Whether the client takes what the route has; a client that does not say takes all.
fn acceptable(operation: &Operation, headers: &HeaderMap) -> Result<(), ApiError> {
    let (Some(accept), Some(ours)) = (headers.get(ACCEPT), operation.shows.media_type()) else {
        return Ok(());
    };
    let family = ours.split('/').next().unwrap_or_default();
    let mut fits = false;
    for range in accept.to_str().unwrap_or_default().split(',') {
        let range = range.split(';').next().unwrap_or_default().trim();
        let (kind, subtype) = range.split_once('/').ok_or(ApiError::Bare(400))?;
        let is_kind = kind == "*" || kind.eq_ignore_ascii_case(family);
        fits |= is_kind && (subtype == "*" || range.eq_ignore_ascii_case(ours));
    }
    match fits {
        true => Ok(()),
        false => Err(ApiError::Bare(406)),
    }
}

/// The request with its body read, which must come within a time and be no longer than the limit.
async fn with_whole_body(request: Request, max: usize) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    let reading = to_bytes(body, max);
    let read = tokio::time::timeout(BODY_PATIENCE, reading).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if is_too_long(&error) => {
            let text = "Exceeded HTTP request body size limit";
            return Err(ApiError::bad_request(text));
        }
        // The client broke off, or sent no proper chunks.
        Ok(Err(_)) => return Err(ApiError::Bare(400)),
        Err(_) => return Err(ApiError::Bare(408)),
    };
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn is_too_long(error: &axum::Error) -> bool {
    let cause = std::error::Error::source(error);
    cause.is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}

/// With the headers of all answers, and errors in RabbitMQ's form.
async fn finished(response: Response, headers: HeaderMap, policy: HeaderValue) -> Response {
    let mut response = shaped(response).await;
    let is_json_answer = response.status() == StatusCode::OK
        && response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|it| it == "application/json");
    let cache = if is_json_answer { NO_CACHE } else { REVALIDATE };
    let all = response.headers_mut();
    all.entry(CACHE_CONTROL).or_insert(cache);
    all.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    all.insert(VARY, VARY_ON);
    all.insert(SERVER, HeaderValue::from_static("Leveret"));
    all.extend(headers);
    response
}

/// What the libraries refuse in plain words, as RabbitMQ's clients expect errors.
async fn shaped(response: Response) -> Response {
    let is_text = |it: &HeaderValue| it.as_bytes().starts_with(b"text/plain");
    let is_plain = response.headers().get(CONTENT_TYPE).is_some_and(is_text);
    if !response.status().is_client_error() || !is_plain {
        return response;
    }
    let reason = to_bytes(response.into_body(), REASON_BYTES_MAX).await;
    let reason = reason.unwrap_or_default();
    ApiError::bad_request(String::from_utf8_lossy(&reason)).into_response()
}
