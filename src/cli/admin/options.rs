//! Options of `rabbitmqadmin`, and the file that they may come from.

use std::fs;
use std::path::PathBuf;

/// An option.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opt {
    pub(super) long: &'static str,
    pub(super) short: &'static str,
    /// What it takes, if anything.
    pub(super) value: &'static str,
    pub(super) about: &'static str,
    /// The key in the file, where it is another.
    file: &'static str,
    default: &'static str,
}

const fn opt(
    long: &'static str,
    short: &'static str,
    value: &'static str,
    about: &'static str,
) -> Opt {
    Opt {
        long,
        short,
        value,
        about,
        file: "",
        default: "",
    }
}

const fn or(default: &'static str, opt: Opt) -> Opt {
    Opt { default, ..opt }
}

pub(super) static OPTIONS: &[Opt] = &[
    opt("help", "h", "", "show this text"),
    opt(
        "config",
        "c",
        "CONFIG",
        "a file with settings (~/.rabbitmqadmin.conf)",
    ),
    or(
        "default",
        opt("node", "N", "NODE", "the section of that file (default)"),
    ),
    Opt {
        file: "hostname",
        ..or(
            "localhost",
            opt("host", "H", "HOST", "where the broker is (localhost)"),
        )
    },
    or(
        "15672",
        opt(
            "port",
            "P",
            "PORT",
            "the port of its management API (15672)",
        ),
    ),
    opt(
        "path-prefix",
        "",
        "PATH_PREFIX",
        "what stands before /api in paths",
    ),
    opt(
        "vhost",
        "V",
        "VHOST",
        "the virtual host (all for list, / for the rest)",
    ),
    or(
        "guest",
        opt("username", "u", "USERNAME", "who asks (guest)"),
    ),
    or(
        "guest",
        opt("password", "p", "PASSWORD", "its password (guest)"),
    ),
    opt(
        "base-uri",
        "U",
        "URI",
        "all of these in one; the path in it is passed over",
    ),
    opt("quiet", "q", "", "say nothing of what was done"),
    opt("ssl", "s", "", "over TLS; its port is usually 15671"),
    opt(
        "ssl-key-file",
        "",
        "SSL_KEY_FILE",
        "the key of the own certificate (PEM)",
    ),
    opt(
        "ssl-cert-file",
        "",
        "SSL_CERT_FILE",
        "the certificate to show (PEM)",
    ),
    opt(
        "ssl-ca-cert-file",
        "",
        "SSL_CA_CERT_FILE",
        "who may sign the broker's certificate, besides whom the system trusts (PEM)",
    ),
    opt(
        "ssl-disable-hostname-verification",
        "",
        "",
        "the broker's certificate may be for another host",
    ),
    opt(
        "ssl-insecure",
        "k",
        "",
        "the broker's certificate may be any",
    ),
    or(
        "120",
        opt(
            "request-timeout",
            "t",
            "REQUEST_TIMEOUT",
            "seconds that a request may take (120)",
        ),
    ),
    or(
        "table",
        opt(
            "format",
            "f",
            "FORMAT",
            "how lists come: raw_json, pretty_json, tsv, long, table, kvp or bash (table)",
        ),
    ),
    opt("sort", "S", "SORT", "the column that lists are sorted by"),
    opt("sort-reverse", "R", "", "the other way round"),
    or(
        "1",
        opt(
            "depth",
            "d",
            "DEPTH",
            "how deep columns go into objects (1)",
        ),
    ),
    opt("bash-completion", "", "", "print completions for bash"),
    opt("version", "", "", "print the version"),
];

