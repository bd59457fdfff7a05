//! `rabbitmq-plugins`: RabbitMQ's plugins by name. Some are built in here; a name that is not is
//! noted in the file of enabled plugins like any other, with a word about it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fancy_regex::Regex;
use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Observability, Plugins},
    Invalid, Opt, Tools,
};
use super::failure::{EX_SOFTWARE, EX_UNAVAILABLE, Failure};
use super::output::{Output, print_error};
use super::plugin_table::{ALL, Plugin, find};
use super::session::Session;
use super::status::spoken_version;

const MODES: &[Opt] = &[Opt::flag("offline"), Opt::flag("online"), Opt::flag("all")];
const MODES_HELP: &[(&str, &str)] = &[
    ("<plugin1> [ <plugin2>]", "names of plugins"),
    ("--online", "the broker must be there"),
    (
        "--offline",
        "only the file of enabled plugins is looked at or changed",
    ),
    ("--all", "all plugins"),
];

const fn change(
    name: &'static str,
    summary: &'static str,
    run: fn(&Session<'_>) -> Result<Output, Failure>,
) -> Command {
    Command::new(name, Plugins, summary, run)
        .options(MODES)
        .help(MODES_HELP)
        .tools(Tools::PLUGINS)
        .offline()
}

pub(super) const COMMANDS: &[Command] = &[
    Command::new("list", Plugins, "Lists plugins and their state", list)
        .usage(
            (0, 1),
            "[pattern] [--verbose] [--minimal] [--enabled] [--implicitly-enabled]",
        )
        .options(&[
            Opt::flag("verbose").short('v'),
            Opt::flag("minimal").short('m'),
            Opt::flag("enabled").short('E'),
            Opt::flag("implicitly-enabled").short('e'),
        ])
        .help(&[
            (
                "<pattern>",
                "only plugins whose name fits this regular expression",
            ),
            ("--verbose", "with what they need and do"),
            ("--minimal", "only their names"),
            ("--enabled", "only those that were enabled"),
            ("--implicitly-enabled", "those, and what they need"),
        ])
        .check(|s| match (s.flag("verbose"), s.flag("minimal")) {
            (true, true) => Err(Invalid::value("Cannot set both verbose and minimal")),
            _ => pattern(s).map(drop),
        })
        .tools(Tools::PLUGINS)
        .offline()
        .banner(|s| {
            format!(
                "Listing plugins with pattern \"{}\" ...",
                s.args().first().map_or(".*", String::as_str)
            )
        }),
    change(
        "enable",
        "Enables plugins, and says which are built in",
        |s| apply(s, |enabled| enabled.extend(chosen(s))),
    )
    .usage(
        (0, usize::MAX),
        "<plugin1> [ <plugin2>] | --all [--offline] [--online]",
    )
    .check(check_names)
    .banner(|s| change_banner(s, "Enabling")),
    change("disable", "Disables plugins; what is built in stays", |s| {
        let gone = chosen(s);
        apply(s, |enabled| enabled.retain(|name| !gone.contains(name)))
    })
    .usage(
        (0, usize::MAX),
        "<plugin1> [ <plugin2>] | --all [--offline] [--online]",
    )
    .check(check_names)
    .banner(|s| change_banner(s, "Disabling")),
    change("set", "Enables plugins and disables all others", |s| {
        apply(s, |enabled| *enabled = chosen(s))
    })
    .usage(
        (0, usize::MAX),
        "<plugin1> [ <plugin2>] [--offline] [--online]",
    )
    .check(check_modes)
    .banner(|s| change_banner(s, "Enabling")),
    Command::new(
        "is_enabled",
        Observability,
        "Fails unless plugins are enabled",
        is_enabled,
    )
    .usage(
        (1, usize::MAX),
        "<plugin1> [ <plugin2>] [--offline] [--online]",
    )
    .options(MODES)
    .help(MODES_HELP)
    .check(check_modes)
    .tools(Tools::PLUGINS)
    .offline()
    .banner(|s| match s.flag("offline") {
        true => format!("Inferring if {} from local environment...", asked(s)),
        false => format!("Asking node {} if {}...", s.node(), asked(s)),
    }),
    Command::new(
        "directories",
        Observability,
        "Shows where plugins would be",
        directories,
    )
    .usage((0, 0), "[--offline] [--online]")
    .options(MODES)
    .help(MODES_HELP)
    .check(check_modes)
    .tools(Tools::PLUGINS)
    .offline()
    .banner(|s| match s.flag("offline") {
        true => "Listing plugin directories inferred from local environment...".to_owned(),
        false => format!("Listing plugin directories used by node {}", s.node()),
    }),
];

fn check_modes(s: &Session<'_>) -> Result<(), Invalid> {
    match (s.flag("offline"), s.flag("online")) {
        (true, true) => Err(Invalid::value("Cannot set both online and offline")),
        _ => Ok(()),
    }
}

fn check_names(s: &Session<'_>) -> Result<(), Invalid> {
    match (s.args(), s.flag("all")) {
        ([], false) => Err(Invalid::usage("not enough arguments.")),
        ([_, ..], true) => Err(Invalid::value(
            "Cannot set both --all and a list of plugins",
        )),
        _ => check_modes(s),
    }
}

fn change_banner(s: &Session<'_>, what: &str) -> String {
    match s.flag("all") {
        true => format!("{what} ALL plugins on node {}", s.node()),
        false => format!(
            "{what} plugins on node {}:\n{}",
            s.node(),
            s.args().join("\n")
        ),
    }
}

fn chosen(s: &Session<'_>) -> Vec<String> {
    match s.flag("all") {
        true => ALL.iter().map(|plugin| plugin.name.to_owned()).collect(),
        false => s.args().to_vec(),
    }
}

/// `plugin x is enabled`, `plugins x, y are enabled`
fn asked(s: &Session<'_>) -> String {
    match s.args() {
        [one] => format!("plugin {one} is enabled"),
        all => format!("plugins {} are enabled", all.join(", ")),
    }
}

/// The file of enabled plugins, as the server finds it.
pub(super) fn file() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = set("RABBITMQ_ENABLED_PLUGINS_FILE").or_else(|| set("ENABLED_PLUGINS_FILE"));
    named.map_or_else(
        || PathBuf::from("/etc/rabbitmq/enabled_plugins"),
        PathBuf::from,
    )
}

