//! `/dev/*`: what only this broker has, with the users and permissions of `/api/*`.

mod alarm;
mod control;
mod definitions;
mod delayed;
mod peek;

use axum::Router;

use super::Api;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .merge(alarm::routes())
        .merge(control::routes())
        .merge(definitions::routes())
        .merge(delayed::routes())
        .merge(peek::routes())
}
