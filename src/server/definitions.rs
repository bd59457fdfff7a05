//! Definitions that a broker begins with.

use std::fmt::Display;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::broker::Broker;
use crate::broker::definitions::{Place, Plan, Scope, locate};
use crate::broker::effects::INTERNAL_USER;
use crate::broker::tick::Tick;

/// A file of definitions.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// What faults in it are told with.
    pub name: String,
    /// RabbitMQ's JSON.
    pub text: String,
}

impl Definitions {
    /// A file, or all `*.json` of a directory by their names.
    pub fn read(path: &Path) -> io::Result<Vec<Self>> {
        let mut paths = vec![path.to_owned()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
            let all: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
            paths = all?;
            paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
            paths.sort();
        }
        let file = |path: &Path| {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            let name = path.display().to_string();
            Ok(Self { name, text })
        };
        paths.iter().map(|path| file(path)).collect()
    }

    fn parse(&self) -> io::Result<Value> {
        serde_json::from_str(&self.text).map_err(|error| {
            let place = Place {
                line: error.line(),
                column: error.column(),
            };
            // The place is told already.
            let text = error.to_string();
            self.fault(place, &text.split(" at line ").next().unwrap_or_default())
        })
    }

    fn fault(&self, Place { line, column }: Place, what: &dyn Display) -> io::Error {
        let text = format!("definitions: {}:{line}:{column}: {what}", self.name);
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    /// Import `all` into a fresh broker, one after the other. Definitions of users take the place
    /// of the default user and virtual host. With `skip_if_unchanged` the same is not imported twice.
    pub(super) fn load(all: &[Self], skip_if_unchanged: bool, broker: &Broker) -> io::Result<()> {
        let parsed: io::Result<Vec<Value>> = all.iter().map(Self::parse).collect();
        let parsed = parsed?;
        let entries = |key: &'static str| {
            let of = move |one| Value::get(one, key)?.as_array();
            parsed.iter().filter_map(of).flatten()
        };
        if entries("users").next().is_some() {
            let usual = &broker.settings;
            broker.delete_user(&usual.default_user.name);
            if !entries("vhosts").any(|vhost| vhost["name"] == usual.default_vhost.as_str()) {
                // It is there.
                let _ = broker.delete_vhost(&usual.default_vhost);
            }
        }
        for (file, definitions) in all.iter().zip(&parsed) {
            if skip_if_unchanged && broker.was_imported(definitions) {
                continue;
            }
            let plan = Plan::new(broker, definitions, Scope::Broker, INTERNAL_USER)
                .map_err(|fault| file.fault(locate(&file.text, &fault.at), &fault))?;
            broker.apply(plan, Tick(0));
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot read definitions {}: {error}", path.display());
    io::Error::new(error.kind(), text)
}
