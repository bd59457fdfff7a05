//! `/dev/queues/…/peek`: the messages of a queue, wherever they stand. Nothing changes by it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
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
struct Asked {
    state: Option<String>,
    #[serde(default)]
    offset: u64,
    limit: Option<usize>,
    payload_bytes: Option<usize>,
}

async fn peek(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let vhost = caller.vhost_with(&api, &vhost, &[(Access::Read, &name)])?;
    let queue = vhost.queues.get(name.as_str()).ok_or(ApiError::NotFound)?;
    let bad = |_| ApiError::bad_request("offset, limit and payload_bytes must be numbers");
    let Query(asked) = asked.map_err(bad)?;
    let limit = asked.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let look = Look {
        api: &api,
        queue: &queue,
        now: vhost.now(api.shared.clock.now().tick),
        consumers: queue.consumers(),
        body_bytes: asked
            .payload_bytes
            .unwrap_or(BODY_BYTES)
            .min(BODY_BYTES_MAX),
    };
    let offset = asked.offset;
    let items = look.items(asked.state.as_deref(), Page { offset, limit })?;
    let view = queue.view();
    let body = json!({
        "messages": { "ready": view.ready, "unacked": view.unacked, "delayed": view.delayed },
        "offset": offset,
        "limit": limit,
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
            row["due_in_ms"] = json!(self.ms_until(*due));
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
            "out_for_ms": u64::try_from(it.since.until(self.now).as_millis()).unwrap_or(u64::MAX),
        });
        row
    }

    fn row(&self, state: &str, entry: &Entry) -> Value {
        let message = &entry.message;
        let counted = self.queue.properties(entry, state != "unacked");
        let raw = counted.as_deref().unwrap_or(message.properties());
        let headers = leveret_proto::content::Properties::decode(raw);
        let headers = headers.ok().and_then(|it| it.headers).unwrap_or_default();
        let mut row = json!({
            "state": state,
            "seq": entry.seq,
            "exchange": message.exchange(),
            "routing_key": message.routing_key(),
            "priority": entry.priority,
            "redelivered": entry.redelivered,
            "returns": entry.returns,
            "failures": entry.failures,
            "published_ms_ago":
                u64::try_from(message.published.until(self.now).as_millis()).unwrap_or(u64::MAX),
            "expires_in_ms": (entry.expires != Tick::NEVER).then(|| self.ms_until(entry.expires)),
            "properties": properties(raw),
            "headers": typed(&headers),
            "deaths": headers.get("x-death").map(value).unwrap_or_else(|| json!([])),
        });
        self.show_body(message.body(), &mut row);
        row
    }

    fn show_body(&self, body: &[u8], row: &mut Value) {
        let shown = body.get(..self.body_bytes).unwrap_or(body);
        let (payload, encoding) = match text(shown, body.len()) {
            Some(text) => (text.to_owned(), "string"),
            None => (STANDARD.encode(shown), "base64"),
        };
        row["payload"] = json!(payload);
        row["payload_encoding"] = json!(encoding);
        row["payload_bytes"] = json!(body.len());
        row["payload_truncated"] = json!(shown.len() < body.len());
    }

    fn ms_until(&self, then: Tick) -> u64 {
        u64::try_from(self.now.until(then).as_millis()).unwrap_or(u64::MAX)
    }
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
