//! Help: of a tool, of a command, and for those who mistyped one.

use std::fmt::Write as _;

use super::command::{Command, Group, Opt, Tools};
use super::ctl::{Tool, commands, find, find_any};
use super::failure::{EX_USAGE, Failure};
use super::output::Output;
use super::session::Session;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("help", Group::Help, "Shows what a command does", help)
        .usage((0, 1), "(<command> | [--list-commands])")
        .options(&[Opt::flag("list-commands")])
        .help(&[
            ("<command>", "the command"),
            ("--list-commands", "only list the commands"),
        ])
        .tools(Tools::ALL)
        .offline(),
    Command::new(
        "autocomplete",
        Group::Help,
        "Lists commands that begin alike",
        autocomplete,
    )
    .usage((0, 1), "[prefix] [--timeout <timeout>]")
    .tools(Tools::EXCEPT_UPGRADE)
    .offline(),
];

fn help(s: &Session<'_>) -> Result<Output, Failure> {
    let tool = s.tool;
    let text = match s.arg(0) {
        "" if s.flag("list-commands") => list(tool),
        "" => overview(tool),
        name => match find(tool, name).or_else(|| find_any(name)) {
            Some(command) => of_command(tool, command),
            None => {
                let text = format!("\nCommand '{name}' not found.");
                return Err(Failure::error(EX_USAGE, text));
            }
        },
    };
    Ok(Output::Text(text.trim_end_matches('\n').to_owned()))
}

fn autocomplete(s: &Session<'_>) -> Result<Output, Failure> {
    let names = commands(s.tool).map(|command| command.name);
    let names: Vec<_> = names.filter(|name| name.starts_with(s.arg(0))).collect();
    Ok(Output::Text(names.join("\n")))
}

/// What a tool can do.
pub(super) fn overview(tool: Tool) -> String {
    let name = tool.name();
    format!(
        "\nUsage\n\n{name} [--node <node>] [--timeout <timeout>] [--longnames] [--quiet] <command> \
         [<command options>]\n\nAvailable commands:\n{}\nUse '{name} help <command>' to learn more \
         about a specific command\n",
        list(tool)
    )
}

fn list(tool: Tool) -> String {
    let width = commands(tool)
        .map(|command| command.name.len())
        .max()
        .unwrap_or_default()
        + 2;
    let mut text = String::new();
    for group in Group::ALL {
        let mut members: Vec<_> = commands(tool)
            .filter(|command| command.group == group)
            .collect();
        members.sort_by_key(|command| command.name);
        if members.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}:\n", group.title());
        for command in members {
            let _ = writeln!(text, "   {:width$}{}", command.name, command.summary);
        }
    }
    text
}

/// The line that says how a command is called.
pub(super) fn usage(tool: Tool, command: &Command) -> String {
    let line = format!(
        "{} [--node <node>] [--longnames] [--quiet] {} {}",
        tool.name(),
        command.name,
        command.usage
    );
    line.trim_end().to_owned()
}

/// What a command does and takes.
pub(super) fn of_command(tool: Tool, command: &Command) -> String {
    let mut text = format!(
        "\nUsage\n\n{}\n\n{}.\n",
        usage(tool, command),
        command.summary
    );
    if !command.help.is_empty() || !command.columns.is_empty() {
        text.push_str("\n\nArguments and Options\n");
    }
    if !command.columns.is_empty() {
        let mut columns = command.columns.to_vec();
        columns.sort_unstable();
        let columns = columns.join(", ");
        let _ = writeln!(text, "\n<column>\n\tmust be one of {columns}");
    }
    for (what, meaning) in command.help {
        let _ = writeln!(text, "\n{what}\n\t{meaning}");
    }
    text.push_str(GENERAL);
    text
}

/// What an option of all commands means, in a line.
pub(super) fn of_option(name: &str) -> &'static str {
    match name {
        "node" => "the broker to ask, by its node name",
        "quiet" => "no banners",
        "silent" => "no banners and no column names",
        "vhost" => "the virtual host, where there is one to choose",
        "timeout" => "how long it may take, in seconds",
        "formatter" => "json, pretty_table, table, csv or erlang",
        "table-headers" => "whether there are column names",
        "help" => "what the command does",
        "version" => "the version of RabbitMQ that is spoken",
        "url" => "the management API of a broker elsewhere",
        "longnames" | "print-stacktrace" | "script-name" | "erlang-cookie" | "dry-run" => {
            "taken, and means nothing here"
        }
        _ => "",
    }
}

/// The known command most like `name`, if any is much like it.
pub(super) fn suggestion(tool: Tool, name: &str) -> Option<&'static str> {
    commands(tool)
        .map(|command| (jaro(name, command.name), command.name))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// Jaro's measure of likeness, from 0 to 1.
#[allow(
    clippy::cast_precision_loss,
    reason = "the counts are of letters in a word"
)]
fn jaro(one: &str, other: &str) -> f64 {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let reach = (one.len().max(other.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; other.len()];
    let mut matched = Vec::new();
    for (index, letter) in one.iter().enumerate() {
        let near = index.saturating_sub(reach)..=index + reach;
        let free = other.iter().zip(taken.iter_mut()).enumerate();
        let mut free = free.filter(|(at, (candidate, taken))| {
            near.contains(at) && !**taken && *candidate == letter
        });
        if let Some((_, (_, taken))) = free.next() {
            *taken = true;
            matched.push(*letter);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let theirs = other
        .iter()
        .zip(&taken)
        .filter(|(_, taken)| **taken)
        .map(|(letter, _)| letter);
    let displaced = matched
        .iter()
        .zip(theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .count()
        / 2;
    let (m, t) = (matched.len() as f64, displaced as f64);
    (m / one.len() as f64 + m / other.len() as f64 + (m - t) / m) / 3.0
}

/// Options of all commands, in RabbitMQ's table.
const GENERAL: &str = "

General Options

Most commands take these:

short            | long          | description
-----------------|---------------|--------------------------------
-?               | --help        | this text
-n <node>        | --node <node> | the broker to ask, by its node name
-l               | --longnames   | taken, and means nothing here
-t               | --timeout <n> | how long it may take, in seconds
-q               | --quiet       | no banners
-s               | --silent      | no banners and no column names
-p               | --vhost       | the virtual host, where there is one to choose
                 | --formatter   | json, pretty_table, table, csv or erlang
                 | --url <url>   | the management API of a broker elsewhere:
                                 | http://guest:guest@host:15672
";

/// From here on a command is taken for a misspelling of another.
const LIKENESS_MIN: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness() {
        assert!((jaro("MARTHA", "MARHTA") - 0.944).abs() < 0.001);
        assert!((jaro("DIXON", "DICKSONX") - 0.767).abs() < 0.001);
        assert!(jaro("", "x") < f64::EPSILON);
    }

    #[test]
    fn misspelled_commands() {
        for (wrong, right) in [
            ("list_user", "list_users"),
            ("lst_queues", "list_queues"),
            ("list_usrs", "list_users"),
        ] {
            assert_eq!(suggestion(Tool::Ctl, wrong), Some(right), "{wrong}");
        }
        assert_eq!(suggestion(Tool::Ctl, "nosuch_command"), None);
        assert_eq!(suggestion(Tool::Ctl, "lisst"), None);
    }

    #[test]
    fn every_command_has_a_page() {
        for tool in [Tool::Ctl, Tool::Diagnostics] {
            for command in commands(tool) {
                let page = of_command(tool, command);
                assert!(page.contains(command.name) && !command.summary.is_empty());
            }
        }
    }
}
