//! What the user may do on a virtual host, remembered while nothing changed.

use std::collections::HashMap;

use super::core::Core;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::name::Name;
use crate::broker::permission::{Access, refused};

/// Permissions already checked, valid while the user's revision is the same.
#[derive(Debug, Default)]
pub(super) struct AllowedCache {
    revision: u64,
    allowed: HashMap<(Access, Resource, Name), bool>,
}

/// Answers remembered per session; beyond that it starts over.
const ALLOWED_MAX: usize = 4096;

impl Core {
    /// Check a permission; the answer is remembered until the user changes.
    pub(super) fn allow(
        &mut self,
        access: Access,
        kind: Resource,
        name: &str,
    ) -> Result<(), BrokerError> {
        let names_permission = self.broker.compat.names_permission;
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let revision = open.user.revision();
        let cache = &mut open.allowed;
        if cache.revision != revision || cache.allowed.len() >= ALLOWED_MAX {
            cache.allowed.clear();
            cache.revision = revision;
        }
        let key = (access, kind, Name::from(name));
        let is_allowed = *cache.allowed.entry(key).or_insert_with(|| {
            let permission = open.user.permission(&open.vhost.name);
            permission.is_some_and(|permission| permission.allows(access, name))
        });
        if is_allowed {
            return Ok(());
        }
        let subject = open.vhost.subject(kind, name);
        Err(refused(
            names_permission.then_some(access),
            &subject,
            &open.user.name,
        ))
    }
}
