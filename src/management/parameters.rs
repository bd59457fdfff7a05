//! `/api/parameters` and `/api/global-parameters`.
//!
//! RabbitMQ keeps policies and limits as runtime parameters of its components, so they are seen
//! and partly set here too. Other components come with plugins that are not here.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use leveret_proto::value::FieldValue;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::{Request, value};
use super::listing::Listing;
use super::{Answer, Api, created, limits, no_content, policies};
use crate::broker::limit::{Limits, Scope};
use crate::broker::policy::{InvalidPolicy, Layer, Policy};
use crate::broker::vhost::VirtualHost;

const POLICY: &str = "policy";
const OPERATOR_POLICY: &str = "operator_policy";
const VHOST_LIMITS: &str = "vhost-limits";
/// The only name under which a virtual host's limits are kept.
const LIMITS: &str = "limits";

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/parameters", get(list))
        .route("/api/parameters/{component}", get(list_component))
        .route("/api/parameters/{component}/{vhost}", get(list_vhost))
        .route(
            "/api/parameters/{component}/{vhost}/{name}",
            get(one).put(put).delete(delete),
        )
        .route("/api/global-parameters", get(list_global))
        .route(
            "/api/global-parameters/{name}",
            get(one_global).put(put_global).delete(delete_global),
        )
}

/// All parameters of a component in a virtual host.
fn rows(vhost: &VirtualHost, component: &str) -> Vec<Value> {
    let row = |name: &str, value: Value| {
        json!({
            "component": component,
            "vhost": vhost.name.as_str(),
            "name": name,
            "value": value,
        })
    };
    let of = |layer| {
        let policies = vhost.policies.lock();
        let all = policies.of(layer).values();
        all.map(|policy| row(&policy.name, policies::value(policy)))
            .collect()
    };
    match component {
        POLICY => of(Layer::User),
        OPERATOR_POLICY => of(Layer::Operator),
        VHOST_LIMITS => {
            let limits = vhost.limits.lock();
            let value = Some(&*limits).filter(|limits| !limits.is_empty());
            value
                .map(|limits| row(LIMITS, limits::value(limits)))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn all_rows(vhosts: &[Arc<VirtualHost>], component: &str) -> Vec<Value> {
    vhosts
        .iter()
        .flat_map(|vhost| rows(vhost, component))
        .collect()
}

/// User policies are left out here, as RabbitMQ leaves them out.
async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    let vhosts = caller.visible_vhosts(&api);
    let mut all = all_rows(&vhosts, OPERATOR_POLICY);
    all.extend(all_rows(&vhosts, VHOST_LIMITS));
    listing.answer(all)
}

async fn list_component(
    State(api): State<Api>,
    caller: Caller,
    Path(component): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    listing.answer(all_rows(&caller.visible_vhosts(&api), &component))
}

async fn list_vhost(
    State(api): State<Api>,
    Path((component, vhost)): Path<(String, String)>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    listing.answer(rows(&*vhost.ok_or(ApiError::NotFound)?, &component))
}

async fn one(
    State(api): State<Api>,
    Path((component, vhost, name)): Path<(String, String, String)>,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    let rows = rows(&*vhost.ok_or(ApiError::NotFound)?, &component);
    let found = rows.into_iter().find(|row| row["name"] == name.as_str());
    Listing::default().one(&found.ok_or(ApiError::NotFound)?)
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path((component, vhost, name)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    let missing = || ApiError::Missing("vhost_not_found".to_owned());
    let vhost = api
        .broker()
        .vhosts
        .get(vhost.as_str())
        .ok_or_else(missing)?;
    let request = Request::parse(&body)?;
    request.must_have(&["value"])?;
    let value = request.field("value");
    let failed = |faults: &[String]| policies::validation_failed(&api, &caller, faults);
    match component.as_str() {
        POLICY => Err(ApiError::bad_request(
            "policies may not be set using this method",
        )),
        OPERATOR_POLICY => {
            put_operator_policy(&api, caller.name(), &vhost, &name, &value).map_err(|invalid| {
                match invalid {
                    InvalidPolicy::Crash => ApiError::WrongKind,
                    InvalidPolicy::Faults(faults) => failed(&faults),
                }
            })
        }
        VHOST_LIMITS if name != LIMITS => Err(ApiError::WrongKind),
        VHOST_LIMITS => {
            let limits = Limits::read(Scope::Vhost, &value).map_err(|faults| failed(&faults))?;
            let is_new = !limits.is_empty() && vhost.limits.lock().is_empty();
            *vhost.limits.lock() = limits;
            Ok(created(is_new))
        }
        component => Err(failed(&[format!("component {component} not found")])),
    }
}

fn put_operator_policy(
    api: &Api,
    by: &str,
    vhost: &VirtualHost,
    name: &str,
    value: &FieldValue,
) -> Result<axum::response::Response, InvalidPolicy> {
    let policy = Policy::read_parameter(name.into(), value, Layer::Operator, &api.broker().compat)?;
    Ok(created(policies::set(
        api,
        by,
        vhost,
        Layer::Operator,
        policy,
    )))
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path((component, vhost, name)): Path<(String, String, String)>,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    let vhost = vhost.ok_or(ApiError::NotFound)?;
    let delete_policy = |layer| {
        api.change(caller.name(), &vhost, |now, fx| {
            vhost.delete_policy(layer, &name, now, fx)
        })
    };
    let is_gone = match component.as_str() {
        POLICY => delete_policy(Layer::User),
        OPERATOR_POLICY => delete_policy(Layer::Operator),
        VHOST_LIMITS if name == LIMITS => !std::mem::take(&mut *vhost.limits.lock()).is_empty(),
        _ => false,
    };
    match is_gone {
        true => Ok(no_content()),
        false => Err(ApiError::NotFound),
    }
}

fn global(name: &str, parameter: &FieldValue) -> Value {
    json!({ "name": name, "value": value(parameter) })
}

async fn list_global(State(api): State<Api>, Query(listing): Query<Listing>) -> Answer {
    let parameters = api.broker().parameters.lock();
    let rows = parameters
        .iter()
        .map(|(name, value)| global(name, value))
        .collect();
    drop(parameters);
    listing.answer(rows)
}

async fn one_global(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    let value = api.broker().parameters.lock().get(name.as_str()).cloned();
    Listing::default().one(&global(&name, &value.ok_or(ApiError::NotFound)?))
}

async fn put_global(State(api): State<Api>, Path(name): Path<String>, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    request.must_have(&["value"])?;
    let value = request.field("value");
    let old = api
        .broker()
        .parameters
        .lock()
        .insert(name.as_str().into(), value);
    Ok(created(old.is_none()))
}

async fn delete_global(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    let old = api.broker().parameters.lock().remove(name.as_str());
    old.map(|_| no_content()).ok_or(ApiError::NotFound)
}
