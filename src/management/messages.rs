//! `/api/queues/{vhost}/{name}/get`: messages to look at, taken or given back.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_proto::content::Properties;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::{Request, table};
use super::listing::Listing;
use super::queues::target;
use super::{Answer, Api, HTTP_PARTY};
use crate::broker::compat::Compat;
use crate::broker::effects::Effects;
use crate::broker::permission::Access;
use crate::broker::queue::{ConsumerKey, Entry, Got, Queue, Settlement, Unacked, settle};
use crate::broker::tick::Tick;
use crate::broker::trace::{self, Party};
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/queues/{vhost}/{name}/get", post(get_messages))
}

async fn get_messages(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let missing = |error| match error {
        ApiError::NotFound => ApiError::Missing("queue_not_found".to_owned()),
        other => other,
    };
    let (vhost, queue) = target(&api, &caller, &at, Access::Read).map_err(missing)?;
    queue
        .refuse_if_stream("basic.get")
        .map_err(|refused| ApiError::bad_request(format!("540 {refused}")))?;
    queue
        .check_get(&api.broker().compat)
        .map_err(|refused| ApiError::bad_request(format!("405 RESOURCE_LOCKED - {refused}")))?;
    let request = Request::parse(&body)?;
    let taking = Taking::read(&request, caller.name(), &api.broker().compat)?;
    let rows = api.change(caller.name(), &vhost, |now, fx| {
        take(&queue, &taking, now, fx)
    });
    count_gets(&vhost, rows.len() as u64, &taking);
    Listing::default().answer(rows)
}

struct Show {
    encoding: String,
    truncate: Option<u64>,
}

/// A request for messages.
struct Taking<'a> {
    count: u64,
    how: Settlement,
    show: Show,
    user: &'a str,
}

impl<'a> Taking<'a> {
    fn read(request: &'a Request, user: &'a str, compat: &Compat) -> Result<Self, ApiError> {
        request.must_have(&["count", "ackmode", "encoding"])?;
        let [mode] = request.patterns(["ackmode"])?;
        let encoding = request.text("encoding").unwrap_or_default();
        let how = match mode {
            "ack_requeue_true" => Settlement::Return,
            "reject_requeue_true" => Settlement::Requeue,
            "ack_requeue_false" => Settlement::Ack,
            "reject_requeue_false" => Settlement::Reject,
            _ if !compat.shown.explains_ackmode => return Err(ApiError::WrongKind),
            other => return Err(ApiError::bad_request(invalid_ackmode(other))),
        };
        if !["auto", "base64"].contains(&encoding) {
            return Err(ApiError::bad_request(
                "Unsupported encoding. Please use auto or base64.",
            ));
        }
        let truncate = request.get("truncate").map(|value| {
            let number = value
                .as_i64()
                .map(|bytes| u64::try_from(bytes).unwrap_or(0));
            number.ok_or_else(|| ApiError::BadRequest(json!(["not_integer", value])))
        });
        let show = Show {
            encoding: encoding.to_owned(),
            truncate: truncate.transpose()?,
        };
        Ok(Self {
            count: count(request.get("count"))?,
            how,
            show,
            user,
        })
    }
}

fn invalid_ackmode(mode: &str) -> String {
    format!(
        "Invalid ackmode value: {mode}. Valid values are: ack_requeue_true, ack_requeue_false, \
         reject_requeue_true, reject_requeue_false"
    )
}

/// How many messages: a number, also in quotes; one below zero is never reached, so all.
fn count(value: Option<&Value>) -> Result<u64, ApiError> {
    let number = match value {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
        None => None,
    };
    let number: i64 = number.ok_or_else(|| ApiError::BadRequest(json!(["not_integer", value])))?;
    Ok(u64::try_from(number).unwrap_or(u64::MAX))
}

/// RabbitMQ opens a channel for each request.
fn count_gets(vhost: &VirtualHost, messages: u64, it: &Taking<'_>) {
    let totals = &vhost.totals;
    totals.count(|stats| &stats.get, messages);
    totals.count(|stats| &stats.get_empty, u64::from(messages < it.count));
    if it.how == Settlement::Ack {
        totals.count(|stats| &stats.ack, messages);
    }
}

/// Take messages and settle them as asked.
fn take(queue: &Arc<Queue>, it: &Taking<'_>, now: Tick, fx: &mut Effects) -> Vec<Value> {
    let (mut rows, mut batch) = (Vec::new(), Vec::new());
    while (rows.len() as u64) < it.count {
        let Some(Got { entry, remaining }) = queue.get(false, now, fx) else {
            break;
        };
        let party = Party {
            user: it.user,
            ..HTTP_PARTY
        };
        trace::delivered(party, queue, &entry.message, entry.redelivered, fx);
        let mut row = message(queue, &entry, &it.show);
        row["redelivered"] = json!(entry.redelivered);
        row["message_count"] = json!(remaining);
        rows.push(row);
        let queue = Arc::clone(queue);
        batch.push(Unacked {
            tag: 0,
            queue,
            consumer: ConsumerKey::NONE,
            entry,
        });
    }
    settle(&mut batch, it.how, now, fx);
    rows
}

fn message(queue: &Queue, entry: &Entry, show: &Show) -> Value {
    let message = &entry.message;
    let counted = queue.properties(entry, true);
    let body = message.body();
    let shown = show
        .truncate
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(body.len());
    let shown = body.get(..shown).unwrap_or(body);
    let text = std::str::from_utf8(shown)
        .ok()
        .filter(|_| show.encoding == "auto");
    let (payload, encoding) = match text {
        Some(text) => (text.to_owned(), "string"),
        None => (STANDARD.encode(shown), "base64"),
    };
    json!({
        "payload": payload,
        "payload_bytes": body.len(),
        "payload_encoding": encoding,
        "exchange": message.exchange(),
        "routing_key": message.routing_key(),
        "properties": properties(counted.as_deref().unwrap_or(message.properties())),
    })
}

/// Properties as JSON.
pub(super) fn properties(raw: &[u8]) -> Value {
    let Ok(it) = Properties::decode(raw) else {
        return json!({});
    };
    let text =
        |value: Option<leveret_proto::value::ShortString>| value.map(|text| json!(text.as_str()));
    let fields = [
        ("content_type", text(it.content_type)),
        ("content_encoding", text(it.content_encoding)),
        ("headers", it.headers.as_ref().map(table)),
        ("delivery_mode", it.delivery_mode.map(Value::from)),
        ("priority", it.priority.map(Value::from)),
        ("correlation_id", text(it.correlation_id)),
        ("reply_to", text(it.reply_to)),
        ("expiration", text(it.expiration)),
        ("message_id", text(it.message_id)),
        ("timestamp", it.timestamp.map(Value::from)),
        ("type", text(it.kind)),
        ("user_id", text(it.user_id)),
        ("app_id", text(it.app_id)),
        ("cluster_id", text(it.cluster_id)),
    ];
    let there = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let there = there.collect::<Map<_, _>>();
    match there.is_empty() {
        // An empty list is how RabbitMQ writes no properties.
        true => json!([]),
        false => Value::Object(there),
    }
}
