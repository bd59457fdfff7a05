//! `/api/health/checks` and the two older families of checks.

use std::path::PathBuf;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::seen::Seen;
use super::{Answer, Api};
use crate::broker::queue::QueueSpec;
use crate::server::tls;

const DAY_S: u64 = 24 * 60 * 60;
const CHECKS: &str = "/api/health/checks";

/// Nothing of one node in memory can be wrong in these ways; `true` are those of newer lines.
const ALWAYS_WELL: [(&str, bool); 9] = [
    ("virtual-hosts", false),
    ("is-in-service", true),
    ("ready-to-serve-clients", true),
    ("reached-target-cluster-size", true),
    ("metadata-store/initialized", true),
    ("metadata-store/initialized/with-data", true),
    ("quorum-queues-without-elected-leaders/all-vhosts", true),
    (
        "quorum-queues-without-elected-leaders/all-vhosts/pattern/{pattern}",
        true,
    ),
    (
        "quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}",
        true,
    ),
];

pub(super) fn routes() -> Router<Api> {
    let always_well = ALWAYS_WELL
        .into_iter()
        .fold(Router::new(), |router, (check, is_new)| {
            let answer = async move |State(api): State<Api>, _caller: Caller| match is_new
                && !api.broker().compat.shown.service_checks
            {
                true => Err(ApiError::NotFound),
                false => Ok(well()),
            };
            router.route(&format!("{CHECKS}/{check}"), get(answer))
        });
    let checks = Router::new()
        .route("/alarms", get(alarms))
        .route("/local-alarms", get(local_alarms))
        .route("/certificate-expiration/{within}/{unit}", get(certificates))
        .route("/port-listener/{port}", get(port))
        .route("/protocol-listener/{protocol}", get(protocol))
        .route("/node-is-quorum-critical", get(quorum_critical))
        .route("/node-is-mirror-sync-critical", get(mirror_critical))
        .route("/below-node-connection-limit", get(connection_limit));
    Router::new()
        .nest(CHECKS, checks)
        .merge(always_well)
        .route("/api/healthchecks/node", get(node))
        .route("/api/healthchecks/node/{node}", get(node_named))
        .route("/api/aliveness-test/{vhost}", get(alive))
}

