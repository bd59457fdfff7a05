//! The grammar of RabbitMQ's tools: options anywhere among the arguments, before or after the
//! command, and every mistake collected before it is reported.

use super::command::{Kind, Opt};

/// A command line taken apart, against a known set of options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// What is no option, the command's name first.
    pub(crate) words: Vec<String>,
    /// Options by their long name; a flag's value is empty, `--no-flag` is `"false"`.
    pub(crate) options: Vec<(&'static str, String)>,
    /// Options that are unknown or lack their value, as written, with the value if any.
    pub(crate) invalid: Vec<(String, String)>,
}

/// Options that every command takes.
pub(crate) const GLOBAL: &[Opt] = &[
    Opt::text("node").short('n'),
    Opt::flag("quiet").short('q'),
    Opt::flag("silent").short('s'),
    Opt::text("vhost").short('p'),
    Opt::integer("timeout").short('t'),
    Opt::flag("longnames").short('l'),
    Opt::text("formatter"),
    Opt::flag("table-headers"),
    Opt::flag("help").short('?'),
    Opt::flag("version"),
    Opt::flag("dry-run"),
    Opt::flag("print-stacktrace"),
    Opt::text("script-name"),
    Opt::text("erlang-cookie"),
    // Ours: a broker that is elsewhere.
    Opt::text("url"),
];

/// Takes `arguments` apart. `own` are the options of the command, beside the global ones.
pub(crate) fn parse(arguments: &[String], own: &[&[Opt]]) -> Parsed {
    let known: Vec<Opt> = own
        .iter()
        .copied()
        .flatten()
        .chain(GLOBAL)
        .copied()
        .collect();
    let mut parsed = Parsed::default();
    let mut rest = arguments.iter().peekable();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            parsed.words.extend(rest.cloned());
            break;
        }
        if !argument.starts_with('-') || argument == "-" {
            parsed.words.push(argument.clone());
            continue;
        }
        let (written, given) = match argument.split_once('=') {
            Some((written, given)) => (written, Some(given.to_owned())),
            None => (argument.as_str(), None),
        };
        let (option, negated) = lookup(written, &known);
        let Some(option) = option else {
            parsed
                .invalid
                .push((written.to_owned(), given.unwrap_or_default()));
            continue;
        };
        if option.kind == Kind::Flag {
            let value = if negated {
                "false".to_owned()
            } else {
                given.unwrap_or_default()
            };
            parsed.options.push((option.name, value));
            continue;
        }
        let value = given.or_else(|| rest.next_if(|next| !looks_like_option(next)).cloned());
        match value {
            Some(value) if option.kind == Kind::Text || value.parse::<i64>().is_ok() => {
                parsed.options.push((option.name, value));
            }
            value => parsed
                .invalid
                .push((written.to_owned(), value.unwrap_or_default())),
        }
    }
    parsed
}

/// The option that was written as `written`, and whether it was written with `--no-`.
fn lookup(written: &str, known: &[Opt]) -> (Option<Opt>, bool) {
    let find = |is_meant: &dyn Fn(&Opt) -> bool| known.iter().copied().find(is_meant);
    let Some(name) = written.strip_prefix("--") else {
        let mut letters = written.chars().skip(1);
        let letter = letters.next().filter(|_| letters.next().is_none());
        return (
            find(&|option| option.short.is_some() && option.short == letter),
            false,
        );
    };
    // The original also takes the words with underscores between them.
    let name = name.replace('_', "-");
    if let Some(option) = find(&|option| option.name == name) {
        return (Some(option), false);
    }
    let positive = name.strip_prefix("no-").unwrap_or_default();
    (
        find(&|option| option.kind == Kind::Flag && option.name == positive),
        true,
    )
}

/// A value may be a lone dash or a negative number, but no other word with a dash in front.
fn looks_like_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && word.parse::<f64>().is_err()
}

impl Parsed {
    /// The last value given for an option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.option(name).is_some_and(|value| value != "false")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Parsed {
        let own: &[Opt] = &[
            Opt::flag("if-empty").short('e'),
            Opt::text("tags"),
            Opt::integer("priority"),
        ];
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&words, &[own])
    }

    #[test]
    fn options_may_stand_anywhere() {
        let parsed = parsed("-q delete_queue -p v1 q --if-empty --node=a@b");
        assert_eq!(parsed.words, ["delete_queue", "q"]);
        assert!(parsed.flag("quiet") && parsed.flag("if-empty"));
        assert_eq!(
            (parsed.option("vhost"), parsed.option("node")),
            (Some("v1"), Some("a@b"))
        );
        assert_eq!(parsed.invalid, []);
    }

    #[test]
    fn unknown_options_and_missing_values_are_collected() {
        let parsed = parsed("x --nosuch --priority high --other=3 -p");
        let invalid: Vec<_> = parsed
            .invalid
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            invalid,
            [
                ("--nosuch", ""),
                ("--priority", "high"),
                ("--other", "3"),
                ("-p", "")
            ]
        );
    }

    #[test]
    fn the_value_of_an_option_is_no_option() {
        assert_eq!(parsed("x --vhost --quiet").invalid.len(), 1);
        assert_eq!(parsed("x --priority -5").option("priority"), Some("-5"));
        assert_eq!(parsed("export - --tags -").words, ["export", "-"]);
    }

    #[test]
    fn negation_and_the_end_of_options() {
        let parsed = parsed("x --no-table-headers --no-quiet -- -not-an-option --help");
        assert_eq!(parsed.option("table-headers"), Some("false"));
        assert!(!parsed.flag("quiet"));
        assert_eq!(parsed.words, ["x", "-not-an-option", "--help"]);
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(parsed("x --tags  y").option("tags"), Some(""));
    }
}
