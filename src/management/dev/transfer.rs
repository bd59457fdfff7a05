//! `/dev/queues/…/move`, `discard` and `deliver`: messages set right by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::json::Request;
use super::super::queues::target;
use super::super::seen::real_name;
use super::super::{Answer, Api};
use crate::broker::name::Name;
use crate::broker::permission::Access;
use crate::broker::queue::{Page, Which};
use crate::broker::transfer::{Obstacle, PART, Target, Transfer, Transferred};
use crate::broker::vhost::VirtualHost;

/// Messages that may be chosen one by one.
const CHOSEN_MAX: usize = 10_000;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/dev/queues/{vhost}/{name}/move", post(move_messages))
        .route("/dev/queues/{vhost}/{name}/discard", post(discard))
        .route("/dev/queues/{vhost}/{name}/deliver", post(deliver))
}

async fn move_messages(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (vhost, from) = target(&api, &caller, &at, Access::Read)?;
    let request = Request::parse(&body)?;
    let is_copy = request.flag("copy")?;
    from.refuse_if_stream("move")?;
    let to = request.get("to").and_then(Value::as_object);
    let to = to.ok_or_else(|| ApiError::keys_missing(&["to"]))?;
    let chosen = Chosen::of(&request, "which", from.last_seq())?;
    let transfer = Transfer {
        to: destination(&api, &caller, &vhost, to)?,
        from,
        forgets_deaths: request.flag("remove_death_headers")?,
    };
    let order = Order {
        api: &api,
        user: caller.name(),
        vhost: &vhost,
        transfer: &transfer,
    };
    let done = match is_copy {
        true => order.copy(&chosen).await,
        false => order.carry_out(&chosen).await,
    };
    let stopped = done.obstacle.map(|obstacle| match obstacle {
        Obstacle::Refused => "refused",
        Obstacle::Unroutable => "unroutable",
    });
    let key = if is_copy { "copied" } else { "moved" };
    Ok(Json(json!({ key: done.count, "stopped": stopped })).into_response())
}

/// Where to, and whether the user may.
fn destination(
    api: &Api,
    caller: &Caller,
    vhost: &Arc<VirtualHost>,
    to: &Map<String, Value>,
) -> Result<Target, ApiError> {
    let text = |key: &str| to.get(key).and_then(Value::as_str);
    if let Some(name) = text("queue") {
        // As if by way of the default exchange.
        caller.vhost_with(api, &vhost.name, &[(Access::Write, "")])?;
        return Ok(Target::Queue(vhost.queue(name, None)?));
    }
    let name = text("exchange").ok_or_else(|| {
        ApiError::bad_request("to must have a queue, or an exchange and a routing_key")
    })?;
    let name = real_name(name);
    caller.vhost_with(api, &vhost.name, &[(Access::Write, name)])?;
    let key = text("routing_key").map(Name::from);
    Ok(Target::Exchange(vhost.exchange(name)?, key))
}

/// Which messages, and how many of them.
pub(super) struct Chosen {
    pub(super) which: Which,
    count: u64,
}

impl Chosen {
    /// `"all"`, a number of the next ones, or a list of their numbers.
    /// Of all are meant those that are there now, up to `last_seq`.
    pub(super) fn of(request: &Request, key: &str, last_seq: u64) -> Result<Self, ApiError> {
        let wrong =
            || ApiError::bad_request(format!("{key} must be all, a count or a list of seq"));
        let up_to_now = |count| Self {
            which: Which::UpTo(last_seq),
            count,
        };
        match request.get(key) {
            None => Err(ApiError::keys_missing(&[key])),
            Some(Value::String(all)) if all == "all" => Ok(up_to_now(u64::MAX)),
            Some(Value::Number(count)) => count.as_u64().map(up_to_now).ok_or_else(wrong),
            Some(Value::Array(seqs)) if seqs.len() <= CHOSEN_MAX => {
                let seqs: Option<BTreeSet<u64>> = seqs.iter().map(Value::as_u64).collect();
                let which = Which::These(seqs.ok_or_else(wrong)?);
                let count = u64::MAX;
                Ok(Self { which, count })
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn max(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}

/// A transfer that somebody asked for.
struct Order<'a> {
    api: &'a Api,
    user: &'a str,
    vhost: &'a VirtualHost,
    transfer: &'a Transfer,
}

impl Order<'_> {
    /// Part by part, so that clients are served in between.
    async fn carry_out(&self, chosen: &Chosen) -> Transferred {
        let mut all = Transferred::default();
        while all.obstacle.is_none() && all.count < chosen.count {
            let max = usize::try_from(chosen.count - all.count).unwrap_or(PART);
            let done = self.api.change(self.user, self.vhost, |now, fx| {
                let transfer = self.transfer;
                transfer.move_some(self.vhost, &chosen.which, max, now, fx)
            });
            all.count += done.count;
            all.obstacle = done.obstacle;
            if done.count == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        all
    }

    async fn copy(&self, chosen: &Chosen) -> Transferred {
        let mut all = Transferred::default();
        let until = self.transfer.from.view().ready.min(chosen.count);
        let mut offset = 0;
        while all.obstacle.is_none() && offset < until {
            let limit = usize::try_from(until - offset).unwrap_or(PART).min(PART);
            let page = Page { offset, limit };
            let done = self.api.change(self.user, self.vhost, |now, fx| {
                let is_meant = |seq| chosen.which.has(seq);
                self.transfer.copy_some(self.vhost, page, is_meant, now, fx)
            });
            all.count += done.count;
            all.obstacle = done.obstacle;
            offset += limit as u64;
            tokio::task::yield_now().await;
        }
        all
    }
}

/// Drop messages that wait; they are not dead-lettered.
async fn discard(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Read)?;
    queue.refuse_if_stream("discard")?;
    let chosen = Chosen::of(&Request::parse(&body)?, "seq", queue.last_seq())?;
    let discarded = api.change(caller.name(), &vhost, |now, fx| {
        let lifted = queue.lift(&chosen.which, chosen.max(), now, fx);
        queue.let_go(&lifted, fx);
        lifted.len()
    });
    Ok(Json(json!({ "discarded": discarded })).into_response())
}

/// Let delayed messages be delivered now.
async fn deliver(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Read)?;
    let chosen = Chosen::of(&Request::parse(&body)?, "seq", queue.last_seq())?;
    let released = api.change(caller.name(), &vhost, |now, fx| {
        queue.hurry(&chosen.which, chosen.max(), now, fx)
    });
    Ok(Json(json!({ "released": released })).into_response())
}
