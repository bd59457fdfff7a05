//! Settings: what was written, by whom, and what it means.
//!
//! [`load`] reads `rabbitmq.conf`, what stands beside it, and the environment; options of the
//! command line come on top. Later sources win: defaults, files, environment, options. What was
//! written stays known as [`written::Written`], what it means is [`Config`].

pub mod advanced;
mod apply;
pub mod auth;
pub mod conf;
pub mod decoder;
pub mod effective;
pub mod environment;
pub mod erlang;
pub mod external;
mod files;
pub mod keys;
pub mod oauth2;
pub mod pbe;
pub mod place;
mod resolved;
pub mod term;
pub mod tls;
pub mod value;
pub mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use self::decoder::Decoder;
use self::environment::Environment;
use self::files::Files;
use self::place::Fault;
pub use self::resolved::{
    Config, Definitions, HttpTls, Listener, Log, Management, Memory, Prometheus,
};
use self::value::Value;
use self::written::{Origin, Setting, Written};

/// Lists that a first item of their own begins anew, and that `none` empties.
const LISTS: [&str; 5] = [
    "listeners.tcp",
    "listeners.ssl",
    "loopback_users",
    "default_user_tags",
    "management.cors.allow_origins",
];

/// Its kinds exclude each other.
const WATERMARK: &str = "vm_memory_high_watermark";

/// From where settings are read.
#[derive(Debug, Default)]
pub struct Sources {
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// A file in place of the usual ones.
    pub file: Option<PathBuf>,
    /// Options: the key, the value, and the option's name.
    pub options: Vec<(String, String, String)>,
}

/// Settings, and how they came to be.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What they mean.
    pub config: Config,
    /// What was written.
    pub written: Written,
    /// The variables.
    pub environment: Environment,
    /// What decrypts settings.
    pub decoder: Decoder,
    /// Settings files that were read, in the order in which RabbitMQ tells them.
    pub files: Vec<PathBuf>,
    /// What whoever wrote them should know.
    pub warnings: Vec<String>,
}

/// Read everything.
pub fn load(sources: Sources) -> Result<Loaded, Vec<Fault>> {
    let mut loaded = Loaded::default();
    loaded.environment = Environment::read(sources.environment, &mut loaded.warnings);
    let files = match sources.file {
        Some(file) => Files::only(file),
        None => Files::find(|name| loaded.environment.get(name)),
    };
    loaded.read(&files).map_err(|fault| vec![fault])?;
    loaded.add_environment();
    for (name, text, option) in sources.options {
        if LISTS.iter().any(|list| name.starts_with(list)) {
            let (list, _) = name.rsplit_once('.').unwrap_or((&name, ""));
            loaded.written.clear(list);
        }
        if name.starts_with(WATERMARK) {
            loaded.written.clear(WATERMARK);
        }
        loaded.written.set(&name, text, Origin::Flag(option));
    }
    loaded.resolve()?;
    Ok(loaded)
}

/// The variables of this process; those that are no text are left out.
pub fn process_variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What the text of one settings file says, with nothing else; files that it includes are left out.
pub fn check_text(path: &Path, text: String) -> Result<Loaded, Vec<Fault>> {
    let mut loaded = Loaded::default();
    loaded.add_text(path, text).map_err(|fault| vec![fault])?;
    loaded
        .written
        .substitute(|_| None)
        .map_err(|fault| vec![fault])?;
    loaded.resolve()?;
    Ok(loaded)
}

/// What one file says, with nothing else.
pub fn check(file: PathBuf) -> Result<Loaded, Vec<Fault>> {
    let mut loaded = Loaded {
        environment: Environment::read(process_variables(), &mut Vec::new()),
        ..Loaded::default()
    };
    loaded
        .read(&Files::only(file))
        .map_err(|fault| vec![fault])?;
    loaded.resolve()?;
    Ok(loaded)
}

impl Loaded {
    /// The directory that is meant for a node's data; nothing is written there.
    pub fn data_directory(&self, node: &str) -> String {
        let base = |base| Some(format!("{}/{node}", self.environment.get(base)?));
        let own = self.environment.get("RABBITMQ_MNESIA_DIR");
        own.or_else(|| base("RABBITMQ_MNESIA_BASE"))
            .unwrap_or_default()
    }

