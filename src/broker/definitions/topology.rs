//! Queues, exchanges and bindings.

use std::sync::Arc;

use serde_json::Value;

use super::Scope;
use super::entry::Entry;
use super::fault::Fault;
use super::plan::{Outcome, Planner, Read, Step, kept};
use crate::broker::arguments;
use crate::broker::error::{Resource, Subject};
use crate::broker::exchange::{DestinationId, Exchange, ExchangeKind, ExchangeSpec};
use crate::broker::json;
use crate::broker::name::Name;
use crate::broker::queue::{Queue, QueueKind, QueueSpec};
use crate::broker::term::binary;
use crate::broker::term::json::broken;
use crate::broker::vhost::{fill_queue_type, same_exchange, same_queue};

/// Longest name of anything: a short string's.
const NAME_BYTES_MAX: usize = 255;

/// Why nobody can declare that name, if so.
fn undeclarable(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it has no name"),
        name if name.len() > NAME_BYTES_MAX => Some("its name is too long"),
        name if Name::from(name).is_reserved() => Some("names that begin with amq. are reserved"),
        _ => None,
    }
}

impl Planner<'_> {
    pub(super) fn queue(&mut self, entry: &Entry<'_>) -> Read {
        if self.scope == Scope::Broker {
            entry.must_or_crash("vhost")?;
        }
        let vhost = self.vhost_of(entry)?;
        let name = entry.must_or_crash("name")?;
        let mut spec = QueueSpec {
            name: name.into(),
            vhost: vhost.clone(),
            durable: entry.flag("durable", true)?,
            auto_delete: entry.flag("auto_delete", false)?,
            owner: None,
            arguments: entry.table("arguments")?,
            created_by: self.by.clone(),
        };
        let label = format!("{name} in {vhost}");
        let skipped = |why: String| Ok((label.clone(), Step::Nothing, Outcome::Skipped(why)));
        if let Some(why) = undeclarable(name) {
            return skipped(why.to_owned());
        }
        let compat = Arc::clone(&self.broker.compat);
        fill_queue_type(&mut spec, self.default_queue_type(&vhost), &compat);
        let subject = Subject {
            kind: Resource::Queue,
            name: spec.name.clone(),
            vhost: vhost.clone(),
        };
        if let Some(there) = self.known_queue(&vhost, &spec.name) {
            let outcome = kept(same_queue(&subject, &there, &spec, &compat));
            return Ok((label, Step::Nothing, outcome));
        }
        let kind = arguments::check_queue(&subject, &spec.arguments, &compat)
            .map_err(|error| Fault::declared(&entry.at, &error, &compat))?;
        if !spec.durable && !compat.transient_nonexcl_queues {
            return skipped("transient queues are not permitted".to_owned());
        }
        let checked =
            arguments::check_properties(&subject, kind, spec.durable, false, spec.auto_delete);
        if let Err(refused) = checked {
            return skipped(refused.to_string());
        }
        let key = (vhost, spec.name.clone());
        self.queues.insert(key, spec.clone());
        Ok((label, Step::Queue(spec), Outcome::Added))
    }

    fn default_queue_type(&self, vhost: &str) -> QueueKind {
        let planned = self.vhosts.get(vhost).map(|it| it.default_queue_type);
        let there = || {
            Some(
                self.broker
                    .vhosts
                    .get(vhost)?
                    .metadata
                    .lock()
                    .default_queue_type,
            )
        };
        planned
            .or_else(there)
            .flatten()
            .unwrap_or(self.broker.default_queue_type)
    }

    fn known_queue(&self, vhost: &Name, name: &Name) -> Option<QueueSpec> {
        let planned = self.queues.get(&(vhost.clone(), name.clone()));
        planned.cloned().or_else(|| {
            let there: Arc<Queue> = self.broker.vhosts.get(vhost)?.queues.get(name)?;
            Some(there.spec.clone())
        })
    }

    pub(super) fn known_exchange(&self, vhost: &Name, name: &Name) -> Option<ExchangeSpec> {
        let planned = self.exchanges.get(&(vhost.clone(), name.clone()));
        planned.cloned().or_else(|| {
            let there: Arc<Exchange> = self.broker.vhosts.get(vhost)?.exchanges.get(name)?;
            Some(there.spec.clone())
        })
    }

    pub(super) fn exchange(&mut self, entry: &Entry<'_>) -> Read {
        let vhost = self.vhost_of(entry)?;
        let name = entry.must_or_crash("name")?;
        let label = format!("{name} in {vhost}");
        let compat = Arc::clone(&self.broker.compat);
        let kind = entry.text("type").unwrap_or("undefined");
        let kind = ExchangeKind::named(kind, &compat)
            .map_err(|error| Fault::declared(&entry.at.key("type"), &error, &compat))?;
        let spec = ExchangeSpec {
            name: name.into(),
            vhost: vhost.clone(),
            kind,
            durable: entry.flag("durable", true)?,
            auto_delete: entry.flag("auto_delete", false)?,
            internal: entry.flag("internal", false)?,
            arguments: entry.table("arguments")?,
            created_by: self.by.clone(),
        };
        if let Some(why) = undeclarable(name) {
            return Ok((label, Step::Nothing, Outcome::Skipped(why.to_owned())));
        }
        let subject = Subject {
            kind: Resource::Exchange,
            name: spec.name.clone(),
            vhost: vhost.clone(),
        };
        if let Some(there) = self.known_exchange(&vhost, &spec.name) {
            let outcome = kept(same_exchange(&subject, &there, &spec));
            return Ok((label, Step::Nothing, outcome));
        }
        arguments::check_exchange(&subject, kind, &spec.arguments, &compat)
            .map_err(|error| Fault::declared(&entry.at, &error, &compat))?;
        let key = (vhost, spec.name.clone());
        self.exchanges.insert(key, spec.clone());
        Ok((label, Step::Exchange(spec), Outcome::Added))
    }

    pub(super) fn binding(&mut self, entry: &Entry<'_>) -> Read {
        let vhost = match self.scope {
            Scope::Vhost(name) => Name::from(name),
            Scope::Broker => entry.must_or_crash("vhost")?.into(),
        };
        let (source, to) = (entry.must_or_crash("source")?, destination(entry)?);
        let key = routing_key(entry)?;
        let arguments = entry.table("arguments")?;
        let exchange = self.known_exchange(&vhost, &source.into());
        let is_there = match &to {
            DestinationId::Queue(name) => self.known_queue(&vhost, name).is_some(),
            DestinationId::Exchange(name) => self.known_exchange(&vhost, name).is_some(),
        };
        let (Some(exchange), true) = (&exchange, is_there) else {
            let missing_source = exchange.is_none().then(|| ("exchange", Name::from(source)));
            let missing_to = (!is_there).then(|| (kind(&to), to.name().clone()));
            let missing: Vec<_> = missing_source.into_iter().chain(missing_to).collect();
            return Err(Fault::new(
                entry.at.clone(),
                resources_missing(&vhost, &missing),
            ));
        };
        let label = format!("{source} to {} by {key} in {vhost}", to.name());
        if source.is_empty() {
            let why = "the default exchange leads to every queue by its name";
            return Ok((label, Step::Nothing, Outcome::Skipped(why.to_owned())));
        }
        let compat = &self.broker.compat;
        exchange
            .check_binding(&to, &key, &arguments, compat)
            .map_err(|error| {
                let at = entry.at.clone();
                Fault::new(at, format!("{{binding_invalid,\"{error}\",[]}}"))
            })?;
        let there = self.broker.vhosts.get(&vhost);
        let there = there.and_then(|vhost| vhost.exchanges.get(source));
        // JSON has one kind of whole numbers, AMQP many: they are the same here.
        let same = |there: &_| json::table(there) == json::table(&arguments);
        let is_bound = there.is_some_and(|it| it.has_binding(&to, &key, same));
        let outcome = if is_bound {
            Outcome::Unchanged
        } else {
            Outcome::Added
        };
        let step = Step::Binding {
            vhost,
            source: source.into(),
            to,
            key,
            arguments,
        };
        Ok((label, step, outcome))
    }
}

