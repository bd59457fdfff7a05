//! `/api/policies` and `/api/operator-policies`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, created, no_content};
pub(super) use crate::broker::json::policy as value;
use crate::broker::policy::{InvalidPolicy, Layer, Policy};
use crate::broker::vhost::VirtualHost;

/// One of the two families of routes.
#[derive(Clone, Copy, Debug)]
struct Family(Layer);

pub(super) fn routes() -> Router<Api> {
    family("/api/policies", Family(Layer::User))
        .merge(family("/api/operator-policies", Family(Layer::Operator)))
}

/// Virtual host and name of a policy.
type At = Path<(String, String)>;

fn family(path: &str, family: Family) -> Router<Api> {
    let list = async move |State(api): State<Api>, caller: Caller, Query(how): Query<Listing>| {
        how.answer(family.rows(&caller.visible_vhosts(&api)))
    };
    let list_vhost = async move |State(api): State<Api>,
                                 caller: Caller,
                                 Path(vhost): Path<String>,
                                 Query(how): Query<Listing>| {
        how.answer(family.rows(&[caller.visible_vhost(&api, &vhost)?]))
    };
    let one = async move |State(api): State<Api>, caller: Caller, Path(at): At| {
        family.one(&api, &caller, &at)
    };
    let put = async move |State(api): State<Api>, caller: Caller, Path(at): At, body: Bytes| {
        family.put(&api, &caller, &at, &body)
    };
    let delete = async move |State(api): State<Api>, caller: Caller, Path(at): At| {
        family.delete(&api, &caller, &at)
    };
    Router::new()
        .route(path, get(list))
        .route(&format!("{path}/{{vhost}}"), get(list_vhost))
        .route(
            &format!("{path}/{{vhost}}/{{name}}"),
            get(one).put(put).delete(delete),
        )
}

fn view(vhost: &VirtualHost, policy: &Policy) -> Value {
    let mut row = value(policy);
    row["vhost"] = json!(vhost.name.as_str());
    row["name"] = json!(policy.name.as_str());
    row
}

/// Set a policy; whether it is new.
pub(super) fn set(api: &Api, by: &str, vhost: &VirtualHost, layer: Layer, policy: Policy) -> bool {
    api.change(by, vhost, |now, fx| {
        vhost.set_policy(layer, policy, now, fx)
    })
}

impl Family {
    fn rows(self, vhosts: &[Arc<VirtualHost>]) -> Vec<Value> {
        let of_vhost = |vhost: &Arc<VirtualHost>| {
            let policies = vhost.policies.lock();
            let all = policies.of(self.0).values();
            all.map(|policy| view(vhost, policy)).collect::<Vec<_>>()
        };
        vhosts.iter().flat_map(of_vhost).collect()
    }

    fn check(self, api: &Api, caller: &Caller, vhost: &str) -> Result<(), ApiError> {
        match self.0 {
            Layer::User => caller.policymaker(api, Some(vhost)),
            Layer::Operator => caller.administrator(),
        }
    }

    /// Settings may keep all but the tools from operator policies.
    fn check_lock(self, api: &Api, caller: &Caller) -> Result<(), ApiError> {
        let is_locked = api.settings.config.management.locks_operator_policies;
        match self.0 == Layer::Operator && is_locked && !matches!(caller, Caller::Local) {
            true => Err(ApiError::Locked(
                "Broker settings disallow editing of operator policies.",
            )),
            false => Ok(()),
        }
    }

    fn one(self, api: &Api, caller: &Caller, (vhost, name): &(String, String)) -> Answer {
        self.check(api, caller, vhost)?;
        self.check_lock(api, caller)?;
        let vhost = api.broker().vhosts.get(vhost.as_str());
        let vhost = vhost.ok_or(ApiError::NotFound)?;
        let policies = vhost.policies.lock();
        let policy = policies.of(self.0).get(name.as_str());
        let row = view(&vhost, policy.ok_or(ApiError::NotFound)?);
        drop(policies);
        Listing::default().one(&row)
    }

    fn put(
        self,
        api: &Api,
        caller: &Caller,
        (vhost, name): &(String, String),
        body: &Bytes,
    ) -> Answer {
        self.check(api, caller, vhost)?;
        self.check_lock(api, caller)?;
        let missing = || match self.0 == Layer::Operator && api.broker().compat.loses_operator_vhost
        {
            true => ApiError::WrongKind,
            false => ApiError::Missing("vhost_not_found".to_owned()),
        };
        let vhost = api
            .broker()
            .vhosts
            .get(vhost.as_str())
            .ok_or_else(missing)?;
        let request = Request::parse(body)?;
        request.must_have(&["pattern", "definition"])?;
        let parts = request.fields();
        let policy = Policy::read(name.as_str().into(), &parts, self.0, &api.broker().compat)
            .map_err(|invalid| faults(api, caller, self.0, invalid))?;
        Ok(created(set(api, caller.name(), &vhost, self.0, policy)))
    }

    fn delete(self, api: &Api, caller: &Caller, (vhost, name): &(String, String)) -> Answer {
        self.check(api, caller, vhost)?;
        self.check_lock(api, caller)?;
        let vhost = api.broker().vhosts.get(vhost.as_str());
        let vhost = vhost.ok_or(ApiError::NotFound)?;
        let is_gone = api.change(caller.name(), &vhost, |now, fx| {
            vhost.delete_policy(self.0, name, now, fx)
        });
        match is_gone {
            true => Ok(no_content()),
            false => Err(ApiError::NotFound),
        }
    }
}

fn faults(api: &Api, caller: &Caller, layer: Layer, invalid: InvalidPolicy) -> ApiError {
    match (invalid, layer) {
        (InvalidPolicy::Crash, _) => ApiError::WrongKind,
        (InvalidPolicy::Faults(all), Layer::User) => validation_failed(api, caller, &all),
        (InvalidPolicy::Faults(all), Layer::Operator) => ApiError::bad_request(text(&all)),
    }
}

/// What is wrong with a runtime parameter. The command line hears it as it is; over HTTP the
/// older release lines write it as in a page.
pub(super) fn validation_failed(api: &Api, caller: &Caller, faults: &[String]) -> ApiError {
    let text = text(faults);
    let escapes = api.broker().compat.escapes_policy_faults && !matches!(caller, Caller::Local);
    ApiError::bad_request(match escapes {
        true => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
        false => text,
    })
}

pub(super) fn text(faults: &[String]) -> String {
    format!("Validation failed\n\n{}\n", faults.join("\n"))
}
