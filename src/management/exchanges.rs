//! `/api/exchanges`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::{Request, table};
use super::listing::Listing;
use super::rates::{self, Look, RangeQuery, show};
use super::seen::{Seen, real_name};
use super::{Answer, Api, bindings, created, no_content, pairs};
use crate::broker::exchange::{Exchange, ExchangeKind, ExchangeSpec};
use crate::broker::permission::Access;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/exchanges", get(list))
        .route("/api/exchanges/{vhost}", get(list_vhost))
        .route(
            "/api/exchanges/{vhost}/{name}",
            get(one).put(put).delete(delete),
        )
        .route(
            "/api/exchanges/{vhost}/{name}/bindings/source",
            get(bindings::from_exchange),
        )
        .route(
            "/api/exchanges/{vhost}/{name}/bindings/destination",
            get(bindings::to_exchange),
        )
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    let vhosts = caller.visible_vhosts(&api);
    let all = vhosts.iter().flat_map(|vhost| vhost.exchanges.sorted());
    listing.answer(all.map(|exchange| view(&api, &look, &exchange)).collect())
}

async fn list_vhost(
    State(api): State<Api>,
    vhost: Seen,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    let all = vhost.exchanges.sorted();
    listing.answer(
        all.iter()
            .map(|exchange| view(&api, &look, exchange))
            .collect(),
    )
}

async fn one(
    State(api): State<Api>,
    vhost: Seen,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.ranges()?);
    let exchange = vhost.exchange()?;
    let mut row = view(&api, &look, &exchange);
    let (incoming, outgoing) = pairs::of_exchange(&api, &look, &exchange);
    row["incoming"] = incoming.into();
    row["outgoing"] = outgoing.into();
    listing.one(&row)
}

fn view(api: &Api, look: &Look<'_>, exchange: &Exchange) -> Value {
    let spec = &exchange.spec;
    let mut view = json!({
        "name": spec.name.as_str(),
        "vhost": spec.vhost.as_str(),
        "type": spec.kind.as_str(),
        "durable": spec.durable,
        "auto_delete": spec.auto_delete,
        "internal": spec.internal,
        "arguments": table(&spec.arguments),
        "user_who_performed_action": spec.created_by.as_str(),
    });
    if api.tells_message_stats() {
        let counts = rates::of_exchange(exchange);
        view["message_stats"] = show::stats(rates::EXCHANGE, counts, &look.exchange(exchange));
    }
    if let Some(count) = exchange.delayed_count() {
        view["messages_delayed"] = json!(count);
    }
    if let Some(policy) = exchange.applied().policy {
        view["policy"] = json!(policy.as_str());
    }
    view
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let name = real_name(&name);
    let request = Request::parse(&body)?;
    let vhost = caller.vhost_with(&api, &vhost, &[(Access::Configure, name)])?;
    if name.is_empty() {
        return Err(ApiError::Refused("Access refused."));
    }
    let kind = request.word("type")?.unwrap_or("direct");
    let spec = ExchangeSpec {
        name: name.into(),
        vhost: vhost.name.clone(),
        kind: ExchangeKind::named(kind, &api.broker().compat)?,
        durable: request.flag("durable")?,
        auto_delete: request.flag("auto_delete")?,
        internal: request.flag("internal")?,
        arguments: request.table("arguments")?,
        created_by: caller.name().into(),
    };
    let is_new = !vhost.exchanges.contains(name);
    api.broker().check_exchanges(&vhost, name)?;
    api.change(caller.name(), &vhost, |_, fx| {
        vhost.declare_exchange(spec, fx)
    })?;
    Ok(created(is_new))
}

/// Query parameters of a deletion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Conditions {
    pub(super) if_unused: Option<String>,
    pub(super) if_empty: Option<String>,
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    Query(conditions): Query<Conditions>,
) -> Answer {
    let name = real_name(&name);
    // That it is not there is told first.
    let there = api.broker().vhosts.get(vhost.as_str());
    if !there.is_some_and(|there| there.exchanges.contains(name)) {
        return Err(ApiError::NotFound);
    }
    let vhost = caller.vhost_with(&api, &vhost, &[(Access::Configure, name)])?;
    let if_unused = conditions.if_unused.as_deref() == Some("true");
    api.change(caller.name(), &vhost, |_, fx| {
        vhost.delete_exchange(name, if_unused, fx)
    })?;
    Ok(no_content())
}
