//! [`VhostDefaults`]: what every new virtual host begins with, by settings: limits, operator
//! policies, users.

use std::sync::Arc;

use leveret_proto::value::{FieldTable, FieldValue};

use super::Broker;
use super::effects::Effects;
use super::limit::{Limits, Scope};
use super::name::Name;
use super::pattern::Pattern;
use super::permission::Permission;
use super::policy::{Layer, Policy};
use super::tick::Tick;
use super::user::{PasswordHash, User};
use super::vhost::VirtualHost;

/// Of each kind in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VhostDefaults {
    /// Of these the first that fits counts.
    pub limits: Vec<DefaultLimits>,
    /// Operator policies.
    pub policies: Vec<DefaultPolicy>,
    /// Users, made unless they are there, and given permissions.
    pub users: Vec<DefaultMember>,
}

/// Limits of virtual hosts whose name fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultLimits {
    /// As the settings call them.
    pub id: String,
    /// Which virtual hosts.
    pub pattern: Option<String>,
    /// `max-connections`, `max-queues`.
    pub limits: FieldTable,
}

/// An operator policy of virtual hosts whose name fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultPolicy {
    /// Its name.
    pub name: String,
    /// Which virtual hosts.
    pub pattern: Option<String>,
    /// Which queues.
    pub queues: Option<String>,
    /// `all`, `queues` …
    pub apply_to: Option<String>,
    /// What it sets.
    pub definition: FieldTable,
}

/// A user of virtual hosts whose name fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultMember {
    /// Its name.
    pub name: String,
    /// Which virtual hosts.
    pub pattern: Option<String>,
    /// Without one nobody logs in with it.
    pub password: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it may configure, write and read; everything where that is not said.
    pub permissions: [Option<String>; 3],
}

/// Whether a virtual host is meant. A pattern that is none was refused before.
fn fits(pattern: Option<&String>, vhost: &str) -> bool {
    pattern.is_none_or(|text| Pattern::new(text).is_ok_and(|pattern| pattern.matches(vhost)))
}

impl Broker {
    /// Give a new virtual host what the settings want it to have.
    pub(super) fn furnish(&self, vhost: &VirtualHost) {
        let defaults = &self.settings.vhost_defaults;
        let is_meant = |pattern: &Option<String>| fits(pattern.as_ref(), &vhost.name);
        let limits = defaults.limits.iter().find(|one| is_meant(&one.pattern));
        if let Some(one) = limits {
            let table = FieldValue::Table(one.limits.clone());
            if let Ok(limits) = Limits::read(Scope::Vhost, &table) {
                *vhost.limits.lock() = limits;
            }
        }
        for one in defaults
            .policies
            .iter()
            .filter(|one| is_meant(&one.pattern))
        {
            self.add_default_policy(vhost, one);
        }
        for one in defaults.users.iter().filter(|one| is_meant(&one.pattern)) {
            self.add_default_member(vhost, one);
        }
    }

    fn add_default_policy(&self, vhost: &VirtualHost, one: &DefaultPolicy) {
        let mut parts = FieldTable::new();
        parts.insert("pattern", one.queues.as_deref().unwrap_or(".*"));
        parts.insert("apply-to", one.apply_to.as_deref().unwrap_or("all"));
        parts.insert("definition", one.definition.clone());
        let name = Name::from(one.name.as_str());
        match Policy::read(name, &parts, Layer::Operator, &self.compat) {
            Ok(policy) => {
                // There is no queue yet, so nothing is left to do.
                let mut fx = Effects::default();
                vhost.set_policy(Layer::Operator, policy, Tick::default(), &mut fx);
            }
            Err(fault) => {
                tracing::error!("default_policies.operator.{}: {fault:?}", one.name);
            }
        }
    }

    fn add_default_member(&self, vhost: &VirtualHost, one: &DefaultMember) {
        let name = Name::from(one.name.as_str());
        if !self.users.contains(one.name.as_str()) {
            let password = one.password.as_deref();
            let hash = password.map_or_else(PasswordHash::default, |text| self.hash(text));
            let user = User::new(name.clone(), hash, one.tags.clone());
            self.users.insert(name, Arc::new(user));
        }
        let [configure, write, read] = one
            .permissions
            .each_ref()
            .map(|text| text.as_deref().unwrap_or(".*"));
        let permission = Permission::new(configure, write, read);
        if let (Ok(permission), Some(user)) = (permission, self.users.get(one.name.as_str())) {
            let permission = Arc::new(permission);
            user.change(|state| state.permissions.insert(vhost.name.clone(), permission));
        }
    }
}
