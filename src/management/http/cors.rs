//! Which pages of other origins may use the API: RabbitMQ's `management.cors.*`.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue};

/// Origins that may use the API; none by default.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// `management.cors.allow_origins`: `scheme://host:port` each, or `*` for all.
    pub allow_origins: Vec<String>,
    /// `management.cors.max_age`, in seconds: how long browsers keep the answer to a preflight.
    pub max_age_s: Option<u64>,
}

impl Cors {
    /// The headers for the browser, if a page of an origin that may use the API asks.
    pub(super) fn headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(origin) = request.get(ORIGIN).filter(|origin| self.allows(origin)) else {
            return headers;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let yes = HeaderValue::from_static("true");
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        headers
    }

    /// What is added to them for the question that comes before the request itself.
    pub(super) fn preflight(
        &self,
        request: &HeaderMap,
        allow: &HeaderValue,
        headers: &mut HeaderMap,
    ) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        if let Some(seconds) = self.max_age_s {
            headers.insert(ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let mut all = self.allow_origins.iter();
        all.any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    }
}
