//! `/dev/queues/…/peek`: the messages of a queue, wherever they stand. Nothing changes by it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_proto::value::{FieldTable, FieldValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::json::value;
use super::super::messages::properties;
use super::super::{Answer, Api};
use crate::broker::message::Message;
use crate::broker::permission::Access;
use crate::broker::queue::{Away, ConsumerView, Entry, Page, Queue, QueueKind};
use crate::broker::tick::Tick;

/// Messages of a page that says nothing, and of the largest.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;
/// Bytes of a body that are shown where nothing is said, and the most that may be asked for.
const BODY_BYTES: usize = 4096;
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/queues/{vhost}/{name}/peek", get(peek))
}

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    state: Option<String>,
    #[serde(default)]
    offset: u64,
    limit: Option<usize>,
    payload_bytes: Option<usize>,
}

/// The query, as it came.
pub(super) type Query = Result<extract::Query<Asked>, QueryRejection>;

impl Asked {
    pub(super) fn of(query: Query) -> Result<Self, ApiError> {
        let bad = |_| ApiError::bad_request("offset, limit and payload_bytes must be numbers");
        query.map(|extract::Query(asked)| asked).map_err(bad)
    }

    pub(super) fn page(&self) -> Page {
        Page {
            offset: self.offset,
            limit: self.limit.unwrap_or(LIMIT).min(LIMIT_MAX),
        }
    }

    /// Bytes of each body.
    pub(super) fn body_bytes(&self) -> usize {
        let asked = self.payload_bytes.unwrap_or(BODY_BYTES);
        asked.min(BODY_BYTES_MAX)
    }
}

async fn peek(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let vhost = caller.vhost_with(&api, &vhost, &[(Access::Read, &name)])?;
    let queue = vhost.queues.get(name.as_str()).ok_or(ApiError::NotFound)?;
    let asked = Asked::of(query)?;
    let page = asked.page();
    let look = Look {
        api: &api,
        queue: &queue,
        now: vhost.now(api.shared.clock.now().tick),
        consumers: queue.consumers(),
        body_bytes: asked.body_bytes(),
    };
    let items = look.items(asked.state.as_deref(), page)?;
    let view = queue.view();
    let body = json!({
        "messages": { "ready": view.ready, "unacked": view.unacked, "delayed": view.delayed },
        "offset": page.offset,
        "limit": page.limit,
        "items": items,
    });
    Ok(Json(body).into_response())
}

/// One look.
struct Look<'a> {
    api: &'a Api,
    queue: &'a Arc<Queue>,
    now: Tick,
    consumers: Vec<ConsumerView>,
    body_bytes: usize,
}

