//! `/api/bindings`, and the bindings of a queue or an exchange.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leveret_proto::value::FieldTable;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::{Request, table};
use super::listing::Listing;
use super::seen::{Seen, real_name};
use super::{Answer, Api, no_content};
use crate::broker::error::{BrokerError, Resource};
use crate::broker::exchange::{Binding, Destination, DestinationId};
use crate::broker::name::Name;
use crate::broker::permission::Access;
use crate::broker::term::hash;
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/bindings", get(list))
        .route("/api/bindings/{vhost}", get(list_vhost))
        .route(
            "/api/bindings/{vhost}/e/{source}/{kind}/{destination}",
            get(between).post(post),
        )
        .route(
            "/api/bindings/{vhost}/e/{source}/{kind}/{destination}/{properties_key}",
            get(one).delete(delete),
        )
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    let vhosts = caller.visible_vhosts(&api);
    listing.answer(
        vhosts
            .iter()
            .flat_map(|vhost| rows(vhost, |_| true))
            .collect(),
    )
}

async fn list_vhost(vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    listing.answer(rows(&vhost, |_| true))
}

/// `/api/queues/{vhost}/{name}/bindings`
pub(super) async fn to_queue(vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    let id = DestinationId::Queue(vhost.name.as_str().into());
    let mut all = rows(&vhost, |binding| binding.destination == id);
    if vhost.queue().is_err() {
        // RabbitMQ makes up the binding that every queue has, without looking for the queue.
        all.push(view(&vhost, &implicit(&vhost.name)));
    }
    listing.answer(all)
}

/// The binding by which the nameless exchange knows a queue.
fn implicit(queue: &str) -> Binding {
    Binding {
        source: "".into(),
        destination: DestinationId::Queue(queue.into()),
        binding_key: queue.into(),
        arguments: FieldTable::new(),
    }
}

/// `/api/exchanges/{vhost}/{name}/bindings/source`
pub(super) async fn from_exchange(vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    let name = real_name(&vhost.name);
    listing.answer(rows(&vhost, |binding| *binding.source == *name))
}

/// `/api/exchanges/{vhost}/{name}/bindings/destination`
pub(super) async fn to_exchange(vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    let id = DestinationId::Exchange(real_name(&vhost.name).into());
    listing.answer(rows(&vhost, |binding| binding.destination == id))
}

fn rows(vhost: &VirtualHost, which: impl Fn(&Binding) -> bool) -> Vec<Value> {
    vhost
        .bindings()
        .iter()
        .filter(|one| which(one))
        .map(|one| view(vhost, one))
        .collect()
}

fn view(vhost: &VirtualHost, binding: &Binding) -> Value {
    let kind = match binding.destination {
        DestinationId::Queue(_) => "queue",
        DestinationId::Exchange(_) => "exchange",
    };
    json!({
        "source": binding.source.as_str(),
        "vhost": vhost.name.as_str(),
        "destination": binding.destination.name().as_str(),
        "destination_type": kind,
        "routing_key": binding.binding_key.as_str(),
        "arguments": table(&binding.arguments),
        "properties_key": properties_key(&binding.binding_key, &binding.arguments),
    })
}

/// What tells a binding from others between the same two things.
fn properties_key(key: &str, arguments: &FieldTable) -> String {
    if key.is_empty() && arguments.is_empty() {
        return "~".to_owned();
    }
    if arguments.is_empty() {
        return quoted(key);
    }
    format!("{}~{}", quoted(key), arguments_hash(arguments))
}

fn arguments_hash(arguments: &FieldTable) -> String {
    URL_SAFE_NO_PAD.encode(hash::arguments(arguments).to_be_bytes())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'~' => out.push_str("%7E"),
            byte if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => out.push(byte.into()),
            // Writing to a string cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Where a binding stands, in a path.
type Ends = (String, String, String, String);

fn destination_id(kind: &str, name: &str) -> Result<DestinationId, ApiError> {
    match kind {
        "q" => Ok(DestinationId::Queue(name.into())),
        "e" => Ok(DestinationId::Exchange(real_name(name).into())),
        // RabbitMQ fails over a kind of destination that there is not.
        _ => Err(ApiError::WrongKind),
    }
}

async fn between(
    vhost: Seen,
    Path((_, source, kind, destination)): Path<Ends>,
    Query(listing): Query<Listing>,
) -> Answer {
    let id = destination_id(&kind, &destination)?;
    let is_wanted = |one: &Binding| *one.source == *real_name(&source) && one.destination == id;
    listing.answer(rows(&vhost, is_wanted))
}

/// Both ends, which the caller may change.
fn target(
    api: &Api,
    caller: &Caller,
    (vhost, source, kind, destination): &Ends,
) -> Result<(Arc<VirtualHost>, Name, DestinationId), ApiError> {
    let id = destination_id(kind, destination)?;
    let source = Name::from(real_name(source));
    let access = [
        (Access::Write, id.name().as_str()),
        (Access::Read, source.as_str()),
    ];
    let vhost = caller.vhost_with(api, vhost, &access)?;
    match source.is_empty() {
        true => Err(ApiError::Refused("Access refused.")),
        false => Ok((vhost, source, id)),
    }
}

async fn post(
    State(api): State<Api>,
    caller: Caller,
    Path(ends): Path<Ends>,
    body: Bytes,
) -> Answer {
    let (vhost, source, id) = target(&api, &caller, &ends)?;
    let request = Request::parse(&body)?;
    let exchange = vhost.exchange(&source)?;
    let destination = match &id {
        DestinationId::Queue(name) => {
            let missing = || BrokerError::NotFound(vhost.subject(Resource::Queue, name));
            Destination::Queue(vhost.queues.get(name).ok_or_else(missing)?)
        }
        DestinationId::Exchange(name) => Destination::Exchange(vhost.exchange(name)?),
    };
    let key = match api.broker().compat.shown.binding_key_is_text {
        true => request.word("routing_key")?,
        false => request.text("routing_key"),
    };
    let key = Name::from(key.unwrap_or_default());
    let arguments = request.table("arguments")?;
    api.change(caller.name(), &vhost, |_, fx| {
        vhost.bind(&exchange, destination, &key, &arguments, fx)
    })?;
    let (_, _, _, to) = &ends;
    let key = quoted(&properties_key(&key, &arguments)).replace("%7E", "~");
    let location = format!("{}/{key}", quoted(to));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

/// A binding's place, and its key.
type Place = (String, String, String, String, String);

fn find(
    vhost: &VirtualHost,
    source: &str,
    id: &DestinationId,
    key: &str,
) -> Result<Binding, ApiError> {
    let all = vhost.bindings();
    let found = all.into_iter().find(|one| {
        *one.source == *source
            && one.destination == *id
            && properties_key(&one.binding_key, &one.arguments) == key
    });
    found.ok_or(ApiError::NotFound)
}

async fn one(
    vhost: Seen,
    Path((_, source, kind, destination, key)): Path<Place>,
    Query(listing): Query<Listing>,
) -> Answer {
    let id = destination_id(&kind, &destination)?;
    let found = find(&vhost, real_name(&source), &id, &key)?;
    listing.one(&view(&vhost, &found))
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, source, kind, destination, key)): Path<Place>,
) -> Answer {
    let (vhost, source, id) = target(&api, &caller, &(vhost, source, kind, destination))?;
    let binding = find(&vhost, &source, &id, &key)?;
    let exchange = vhost.exchange(&source)?;
    api.change(caller.name(), &vhost, |_, fx| {
        vhost.unbind(&exchange, &id, &binding.binding_key, &binding.arguments, fx)
    });
    Ok(no_content())
}
