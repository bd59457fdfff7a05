//! Policies of a living virtual host: a change reaches every queue and exchange at once.

use std::sync::Arc;

use super::{Applied, Layer, Policy, Target};
use crate::broker::effects::Effects;
use crate::broker::event::Change;
use crate::broker::tick::Tick;
use crate::broker::vhost::VirtualHost;

impl VirtualHost {
    /// Set a policy; whether it is new. Locks: topology, then each queue.
    pub fn set_policy(&self, layer: Layer, policy: Policy, now: Tick, fx: &mut Effects) -> bool {
        self.change_topology(|| {
            let name = policy.name.clone();
            fx.note(|by| Change::policy_set(&policy, &self.name, by));
            let mut policies = self.policies.lock();
            let old = policies.of_mut(layer).insert(name, Arc::new(policy));
            drop(policies);
            self.apply_policies(now, fx);
            old.is_none()
        })
    }

    /// Delete a policy; whether there was one. Locks: topology, then each queue.
    pub fn delete_policy(&self, layer: Layer, name: &str, now: Tick, fx: &mut Effects) -> bool {
        self.change_topology(|| {
            let old = self.policies.lock().of_mut(layer).remove(name);
            if old.is_some() {
                fx.note(|by| Change::policy_cleared(name, &self.name, by));
                self.apply_policies(now, fx);
            }
            old.is_some()
        })
    }

    /// What the policies come to for a queue or exchange.
    pub(in crate::broker) fn applied(&self, target: Target<'_>) -> Applied {
        self.policies.lock().applied(target)
    }

    fn apply_policies(&self, now: Tick, fx: &mut Effects) {
        for queue in self.queues.snapshot() {
            let applied = self.applied(Target::Queue(queue.kind, queue.name()));
            queue.reconfigure(applied, now, fx);
        }
        for exchange in self.exchanges.snapshot() {
            let applied = self.applied(Target::Exchange(exchange.name()));
            exchange.reconfigure(applied);
        }
    }
}
