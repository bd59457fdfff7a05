//! Names, addresses and logins.

use std::net::{IpAddr, ToSocketAddrs as _};

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Configuration, Observability, Policies},
    Invalid, Needs, Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::http::segment;
use super::output::{Listing, Output};
use super::policies::COLUMNS;
use super::session::Session;
use super::value::{Cell, bare};
use crate::broker::pattern::Pattern;
use crate::broker::policy::ApplyTo;
use crate::broker::queue::QueueKind;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("resolve_hostname", Configuration, "Finds the addresses of a name", resolve)
        .usage((1, 1), "<hostname> [--address-family <ipv4 | ipv6>]")
        .options(&[Opt::text("address-family"), Opt::flag("offline")])
        .help(&[
            ("<hostname>", "the name"),
            ("--address-family <ipv4 | ipv6>", "which addresses (ipv4)"),
        ])
        .check(|s| family(s).map(drop))
        .tools(Tools::DIAGNOSTICS)
        .needs(Needs::Node)
        .banner(|s| {
            let family = if is_six(s) { "IPv6" } else { "IPv4" };
            format!("Asking node {} to resolve hostname {} to {family} addresses...", s.node(), s.arg(0))
        }),
    Command::new("resolver_info", Configuration, "Says how names are found", |_| {
        Ok(Output::text(
            "Runtime Hostname Resolver (inetrc) Settings\n\nLookup order: native\nHosts file: /etc/hosts\n\
             Resolver conf file: /etc/resolv.conf\nCache size: \n\ninetrc File Host Entries\n\n(none)",
        ))
    })
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| {
        format!("Asking node {} for its effective hostname resolver (inetrc) configuration...", s.node())
    }),
    Command::new("list_network_interfaces", Observability, "Lists the interfaces of this machine", interfaces)
        .usage((0, 0), "[--timeout <timeout>]")
        .options(&[Opt::flag("offline")])
        .tools(Tools::DIAGNOSTICS)
        .needs(Needs::Node)
        .banner(|s| format!("Asking node {} to report its network interfaces ...", s.node())),
    Command::new("list_node_auth_attempt_stats", Observability, "Counts logins by protocol", attempts)
        .usage((0, 0), "[--by-source]")
        .options(&[Opt::flag("by-source")])
        .help(&[("--by-source", "by address: not counted here")])
        .tools(Tools::BOTH)
        .banner(|s| format!("Listing authentication\n attempts for node \"{}\" ...", s.node())),
    Command::new("reset_node_auth_attempt_metrics", Configuration, "Counts logins anew", |s| {
        s.must("DELETE", &format!("/api/auth/attempts/{}", segment(&s.node())), None)?;
        Ok(Output::Nothing)
    })
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| format!("Reset auth attempt metrics on node {} ...", s.node())),
    Command::new(
        "enable_auth_attempt_source_tracking",
        Configuration,
        "Refused: where logins come from is not counted",
        |_| Err(Failure::error(EX_UNAVAILABLE, "Leveret does not count where logins come from")),
    )
    .tools(Tools::DIAGNOSTICS)
    .banner(|_| "Enabling authentication attempt source tracking ...".to_owned()),
    Command::idle(
        "disable_auth_attempt_source_tracking",
        Configuration,
        "Does nothing: where logins come from is not counted",
    )
    .tools(Tools::DIAGNOSTICS)
    .banner(|_| "Disabling authentication attempt source tracking ...".to_owned()),
    Command::new(
        "list_policies_that_match",
        Policies,
        "Lists the policies that fit a queue or exchange",
        policies_that_match,
    )
    .usage((1, 1), "[--object-type <type>] <name>")
    .options(&[Opt::text("object-type")])
    .help(&[("<name>", "name of the queue or exchange"), ("--object-type <queue | exchange>", "what it is (queue)")])
    .check(|s| match object(s) {
        "queue" | "exchange" => Ok(()),
        other => Err(Invalid::value(format!("{other} is not a supported object type"))),
    })
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| {
        format!("Listing policies that match {} '{}' in vhost '{}' ...", object(s), s.arg(0), s.vhost())
    }),
    Command::new(
        "check_if_any_deprecated_features_are_used",
        Observability,
        "Says whether deprecated features are in use",
        deprecated,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|_| "Checking if any deprecated features are used ...".to_owned()),
];

fn family(s: &Session<'_>) -> Result<bool, Invalid> {
    match s
        .option("address-family")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("ipv4") => Ok(false),
        Some("ipv6") => Ok(true),
        Some(other) => Err(Invalid::value(format!(
            "unsupported IP address family {other}. Valid values are: ipv4, ipv6"
        ))),
    }
}