/// The plugins that were enabled: what stands in the file, and what is built in.
fn enabled() -> Vec<String> {
    let built_in = ALL
        .iter()
        .filter(|plugin| plugin.is_on && !plugin.is_helper);
    let mut names: Vec<String> = built_in.map(|plugin| plugin.name.to_owned()).collect();
    names.extend(in_file(&file()));
    tidied(names)
}

/// `[rabbitmq_management,rabbitmq_shovel].`
fn in_file(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split('%').next().unwrap_or_default());
    let text: String = lines.collect();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn tidied(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

/// With the plugins that these need.
pub(super) fn with_needs(names: &[String]) -> Vec<String> {
    let mut all = names.to_vec();
    let mut at = 0;
    while let Some(name) = all.get(at) {
        let needs = find(name).map_or(&[][..], |plugin| plugin.needs);
        let new = needs
            .iter()
            .filter(|need| !all.iter().any(|there| there == *need));
        let new: Vec<String> = new.map(|&need| need.to_owned()).collect();
        all.extend(new);
        at += 1;
    }
    tidied(all)
}

fn pattern(s: &Session<'_>) -> Result<Regex, Invalid> {
    let pattern = s.args().first().map_or(".*", String::as_str);
    Regex::new(pattern).map_err(Invalid::value)
}

/// A plugin in a list.
struct Row {
    plugin: &'static Plugin,
    /// `E`, `e` or a blank.
    mark: char,
    running: bool,
}

fn rows(s: &Session<'_>, is_up: bool) -> Vec<Row> {
    let explicit = enabled();
    let all = with_needs(&explicit);
    let has = |names: &[String], name: &str| names.iter().any(|there| there == name);
    let pattern = pattern(s).ok();
    let fits = |name: &str| {
        let matched = pattern.as_ref().map(|pattern| pattern.is_match(name));
        matched.is_some_and(|matched| matched.unwrap_or_default())
    };
    let row = |plugin: &'static Plugin| Row {
        plugin,
        mark: match plugin.name {
            name if has(&explicit, name) => 'E',
            name if has(&all, name) => 'e',
            _ => ' ',
        },
        running: is_up && plugin.is_on,
    };
    let shown = |row: &Row| match row.mark {
        'E' => true,
        'e' => !s.flag("enabled"),
        _ => !s.flag("enabled") && !s.flag("implicitly-enabled"),
    };
    let rows = ALL.iter().filter(|plugin| fits(plugin.name)).map(row);
    rows.filter(shown).collect()
}