    /// Listen for AMQP at this address instead, or at this port, or both.
    pub fn listen(&mut self, ip: Option<IpAddr>, port: Option<u16>, origin: &Origin) {
        let old = self.config.amqp_listeners();
        let old = old.into_iter().map(|listener| Listener {
            ip: ip.or(listener.ip),
            ..listener
        });
        let listeners: Vec<Listener> = match port {
            Some(port) => vec![Listener {
                ip: ip.or(self.config.node_ip),
                port,
            }],
            None => old.collect(),
        };
        self.written.clear("listeners.tcp");
        let name = |number: usize| match number {
            0 => "default".to_owned(),
            other => other.to_string(),
        };
        let named = listeners.into_iter().enumerate();
        let named: Vec<_> = named.map(|(number, one)| (name(number), one)).collect();
        for (name, listener) in &named {
            let text = listener.port.to_string();
            let key = format!("listeners.tcp.{name}");
            self.written.set(&key, text, origin.clone());
        }
        self.config.listeners = Some(named);
    }

    /// What stands in a file, without files that it includes.
    fn add_text(&mut self, path: &Path, text: String) -> Result<(), Fault> {
        for item in conf::parse(path, text)? {
            if let conf::Item::Setting {
                key,
                value,
                key_place,
                value_place,
            } = item
            {
                self.written.push(Setting {
                    key,
                    text: value,
                    origin: Origin::File {
                        key: key_place,
                        value: value_place,
                    },
                });
            }
        }
        Ok(())
    }

    fn read(&mut self, files: &Files) -> Result<(), Fault> {
        for path in &files.missing {
            self.warnings
                .push(format!("{} is not there", path.display()));
        }
        for path in &files.conf {
            files::add(&mut self.written, path)?;
        }
        let environment = &self.environment;
        self.written.substitute(|name| environment.get(name))?;
        for path in &files.terms {
            let text = files::read_text(path)
                .map_err(|error| Fault::new(format!("Cannot read {}: {error}", path.display())))?;
            self.warnings.extend(advanced::add(
                path,
                text,
                &mut self.written,
                &mut self.decoder,
            )?);
        }
        self.files
            .extend(files.terms.iter().chain(&files.conf).cloned());
        self.read_plugins(files)
    }

    /// `enabled_plugins`, or the variable in its place.
    fn read_plugins(&mut self, files: &Files) -> Result<(), Fault> {
        let names = ["RABBITMQ_ENABLED_PLUGINS", "RABBITMQ_PLUGINS"];
        if let Some(list) = names.iter().find_map(|name| self.environment.get(name)) {
            let words = list.split([',', ' ', ';']).filter(|word| !word.is_empty());
            self.config.plugins = Some(words.map(str::to_owned).collect());
        } else if let Ok(text) = files::read_text(&files.plugins) {
            let term = term::parse(&files.plugins, text)?;
            let plugins = term.list().unwrap_or_default();
            let words = plugins.iter().filter_map(|plugin| plugin.word());
            self.config.plugins = Some(words.map(str::to_owned).collect());
        }
        Ok(())
    }

    fn add_environment(&mut self) {
        let Self {
            config,
            written,
            environment,
            warnings,
            ..
        } = self;
        for name in [
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "RABBITMQ_SERVER_START_ARGS",
        ] {
            if let Some(text) = environment.get(name) {
                warnings.extend(advanced::add_arguments(name, &text, written));
            }
        }
        environment::apply(environment, written, warnings);
        environment::apply_node(environment, config, warnings);
    }