fn destination(entry: &Entry<'_>) -> Result<DestinationId, Fault> {
    let name = Name::from(entry.must_or_crash("destination")?);
    match entry.text("destination_type") {
        Some("queue") => Ok(DestinationId::Queue(name)),
        Some("exchange") => Ok(DestinationId::Exchange(name)),
        _ => Err(Fault::terse(
            entry.at.key("destination_type"),
            "function_clause",
            "must be queue or exchange",
        )),
    }
}

/// The management API lets keys be numbers, and exports them so.
fn routing_key(entry: &Entry<'_>) -> Result<Name, Fault> {
    match entry.get("routing_key") {
        Some(Value::String(key)) => Ok(key.as_str().into()),
        Some(Value::Number(number)) => Ok(number.to_string().into()),
        _ => Err(Fault::terse(
            entry.at.key("routing_key"),
            "badarg",
            "must be there, and text",
        )),
    }
}

fn kind(id: &DestinationId) -> &'static str {
    match id {
        DestinationId::Queue(_) => "queue",
        DestinationId::Exchange(_) => "exchange",
    }
}

/// Columns that a line of RabbitMQ's may have.
const LINE: usize = 80;

fn resources_missing(vhost: &str, missing: &[(&str, Name)]) -> String {
    let vhost = binary(vhost.as_bytes());
    let terms: Vec<String> = missing
        .iter()
        .map(|(kind, name)| {
            let name = binary(name.as_bytes());
            format!("{{not_found,{{resource,{vhost},{kind},{name}}}}}")
        })
        .collect();
    let lead = "{resources_missing,";
    let longest = terms.iter().map(String::len).max().unwrap_or(0);
    match lead.len() + longest + 3 < LINE {
        true => format!("{lead}{}}}", broken("[", &terms, "]", lead.len())),
        false => format!("{lead}\n    [{}]}}", terms.join(",\n     ")),
    }
}
