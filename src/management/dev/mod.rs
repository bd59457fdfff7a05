//! `/dev/*`: what only this broker has, with the users and permissions of `/api/*`.

mod alarm;
mod control;
mod definitions;
mod delayed;
mod events;
mod explain;
mod feed;
mod log;
mod peek;
mod ticket;
mod transfer;

use axum::Router;

pub(super) use self::feed::Feed;
use super::Api;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .merge(alarm::routes())
        .merge(control::routes())
        .merge(definitions::routes())
        .merge(delayed::routes())
        .merge(events::routes())
        .merge(explain::routes())
        .merge(log::routes())
        .merge(peek::routes())
        .merge(ticket::routes())
        .merge(transfer::routes())
}