impl Look<'_> {
    fn items(&self, state: Option<&str>, page: Page) -> Result<Vec<Value>, ApiError> {
        match state.unwrap_or("ready") {
            "ready" => Ok(self.ready(page)),
            "unacked" => Ok(self.unacked(page)),
            "delayed" => Ok(self.delayed(page)),
            "all" => Ok(self.all(page)),
            _ => Err(ApiError::bad_request(
                "state must be ready, unacked, delayed or all",
            )),
        }
    }

    /// What waits, then what is out, then what is delayed.
    fn all(&self, page: Page) -> Vec<Value> {
        let view = self.queue.view();
        let is_stream = self.queue.kind == QueueKind::Stream;
        let mut rows = self.ready(page);
        // Offsets of a stream are its own, and what is out is in it still.
        let mut before = if is_stream { 0 } else { view.ready };
        for (count, more) in [
            (view.unacked, Self::unacked as fn(&Self, Page) -> Vec<Value>),
            (view.delayed, Self::delayed),
        ] {
            let offset = page.offset.saturating_sub(before);
            let limit = page.limit.saturating_sub(rows.len());
            if limit > 0 && !is_stream {
                rows.extend(more(self, Page { offset, limit }));
            }
            before += count;
        }
        rows
    }

    fn ready(&self, page: Page) -> Vec<Value> {
        let entries = self.queue.peek(page);
        entries.iter().map(|it| self.row("ready", it)).collect()
    }

    fn delayed(&self, page: Page) -> Vec<Value> {
        let row = |(due, entry): &(Tick, Entry)| {
            let mut row = self.row("delayed", entry);
            row["due_in_ms"] = json!(ms(self.now, *due));
            row
        };
        self.queue.peek_delayed(page).iter().map(row).collect()
    }

    fn unacked(&self, page: Page) -> Vec<Value> {
        let all = self.api.broker().unacked(self.queue, page);
        all.iter().map(|it| self.away(it)).collect()
    }

    fn away(&self, it: &Away) -> Value {
        let consumer = self.consumers.iter().find(|one| one.key == it.consumer);
        let mut row = self.row("unacked", &it.entry);
        row["delivery"] = json!({
            "connection": it.connection.name.as_str(),
            "channel": it.place.channel,
            "delivery_tag": it.place.tag,
            "consumer_tag": consumer.map(|one| one.tag.as_str()),
            "out_for_ms": ms(it.since, self.now),
        });
        row
    }

    fn row(&self, state: &str, entry: &Entry) -> Value {
        let message = &entry.message;
        let counted = self.queue.properties(entry, state != "unacked");
        let raw = counted.as_deref().unwrap_or(message.properties());
        let mut row = shown(message, raw, self.body_bytes);
        row["state"] = json!(state);
        row["seq"] = json!(entry.seq);
        row["priority"] = json!(entry.priority);
        row["redelivered"] = json!(entry.redelivered);
        row["returns"] = json!(entry.returns);
        row["failures"] = json!(entry.failures);
        row["published_ms_ago"] = json!(ms(message.published, self.now));
        let expires = (entry.expires != Tick::NEVER).then(|| ms(self.now, entry.expires));
        row["expires_in_ms"] = json!(expires);
        row
    }
}

/// Milliseconds from one time to another.
pub(super) fn ms(from: Tick, to: Tick) -> u64 {
    u64::try_from(from.until(to).as_millis()).unwrap_or(u64::MAX)
}

/// What a message says, wherever it stands: `raw` are its properties there.
pub(super) fn shown(message: &Message, raw: &[u8], body_bytes: usize) -> Value {
    let headers = leveret_proto::content::Properties::decode(raw);
    let headers = headers.ok().and_then(|it| it.headers).unwrap_or_default();
    let body = message.body();
    let part = body.get(..body_bytes).unwrap_or(body);
    let (payload, encoding) = match text(part, body.len()) {
        Some(text) => (text.to_owned(), "string"),
        None => (STANDARD.encode(part), "base64"),
    };
    json!({
        "exchange": message.exchange(),
        "routing_key": message.routing_key(),
        "properties": properties(raw),
        "headers": typed(&headers),
        "deaths": headers.get("x-death").map(value).unwrap_or_else(|| json!([])),
        "payload": payload,
        "payload_encoding": encoding,
        "payload_bytes": body.len(),
        "payload_truncated": part.len() < body.len(),
    })
}

/// The text, if it is one; a cut may go through a character.
fn text(shown: &[u8], whole_bytes: usize) -> Option<&str> {
    match std::str::from_utf8(shown) {
        Ok(text) => Some(text),
        Err(error) if shown.len() < whole_bytes && error.error_len().is_none() => {
            std::str::from_utf8(shown.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// A table with the type of each value, as RabbitMQ names types.
fn typed(table: &FieldTable) -> Value {
    let row = |(key, value): (&_, &FieldValue)| (ToString::to_string(key), typed_value(value));
    Value::Object(table.iter().map(row).collect())
}

fn typed_value(it: &FieldValue) -> Value {
    let shown = match it {
        FieldValue::Table(table) => typed(table),
        FieldValue::Array(values) => values.iter().map(typed_value).collect(),
        other => value(other),
    };
    json!({ "type": it.type_name(), "value": shown })
}
