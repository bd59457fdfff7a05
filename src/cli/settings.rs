//! What a node was started with and works with: `environment`, `report` and the like.

use std::fmt::Write as _;

use serde_json::json;

use super::command::{
    Command,
    Group::{Configuration, Observability},
    Invalid, Needs, Tools,
};
use super::ctl;
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Format, Output};
use super::parse::{Parsed, parse};
use super::session::Session;
use super::value::bare;

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "environment",
        Configuration,
        "Shows the settings that hold",
        |s| {
            // Text, and no JSON: what the API says of them.
            Ok(Output::Text(
                s.text("/api/config/effective")?.trim_end().to_owned(),
            ))
        },
    )
    .tools(Tools::BOTH)
    .needs(Needs::Node)
    .banner(|s| format!("Application environment of node {} ...", s.node())),
    Command::new(
        "report",
        Observability,
        "Shows all there is to know, for a report of a fault",
        report,
    )
    .tools(Tools::BOTH)
    .banner(|s| format!("Reporting server status of node {} ...\n", s.node())),
    Command::new(
        "os_env",
        Configuration,
        "Shows variables that settings came from",
        os_env,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| {
        format!(
            "Listing RabbitMQ-specific environment variables defined on node {}...",
            s.node()
        )
    }),
    Command::new(
        "command_line_arguments",
        Configuration,
        "Shows what the broker was started with",
        arguments,
    )
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Command line arguments of node {} ...", s.node())),
    Command::idle(
        "set_disk_free_limit",
        Configuration,
        "Does nothing: no disk is used",
    )
    .usage((1, 2), "<disk_limit> | mem_relative <fraction>")
    .help(&[
        ("<disk_limit>", "an amount with a unit"),
        (
            "mem_relative <fraction>",
            "as a share of the machine's memory",
        ),
    ])
    .check(check_disk_limit)
    .banner(|s| {
        let node = s.node();
        match s.args() {
            [_, value] => {
                format!("Setting disk free limit on {node} to {value} times the total RAM ...")
            }
            _ => format!(
                "Setting disk free limit on {node} to {} bytes ...",
                s.arg(0)
            ),
        }
    }),
    Command::idle(
        "activate_free_disk_space_monitoring",
        Observability,
        "Does nothing: no disk is used",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|s| {
        format!(
            "[Re-]activating free disk space monitoring on node {}...",
            s.node()
        )
    }),
    Command::idle(
        "deactivate_free_disk_space_monitoring",
        Observability,
        "Does nothing: no disk is used",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|s| {
        format!(
            "Deactivating free disk space monitoring on node {}...",
            s.node()
        )
    }),
    Command::new(
        "erlang_cookie_hash",
        Configuration,
        "Refused: there is no cookie",
        no_cookie,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Asking node {} its Erlang cookie hash...", s.node())),
    Command::new(
        "erlang_cookie_sources",
        Configuration,
        "Says what is read instead of a cookie",
        cookie_sources,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .offline()
    .banner(|_| "Listing Erlang cookie sources used by CLI tools...".to_owned()),
];

/// The parts of a report, as they are called by themselves.
const REPORT: &[&str] = &[
    "status",
    "cluster_status",
    "environment",
    "list_connections pid name port peer_port peer_host state user vhost channels protocol client_properties",
    "list_channels pid connection name number user vhost consumer_count messages_unacknowledged prefetch_count",
    "command_line_arguments",
    "os_env",
    "list_feature_flags",
    "list_users",
    "list_user_limits --global",
    "list_vhost_limits --global",
    "list_global_parameters",
];

/// Those that there are of each virtual host.
const REPORT_OF_VHOST: &[&str] = &[
    "list_queues name durable auto_delete arguments policy messages consumers type state",
    "list_exchanges name type durable auto_delete internal arguments policy",
    "list_bindings",
    "list_permissions",
    "list_policies",
    "list_operator_policies",
    "list_parameters",
];

fn report(s: &Session<'_>) -> Result<Output, Failure> {
    let mut text = String::new();
    for line in REPORT {
        part(&mut text, s, line, None);
    }
    for vhost in s.list("/api/vhosts")? {
        let name = vhost.get("name").map(bare).unwrap_or_default();
        for line in REPORT_OF_VHOST {
            part(&mut text, s, line, Some(&name));
        }
    }
    Ok(Output::Text(text.trim_end().to_owned()))
}

/// What another command says; its failure belongs into the report, too.
fn part(text: &mut String, s: &Session<'_>, line: &str, vhost: Option<&str>) {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let Some(command) = ctl::find_any(words.first().map_or("", String::as_str)) else {
        return;
    };
    let mut parsed: Parsed = parse(&words, &[command.options]);
    let carried = ["node", "url", "timeout"];
    parsed.options.extend(
        s.parsed
            .options
            .iter()
            .filter(|(name, _)| carried.contains(name))
            .cloned(),
    );
    parsed
        .options
        .extend(vhost.map(|name| ("vhost", name.to_owned())));
    let session = Session::new(s.tool, command, &parsed, Format::Table);
    if let Some(banner) = command.banner {
        let _ = writeln!(text, "{}", banner(&session));
    }
    match (command.run)(&session) {
        Ok(output) => text.push_str(&output.render(Format::Table, true)),
        Err(failure) => text.push_str(&failure.text),
    }
    text.push('\n');
}

