//! What the user may do on a virtual host, remembered while nothing changed.

use std::collections::HashMap;

use super::core::Core;
use crate::broker::authority::{Question, Ruling};
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
        if self.is_allowed(access, kind, name) {
            return Ok(());
        }
        let Some(open) = &self.open else {
            return Ok(());
        };
        let because = match open.user.is_foreign {
            true => open
                .user
                .ruling(&Question::of(&open.vhost.name, kind, name, access)),
            false => Ruling::from_bool(false),
        };
        let access = self.broker.compat.names_permission.then_some(access);
        let subject = open.vhost.subject(kind, name);
        let error = refused(access, &subject, &open.user.name);
        Err(match because {
            Ruling::Refused(because) => error.because(&because),
            Ruling::Allowed => error,
        })
    }

    /// A passive declare shows little: any permission on the name will do, or none is asked for.
    pub(super) fn allow_passive(&mut self, kind: Resource, name: &str) -> Result<(), BrokerError> {
        let is_allowed = !self.broker.compat.passive_needs_permission
            || self.is_allowed(Access::Write, kind, name)
            || self.is_allowed(Access::Read, kind, name);
        if is_allowed {
            return Ok(());
        }
        self.allow(Access::Configure, kind, name)
    }

    fn is_allowed(&mut self, access: Access, kind: Resource, name: &str) -> bool {
        let Some(open) = &mut self.open else {
            return true;
        };
        let revision = open.user.revision();
        let cache = &mut open.allowed;
        if cache.revision != revision || cache.allowed.len() >= ALLOWED_MAX {
            cache.allowed.clear();
            cache.revision = revision;
        }
        let key = (access, kind, Name::from(name));
        let (user, vhost) = (&open.user, &open.vhost.name);
        let ask = || {
            // What is not asked for first is refused: `questions` has to know all.
            debug_assert!(
                user.authority().is_none_or(|all| all
                    .known(&Question::of(vhost, kind, name, access))
                    .is_some()),
                "nobody asked for {access} of {kind} '{name}'"
            );
            user.may(vhost, kind, name, access)
        };
        *cache.allowed.entry(key).or_insert_with(ask)
    }
}
