//! `rabbitmqctl` and `rabbitmq-diagnostics`: from arguments to an exit code.
//!
//! The order of complaints is the original's: an unknown command, then options, then the number of
//! arguments, then their values, then a broker that is not there; only then the banner.

use super::command::{Command, Invalid, Needs, Tools};
use super::failure::{EX_USAGE, Failure};
use super::output::{Format, print, print_error};
use super::parse::{Parsed, parse};
use super::session::{Session, TIMEOUT_S};
use super::{
    app, cluster, cluster_status, connections, definitions, diagnostics, encoding, exchanges,
    features, help, log_level, logs, memory, memory_use, network, newer, node, parameters,
    permissions, plugins, policies, queues, refused, replicas, settings, status, tls_info, users,
    vhosts,
};

/// Which of RabbitMQ's tools is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Ctl,
    Diagnostics,
    Queues,
    Plugins,
    Upgrade,
}

impl Tool {
    pub(super) const ALL: [Self; 5] = [
        Self::Ctl,
        Self::Diagnostics,
        Self::Queues,
        Self::Plugins,
        Self::Upgrade,
    ];

    /// The tool that is called by that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ctl => "rabbitmqctl",
            Self::Diagnostics => "rabbitmq-diagnostics",
            Self::Queues => "rabbitmq-queues",
            Self::Plugins => "rabbitmq-plugins",
            Self::Upgrade => "rabbitmq-upgrade",
        }
    }

    fn has(self, command: &Command) -> bool {
        command.tools.has(match self {
            Self::Ctl => Tools::CTL,
            Self::Diagnostics => Tools::DIAGNOSTICS,
            Self::Queues => Tools::QUEUES,
            Self::Plugins => Tools::PLUGINS,
            Self::Upgrade => Tools::UPGRADE,
        })
    }
}

/// The commands of a tool.
pub(super) fn commands(tool: Tool) -> impl Iterator<Item = &'static Command> {
    TABLES
        .iter()
        .copied()
        .flatten()
        .filter(move |command| tool.has(command))
}

/// The command of that name.
pub(super) fn find(tool: Tool, name: &str) -> Option<&'static Command> {
    commands(tool).find(|command| command.name == name)
}

/// The command of that name, of whichever tool.
pub(super) fn find_any(name: &str) -> Option<&'static Command> {
    TABLES
        .iter()
        .copied()
        .flatten()
        .find(|command| command.name == name)
}

/// Runs one command line, without the tool's own name, and returns its exit code.
pub(super) fn run(tool: Tool, arguments: &[String]) -> u8 {
    match dispatch(tool, arguments) {
        Ok(()) => 0,
        Err(failure) => {
            print_error(&format!("{}\n", failure.text));
            failure.exit
        }
    }
}

fn dispatch(tool: Tool, arguments: &[String]) -> Result<(), Failure> {
    let command = match choose(tool, arguments)? {
        Choice::Command(command) => command,
        Choice::Text(text) => {
            print(&text);
            return Ok(());
        }
    };
    let parsed = parse(arguments, &[command.options]);
    if parsed.flag("help") {
        print(&help::of_command(tool, command));
        return Ok(());
    }
    let invalid = |invalid: &Invalid| usage_failure(tool, command, arguments, invalid);
    let format = check_options(&parsed).map_err(|error| invalid(&error))?;
    let session = Session::new(tool, command, &parsed, format);
    check_arguments(&session).map_err(|error| invalid(&error))?;
    if session.timeout_ms(TIMEOUT_S) == 0 {
        return Err(Failure::timeout(command.name, &session.node(), 0));
    }
    if let Err(error) = check_node(&session)? {
        return Err(invalid(&error));
    }
    execute(&session)
}