fn os_env(s: &Session<'_>) -> Result<Output, Failure> {
    let about = s.about_process("environ")?;
    let is_ours = |line: &&str| {
        ["RABBITMQ_", "LEVERET_"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines = about.split('\0').filter(is_ours);
    let mut lines: Vec<String> = lines.map(without_secret).collect();
    lines.sort_unstable();
    Ok(Output::Text(lines.join("\n")))
}

/// A variable, whose value goes into reports that others read.
fn without_secret(line: &str) -> String {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let words = ["PASS", "COOKIE", "SECRET", "TOKEN"];
    let is_secret = words.iter().any(|word| name.contains(word))
        || value.contains('@') && value.contains("://");
    // The place of a secret is none.
    match is_secret && !name.ends_with("_FILE") {
        true => format!("{name}=********"),
        false => line.to_owned(),
    }
}

fn arguments(s: &Session<'_>) -> Result<Output, Failure> {
    let about = s.about_process("cmdline")?;
    let words: Vec<&str> = about.split('\0').filter(|word| !word.is_empty()).collect();
    Ok(Output::Report {
        text: words.join("\n"),
        json: json!(words),
    })
}

fn check_disk_limit(s: &Session<'_>) -> Result<(), Invalid> {
    match s.args() {
        [word] if word == "mem_relative" => Err(Invalid::usage("not enough arguments.")),
        [word, fraction] if word == "mem_relative" => match fraction.parse::<f64>() {
            Ok(fraction) if fraction >= 0.0 => Ok(()),
            _ => Err(Invalid::bad("Bad argument.")),
        },
        [amount] => super::memory::bytes(amount)
            .map(drop)
            .map_err(|_| Invalid::bad("Bad argument.")),
        _ => Err(Invalid::usage("too many arguments.")),
    }
}

fn no_cookie(_: &Session<'_>) -> Result<Output, Failure> {
    let text =
        "Leveret has no Erlang cookie: its tools read a file that only its own user can read";
    Err(Failure::error(EX_UNAVAILABLE, text))
}

fn cookie_sources(_: &Session<'_>) -> Result<Output, Failure> {
    let directory =
        super::runtime_file::directory().map_err(|error| Failure::error(EX_UNAVAILABLE, error))?;
    Ok(Output::Text(format!(
        "Cookie File\nLeveret has none. Its tools find a broker by a file in {}\n\nCookie CLI Switch\n\
         --erlang-cookie is taken and means nothing\n\nEnv variable  (Deprecated)\n\
         RABBITMQ_ERLANG_COOKIE is taken and means nothing",
        directory.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out_of_reports() {
        assert_eq!(
            without_secret("RABBITMQ_DEFAULT_PASS=x=y"),
            "RABBITMQ_DEFAULT_PASS=********"
        );
        assert_eq!(
            without_secret("LEVERET_URL=http://u:p@h"),
            "LEVERET_URL=********"
        );
        for harmless in [
            "RABBITMQ_DEFAULT_PASS_FILE=/x",
            "RABBITMQ_NODENAME=rabbit@h",
        ] {
            assert_eq!(without_secret(harmless), harmless);
        }
    }
}