fn is_six(s: &Session<'_>) -> bool {
    family(s).unwrap_or_default()
}

fn resolve(s: &Session<'_>) -> Result<Output, Failure> {
    let found = (s.arg(0), 0).to_socket_addrs().map_err(|_| {
        Failure::error(
            EX_UNAVAILABLE,
            "Hostname does not resolve (resolution failed with an nxdomain)",
        )
    })?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.retain(|address| address.is_ipv6() == is_six(s));
    addresses.dedup();
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(Output::Text(texts.join("\n")))
}

/// As the system lists them.
fn interfaces(_: &Session<'_>) -> Result<Output, Failure> {
    let listed = std::fs::read_dir("/sys/class/net")
        .map_err(|error| Failure::error(EX_UNAVAILABLE, error))?;
    let mut text = String::new();
    for entry in listed.flatten() {
        let about =
            |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let (name, address) = (entry.file_name(), about("address"));
        text += &format!(
            "Interface {}\n\nhwaddr: {}\nstate: {}\n\n",
            name.display(),
            address.trim(),
            about("operstate").trim()
        );
    }
    Ok(Output::Text(text.trim_end().to_owned()))
}

fn attempts(s: &Session<'_>) -> Result<Output, Failure> {
    let source = if s.flag("by-source") { "/source" } else { "" };
    let rows = s.list(&format!(
        "/api/auth/attempts/{}{source}",
        segment(&s.node())
    ))?;
    if rows.is_empty() {
        let text = format!("Node {} reported no authentication attempt stats", s.node());
        return Ok(Output::Report {
            text,
            json: json!([]),
        });
    }
    let columns = [
        "protocol",
        "auth_attempts",
        "auth_attempts_failed",
        "auth_attempts_succeeded",
    ];
    let row = |row: &Value| columns.iter().map(|key| Cell::of(row.get(*key))).collect();
    Ok(Output::Listing(Listing {
        columns: columns.to_vec(),
        rows: rows.iter().map(row).collect(),
        streamed: false,
    }))
}

fn object<'a>(s: &Session<'a>) -> &'a str {
    s.option("object-type").unwrap_or("queue")
}

fn policies_that_match(s: &Session<'_>) -> Result<Output, Failure> {
    let kind = object(s);
    let path = format!("/api/{kind}s/{}/{}", s.vhost_segment(), s.arg_segment(0));
    let item = s.get(&path)?.ok_or_else(Failure::not_found)?;
    let queue_kind = item.get("type").and_then(Value::as_str);
    let queue_kind = queue_kind.and_then(QueueKind::from_name);
    let is_meant = |to: ApplyTo| match kind {
        "exchange" => to.has_exchanges(),
        _ => queue_kind.is_some_and(|kind| to.has_queues_of(kind)),
    };
    let mut fitting: Vec<Value> = Vec::new();
    for policy in s.list(&format!("/api/policies/{}", s.vhost_segment()))? {
        let text = |key: &str| policy.get(key).map(bare).unwrap_or_default();
        let fits = Pattern::new(&text("pattern")).is_ok_and(|pattern| pattern.matches(s.arg(0)));
        if fits && ApplyTo::from_name(&text("apply-to")).is_some_and(is_meant) {
            fitting.push(policy);
        }
    }
    fitting.sort_by_key(|policy| std::cmp::Reverse(policy.get("priority").and_then(Value::as_i64)));
    let row = |policy: &Value| {
        let cell = |key: &&str| match *key {
            "definition" => Cell::definition(policy.get("definition")),
            key => Cell::of(policy.get(key)),
        };
        COLUMNS.iter().map(cell).collect()
    };
    Ok(Output::Drawn(Listing {
        columns: COLUMNS.to_vec(),
        rows: fitting.iter().map(row).collect(),
        streamed: false,
    }))
}

fn deprecated(s: &Session<'_>) -> Result<Output, Failure> {
    let used = s.list("/api/deprecated-features/used")?;
    let names: Vec<String> = used
        .iter()
        .map(|feature| feature.get("name").map(bare).unwrap_or_default())
        .collect();
    if names.is_empty() {
        return Ok(Output::Report {
            text: "Cluster reported no deprecated features in use".to_owned(),
            json: json!({ "result": "ok" }),
        });
    }
    Ok(Output::Report {
        text: format!(
            "Cluster reported deprecated features in use:\n{}",
            names.join("\n")
        ),
        json: json!({ "result": "ok", "deprecated_features": names }),
    })
}
