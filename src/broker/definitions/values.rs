//! Runtime parameters and policies.

use std::sync::Arc;

use leveret_proto::value::FieldValue;

use super::Scope;
use super::entry::Entry;
use super::fault::{Fault, parameter};
use super::plan::{Outcome, Planner, Read, Step, compared};
use crate::broker::json;
use crate::broker::limit::{Limits, Scope as LimitScope};
use crate::broker::name::Name;
use crate::broker::policy::{InvalidPolicy, Layer, Policy};

/// Components of plugins whose parameters real exports have; they cannot do anything here.
const OF_PLUGINS: [&str; 3] = ["shovel", "federation-upstream", "federation-upstream-set"];

const OPERATOR_POLICY: &str = "operator_policy";
const VHOST_LIMITS: &str = "vhost-limits";
/// The only name under which a virtual host's limits are kept.
const LIMITS: &str = "limits";
/// Whatever RabbitMQ does not find it calls so.
const UNDEFINED: &str = "undefined";

impl Planner<'_> {
    /// The virtual host that an entry is in, which must be there.
    pub(super) fn vhost_of(&self, entry: &Entry<'_>) -> Result<Name, Fault> {
        let name = match self.scope {
            Scope::Vhost(name) => return Ok(name.into()),
            Scope::Broker => entry.text("vhost").unwrap_or(UNDEFINED),
        };
        match self.has_vhost(name) {
            true => Ok(name.into()),
            false => Err(Fault::no_vhost(entry.at.key("vhost"), name)),
        }
    }

    pub(super) fn parameter(&mut self, entry: &Entry<'_>) -> Read {
        let component = entry.text("component").unwrap_or(UNDEFINED);
        let name = entry.text("name").unwrap_or(UNDEFINED);
        let vhost = self.vhost_of(entry)?;
        let compat = &self.broker.compat;
        let of = [("vhost", &*vhost), ("component", component), ("key", name)];
        let value = entry.field("value").unwrap_or(FieldValue::Void);
        let at = entry.at.key("value");
        let refused =
            |faults| Fault::invalid(at.clone(), InvalidPolicy::Faults(faults), &of, compat);
        let label = format!("{component} {name} in {vhost}");
        match component {
            OPERATOR_POLICY => {
                let policy = Policy::read_parameter(name.into(), &value, Layer::Operator, compat)
                    .map_err(|invalid| Fault::invalid(at.clone(), invalid, &of, compat))?;
                let (step, outcome) = self.set_policy(vhost, Layer::Operator, policy);
                Ok((label, step, outcome))
            }
            VHOST_LIMITS if name != LIMITS => Err(Fault::crash(
                entry.at.key("name"),
                "limits are called `limits`",
            )),
            VHOST_LIMITS => {
                let limits = Limits::read(LimitScope::Vhost, &value).map_err(refused)?;
                let there = self.broker.vhosts.get(&vhost);
                let old = there.map(|vhost| vhost.limits.lock().clone());
                let old = old.filter(|old| !old.is_empty() || limits.is_empty());
                let outcome = compared(old.as_ref(), &limits);
                Ok((label, Step::Limits(vhost, limits), outcome))
            }
            "policy" => {
                let text = "policies may not be set using this method";
                let at = entry.at.key("component");
                Err(Fault::new(at, parameter(text, &of, compat)))
            }
            plugin if OF_PLUGINS.contains(&plugin) => {
                let why = format!("there is no {plugin} here");
                Ok((label, Step::Nothing, Outcome::Skipped(why)))
            }
            component => {
                let faults = vec![format!("component {component} not found")];
                let at = entry.at.key("component");
                Err(Fault::invalid(
                    at,
                    InvalidPolicy::Faults(faults),
                    &of,
                    compat,
                ))
            }
        }
    }

    pub(super) fn policy(&mut self, entry: &Entry<'_>) -> Read {
        let vhost = self.vhost_of(entry)?;
        let at = entry.at.key("name");
        let unnamed = || {
            let text = format!("\"policy in virtual host '{vhost}' has undefined name\"");
            Fault::new(at, text)
        };
        let name = entry.text("name").ok_or_else(unnamed)?;
        let compat = &self.broker.compat;
        let of = [("vhost", &*vhost), ("key", name)];
        if entry.get("definition").is_none() {
            let text = "parse error while reading policy definition: undefined. Validator: \
                        policy_validator.";
            let faults = InvalidPolicy::Faults(vec![text.to_owned()]);
            return Err(Fault::invalid(
                entry.at.key("definition"),
                faults,
                &of,
                compat,
            ));
        }
        let parts = json::to_table(entry.map);
        let policy = Policy::read(name.into(), &parts, Layer::User, compat)
            .map_err(|invalid| Fault::invalid(entry.at.clone(), invalid, &of, compat))?;
        let label = format!("{name} in {vhost}");
        let (step, outcome) = self.set_policy(vhost, Layer::User, policy);
        Ok((label, step, outcome))
    }

    fn set_policy(&self, vhost: Name, layer: Layer, policy: Policy) -> (Step, Outcome) {
        let old: Option<Arc<Policy>> = self.broker.vhosts.get(&vhost).and_then(|there| {
            let policies = there.policies.lock();
            policies.of(layer).get(&policy.name).cloned()
        });
        let outcome = compared(
            old.as_deref().map(json::policy).as_ref(),
            &json::policy(&policy),
        );
        (Step::Policy(vhost, layer, policy), outcome)
    }
}
