//! Virtual hosts and their metadata.

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{AccessControl, VirtualHosts},
    Invalid, Opt,
};
use super::failure::{EX_DATAERR, EX_SOFTWARE, Failure};
use super::http::segment;
use super::newer::protect;
use super::output::{Listing, Output};
use super::session::Session;
use super::value::{Cell, bare};

const METADATA: &[Opt] = &[
    Opt::text("description"),
    Opt::text("tags"),
    Opt::text("default-queue-type"),
];
const UPDATE: &[Opt] = &[
    Opt::text("description"),
    Opt::text("tags"),
    Opt::text("default-queue-type"),
    Opt::text("protected-from-deletion"),
];
const METADATA_HELP: &[(&str, &str)] = &[
    ("<vhost>", "name of the virtual host"),
    ("--description <description>", "what it is for"),
    ("--tags <tag1,tag2>", "a comma-separated list of tags"),
    (
        "--default-queue-type <quorum|classic|stream>",
        "the type of queues declared without one",
    ),
];

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "add_vhost",
        VirtualHosts,
        "Creates a virtual host",
        add_vhost,
    )
    .usage(
        (1, 1),
        "<vhost> [--description <description> --tags \"<tag1>,<tag2>,<...>\" \
             --default-queue-type <quorum|classic|stream>]",
    )
    .options(METADATA)
    .help(METADATA_HELP)
    .banner(|s| format!("Adding vhost \"{}\" ...", s.arg(0))),
    Command::new(
        "update_vhost_metadata",
        VirtualHosts,
        "Changes a virtual host's metadata",
        update,
    )
    .usage(
        (1, 1),
        "<vhost> [--description=<description>] [--tags=\"<tag1>,<tag2>,<...>\"] \
             [--default-queue-type=<quorum|classic|stream>] [--protected-from-deletion=<true|false>]",
    )
    .options(UPDATE)
    .help(METADATA_HELP)
    .check(check_update)
    .banner(|s| format!("Updating metadata of vhost \"{}\" ...", s.arg(0))),
    Command::new(
        "set_vhost_tags",
        VirtualHosts,
        "Replaces a virtual host's tags",
        set_vhost_tags,
    )
    .usage((1, usize::MAX), "<vhost> <tag> [...]")
    .help(&[
        ("<vhost>", "name of the virtual host"),
        ("<tag>", "any word"),
    ])
    .banner(|s| {
        let tags = s.args().get(1..).unwrap_or_default().join(", ");
        format!(
            "Setting tags for virtual host \"{}\" to [{tags}] ...",
            s.arg(0)
        )
    }),
    Command::new(
        "delete_vhost",
        VirtualHosts,
        "Deletes a virtual host and all in it",
        delete_vhost,
    )
    .usage((1, 1), "<vhost>")
    .help(&[("<vhost>", "name of the virtual host")])
    .banner(|s| format!("Deleting vhost \"{}\" ...", s.arg(0))),
    Command::new(
        "list_vhosts",
        AccessControl,
        "Lists virtual hosts",
        list_vhosts,
    )
    .usage(
        (0, 0),
        "[--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .columns(
        &[
            "name",
            "description",
            "tags",
            "default_queue_type",
            "tracing",
            "cluster_state",
            "metadata",
            "protected_from_deletion",
        ],
        &["name"],
    )
    .banner(|_| "Listing vhosts ...".to_owned()),
    Command::new(
        "restart_vhost",
        VirtualHosts,
        "Restarts a virtual host",
        restart_vhost,
    )
    .usage((0, 0), "[--vhost <vhost>] [--timeout <timeout>]")
    .banner(|s| {
        format!(
            "Trying to restart vhost '{}' on node '{}' ...",
            s.vhost(),
            s.node()
        )
    }),
    Command::new(
        "trace_on",
        VirtualHosts,
        "Publishes a copy of every message passing by",
        trace_on,
    )
    .usage((0, 0), "[--vhost <vhost>]")
    .banner(|s| format!("Starting tracing for vhost \"{}\" ...", s.vhost())),
    Command::new(
        "trace_off",
        VirtualHosts,
        "Ends what trace_on began",
        trace_off,
    )
    .usage((0, 0), "[--vhost <vhost>]")
    .banner(|s| format!("Stopping tracing for vhost \"{}\" ...", s.vhost())),
];

fn path(name: &str) -> String {
    format!("/api/vhosts/{}", segment(name))
}

fn add_vhost(s: &Session<'_>) -> Result<Output, Failure> {
    let kind = s.option("default-queue-type");
    if let Some(kind) = kind.filter(|kind| !QUEUE_TYPES.contains(kind)) {
        // The original reports this on standard output and succeeds.
        return Ok(Output::Text(format!(
            "{{:error, :invalid_queue_type, \"{kind}\"}}"
        )));
    }
    let path = path(s.arg(0));
    // The API would change the metadata of one that exists.
    if !s.exists(&path)? {
        s.must("PUT", &path, Some(&metadata(s, &Value::Null)))?;
    }
    Ok(Output::Nothing)
}

fn check_update(s: &Session<'_>) -> Result<(), Invalid> {
    if UPDATE.iter().all(|option| s.option(option.name).is_none()) {
        return Err(Invalid::usage("not enough arguments."));
    }
    match s.option("default-queue-type") {
        Some(kind) if !QUEUE_TYPES.contains(&kind) => Err(Invalid::value(
            "Default queue type must be one of: classic, quorum, stream",
        )),
        _ => Ok(()),
    }
}

