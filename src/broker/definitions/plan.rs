//! [`Plan`]: what an import comes to, all of it checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leveret_proto::value::{FieldTable, FieldValue};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::entry::section;
use super::fault::{At, Fault};
use super::{SECTIONS, Scope};
use crate::broker::Broker;
use crate::broker::error::BrokerError;
use crate::broker::exchange::{DestinationId, ExchangeSpec};
use crate::broker::limit::Limits;
use crate::broker::name::Name;
use crate::broker::permission::{Permission, TopicPermission};
use crate::broker::policy::{Layer, Policy};
use crate::broker::queue::QueueSpec;
use crate::broker::user::PasswordHash;
use crate::broker::vhost::VhostMetadata;

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Added,
    /// It was there, but other.
    Changed,
    /// It is there, as described.
    Unchanged,
    /// RabbitMQ passes over it without a word; why is said here.
    Skipped(String),
}

/// What is to be done for one entry.
#[derive(Debug)]
pub(super) enum Step {
    User {
        name: Name,
        password: PasswordHash,
        tags: Vec<String>,
        /// Those of a user that is there stay as they are.
        limits: Limits,
    },
    Vhost(Name, VhostMetadata),
    Permission {
        user: Name,
        vhost: Name,
        permission: Arc<Permission>,
    },
    TopicPermission {
        user: Name,
        vhost: Name,
        exchange: Name,
        permission: Arc<TopicPermission>,
    },
    Limits(Name, Limits),
    Policy(Name, Layer, Policy),
    Global(Name, FieldValue),
    Queue(QueueSpec),
    Exchange(ExchangeSpec),
    Binding {
        vhost: Name,
        source: Name,
        to: DestinationId,
        key: Name,
        arguments: FieldTable,
    },
    Nothing,
}

/// One entry, with what becomes of it.
#[derive(Debug)]
pub struct Planned {
    /// Where it stands.
    pub at: At,
    /// Which kind of entry it is: one of [`SECTIONS`].
    pub section: &'static str,
    /// What it is called, for people.
    pub label: String,
    /// What becomes of it.
    pub outcome: Outcome,
    pub(super) step: Step,
}

/// Tells definitions from others.
pub(in crate::broker) type Digest = [u8; 32];

fn digest(definitions: &Value) -> Digest {
    Sha256::digest(definitions.to_string()).into()
}

impl Broker {
    /// Whether the last import was of these definitions.
    pub fn was_imported(&self, definitions: &Value) -> bool {
        *self.imported.lock() == Some(digest(definitions))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Plan {
    /// By the order of their import.
    pub entries: Vec<Planned>,
    pub(super) by: Name,
    pub(super) digest: Digest,
}

impl Plan {
    /// Read and check `definitions`, which `by` wants to import. Changes nothing.
    pub fn new(
        broker: &Broker,
        definitions: &Value,
        scope: Scope<'_>,
        by: &str,
    ) -> Result<Self, Fault> {
        let Value::Object(all) = definitions else {
            return Err(Fault::new(At::default(), "failed_to_parse_json"));
        };
        let mut planner = Planner {
            broker,
            scope,
            by: by.into(),
            version: all.get("rabbit_version").and_then(Value::as_str),
            users: BTreeSet::new(),
            vhosts: BTreeMap::new(),
            queues: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            entries: Vec::new(),
        };
        for name in SECTIONS {
            planner.read(name, all)?;
        }
        planner.check_vhost_limit()?;
        planner.check_queue_limits()?;
        let mut entries = planner.entries;
        entries.iter_mut().for_each(Planned::settle);
        Ok(Self {
            entries,
            by: by.into(),
            digest: digest(definitions),
        })
    }

    /// Whether it would change anything.
    pub fn is_empty(&self) -> bool {
        let changes = |entry: &Planned| matches!(entry.outcome, Outcome::Added | Outcome::Changed);
        !self.entries.iter().any(changes)
    }

    /// The entries that RabbitMQ passes over without a word.
    pub fn skipped(&self) -> impl Iterator<Item = (&At, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.outcome {
                Outcome::Skipped(why) => Some((&entry.at, why.as_str())),
                _ => None,
            })
    }
}

impl Planned {
    /// Nothing is done for what is there already.
    fn settle(&mut self) {
        if matches!(self.outcome, Outcome::Unchanged | Outcome::Skipped(_)) {
            self.step = Step::Nothing;
        }
    }
}

/// What the import has come to so far: entries may need what stands before them.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) broker: &'a Broker,
    pub(super) scope: Scope<'a>,
    pub(super) by: Name,
    /// Which version wrote the file.
    pub(super) version: Option<&'a str>,
    pub(super) users: BTreeSet<Name>,
    pub(super) vhosts: BTreeMap<Name, VhostMetadata>,
    pub(super) queues: BTreeMap<(Name, Name), QueueSpec>,
    pub(super) exchanges: BTreeMap<(Name, Name), ExchangeSpec>,
    entries: Vec<Planned>,
}