/// A command line taken apart.
#[derive(Debug, Default)]
pub(super) struct Given {
    options: Vec<(&'static str, String)>,
    pub(super) words: Vec<String>,
}

/// What is wrong with it.
#[derive(Debug)]
pub(super) enum Wrong {
    /// In the words of RabbitMQ's parser of options.
    Option(String),
    Said(String),
}

impl Given {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, Wrong> {
        let mut given = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                given.words.extend(rest.by_ref().cloned());
            } else if let Some(long) = argument.strip_prefix("--") {
                given.take_long(long, &mut rest)?;
            } else if argument.len() > 1 && argument.starts_with('-') {
                given.take_short(argument.get(1..).unwrap_or_default(), &mut rest)?;
            } else {
                given.words.push(argument.clone());
            }
        }
        given.read_file()?;
        Ok(given)
    }

    fn take_long<'a>(
        &mut self,
        written: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Wrong> {
        let (name, value) = match written.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (written, None),
        };
        let option = OPTIONS.iter().find(|option| option.long == name);
        let option = option.ok_or_else(|| Wrong::Option(format!("no such option: --{name}")))?;
        self.take(option, value, &format!("--{name}"), rest)
    }

    /// Several letters may stand together, and a value right behind its letter.
    fn take_short<'a>(
        &mut self,
        written: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Wrong> {
        let mut letters = written;
        while let Some(letter) = letters.chars().next() {
            let name = letter.to_string();
            letters = letters.get(name.len()..).unwrap_or_default();
            let option = OPTIONS.iter().find(|option| option.short == name);
            let option = option.ok_or_else(|| Wrong::Option(format!("no such option: -{name}")))?;
            let takes_rest = !option.value.is_empty() && !letters.is_empty();
            let value = takes_rest.then(|| std::mem::take(&mut letters).to_owned());
            self.take(option, value, &format!("-{name}"), rest)?;
        }
        Ok(())
    }

    fn take<'a>(
        &mut self,
        option: &Opt,
        value: Option<String>,
        written: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Wrong> {
        let value = match (option.value.is_empty(), value) {
            (true, Some(_)) => {
                return Err(Wrong::Option(format!(
                    "{written} option does not take a value"
                )));
            }
            (true, None) => "true".to_owned(),
            (false, Some(value)) => value,
            (false, None) => {
                let next = rest.next().cloned();
                next.ok_or_else(|| Wrong::Option(format!("{written} option requires 1 argument")))?
            }
        };
        self.options.push((option.long, value));
        Ok(())
    }

    /// The last value that was given.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        let mut from_last = self.options.iter().rev();
        let found = from_last.find(|(there, _)| *there == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Likewise, or what holds otherwise.
    pub(super) fn value(&self, name: &str) -> &str {
        let default = || {
            let option = OPTIONS.iter().find(|option| option.long == name);
            option.map_or("", |option| option.default)
        };
        self.given(name).unwrap_or_else(default)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.given(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Settings of the file come before those of the command line.
    fn read_file(&mut self) -> Result<(), Wrong> {
        let named = self.given("config").map(PathBuf::from);
        let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".rabbitmqadmin.conf"));
        let Some(path) = named.clone().or_else(usual) else {
            return Ok(());
        };
        let text = match (fs::read_to_string(&path), named) {
            (Ok(text), _) => text,
            (Err(_), None) => return Ok(()),
            (Err(_), Some(path)) => {
                let text = format!("Could not read config file '{}'", path.display());
                return Err(Wrong::Said(text));
            }
        };
        let node = self.value("node").to_owned();
        let found = section(&text, &node);
        let Some(settings) = found else {
            let text = format!(
                "Could not read section '{node}' in config file '{}':
   No section: '{node}'",
                path.display()
            );
            return if self.given("node").is_some() {
                Err(Wrong::Said(text))
            } else {
                Ok(())
            };
        };
        let read = settings.into_iter().filter_map(|(key, value)| {
            let is_meant =
                |option: &&Opt| option.file == key || option.long == key.replace('_', "-");
            Some((OPTIONS.iter().find(is_meant)?.long, value))
        });
        self.options.splice(0..0, read.collect::<Vec<_>>());
        Ok(())
    }
}

/// The settings of a section.
fn section(text: &str, wanted: &str) -> Option<Vec<(String, String)>> {
    let mut found = None;
    let mut is_here = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            is_here = name == wanted;
            if is_here {
                found.get_or_insert_with(Vec::new);
            }
        } else if let (true, Some((key, value))) = (is_here, line.split_once(['=', ':']))
            && !line.starts_with(['#', ';'])
        {
            let pair = (key.trim().to_owned(), value.trim().to_owned());
            found.get_or_insert_with(Vec::new).push(pair);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Given {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Given::parse(&words).unwrap()
    }

    #[test]
    fn letters_and_words_with_values() {
        let given = given("-qkH host -P1234 --vhost=v list queues -S name");
        assert_eq!(given.words, ["list", "queues"]);
        assert!(given.flag("quiet") && given.flag("ssl-insecure"));
        let values = ["host", "port", "vhost", "sort", "username"].map(|name| given.value(name));
        assert_eq!(values, ["host", "1234", "v", "name", "guest"]);
    }

    #[test]
    fn a_section_of_a_file() {
        let text = "[a]\nport = 1\n[b]\n# port = 2\nhostname: h\npassword = p=q\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let want = vec![pair("hostname", "h"), pair("password", "p=q")];
        assert_eq!(section(text, "b"), Some(want));
        assert_eq!(section(text, "c"), None);
    }
}
