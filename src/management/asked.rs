//! [`Asked`]: what every request that shows rates brings: who asks, which part is wanted, and how
//! far back it goes.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::auth::Caller;
use super::error::ApiError;
use super::listing::Listing;
use super::rates::{Look, RangeQuery};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) api: Api,
    pub(super) caller: Caller,
    pub(super) listing: Listing,
    ranges: RangeQuery,
}

impl Asked {
    /// Rates for a list.
    pub(super) fn list_look(&self) -> Result<Look<'_>, ApiError> {
        Ok(self.api.look(self.ranges.list_ranges()?))
    }

    /// Rates for one object.
    pub(super) fn look(&self) -> Result<Look<'_>, ApiError> {
        Ok(self.api.look(self.ranges.ranges()?))
    }
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let caller = Caller::from_request_parts(parts, api).await;
        let listing = Query::from_request_parts(parts, api).await;
        let ranges = Query::from_request_parts(parts, api).await;
        let Query(listing) = listing.map_err(IntoResponse::into_response)?;
        let Query(ranges) = ranges.map_err(IntoResponse::into_response)?;
        Ok(Self {
            api: api.clone(),
            caller: caller.map_err(IntoResponse::into_response)?,
            listing,
            ranges,
        })
    }
}
