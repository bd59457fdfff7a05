//! Help of `rabbitmqadmin`, from the tables of what there is.

use std::fmt::Write as _;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use super::options::{OPTIONS, Opt};
use super::things::{CLOSED, DECLARED, DELETED, GET, LISTS, List, PUBLISH, PURGED, SHOWN, Thing};

const USAGE: &str = "Usage\n=====\n  rabbitmqadmin [options] subcommand\n";

pub(super) fn overview() -> String {
    let mut text = format!("{USAGE}\nOptions\n=======\n");
    for option in OPTIONS {
        let value = |before: &str| match option.value {
            "" => String::new(),
            value => format!("{before}{value}"),
        };
        let mut left = format!("--{}{}", option.long, value("="));
        if !option.short.is_empty() {
            let _ = write!(left, ", -{}{}", option.short, value(" "));
        }
        let _ = match left.len() < 24 {
            true => writeln!(text, "{left:24}{}", option.about),
            false => writeln!(text, "{left}\n{:24}{}", "", option.about),
        };
    }
    text + "\nMore Help\n=========\n\n  rabbitmqadmin help subcommands  # what it can do\n  \
            rabbitmqadmin help config       # the file that options can come from\n"
}

pub(super) fn subcommands() -> String {
    let mut text = format!("{USAGE}\n  where subcommand is one of:\n");
    heading(&mut text, "Display");
    for (verb, lists) in [("list", LISTS), ("show", SHOWN)] {
        for List { name, .. } in lists {
            let _ = writeln!(text, "  {verb} {name} [<column>...]");
        }
    }
    heading(&mut text, "Object Manipulation");
    for (verb, things) in ACTIONS {
        for thing in things {
            let _ = writeln!(text, "  {verb} {} {}", thing.name, thing.usage());
        }
    }
    heading(&mut text, "Broker Definitions");
    text += "  export <file>\n  import <file>\n";
    heading(&mut text, "Publishing and Consuming");
    let _ = writeln!(text, "  publish {}\n  get {}", PUBLISH.usage(), GET.usage());
    text + "\n  * Without a payload, publish reads it from standard input\n  * With payload_file, get \
            writes the payload of one message there\n"
}

const ACTIONS: [(&str, &[Thing]); 4] = [
    ("declare", DECLARED),
    ("delete", DELETED),
    ("close", CLOSED),
    ("purge", PURGED),
];

fn heading(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n{title}\n{}\n", "=".repeat(title.len()));
}

pub(super) fn config() -> String {
    format!(
        "{USAGE}\nConfiguration File\n==================\n\n  Options can come from sections of a file, \
         of which -N names one:\n\n  [test]\n  hostname = localhost\n  port = 15672\n  username = \
         guest\n  password = guest\n  vhost = /\n\n  [encrypted]\n  port = 15671\n  ssl = True\n  \
         ssl_ca_cert_file = /path/to/ca_certificate.pem\n  ssl_key_file = \
         /path/to/client_key.pem\n  ssl_cert_file = /path/to/client_certificate.pem\n\n  rabbitmqadmin -c FILE -N test list queues\n"
    )
}

/// All of it, for the manual.
pub(in crate::cli) fn all() -> String {
    format!("{}\n{}\n{}", overview(), subcommands(), config())
}

/// For the completions of shells and the manual.
pub(in crate::cli) fn command() -> Command {
    let option = |option: &'static Opt| {
        let argument = Arg::new(option.long)
            .long(option.long)
            .help(option.about)
            .global(true);
        let argument = match option.short.chars().next() {
            Some(letter) => argument.short(letter),
            None => argument,
        };
        match option.value {
            "" => argument.action(ArgAction::SetTrue),
            value => argument.value_name(value),
        }
    };
    let of = |verb: &'static str, names: Vec<&'static str>| {
        let what = Arg::new("what").value_parser(PossibleValuesParser::new(names));
        Command::new(verb).disable_help_flag(true).arg(what)
    };
    let names = |things: &'static [Thing]| things.iter().map(|thing| thing.name).collect();
    let lists = |lists: &'static [List]| lists.iter().map(|list| list.name).collect();
    Command::new("rabbitmqadmin")
        .about("Declares, lists, publishes and gets over the management API")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .args(OPTIONS.iter().map(option))
        .subcommands([of("list", lists(LISTS)), of("show", lists(SHOWN))])
        .subcommands(ACTIONS.map(|(verb, things)| of(verb, names(things))))
        .subcommands(["publish", "get", "export", "import", "help"].map(Command::new))
}
