//! Users, virtual hosts and who may do what there.

use std::sync::Arc;

use leveret_proto::value::FieldValue;
use serde_json::Value;

use super::entry::Entry;
use super::fault::{At, Fault};
use super::plan::{Planner, Read, Step, compared};
use crate::broker::compat::hashed_with_md5;
use crate::broker::json;
use crate::broker::limit::{Limits, Scope as LimitScope};
use crate::broker::name::Name;
use crate::broker::pattern::InvalidPattern;
use crate::broker::permission::{Permission, TopicPermission};
use crate::broker::queue::QueueKind;
use crate::broker::shown::DefinitionsLine;
use crate::broker::term::{binary, json::quoted};
use crate::broker::user::{HashingAlgorithm, PasswordHash, User, UserState};
use crate::broker::vhost::{VhostMetadata, first_exchanges};

impl Planner<'_> {
    pub(super) fn user(&mut self, entry: &Entry<'_>) -> Read {
        let name = Name::from(entry.must("name", "{badkey,name}")?);
        let tags = entry
            .get("tags")
            .ok_or_else(|| Fault::new(entry.at.key("tags"), "tags_not_present"))?;
        let tags = json::tags(tags).ok_or_else(|| {
            Fault::terse(
                entry.at.key("tags"),
                "function_clause",
                "must be a list or text",
            )
        })?;
        let there = self.broker.users.get(&name);
        let password = self.password(entry, there.as_deref())?;
        let limits = entry
            .field("limits")
            .map_or(Ok(Limits::default()), |value| {
                Limits::read(LimitScope::User, &value)
                    .map_err(|faults| Fault::new(entry.at.key("limits"), faults.join("\n")))
            })?;
        let looks = |state: &UserState| (state.password.clone(), state.tags.clone());
        let new = (password, tags);
        let outcome = compared(there.map(|user| user.read(looks)).as_ref(), &new);
        self.users.insert(name.clone());
        let (label, (password, tags)) = (name.to_string(), new);
        let step = Step::User {
            name,
            password,
            tags,
            limits,
        };
        Ok((label, step, outcome))
    }

    /// A plain password that is the present one keeps its hash; without any there is none.
    fn password(&self, entry: &Entry<'_>, there: Option<&User>) -> Result<PasswordHash, Fault> {
        let (plain, hash) = (entry.text("password"), entry.text("password_hash"));
        let hash = match (plain, hash) {
            (Some(_), Some(_)) => {
                let text = "both_password_and_password_hash_are_provided";
                return Err(Fault::new(entry.at.key("password"), text));
            }
            (Some(plain), None) => {
                if self.broker.settings.credentials.refusal(plain).is_some() {
                    let at = entry.at.key("password");
                    return Err(Fault::new(at, "credential_validation_failed"));
                }
                let old = there.map(|user| user.read(|state| state.password.clone()));
                let same = old.filter(|old| old.verify(plain));
                return Ok(same.unwrap_or_else(|| self.broker.hash(plain)));
            }
            (None, None) => return Ok(PasswordHash::default()),
            (None, Some(hash)) => hash,
        };
        let algorithm = match entry.text("hashing_algorithm") {
            Some(name) => HashingAlgorithm::from_name(name).ok_or_else(|| {
                let at = entry.at.key("hashing_algorithm");
                Fault::new(at, format!("there is no hashing algorithm '{name}'"))
            })?,
            None if self.version.is_some_and(hashed_with_md5) => HashingAlgorithm::Md5,
            None => HashingAlgorithm::default(),
        };
        PasswordHash::from_base64(hash, algorithm).ok_or_else(|| {
            let text = format!("{{not_base64,{}}}", binary(hash.as_bytes()));
            Fault::new(entry.at.key("password_hash"), text)
        })
    }

    pub(super) fn vhost(&mut self, entry: &Entry<'_>) -> Read {
        let name = Name::from(entry.must("name", "function_clause")?);
        let there = self.broker.vhosts.get(&name);
        let old = there.map(|vhost| vhost.metadata.lock().clone());
        let metadata = self.metadata(entry, old.as_ref())?;
        let outcome = compared(old.as_ref(), &metadata);
        if old.is_none() {
            let begins_with = first_exchanges(&name);
            let by_name = begins_with.map(|spec| ((name.clone(), spec.name.clone()), spec));
            self.exchanges.extend(by_name);
        }
        self.vhosts.insert(name.clone(), metadata.clone());
        Ok((name.to_string(), Step::Vhost(name, metadata), outcome))
    }

    /// The lines differ in whether what is told twice counts here or there; the default queue
    /// type counts in `metadata` only.
    fn metadata(
        &self,
        entry: &Entry<'_>,
        old: Option<&VhostMetadata>,
    ) -> Result<VhostMetadata, Fault> {
        let compat = &self.broker.compat;
        let inner = entry.get("metadata").and_then(Value::as_object);
        let find = |key: &str| {
            let (inner, outer) = (inner.and_then(|map| map.get(key)), entry.get(key));
            match compat.shown.definitions {
                DefinitionsLine::Lean => inner.or(outer),
                DefinitionsLine::Flat | DefinitionsLine::Names => outer.or(inner),
            }
        };
        let kind = inner.and_then(|map| map.get("default_queue_type"));
        let kind = kind
            .and_then(Value::as_str)
            .filter(|name| *name != "undefined" && compat.fills_queue_type);
        let kind = kind.map(|name| {
            QueueKind::from_name(name).ok_or_else(|| {
                let at = entry.at.key("metadata").key("default_queue_type");
                Fault::new(at, format!("{name} is not a valid queue type"))
            })
        });
        let kind = kind.transpose()?.or_else(|| {
            let keeps = compat.keeps_default_queue_type;
            old.and_then(|old| old.default_queue_type).filter(|_| keeps)
        });
        // What every virtual host is if nothing is said.
        let usual = self.broker.default_queue_type;
        let was_unsaid = old.is_none_or(|old| old.default_queue_type.is_none());
        Ok(VhostMetadata {
            description: find("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            tags: find("tags").and_then(json::tags).unwrap_or_default(),
            default_queue_type: kind.filter(|kind| *kind != usual || !was_unsaid),
            protected_from_deletion: old.is_some_and(|old| old.protected_from_deletion),
        })
    }

    pub(super) fn has_vhost(&self, name: &str) -> bool {
        self.vhosts.contains_key(name) || self.broker.vhosts.contains(name)
    }

    /// Both must be there before anything is granted.
    fn grantee(&self, entry: &Entry<'_>, user: &str, vhost: &str) -> Result<(), Fault> {
        if !self.users.contains(user) && !self.broker.users.contains(user) {
            return Err(Fault::no_user(entry.at.key("user"), user));
        }
        match self.has_vhost(vhost) {
            true => Ok(()),
            false => Err(Fault::no_vhost(entry.at.key("vhost"), vhost)),
        }
    }

    pub(super) fn permission(&mut self, entry: &Entry<'_>) -> Read {
        let must = |key| entry.must(key, "badarg");
        let (user, vhost) = (must("user")?, must("vhost")?);
        let (configure, write, read) = (must("configure")?, must("write")?, must("read")?);
        let new = Permission::new(configure, write, read)
            .map_err(|invalid| self.invalid_regexp(&entry.at, &invalid, quoted))?;
        self.grantee(entry, user, vhost)?;
        let there = self.broker.users.get(user);
        let old = there.and_then(|user| user.permission(vhost));
        let texts = |it: &Permission| {
            [&it.configure, &it.write, &it.read].map(|pattern| pattern.as_str().to_owned())
        };
        let outcome = compared(old.as_deref().map(texts).as_ref(), &texts(&new));
        let step = Step::Permission {
            user: user.into(),
            vhost: vhost.into(),
            permission: Arc::new(new),
        };
        Ok((format!("{user} in {vhost}"), step, outcome))
    }

    pub(super) fn topic_permission(&mut self, entry: &Entry<'_>) -> Read {
        let must = |key| entry.must(key, "badarg");
        let (user, vhost, exchange) = (must("user")?, must("vhost")?, must("exchange")?);
        let (write, read) = (must("write")?, must("read")?);
        let as_binary = |text: &str| binary(text.as_bytes());
        let new = TopicPermission::new(write, read)
            .map_err(|invalid| self.invalid_regexp(&entry.at, &invalid, as_binary))?;
        self.grantee(entry, user, vhost)?;
        let there = self.broker.users.get(user);
        let (at, on) = (Name::from(vhost), Name::from(exchange));
        let old = there.and_then(|user| user.topic_permission(&at, &on));
        let texts =
            |it: &TopicPermission| [&it.write, &it.read].map(|pattern| pattern.as_str().to_owned());
        let outcome = compared(old.as_deref().map(texts).as_ref(), &texts(&new));
        let step = Step::TopicPermission {
            user: user.into(),
            vhost: at,
            exchange: on,
            permission: Arc::new(new),
        };
        Ok((format!("{user} at {exchange} in {vhost}"), step, outcome))
    }

    /// RabbitMQ shows what it looked at, once as text and once as bytes.
    fn invalid_regexp(
        &self,
        at: &At,
        invalid: &InvalidPattern,
        shown: impl Fn(&str) -> String,
    ) -> Fault {
        let (text, offset) = invalid.words(self.broker.compat.pcre2);
        let pattern = shown(&invalid.pattern);
        let reason = format!("{{invalid_regexp,{pattern},{{{},{offset}}}}}", quoted(text));
        Fault::new(at.clone(), reason)
    }

    pub(super) fn global_parameter(&mut self, entry: &Entry<'_>) -> Read {
        let name = entry.must("name", "badarg")?;
        let value: FieldValue = entry
            .field("value")
            .ok_or_else(|| Fault::terse(entry.at.key("value"), "badarg", "must be there"))?;
        let old = self.broker.parameters.lock().get(name).cloned();
        let outcome = compared(old.as_ref(), &value);
        Ok((name.to_owned(), Step::Global(name.into(), value), outcome))
    }
}
