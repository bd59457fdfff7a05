//! `/metrics`: what Prometheus reads, under RabbitMQ's names so that its dashboards fill.
//!
//! On a port of its own, as RabbitMQ has it, and beside `/api`. Nobody has to log in for it: that
//! is so on RabbitMQ's port too.

mod channels;
mod cluster;
mod global;
mod node;
mod objects;
mod pairs;
mod queues;
mod snapshot;
mod text;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use self::objects::Form;
use self::snapshot::Snapshot;
use self::text::Text;
use super::Api;
use super::error::ApiError;
use super::http::conventions::for_monitors;
use super::http::prefix::PathPrefix;
use super::http::serve::{Site, accept};
use crate::broker::Broker;
use crate::server::tls::Acceptor;

/// The format's, and its version.
const TEXT_TYPE: &str = "text/plain; version=0.0.4";

/// Metrics of single objects begin with this where families are asked for.
const DETAILED: &str = "rabbitmq_detailed_";

/// Families of queues that newer lines tell the types of queues with.
const QUEUE_FAMILIES: [&str; 3] = [
    "queue_coarse_metrics",
    "queue_metrics",
    "queue_consumer_count",
];

/// Where RabbitMQ has them.
const PATH: &str = "/metrics";

/// What is shown where nobody asks for families, in RabbitMQ's order.
const FAMILIES: [&str; 17] = [
    "connection_churn_metrics",
    "node_coarse_metrics",
    "node_metrics",
    "node_persister_metrics",
    "auth_attempt_metrics",
    "queue_coarse_metrics",
    "queue_metrics",
    "channel_metrics",
    "channel_exchange_metrics",
    "channel_process_metrics",
    "channel_queue_metrics",
    "connection_coarse_metrics",
    "connection_metrics",
    "channel_queue_exchange_metrics",
    "exchange_metrics",
    "queue_delivery_metrics",
    "queue_exchange_metrics",
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(PATH, get(unasked))
        .route("/metrics/{registry}", get(registry))
}

/// Serve only the metrics until `stopped`, over TLS where there is an `acceptor`.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    api: Api,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let build = move || {
        let path = api.settings.config.prometheus.path.as_deref();
        Site {
            router: Router::new()
                .route("/", get(unasked))
                .route("/{registry}", get(registry))
                .route_layer(from_fn_with_state(api.clone(), for_monitors))
                .fallback(|| async { ApiError::NotFound })
                .with_state(api.clone()),
            prefix: PathPrefix::new(path.unwrap_or(PATH)),
            sends_on: false,
        }
    };
    accept(listener, acceptor, build, stopped).await
}

async fn unasked(State(api): State<Api>) -> Response {
    match api.settings.config.prometheus.by_object {
        true => answer(everything(&api, Form::Each, "per-object")),
        false => answer(everything(&api, Form::Summed, "aggregated")),
    }
}

async fn registry(
    State(api): State<Api>,
    Path(registry): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match registry.as_str() {
        "per-object" => answer(everything(&api, Form::Each, "per-object")),
        "detailed" => answer(detailed(&api, &Query::parse(query.as_deref()))),
        "memory-breakdown" => {
            let mut text = Text::default();
            node::memory_breakdown(&mut text, &api);
            node::identity(&mut text, &api, "memory-breakdown");
            answer(text)
        }
        _ => {
            let plain = [(CONTENT_TYPE, "text/plain")];
            (StatusCode::NOT_FOUND, plain, "Unknown Registry").into_response()
        }
    }
}

fn answer(text: Text) -> Response {
    ([(CONTENT_TYPE, TEXT_TYPE)], text.into_string()).into_response()
}

fn everything(api: &Api, form: Form, endpoint: &str) -> Text {
    let mut text = Text::default();
    let all = Snapshot::take(api, &Query::default());
    for family in FAMILIES {
        node::write(&mut text, "rabbitmq_", family, api);
        objects::write(&mut text, "rabbitmq_", family, form, &all);
    }
    node::totals(&mut text, &all);
    node::identity(&mut text, api, endpoint);
    global::write(&mut text, api, &all);
    let is_newer = api.broker().compat.shown.newer_metrics;
    if form == Form::Summed || is_newer {
        node::alarms(&mut text, api);
    }
    if is_newer {
        global::sizes(&mut text, &api.broker().message_sizes.read());
        if form == Form::Each {
            objects::queue_info(&mut text, "rabbitmq_", &all);
        }
    }
    text
}

fn detailed(api: &Api, query: &Query) -> Text {
    let mut text = Text::default();
    let all = Snapshot::take(api, query);
    for family in &query.families {
        node::write(&mut text, DETAILED, family, api);
        objects::write(&mut text, DETAILED, family, Form::Each, &all);
        cluster::write(&mut text, family, api, query, &all);
    }
    let tells_queues = |family: &String| QUEUE_FAMILIES.contains(&family.as_str());
    if api.broker().compat.shown.newer_metrics && query.families.iter().any(tells_queues) {
        objects::queue_info(&mut text, DETAILED, &all);
    }
    node::identity(&mut text, api, "detailed");
    text
}

/// The cluster's own id, which no change of its name changes.
fn cluster_id(broker: &Broker) -> String {
    let parameters = broker.parameters.lock();
    let id = parameters.get("internal_cluster_id");
    id.and_then(leveret_proto::value::FieldValue::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What `/metrics/detailed` is asked for. Each may be named several times.
#[derive(Clone, Debug, Default, PartialEq)]
struct Query {
    families: Vec<String>,
    vhosts: Vec<String>,
    queues: Vec<String>,
}

impl Query {
    fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            match key {
                "family" if !parsed.families.contains(&value) => parsed.families.push(value),
                "vhost" => parsed.vhosts.push(value),
                "queue" => parsed.queues.push(value),
                _ => {}
            }
        }
        parsed
    }

    fn names_vhost(&self, vhost: &str) -> bool {
        self.vhosts.is_empty() || self.vhosts.iter().any(|one| one == vhost)
    }

    fn names(&self, vhost: &str, queue: &str) -> bool {
        let is_named = self.queues.is_empty() || self.queues.iter().any(|one| one == queue);
        is_named && self.names_vhost(vhost)
    }
}

/// Without the escapes of URLs; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        let escape = rest.as_slice().get(..2).filter(|_| byte == b'%');
        let escape = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest.nth(1);
            }
            None => bytes.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_virtual_hosts_may_be_several() {
        let query = Query::parse(Some("family=a&family=b&vhost=%2F&vhost=x+y&family=a&other"));
        assert_eq!(query.families, ["a", "b"]);
        assert_eq!(query.vhosts, ["/", "x y"]);
        assert!(query.names("/", "q") && !query.names("z", "q"));
        assert_eq!(Query::parse(None), Query::default());
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }
}
