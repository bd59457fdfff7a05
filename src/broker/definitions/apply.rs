//! Carrying out a plan.

use std::sync::Arc;

use super::plan::{Outcome, Plan, Step};
use crate::broker::Broker;
use crate::broker::event::Change;
use crate::broker::exchange::{Destination, DestinationId};
use crate::broker::limit::Limits;
use crate::broker::name::Name;
use crate::broker::permission::Permission;
use crate::broker::tick::Tick;
use crate::broker::user::{PasswordHash, User};
use crate::broker::vhost::{VhostMetadata, VirtualHost};

/// Carries out the steps of one plan.
#[derive(Debug)]
struct Applier<'a> {
    broker: &'a Broker,
    by: &'a Name,
    now: Tick,
}

impl Broker {
    /// Carry out an import. `now` is the broker's own time; no lock is held on entry.
    pub fn apply(&self, plan: Plan, now: Tick) {
        for (at, why) in plan.skipped() {
            tracing::warn!("definitions: {at} is passed over: {why}");
        }
        let by = plan.by.clone();
        *self.imported.lock() = Some(plan.digest);
        let applier = Applier {
            broker: self,
            by: &by,
            now,
        };
        for entry in plan.entries {
            // What vanished meanwhile is as if it had vanished after the import.
            let _ = applier.apply(entry.step, &entry.outcome);
        }
    }
}

impl Applier<'_> {
    fn announce(&self, change: impl FnOnce() -> Change) {
        self.broker.announce(self.now, change);
    }

    fn apply(&self, step: Step, outcome: &Outcome) -> Option<()> {
        let is_new = *outcome == Outcome::Added;
        match step {
            Step::Nothing => {}
            Step::User {
                name,
                password,
                tags,
                limits,
            } => self.user(&name, password, &tags, limits),
            Step::Vhost(name, metadata) => self.vhost(&name, &metadata, is_new),
            Step::Permission {
                user,
                vhost,
                permission,
            } => self.permission(&user, &vhost, &permission),
            Step::TopicPermission {
                user,
                vhost,
                exchange,
                permission,
            } => {
                let by = self.by;
                let at = (&*vhost, &*exchange);
                self.announce(|| Change::topic_permission_created(&user, at, &permission, by));
                self.broker.users.get(&user)?.change(|state| {
                    state
                        .topic_permissions
                        .insert((vhost, exchange), permission);
                });
            }
            Step::Limits(vhost, limits) => {
                let vhost = self.broker.vhosts.get(&vhost)?;
                *vhost.limits.lock() = limits.clone();
                self.announce(|| Change::vhost_limits(&limits, &vhost.name, self.by));
            }
            Step::Policy(vhost, layer, policy) => {
                let vhost = self.broker.vhosts.get(&vhost)?;
                self.broker.change(self.by, &vhost, self.now, |now, fx| {
                    vhost.set_policy(layer, policy, now, fx)
                });
            }
            Step::Global(name, value) => {
                self.broker.parameters.lock().insert(name, value);
            }
            Step::Queue(_) | Step::Exchange(_) | Step::Binding { .. } => {
                return self.declare(step);
            }
        }
        Some(())
    }

    fn declare(&self, step: Step) -> Option<()> {
        match step {
            Step::Queue(spec) => {
                let vhost = self.broker.vhosts.get(&spec.vhost)?;
                let declare = |now, fx: &mut _| vhost.declare_queue(spec, None, now, fx);
                self.broker
                    .change(self.by, &vhost, self.now, declare)
                    .ok()?;
            }
            Step::Exchange(spec) => {
                let vhost = self.broker.vhosts.get(&spec.vhost)?;
                let declare = |_, fx: &mut _| vhost.declare_exchange(spec, fx);
                self.broker
                    .change(self.by, &vhost, self.now, declare)
                    .ok()?;
            }
            Step::Binding {
                vhost,
                source,
                to,
                key,
                arguments,
            } => {
                let vhost = self.broker.vhosts.get(&vhost)?;
                let source = vhost.exchanges.get(&source)?;
                let to = destination(&vhost, &to)?;
                let bind = |_, fx: &mut _| vhost.bind(&source, to, &key, &arguments, fx);
                self.broker.change(self.by, &vhost, self.now, bind).ok()?;
            }
            _ => {}
        }
        Some(())
    }

    fn user(&self, name: &Name, password: PasswordHash, tags: &[String], limits: Limits) {
        let by = self.by;
        if let Some(user) = self.broker.users.get(name) {
            user.change(|state| (state.tags, state.password) = (tags.to_vec(), password));
            self.announce(|| Change::user("user.password.changed", name, by));
        } else {
            let user = User::new(name.clone(), password, tags.to_vec());
            user.change(|state| state.limits = limits);
            self.broker.users.insert(name.clone(), Arc::new(user));
            self.announce(|| Change::user("user.created", name, by));
        }
        self.announce(|| Change::user_tags(name, tags, by));
    }

    /// Who makes a virtual host may use it.
    fn vhost(&self, name: &Name, metadata: &VhostMetadata, is_new: bool) {
        let added = is_new && self.broker.add_vhost(name.clone(), metadata.clone());
        let Some(vhost) = self.broker.vhosts.get(name) else {
            return;
        };
        if !added {
            *vhost.metadata.lock() = metadata.clone();
            return;
        }
        self.broker.announce_vhost(&vhost, self.by, self.now);
        if let Ok(all) = Permission::new(".*", ".*", ".*") {
            self.permission(self.by, name, &Arc::new(all));
        }
    }

    fn permission(&self, user: &Name, vhost: &Name, permission: &Arc<Permission>) {
        if let Some(user) = self.broker.users.get(user) {
            user.change(|state| {
                let permission = Arc::clone(permission);
                state.permissions.insert(vhost.clone(), permission)
            });
            self.announce(|| Change::permission_created(&user.name, vhost, permission, self.by));
        }
    }
}

fn destination(vhost: &VirtualHost, id: &DestinationId) -> Option<Destination> {
    Some(match id {
        DestinationId::Queue(name) => Destination::Queue(vhost.queues.get(name)?),
        DestinationId::Exchange(name) => Destination::Exchange(vhost.exchanges.get(name)?),
    })
}