enum Choice {
    Command(&'static Command),
    Text(String),
}

/// Finds out which command is meant, not yet knowing what its options are.
fn choose(tool: Tool, arguments: &[String]) -> Result<Choice, Failure> {
    let all: Vec<_> = commands(tool).map(|command| command.options).collect();
    let parsed = parse(arguments, &all);
    let Some(name) = parsed.words.first() else {
        if parsed.flag("version") {
            let version = find(tool, "version").map_or_else(String::new, |version| {
                status::spoken_version(&Session::new(tool, version, &parsed, Format::Table))
            });
            return Ok(Choice::Text(format!("{version}\n")));
        }
        let text = help::overview(tool);
        let failure = || Failure::bare(EX_USAGE, text.trim_end_matches('\n'));
        return if parsed.flag("help") {
            Ok(Choice::Text(text.clone()))
        } else {
            Err(failure())
        };
    };
    if let Some(command) = find(tool, name) {
        return Ok(Choice::Command(command));
    }
    let text = match help::suggestion(tool, name) {
        Some(like) => format!("\nCommand '{name}' not found. \nDid you mean '{like}'? \n"),
        None => format!(
            "\nCommand '{name}' not found. \n{}",
            help::overview(tool).trim_end()
        ),
    };
    Err(Failure::bare(EX_USAGE, text))
}

fn check_options(parsed: &Parsed) -> Result<Format, Invalid> {
    let complain = |invalid: &[(String, String)]| {
        let lines: Vec<_> = invalid
            .iter()
            .map(|(name, value)| format!("{name} : {value}"))
            .collect();
        let text = format!("Invalid options for this command:\n{}", lines.join("\n"));
        Invalid::usage(text)
    };
    if !parsed.invalid.is_empty() {
        return Err(complain(&parsed.invalid));
    }
    match parsed.option("formatter") {
        None => Ok(Format::default()),
        Some(name) => Format::parse(name)
            .ok_or_else(|| complain(&[("--formatter".to_owned(), name.to_owned())])),
    }
}

fn check_arguments(session: &Session<'_>) -> Result<(), Invalid> {
    let (least, most) = session.command.arity;
    match session.args().len() {
        count if count < least => return Err(Invalid::usage("not enough arguments.")),
        count if count > most => return Err(Invalid::usage("too many arguments.")),
        _ => {}
    }
    if !session.command.columns.is_empty() {
        let asked = session
            .args()
            .iter()
            .flat_map(|argument| argument.split(','));
        let unknown: Vec<_> = asked
            .map(str::trim)
            .filter(|name| !session.command.columns.contains(name))
            .collect();
        if !unknown.is_empty() {
            let text = format!("Info key(s) {} are not supported", unknown.join(","));
            return Err(Invalid::usage(text));
        }
    }
    (session.command.check)(session)
}

/// Whether there is a node, and it is in the state that the command needs.
fn check_node(session: &Session<'_>) -> Result<Result<(), Invalid>, Failure> {
    let wants_running = match session.command.needs {
        Needs::Nothing => return Ok(Ok(())),
        Needs::Node => return session.probe().map(Ok),
        Needs::Application => true,
        Needs::StoppedApplication => false,
    };
    let is_running = session.is_running()?;
    let text = match (wants_running, is_running) {
        (true, false) => {
            "this command requires the 'rabbit' app to be running on the target node. Start it \
             with 'rabbitmqctl start_app'."
        }
        (false, true) => {
            "this command requires the 'rabbit' app to be stopped on the target node. Stop it \
             with 'rabbitmqctl stop_app'."
        }
        _ => return Ok(Ok(())),
    };
    Ok(Err(Invalid::state(text)))
}

fn execute(session: &Session<'_>) -> Result<(), Failure> {
    let command = session.command;
    if let Some(banner) = command.banner.filter(|_| !session.is_quiet()) {
        print(&format!("{}\n", banner(session)));
    }
    let output = (command.run)(session)?;
    let hidden = session.is_silent() || session.option("table-headers") == Some("false");
    print(&output.render(session.format, command.titled && !hidden));
    Ok(())
}

fn usage_failure(
    tool: Tool,
    command: &Command,
    arguments: &[String],
    invalid: &Invalid,
) -> Failure {
    let text = format!(
        "{}: {}\nArguments given:\n\t{}\n\nUsage\n\n{}",
        invalid.heading,
        invalid.text,
        arguments.join(" "),
        help::usage(tool, command)
    );
    Failure::bare(invalid.exit, text)
}

const TABLES: &[&[Command]] = &[
    help::COMMANDS,
    node::COMMANDS,
    users::COMMANDS,
    permissions::COMMANDS,
    vhosts::COMMANDS,
    queues::COMMANDS,
    exchanges::COMMANDS,
    connections::COMMANDS,
    policies::COMMANDS,
    parameters::COMMANDS,
    features::COMMANDS,
    status::COMMANDS,
    diagnostics::COMMANDS,
    definitions::COMMANDS,
    memory::COMMANDS,
    memory_use::COMMANDS,
    log_level::COMMANDS,
    app::COMMANDS,
    cluster::COMMANDS,
    cluster_status::COMMANDS,
    logs::COMMANDS,
    network::COMMANDS,
    newer::COMMANDS,
    plugins::COMMANDS,
    encoding::COMMANDS,
    refused::COMMANDS,
    replicas::COMMANDS,
    settings::COMMANDS,
    tls_info::COMMANDS,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (u8, String) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let failure = dispatch(Tool::Ctl, &words).unwrap_err();
        (failure.exit, failure.text)
    }

    #[test]
    fn too_few_and_too_many_arguments() {
        let want = "Error (argument validation): not enough arguments.\nArguments given:\n\
                    \tadd_user\n\nUsage\n\nrabbitmqctl [--node <node>] [--longnames] [--quiet] \
                    add_user <username> [<password>] [<password_hash> --pre-hashed-password]";
        assert_eq!(refused("add_user"), (64, want.to_owned()));
        assert!(refused("add_user a b c").1.contains("too many arguments."));
    }

    #[test]
    fn unknown_options_and_columns() {
        let (exit, text) = refused("list_queues --nosuch name");
        let want = "Error (argument validation): Invalid options for this command:\n--nosuch : \n\
                    Arguments given:\n\tlist_queues --nosuch name\n";
        assert_eq!((exit, text.starts_with(want)), (64, true), "{text}");
        let (_, text) = refused("list_queues name,nosuch other");
        assert!(
            text.contains("Info key(s) nosuch,other are not supported\n"),
            "{text}"
        );
    }

    #[test]
    fn values_that_cannot_be() {
        let (exit, text) = refused("add_user  x");
        assert_eq!(exit, 65);
        assert!(
            text.contains("Bad argument: user cannot be an empty string\n"),
            "{text}"
        );
    }

    #[test]
    fn unknown_commands() {
        let want = "\nCommand 'list_user' not found. \nDid you mean 'list_users'? \n";
        assert_eq!(refused("list_user"), (64, want.to_owned()));
        let (exit, text) = refused("nosuch_command");
        assert_eq!(exit, 64);
        assert!(
            text.starts_with("\nCommand 'nosuch_command' not found. \n\nUsage\n\nrabbitmqctl ")
        );
        assert_eq!(refused("join_cluster rabbit@x").0, 69);
        assert_eq!(refused("check_running").0, 64);
    }

    #[test]
    fn names_are_unique_and_options_do_not_collide() {
        for tool in [Tool::Ctl, Tool::Diagnostics] {
            let mut names: Vec<_> = commands(tool).map(|command| command.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