fn update(s: &Session<'_>) -> Result<Output, Failure> {
    let old = s
        .get(&path(s.arg(0)))?
        .ok_or_else(|| Failure::no_vhost(s.arg(0)))?;
    s.must("PUT", &path(s.arg(0)), Some(&metadata(s, &old)))?;
    match s.option("protected-from-deletion") {
        None => Ok(Output::Nothing),
        Some("true") => protect(s, "POST"),
        Some(_) => protect(s, "DELETE"),
    }
}

fn set_vhost_tags(s: &Session<'_>) -> Result<Output, Failure> {
    let old = s
        .get(&path(s.arg(0)))?
        .ok_or_else(|| Failure::no_vhost(s.arg(0)))?;
    let mut body = metadata(s, &old);
    let tags = s.args().get(1..).unwrap_or_default().join(",");
    if let Some(body) = body.as_object_mut() {
        body.insert("tags".to_owned(), tags.into());
    }
    s.must("PUT", &path(s.arg(0)), Some(&body))?;
    Ok(Output::Nothing)
}

/// The body that sets what the options say and keeps the rest of `old`.
fn metadata(s: &Session<'_>, old: &Value) -> Value {
    let mut body = json!({});
    let Some(fields) = body.as_object_mut() else {
        return body;
    };
    for (option, key) in [
        ("description", "description"),
        ("default-queue-type", "default_queue_type"),
    ] {
        let kept = || old.get(key).filter(|value| value.is_string()).cloned();
        let value = s.option(option).map(Value::from).or_else(kept);
        fields.extend(value.map(|value| (key.to_owned(), value)));
    }
    let kept = || {
        old.get("tags")
            .and_then(Value::as_array)
            .map(|tags| joined(tags))
    };
    let tags = s.option("tags").map(str::to_owned).or_else(kept);
    fields.extend(tags.map(|tags| ("tags".to_owned(), tags.into())));
    body
}

fn joined(tags: &[Value]) -> String {
    tags.iter().map(bare).collect::<Vec<_>>().join(",")
}

fn delete_vhost(s: &Session<'_>) -> Result<Output, Failure> {
    let reply = s.send("DELETE", &path(s.arg(0)), None)?;
    match reply.status {
        404 => Err(Failure::no_vhost(s.arg(0))),
        412 => {
            let text = "Cannot delete this virtual host: it is protected from deletion. To lift the \
                        protection, inspect and update its metadata";
            Err(Failure::error(EX_DATAERR, text))
        }
        _ if reply.is_success() => Ok(Output::Nothing),
        _ => Err(reply.failure()),
    }
}

fn list_vhosts(s: &Session<'_>) -> Result<Output, Failure> {
    let columns = s.columns();
    Ok(vhosts_listing(&s.list("/api/vhosts")?, columns))
}

fn vhosts_listing(vhosts: &[Value], columns: Vec<&'static str>) -> Output {
    let row = |vhost| columns.iter().map(|column| cell(vhost, column)).collect();
    let rows = vhosts.iter().map(row).collect();
    Output::Listing(Listing {
        columns,
        rows,
        streamed: false,
    })
}

fn cell(vhost: &Value, column: &str) -> Cell {
    let value = vhost.get(column);
    match column {
        "tags" => Cell::atoms(Some(value.unwrap_or(&json!([])))),
        "cluster_state" => {
            let states = value.and_then(Value::as_object).into_iter().flatten();
            Cell::States(
                states
                    .map(|(node, state)| (node.clone(), bare(state)))
                    .collect(),
            )
        }
        _ => Cell::of(value),
    }
}

fn restart_vhost(s: &Session<'_>) -> Result<Output, Failure> {
    if !s.exists(&path(s.vhost()))? {
        let (vhost, node) = (s.vhost(), s.node());
        let text = format!(
            "Failed to start vhost '{vhost}' on node '{node}'Reason: {{:no_such_vhost, {vhost:?}}}"
        );
        return Err(Failure::error(EX_SOFTWARE, text));
    }
    let text = format!(
        "Vhost '{}' is already running on node '{}'",
        s.vhost(),
        s.node()
    );
    Ok(Output::Text(text))
}

fn trace_on(s: &Session<'_>) -> Result<Output, Failure> {
    trace(s, true)?;
    Ok(Output::Text(format!(
        "Trace enabled for vhost {}",
        s.vhost()
    )))
}

fn trace_off(s: &Session<'_>) -> Result<Output, Failure> {
    trace(s, false)?;
    Ok(Output::Text(format!(
        "Trace disabled for vhost {}",
        s.vhost()
    )))
}

fn trace(s: &Session<'_>, on: bool) -> Result<(), Failure> {
    // As in the original, one that does not exist is not created and not complained about.
    let Some(old) = s.get(&path(s.vhost()))? else {
        return Ok(());
    };
    let mut body = metadata(s, &old);
    if let Some(body) = body.as_object_mut() {
        body.insert("tracing".to_owned(), on.into());
    }
    s.must("PUT", &path(s.vhost()), Some(&body))
}

const QUEUE_TYPES: [&str; 3] = ["classic", "quorum", "stream"];

#[cfg(test)]
mod tests {
    use super::super::output::Format;
    use super::*;

    #[test]
    fn every_column_of_a_virtual_host() {
        let vhosts = json!([{
            "name": "v2", "description": "second", "tags": ["a", "b"], "tracing": false,
            "default_queue_type": "quorum", "cluster_state": {"rabbit@localhost": "running"},
        }]);
        let columns = vec![
            "name",
            "description",
            "tags",
            "default_queue_type",
            "tracing",
            "cluster_state",
        ];
        let listing = vhosts_listing(vhosts.as_array().unwrap(), columns);
        let want = "v2\tsecond\t[a, b]\tquorum\tfalse\t[{rabbit@localhost, running}]\n";
        assert_eq!(listing.render(Format::Table, false), want);
    }
}
