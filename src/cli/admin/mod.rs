//! `rabbitmqadmin` as it was before it was written anew for RabbitMQ 4.3: `declare queue name=…`,
//! `list`, `get`, `publish`, `export`, over the management API of any broker.

mod acts;
mod arguments;
mod call;
mod help;
mod options;
mod shown;
mod things;

pub(super) use self::help::{all as help_text, command};

use self::call::Call;
use self::options::{Given, Wrong};
use self::things::{CLOSED, DECLARED, DELETED, LISTS, PURGED, SHOWN};
use super::output::{print, print_error};

/// Why it ends early: the text for standard error or output, and the exit code.
#[derive(Debug)]
struct End {
    text: String,
    exit: u8,
}

impl End {
    fn usage(text: impl std::fmt::Display) -> Self {
        Self {
            text: format!("\nERROR: {text}\n\nrabbitmqadmin --help for help\n\n"),
            exit: 1,
        }
    }

    /// What the broker has against it.
    fn refused(text: impl std::fmt::Display) -> Self {
        Self {
            text: format!("*** {text}\n\n"),
            exit: 1,
        }
    }
}

/// Runs one command line, without the program's own name; returns the exit code.
pub(super) fn run(arguments: &[String]) -> u8 {
    let given = match Given::parse(arguments) {
        Ok(given) => given,
        Err(Wrong::Option(text)) => {
            let usage = "Usage\n=====\n  rabbitmqadmin [options] subcommand";
            print_error(&format!("{usage}\n\nrabbitmqadmin: error: {text}\n"));
            return 2;
        }
        Err(Wrong::Said(text)) => return end(&End::usage(text)),
    };
    match dispatch(&given) {
        Ok(()) => 0,
        Err(error) => end(&error),
    }
}

fn end(error: &End) -> u8 {
    print_error(&error.text);
    error.exit
}

fn dispatch(given: &Given) -> Result<(), End> {
    if given.flag("help") {
        print(&help::overview());
        return Ok(());
    }
    if given.flag("bash-completion") {
        super::pages::completions(&["bash", "rabbitmqadmin"].map(str::to_owned));
        return Ok(());
    }
    let call = Call::new(given)?;
    if given.flag("version") {
        print(&format!(
            "rabbitmqadmin {}\n",
            super::status::DEFAULT_VERSION
        ));
        return Ok(());
    }
    let mut words = given.words.iter().map(String::as_str);
    let Some(verb) = words.next() else {
        return Err(End::usage("Action not specified"));
    };
    let rest: Vec<&str> = words.collect();
    match verb {
        "help" => help(&rest),
        "list" => call.list(LISTS, verb, &rest),
        "show" => call.list(SHOWN, verb, &rest),
        "declare" => call.act(DECLARED, "declared", &rest),
        "delete" => call.act(DELETED, "deleted", &rest),
        "close" => call.act(CLOSED, "closed", &rest),
        "purge" => call.act(PURGED, "purged", &rest),
        "publish" => call.publish(&rest),
        "get" => call.get(&rest),
        "export" => call.export(&rest),
        "import" => call.import(&rest),
        other => Err(End::usage(format!("Action {other} not understood"))),
    }
}

fn help(topic: &[&str]) -> Result<(), End> {
    let text = match topic {
        [] => help::overview(),
        ["subcommands", ..] => help::subcommands(),
        ["config", ..] => help::config(),
        _ => {
            let text = "help topic must be one of:\n  subcommands\n  config";
            return Err(End::usage(text));
        }
    };
    print(&text);
    Ok(())
}