fn list(s: &Session<'_>) -> Result<Output, Failure> {
    let is_up = s.is_running().unwrap_or_default();
    let (rows, version) = (rows(s, is_up), spoken_version(s));
    let text = match (s.flag("minimal"), s.flag("verbose")) {
        (true, _) => rows
            .iter()
            .map(|row| format!("{}\n", row.plugin.name))
            .collect(),
        (_, verbose) => long_list(s, &rows, &version, is_up, verbose),
    };
    let json = json!({
        "status": if is_up { json!("running") } else { json!("node_down") },
        "format": if s.flag("minimal") { "minimal" } else if s.flag("verbose") { "verbose" } else { "normal" },
        "plugins": rows.iter().map(|row| row.json(&version)).collect::<Vec<_>>(),
    });
    Ok(Output::Report {
        text: text.trim_end().to_owned(),
        json,
    })
}

fn long_list(s: &Session<'_>, rows: &[Row], version: &str, is_up: bool, verbose: bool) -> String {
    let mut text = String::new();
    if !s.is_quiet() {
        let status = match is_up {
            true => format!("* = running on {}", s.node()),
            false => format!("[failed to contact {} - status not shown]", s.node()),
        };
        let _ = writeln!(
            text,
            " Configured: E = explicitly enabled; e = implicitly enabled\n | Status: {status}\n |/"
        );
    }
    let width = rows
        .iter()
        .map(|row| row.plugin.name.len())
        .max()
        .unwrap_or_default();
    for row in rows {
        let (name, running) = (row.plugin.name, if row.running { '*' } else { ' ' });
        let _ = match verbose {
            false => writeln!(text, "[{}{running}] {name:width$} {version}", row.mark),
            true => writeln!(
                text,
                "[{}{running}] {name}\n     Version:     \t{version}\n     Dependencies:\t[{}]\n     \
                 Description: \t{}\n",
                row.mark,
                row.plugin.needs.join(","),
                row.plugin.about,
            ),
        };
    }
    text
}

impl Row {
    fn json(&self, version: &str) -> Value {
        let enabled = match self.mark {
            'E' => "enabled",
            'e' => "implicit",
            _ => "not_enabled",
        };
        json!({
            "enabled": enabled,
            "name": self.plugin.name,
            "running": self.running,
            "version": version,
            "running_version": if self.running { version } else { "" },
        })
    }
}

/// Changes what is enabled, in the file if there is anything to change.
fn apply(s: &Session<'_>, change: impl FnOnce(&mut Vec<String>)) -> Result<Output, Failure> {
    let unknown = s.args().iter().filter(|name| find(name).is_none());
    let unknown: Vec<String> = unknown.map(|name| format!(":{name}")).collect();
    if !unknown.is_empty() && s.command.name != "disable" {
        let text = format!("{{:plugins_not_found, [{}]}}", unknown.join(", "));
        return Err(Failure::error(EX_SOFTWARE, text));
    }
    let is_up = !s.flag("offline") && s.is_running().is_ok();
    if s.flag("online") && !is_up {
        s.is_running()?;
    }
    let before = enabled();
    let mut wanted = before.clone();
    change(&mut wanted);
    let wanted = tidied(wanted);
    let after = with_needs(&wanted);
    if wanted != before {
        write(&file(), &wanted)?;
    }
    note_differences(&before, &wanted);
    Ok(Output::Text(change_text(
        s,
        &with_needs(&before),
        &after,
        is_up,
    )))
}

fn write(path: &Path, names: &[String]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        // Whether that worked, writing will tell.
        let _ = fs::create_dir_all(folder);
    }
    fs::write(path, format!("[{}].\n", names.join(","))).map_err(|error| {
        Failure::error(
            EX_SOFTWARE,
            format!("cannot write {}: {error}", path.display()),
        )
    })
}

