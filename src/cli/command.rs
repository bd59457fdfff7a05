//! What was typed: RabbitMQ's grammar, in which options stand anywhere.

use super::output::{Failed, Formatter};

/// Options that take a value, and their short forms.
const WITH_VALUE: [(&str, &str); 9] = [
    ("--vhost", "-p"),
    ("--node", "-n"),
    ("--timeout", "-t"),
    ("--formatter", "--format"),
    ("--description", "--description"),
    ("--tags", "--tags"),
    ("--default-queue-type", "--default-queue-type"),
    ("--url", "--url"),
    ("--table-headers", "--table-headers"),
];

/// A command line, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// The command and its arguments.
    pub(super) words: Vec<String>,
    options: Vec<(String, String)>,
    flags: Vec<String>,
}

impl Typed {
    /// Take `arguments` apart. What looks like an option behind `--` is a word.
    pub(super) fn parse(arguments: &[String]) -> Self {
        let mut typed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                typed.words.extend(rest.by_ref().cloned());
            } else if let Some((name, value)) = argument
                .split_once('=')
                .filter(|_| argument.starts_with("--"))
            {
                typed.options.push((name.to_owned(), value.to_owned()));
            } else if let Some(name) = takes_value(argument) {
                typed
                    .options
                    .push((name.to_owned(), rest.next().cloned().unwrap_or_default()));
            } else if argument.starts_with('-') && argument.len() > 1 {
                typed.flags.push(argument.clone());
            } else {
                typed.words.push(argument.clone());
            }
        }
        typed
    }

    /// An option's value.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().rev().find(|(there, _)| there == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a flag is set, under either name.
    pub(super) fn flag(&self, long: &str, short: &str) -> bool {
        self.flags
            .iter()
            .any(|there| there == long || there == short)
    }

    /// The virtual host meant.
    pub(super) fn vhost(&self) -> &str {
        self.option("--vhost").unwrap_or("/")
    }

    /// The formatter asked for.
    pub(super) fn formatter(&self) -> Result<Formatter, Failed> {
        let name = self.option("--formatter").unwrap_or("table");
        let unknown = || Failed::plain(64, format!("Error: unknown formatter {name}"));
        Formatter::named(name).ok_or_else(unknown)
    }

    pub(super) fn is_silent(&self) -> bool {
        self.flag("--silent", "-s")
    }

    /// No banners: also where the output is for programs.
    pub(super) fn is_quiet(&self) -> bool {
        let for_programs = matches!(self.option("--formatter"), Some("json" | "csv"));
        self.is_silent() || self.flag("--quiet", "-q") || for_programs
    }

    pub(super) fn has_headers(&self) -> bool {
        !self.is_silent() && !self.flag("--no-table-headers", "")
    }
}

fn takes_value(argument: &str) -> Option<&'static str> {
    WITH_VALUE
        .iter()
        .find(|(long, short)| argument == *long || argument == *short)
        .map(|(long, _)| *long)
}

#[cfg(test)]
mod tests {
    use super::Typed;

    fn typed(line: &str) -> Typed {
        Typed::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_stand_anywhere() {
        let typed = typed("-q list_queues -p hellohost name --formatter=json messages");
        assert_eq!(typed.words, ["list_queues", "name", "messages"]);
        assert_eq!(typed.vhost(), "hellohost");
        assert!(typed.is_quiet() && typed.has_headers());
    }

    #[test]
    fn the_vhost_is_the_default_one() {
        assert_eq!(typed("list_queues").vhost(), "/");
    }
}