fn well() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// What is wrong, besides the reason.
fn failed(reason: &str, more: Value) -> Response {
    let mut body = json!({ "status": "failed", "reason": reason });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

async fn alarms(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(no_alarms(&api, "There are alarms in effect in the cluster"))
}

async fn local_alarms(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(no_alarms(&api, "There are alarms in effect on the node"))
}

fn no_alarms(api: &Api, reason: &str) -> Response {
    if !api.broker().alarm.is_raised() {
        return well();
    }
    let alarm = json!({ "node": api.broker().node.as_str(), "resource": "memory" });
    failed(reason, json!({ "alarms": [alarm] }))
}

/// Those of AMQP over TLS, as there, and by the broker's clock.
async fn certificates(
    State(api): State<Api>,
    _caller: Caller,
    Path((within, unit)): Path<(String, String)>,
) -> Answer {
    let Ok(within) = within.parse::<u32>() else {
        return Err(ApiError::bad_request("Invalid expiration value."));
    };
    let unit_s = match unit.as_str() {
        "days" => DAY_S,
        "weeks" => 7 * DAY_S,
        "months" => 365 * DAY_S / 12,
        "years" => 365 * DAY_S,
        _ => {
            return Err(ApiError::bad_request(
                "Time unit not recognised. Supported units: days, weeks, months, years.",
            ));
        }
    };
    let now_s = api.shared.clock.now().wall_ms / 1000;
    let expired = expired(&api, now_s + u64::from(within) * unit_s);
    Ok(match expired.is_empty() {
        true => well(),
        false => failed("Certificates expiring", json!({ "expired": expired })),
    })
}

/// Each listener whose certificates are over at `at_s`.
fn expired(api: &Api, at_s: u64) -> Vec<Value> {
    let (own, signers) = (&api.tls.certfile, &api.tls.cacertfile);
    let over = |file: &Option<PathBuf>| {
        let over = file.as_deref().map(|file| tls::expired(file, at_s));
        // What cannot be read any more was read when it was begun with.
        over.and_then(Result::ok).unwrap_or_default()
    };
    let (own_over, signers_over) = (over(own), over(signers));
    if own_over.is_empty() && signers_over.is_empty() {
        return Vec::new();
    }
    let listeners = api.listeners.iter().filter(|(kind, _)| *kind == "amqp/ssl");
    listeners
        .map(|(protocol, at)| {
            json!({
                "node": api.broker().node.as_str(), "port": at.port(), "protocol": protocol,
                "interface": at.ip().to_string(), "cacertfile": signers, "certfile": own,
                "cacertfile_expires_on": signers_over, "certfile_expires_on": own_over,
            })
        })
        .collect()
}

async fn port(State(api): State<Api>, _caller: Caller, Path(port): Path<String>) -> Answer {
    let invalid = |_| ApiError::bad_request("Invalid port");
    let port = port.parse::<u16>().map_err(invalid)?;
    let ports: Vec<u16> = api.listeners.iter().map(|(_, at)| at.port()).collect();
    Ok(match ports.contains(&port) {
        true => Json(json!({ "status": "ok", "port": port })).into_response(),
        false => failed(
            "No active listener",
            json!({ "missing": port, "ports": ports }),
        ),
    })
}

/// The older lines ask for one protocol; the newer ones for several, which must all be there.
async fn protocol(State(api): State<Api>, _caller: Caller, Path(asked): Path<String>) -> Answer {
    let mut there: Vec<&str> = api
        .listeners
        .iter()
        .map(|(protocol, _)| *protocol)
        .collect();
    there.sort_unstable();
    there.dedup();
    let together = api.broker().compat.shown.protocols_together;
    let asked: Vec<&str> = match together {
        true => asked.split(',').map(listener_name).collect(),
        false => vec![listener_name(&asked)],
    };
    let is_missing = |protocol: &&&str| !there.contains(*protocol);
    let missing: Vec<&str> = asked.iter().filter(is_missing).copied().collect();
    let nothing = "No active listener";
    Ok(match (missing.first(), together) {
        (None, true) => Json(json!({ "status": "ok", "protocols": there })).into_response(),
        (None, false) => Json(json!({ "status": "ok", "protocol": asked.first() })).into_response(),
        (Some(_), true) => failed(nothing, json!({ "missing": missing, "protocols": there })),
        (Some(one), false) => failed(nothing, json!({ "missing": one, "protocols": there })),
    })
}

/// All versions of AMQP share a listener.
fn listener_name(protocol: &str) -> &str {
    match protocol {
        "amqp091" | "amqp10" | "amqp0.9.1" | "amqp1.0" => "amqp",
        "amqps" => "amqp/ssl",
        other => other,
    }
}

async fn quorum_critical(_caller: Caller) -> Answer {
    Ok(alone())
}

async fn mirror_critical(State(api): State<Api>, _caller: Caller) -> Answer {
    match api.broker().compat.shown.mirror_check {
        true => Ok(alone()),
        false => Err(ApiError::NotFound),
    }
}

fn alone() -> Response {
    Json(json!({ "status": "ok", "reason": "single node cluster" })).into_response()
}

async fn connection_limit(State(api): State<Api>, _caller: Caller) -> Answer {
    if !api.broker().compat.shown.service_checks {
        return Err(ApiError::NotFound);
    }
    Ok(match api.broker().sockets.are_full() {
        true => failed("node connection limit is reached", json!({})),
        false => well(),
    })
}

async fn node(_caller: Caller) -> Answer {
    Ok(well())
}

async fn node_named(State(api): State<Api>, _caller: Caller, Path(node): Path<String>) -> Answer {
    match *api.broker().node == *node {
        true => Ok(well()),
        false => Err(ApiError::NotFound),
    }
}

/// The older lines leave the queue there, so that the next test is quicker.
async fn alive(State(api): State<Api>, vhost: Seen, caller: Caller) -> Answer {
    if api.broker().compat.shown.aliveness_queue {
        let spec = QueueSpec {
            name: "aliveness-test".into(),
            vhost: vhost.vhost.name.clone(),
            durable: false,
            auto_delete: false,
            owner: None,
            arguments: leveret_proto::value::FieldTable::new(),
            created_by: caller.name().into(),
        };
        api.change(caller.name(), &vhost, |now, fx| {
            vhost.declare_queue(spec, None, now, fx)
        })?;
    }
    Ok(well())
}