    /// From what was written to what it means; all that is wrong is told at once.
    fn resolve(&mut self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let written = std::mem::take(&mut self.written);
        self.begin_lists(&written);
        for setting in written.iter() {
            if let Err(fault) = self.apply(setting, &written) {
                faults.push(fault);
            }
        }
        let is_permission = |setting: &&Setting| {
            let name = setting.name();
            name.starts_with("default_permissions.")
        };
        let permissions: Vec<&Setting> = written.iter().filter(is_permission).collect();
        if let [one] | [one, _] = permissions.as_slice() {
            let text = "Error running translation for rabbit.default_permissions, [error, badarg]";
            faults.push(one.key_fault(text, "configure, write and read go together"));
        }
        faults.extend(self.default_user_fault(&written));
        self.written = written;
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// A default user whose password the validator refuses; where there are definitions it may not
    /// be needed.
    fn default_user_fault(&self, written: &Written) -> Option<Fault> {
        let broker = &self.config.broker;
        if self.config.definitions.path.is_some() {
            return None;
        }
        let why = broker.credentials.refusal(&broker.default_user.password)?;
        let text = format!("{{badmatch,{{error,\"{why}\"}}}}");
        let setting = |name: &str| written.iter().find(|setting| setting.name() == name);
        let setting =
            setting("default_pass").or_else(|| setting("credential_validator.validation_backend"));
        setting.map(|setting| setting.fault(text, "the default user has another password"))
    }

    fn begin_lists(&mut self, written: &Written) {
        let has = |list: &str| {
            let prefix = format!("{list}.");
            written
                .iter()
                .any(|setting| setting.name().starts_with(&prefix))
        };
        if has("loopback_users") {
            self.config.broker.loopback_users.clear();
        }
        if has("default_user_tags") {
            self.config.broker.default_user.tags.clear();
        }
    }

    /// A setting's value, decrypted if it is one that may be encrypted.
    fn plain<'a>(&self, key: &keys::Key, setting: &'a Setting) -> Result<Cow<'a, str>, Fault> {
        let text = setting.text.as_str();
        match (text.strip_prefix(ENCRYPTED), &setting.origin) {
            (Some(encrypted), Origin::File { value, .. }) if key.may_be_encrypted() => {
                let term = self.decoder.decrypt(&setting.name(), encrypted, value)?;
                Ok(Cow::Owned(term.scalar().unwrap_or_default().to_owned()))
            }
            _ => Ok(Cow::Borrowed(text)),
        }
    }

    fn apply(&mut self, setting: &Setting, written: &Written) -> Result<(), Fault> {
        let name = setting.name();
        let Some(key) = keys::find(&setting.key) else {
            return Err(unknown(setting));
        };
        let text = self.plain(&key, setting)?;
        let value = Value::read(&key, &name, &text)
            .map_err(|misfit| setting.fault(misfit.text, misfit.expected))?;
        if let Some(reason) = key.idle {
            let text = format!("{}: {name} means nothing here: {reason}", setting.origin);
            self.warnings.push(text);
            return Ok(());
        }
        if name.starts_with("listeners.") && value::is_socket_file(&setting.text) {
            let text = format!(
                "{}: {name} means nothing here: sockets that are files are not listened on",
                setting.origin
            );
            self.warnings.push(text);
            return Ok(());
        }
        let is_emptied = |list: &str| {
            name.strip_prefix(list)
                .is_some_and(|rest| rest.starts_with('.'))
                && written.origin(list).is_some()
        };
        if LISTS.iter().any(|list| is_emptied(list)) {
            return Ok(());
        }
        let own = key.name.split('.').zip(&setting.key);
        let names: Vec<&str> = own
            .filter(|(own, _)| own.starts_with('$'))
            .map(|(_, segment)| segment.as_str())
            .collect();
        apply::set(&mut self.config, key.name, &names, &value)
            .map_err(|expected| setting.fault(format!("{name} invalid, {expected}"), expected))
    }
}

/// How a value begins that is encrypted.
const ENCRYPTED: &str = "encrypted:";

fn unknown(setting: &Setting) -> Fault {
    let name = setting.name();
    let similar = keys::similar(&name);
    let mut text = format!("You've tried to set {name}, but there is no setting with that name.\n");
    if !similar.is_empty() {
        text += "  Did you mean one of these?\n";
        for one in &similar {
            text += &format!("    {one}\n");
        }
    }
    text += &format!("Conf file attempted to set unknown variable: {name}");
    let expected = similar.first().map_or_else(
        || "there is no such key".to_owned(),
        |one| format!("did you mean {one}?"),
    );
    setting.key_fault(text, expected)
}

#[cfg(test)]
mod tests;