/// What RabbitMQ would do and Leveret does not.
fn note_differences(before: &[String], after: &[String]) {
    let new = after.iter().filter(|name| !before.contains(name));
    let gone = before.iter().filter(|name| !after.contains(name));
    for name in new {
        let note = match find(name) {
            Some(plugin) if plugin.is_on => continue,
            Some(plugin) if plugin.is_chosen => "is built into Leveret; its settings switch it on",
            _ => "is noted as enabled; Leveret does without it",
        };
        print_error(&format!("Note: {name} {note}\n"));
    }
    for name in gone.filter(|name| find(name).is_some_and(|plugin| plugin.is_on)) {
        print_error(&format!("Note: {name} is built into Leveret and goes on\n"));
    }
}

fn change_text(s: &Session<'_>, before: &[String], after: &[String], is_up: bool) -> String {
    let mut text = match after.is_empty() {
        true => "All plugins have been disabled.\n".to_owned(),
        false => format!(
            "The following plugins have been configured:\n  {}\n",
            after.join("\n  ")
        ),
    };
    let _ = writeln!(text, "Applying plugin configuration to {}...", s.node());
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter()
            .filter(|name| !other.contains(name))
            .cloned()
            .collect()
    };
    let (new, gone) = (only(after, before), only(before, after));
    for (names, what) in [(&new, "enabled"), (&gone, "disabled")] {
        if !names.is_empty() && s.command.name != "set" {
            let _ = writeln!(
                text,
                "The following plugins have been {what}:\n  {}\n",
                names.join("\n  ")
            );
        }
    }
    let done = match (is_up, new.len(), gone.len()) {
        (true, 0, 0) => "Plugin configuration unchanged.".to_owned(),
        (true, new, 0) => format!("started {new} plugins."),
        (true, 0, gone) => format!("stopped {gone} plugins."),
        (true, new, gone) => format!("started {new} plugins.\nstopped {gone} plugins."),
        (false, ..) => format!(
            "set {} plugins.\nOffline change; changes will take effect at broker restart.",
            after.len()
        ),
    };
    text + &done
}

fn is_enabled(s: &Session<'_>) -> Result<Output, Failure> {
    let is_up = !s.flag("offline") && s.is_running()?;
    let all = match is_up || s.flag("offline") {
        true => with_needs(&enabled()),
        false => Vec::new(),
    };
    let missing: Vec<&String> = s.args().iter().filter(|name| !all.contains(name)).collect();
    let place = match s.flag("offline") {
        true => String::new(),
        false => format!(" on node {}", s.node()),
    };
    let names = |names: &[&String]| {
        names
            .iter()
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let text = match missing.as_slice() {
        [] => {
            let all: Vec<&String> = s.args().iter().collect();
            let (s_, is) = if all.len() == 1 {
                ("", "is")
            } else {
                ("s", "are")
            };
            let text = format!("Plugin{s_} {} {is} enabled{place}", names(&all));
            return Ok(Output::Report {
                text,
                json: json!({ "result": "ok" }),
            });
        }
        [one] => format!("Plugin {one} is not enabled{place}."),
        many => format!("Plugins {} are not enabled{place}.", names(many)),
    };
    let text = format!(
        "{text} Enabled plugins and dependencies: {}",
        all.join(", ")
    );
    Err(Failure::error(EX_UNAVAILABLE, text))
}

fn directories(s: &Session<'_>) -> Result<Output, Failure> {
    if !s.flag("offline") {
        s.probe()?;
    }
    Ok(Output::Text(format!(
        "Plugin archives directory: (none: plugins are built in)\n\
         Plugin expansion directory: (none)\nEnabled plugins file: {}",
        file().display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_found_once_and_in_order() {
        let all = with_needs(&["rabbitmq_shovel_management".to_owned()]);
        let want = [
            "rabbitmq_management",
            "rabbitmq_management_agent",
            "rabbitmq_shovel",
            "rabbitmq_shovel_management",
            "rabbitmq_web_dispatch",
        ];
        assert_eq!(all, want);
    }
}
