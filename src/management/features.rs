//! Deprecated features: which there are, which may be used, and which are.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::{Answer, Api};
use crate::broker::Broker;
use crate::broker::deprecation::{
    DeprecatedFeature, GLOBAL_QOS, METRICS_COLLECTION, QUEUE_MASTER_LOCATOR,
    TRANSIENT_NONEXCL_QUEUES,
};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/deprecated-features", get(all))
        .route("/api/deprecated-features/used", get(used))
}

async fn all(State(api): State<Api>, _caller: Caller) -> Answer {
    let broker = api.broker();
    let listed = listed(broker)?.iter();
    let rows: Vec<_> = listed
        .map(|feature| {
            let mut row = row(feature);
            if broker.compat.shown.feature_state {
                let is_permitted = is_permitted(broker, feature.name);
                row["state"] = json!(if is_permitted { "permitted" } else { "denied" });
            }
            row
        })
        .collect();
    Ok(Json(rows).into_response())
}

/// RabbitMQ sees what is there; that a global prefetch was set, it does not remember.
async fn used(State(api): State<Api>, _caller: Caller) -> Answer {
    let broker = api.broker();
    let vhosts = broker.vhosts.snapshot();
    let mut queues = vhosts.iter().flat_map(|vhost| vhost.queues.snapshot());
    let is_used = queues.any(|queue| !queue.spec.durable && queue.spec.owner.is_none());
    let listed = listed(broker)?.iter();
    let rows: Vec<_> = listed
        .filter(|feature| is_used && feature.name == TRANSIENT_NONEXCL_QUEUES)
        .map(row)
        .collect();
    Ok(Json(rows).into_response())
}

fn listed(broker: &Broker) -> Result<&'static [DeprecatedFeature], ApiError> {
    broker.compat.deprecated_features.ok_or(ApiError::NotFound)
}

fn row(feature: &DeprecatedFeature) -> Value {
    json!({
        "name": feature.name,
        "desc": "",
        "deprecation_phase": feature.phase,
        "doc_url": feature.doc_url,
        "provided_by": feature.provided_by,
    })
}

fn is_permitted(broker: &Broker, name: &str) -> bool {
    let compat = &broker.compat;
    match name {
        TRANSIENT_NONEXCL_QUEUES => compat.transient_nonexcl_queues,
        GLOBAL_QOS => compat.global_qos,
        QUEUE_MASTER_LOCATOR => compat.queue_master_locator,
        name => name == METRICS_COLLECTION,
    }
}