impl Planner<'_> {
    fn read(&mut self, name: &'static str, all: &Map<String, Value>) -> Result<(), Fault> {
        let is_global = matches!(
            name,
            "users" | "vhosts" | "permissions" | "topic_permissions" | "global_parameters"
        );
        if is_global && self.scope != Scope::Broker {
            return Ok(());
        }
        for entry in section(all, name)? {
            let (label, step, outcome) = match name {
                "users" => self.user(&entry)?,
                "vhosts" => self.vhost(&entry)?,
                "permissions" => self.permission(&entry)?,
                "topic_permissions" => self.topic_permission(&entry)?,
                "parameters" => self.parameter(&entry)?,
                "global_parameters" => self.global_parameter(&entry)?,
                "policies" => self.policy(&entry)?,
                "queues" => self.queue(&entry)?,
                "exchanges" => self.exchange(&entry)?,
                _ => self.binding(&entry)?,
            };
            self.entries.push(Planned {
                at: entry.at,
                section: name,
                label,
                outcome,
                step,
            });
        }
        Ok(())
    }

    /// Too many new queues are refused as a whole, before anything else is looked at by RabbitMQ.
    fn check_vhost_limit(&self) -> Result<(), Fault> {
        let new = self.entries.iter().filter_map(|entry| match entry {
            Planned {
                step: Step::Vhost(name, _),
                outcome: Outcome::Added,
                ..
            } => Some(name),
            _ => None,
        });
        let new: Vec<&Name> = new.collect();
        let Some(last) = new.last() else {
            return Ok(());
        };
        let fault = |error: BrokerError| Fault::new(At::default().key("vhosts"), error.to_string());
        self.broker.check_vhosts(last, new.len()).map_err(fault)
    }

    fn check_queue_limits(&self) -> Result<(), Fault> {
        let mut added: BTreeMap<&Name, usize> = BTreeMap::new();
        for entry in &self.entries {
            if let (Step::Queue(spec), Outcome::Added) = (&entry.step, &entry.outcome) {
                *added.entry(&spec.vhost).or_default() += 1;
            }
        }
        for (name, count) in added {
            let Some(vhost) = self.broker.vhosts.get(name) else {
                continue;
            };
            vhost
                .check_more_queues(count)
                .map_err(|error| Fault::new(At::default().key("queues"), error.to_string()))?;
        }
        Ok(())
    }
}

/// What reading an entry gives.
pub(super) type Read = Result<(String, Step, Outcome), Fault>;

/// What becomes of something that was there as `old`, or not at all.
pub(super) fn compared<T: PartialEq>(old: Option<&T>, new: &T) -> Outcome {
    match old {
        None => Outcome::Added,
        Some(old) if old == new => Outcome::Unchanged,
        Some(_) => Outcome::Changed,
    }
}

/// What is declared and there already stays as it is.
pub(super) fn kept(same: Result<(), BrokerError>) -> Outcome {
    match same {
        Ok(()) => Outcome::Unchanged,
        Err(differs) => Outcome::Skipped(format!("what is there is kept: {differs}")),
    }
}
