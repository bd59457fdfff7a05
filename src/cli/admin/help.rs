//! Help of `rabbitmqadmin`, from the tables of what there is.

use std::fmt::Write as _;

use super::options::OPTIONS;
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
         guest\n  password = guest\n  vhost = /\n\n  rabbitmqadmin -c FILE -N test list queues\n"
    )
}

/// Completes verbs, what they act on, and options.
pub(super) fn bash_completion() -> String {
    let names = |things: &[Thing]| {
        things
            .iter()
            .map(|thing| thing.name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let lists = LISTS
        .iter()
        .map(|list| list.name)
        .collect::<Vec<_>>()
        .join(" ");
    let mut cases = format!("    list) words=\"{lists}\" ;;\n    show) words=overview ;;\n");
    for (verb, things) in ACTIONS {
        let _ = writeln!(cases, "    {verb}) words=\"{}\" ;;", names(things));
    }
    let options: Vec<String> = OPTIONS
        .iter()
        .map(|option| format!("--{}", option.long))
        .collect();
    format!(
        "_rabbitmqadmin() {{\n  local words\n  case \"${{COMP_WORDS[COMP_CWORD-1]}}\" in\n{cases}    \
         export|import) COMPREPLY=($(compgen -f -- \"$2\")); return ;;\n    *) words=\"list show declare \
         delete close purge publish get export import help {}\" ;;\n  esac\n  COMPREPLY=($(compgen -W \
         \"$words\" -- \"$2\"))\n}}\ncomplete -F _rabbitmqadmin rabbitmqadmin\n",
        options.join(" ")
    )
}
