//! [`Seen`]: a virtual host of which the caller may see what is in it.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::Api;
use super::auth::Caller;
use super::error::ApiError;
use crate::broker::exchange::Exchange;
use crate::broker::queue::Queue;
use crate::broker::vhost::VirtualHost;

/// `{vhost}` of the path, which is there and which the caller may see, and `{name}` in it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) vhost: Arc<VirtualHost>,
    pub(super) name: String,
}

impl Seen {
    /// The queue of that name.
    pub(super) fn queue(&self) -> Result<Arc<Queue>, ApiError> {
        let found = self.vhost.queues.get(self.name.as_str());
        found.ok_or(ApiError::NotFound)
    }

    /// The exchange of that name.
    pub(super) fn exchange(&self) -> Result<Arc<Exchange>, ApiError> {
        let found = self.vhost.exchanges.get(real_name(&self.name));
        found.ok_or(ApiError::NotFound)
    }
}

/// Paths call the nameless exchange `amq.default`.
pub(super) fn real_name(name: &str) -> &str {
    if name == "amq.default" { "" } else { name }
}

impl Deref for Seen {
    type Target = Arc<VirtualHost>;

    fn deref(&self) -> &Self::Target {
        &self.vhost
    }
}

impl FromRequestParts<Api> for Seen {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let path = RawPathParams::from_request_parts(parts, api).await;
        let path = path.map_err(|_| ApiError::NotFound)?;
        let part = |key: &str| path.iter().find(|(there, _)| *there == key);
        let (_, vhost) = part("vhost").ok_or(ApiError::NotFound)?;
        Ok(Self {
            vhost: caller.visible_vhost(api, vhost)?,
            name: part("name")
                .map(|(_, name)| name.to_owned())
                .unwrap_or_default(),
        })
    }
}
