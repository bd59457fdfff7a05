//! The management API: RabbitMQ's `/api/*` over HTTP, and what only this broker has under `/dev/*`.
//!
//! Handlers are thin: who asks, the model, a view, JSON. Counters are read when asked for.

mod asked;
mod auth;
mod bindings;
mod channels;
mod cluster;
mod connections;
mod consumers;
mod definitions;
mod dev;
mod error;
mod exchanges;
mod features;
mod health;
mod http;
mod idle;
mod json;
mod limits;
mod listing;
mod messages;
mod metrics;
mod nodes;
mod overview;
mod pairs;
mod parameters;
mod permissions;
mod policies;
mod publish;
mod queue_short;
mod queue_view;
mod queues;
mod quorum;
mod rates;
mod replicas;
mod row;
mod seen;
mod ui;
mod users;
mod vhosts;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use self::error::ApiError;
use self::http::conventions::for_monitors;
pub use self::http::cors::Cors;
pub use self::http::prefix::PathPrefix;
pub use self::http::serve::{serve, serve_stream, serve_tls};
pub use self::metrics::serve as serve_metrics;
use self::rates::{Look, Ranges, Rates};
use crate::broker::Broker;
use crate::broker::effects::Effects;
use crate::broker::event::Change;
use crate::broker::settings::RatesMode;
use crate::broker::trace::Party;
use crate::broker::vhost::VirtualHost;
use crate::config::Loaded;
use crate::log::Levels;
use crate::server::Shared;
use crate::server::tls::TlsOptions;

/// Largest request body taken, as RabbitMQ's default.
const BODY_BYTES_MAX: usize = 20_000_000;
/// Answers up to this are not compressed, as RabbitMQ's.
const PLAIN_BYTES_MAX: u16 = 300;

/// What every handler gets.
#[derive(Clone, Debug)]
pub struct Api {
    shared: Arc<Shared>,
    /// Grants the command line of this machine's user all rights.
    token: Arc<str>,
    listeners: Arc<[(&'static str, SocketAddr)]>,
    rates: Arc<Rates>,
    cors: Arc<Cors>,
    path_prefix: PathPrefix,
    /// For those who watch what happens.
    feed: Arc<dev::Feed>,
    log_levels: Arc<Levels>,
    plugins: Arc<[String]>,
    /// As RabbitMQ writes its own.
    settings: Arc<Loaded>,
    /// What AMQP over TLS is spoken with.
    tls: Arc<TlsOptions>,
}

impl Api {
    /// An API over a running server.
    pub fn new(
        shared: Arc<Shared>,
        token: &str,
        listeners: Vec<(&'static str, SocketAddr)>,
    ) -> Self {
        Self {
            shared,
            token: token.into(),
            listeners: listeners.into(),
            rates: Arc::default(),
            cors: Arc::default(),
            path_prefix: PathPrefix::default(),
            feed: Arc::default(),
            log_levels: Arc::default(),
            plugins: PLUGINS.map(str::to_owned).into(),
            settings: Arc::default(),
            tls: Arc::default(),
        }
    }

    /// A line was logged, for those who watch the log. No lock of the model may be held.
    pub fn log_line(&self, level: &'static str, category: &'static str, text: &str) {
        self.feed.log_line(level, category, text);
    }

    /// Let pages of other origins use it.
    #[must_use]
    pub fn cors(self, cors: Cors) -> Self {
        Self {
            cors: Arc::new(cors),
            ..self
        }
    }

    /// Have all paths below this one.
    #[must_use]
    pub fn with_path_prefix(self, path_prefix: PathPrefix) -> Self {
        Self {
            path_prefix,
            ..self
        }
    }

    /// Name other plugins as enabled than the usual ones.
    #[must_use]
    pub fn with_plugins(self, plugins: Vec<String>) -> Self {
        Self {
            plugins: plugins.into(),
            ..self
        }
    }

    /// Show these settings as the ones that are in force.
    #[must_use]
    pub fn with_settings(self, settings: Arc<Loaded>) -> Self {
        Self { settings, ..self }
    }

    /// Watch these certificates.
    #[must_use]
    pub fn with_tls(self, tls: TlsOptions) -> Self {
        Self {
            tls: Arc::new(tls),
            ..self
        }
    }

    /// Let requests change how much is logged.
    #[must_use]
    pub fn with_log_levels(self, log_levels: Arc<Levels>) -> Self {
        Self { log_levels, ..self }
    }

    /// Whether it is told what happens to messages, and not only how many there are.
    fn tells_message_stats(&self) -> bool {
        self.broker().settings.rates_mode != RatesMode::None
    }

    fn body_bytes_max(&self) -> usize {
        let set = self.settings.config.management.body_bytes_max;
        set.unwrap_or(BODY_BYTES_MAX)
    }

    fn broker(&self) -> &Arc<Broker> {
        &self.shared.broker
    }

    /// Rates as they are now.
    fn look(&self, ranges: Ranges) -> Look<'_> {
        self.rates.look(self.shared.clock.now().wall_ms, ranges)
    }

    /// Begin history anew.
    fn forget_rates(&self) {
        let now_ms = self.shared.clock.now().wall_ms;
        self.rates.reset(self.broker(), now_ms);
    }

    /// Let a user change the model in one virtual host, and settle what that left to do.
    fn change<T>(
        &self,
        user: &str,
        vhost: &VirtualHost,
        change: impl FnOnce(crate::broker::tick::Tick, &mut Effects) -> T,
    ) -> T {
        let now = self.shared.clock.now().tick;
        self.broker().change(user, vhost, now, change)
    }

    /// Tell that something was changed that is in no virtual host.
    fn announce(&self, change: impl FnOnce() -> Change) {
        self.broker().announce(self.shared.clock.now().tick, change);
    }

    /// Do what is left of a virtual host that was deleted.
    fn clear(&self, user: &str, vhost: &VirtualHost) {
        self.change(user, vhost, |_, fx| {
            for queue in vhost.queues.snapshot() {
                // Without a condition it cannot be refused.
                let _ = vhost.delete_queue(&queue, crate::broker::queue::CloseIf::default(), fx);
            }
            for exchange in vhost.exchanges.sorted() {
                fx.note(|by| Change::exchange_deleted(&exchange, by));
            }
        });
    }
}

pub use self::nodes::PLUGINS;

/// Who publishes and gets over HTTP, as traces name it: RabbitMQ opens a channel for each request.
const HTTP_PARTY: Party<'static> = Party {
    connection: "management",
    channel: 1,
    user: "",
};

/// What a handler answers.
type Answer = Result<Response, ApiError>;

/// 201 for what is new, 204 for what was there.
fn created(is_new: bool) -> Response {
    if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::NO_CONTENT
    }
    .into_response()
}

fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn routes() -> Router<Api> {
    Router::new()
        .merge(ui::routes())
        .merge(overview::routes())
        .merge(dev::routes())
        .merge(nodes::routes())
        .merge(cluster::routes())
        .merge(health::routes())
        .merge(vhosts::routes())
        .merge(users::routes())
        .merge(permissions::routes())
        .merge(policies::routes())
        .merge(parameters::routes())
        .merge(limits::routes())
        .merge(exchanges::routes())
        .merge(features::routes())
        .merge(publish::routes())
        .merge(queues::routes())
        .merge(messages::routes())
        .merge(replicas::routes())
        .merge(bindings::routes())
        .merge(connections::routes())
        .merge(channels::routes())
        .merge(consumers::routes())
        .merge(definitions::routes())
        .merge(http::page::routes())
}

fn router(api: Api) -> Router {
    // A stream of events must not wait in a compressor.
    let plain = SizeAbove::new(PLAIN_BYTES_MAX).and(NotForContentType::SSE);
    routes()
        .fallback(|| async { ApiError::NotFound })
        .layer(DefaultBodyLimit::max(api.body_bytes_max()))
        .layer(from_fn_with_state(
            api.clone(),
            http::conventions::conventions,
        ))
        // Prometheus has conventions of its own.
        .merge(metrics::routes().route_layer(from_fn_with_state(api.clone(), for_monitors)))
        .layer(CompressionLayer::new().compress_when(plain))
        .with_state(api)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::body::Body;
    use axum::http::{Method, Request, header::ALLOW};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;
    use crate::server::Server;

    /// The router tells its paths only for debugging.
    fn paths(router: &Router<Api>) -> BTreeSet<String> {
        let text = format!("{router:?}");
        let quoted = text.split('"');
        let is_path = |it: &&str| it.starts_with('/') && !it.contains("__private");
        quoted.filter(is_path).map(str::to_owned).collect()
    }

    fn words(allow: &str) -> BTreeSet<&str> {
        let words = allow.split(',').map(str::trim);
        words
            .filter(|it| *it != "OPTIONS" && *it != "HEAD")
            .collect()
    }

    #[tokio::test]
    async fn every_route_is_described_and_every_description_is_a_route() {
        let described = http::paths();
        assert_eq!(
            paths(&routes().merge(metrics::routes())),
            described,
            "left: the router, right: http/routes"
        );
        let server = Server::builder().start().unwrap();
        let api = Api::new(Arc::clone(server.shared()), "token", Vec::new());
        let service = TowerToHyperService::new(routes().merge(metrics::routes()).with_state(api));
        for path in described {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = Method::TRACE;
            *request.uri_mut() = path.replace(['{', '}'], "").parse().unwrap();
            let response = service.call(request).await.unwrap();
            let served = response.headers()[ALLOW].to_str().unwrap().to_owned();
            assert_eq!(words(&served), words(&http::allow(&path)), "{path}");
        }
    }
}
