//! Export and import of definitions, as JSON.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::command::{Command, Group::Definitions, Invalid, Opt};
use super::failure::{EX_DATAERR, EX_SOFTWARE, EX_UNAVAILABLE, Failure};
use super::output::Output;
use super::session::Session;

const FORMAT: (&str, &str) = ("--format <json>", "the only format there is");

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "export_definitions",
        Definitions,
        "Writes all definitions to a file",
        export,
    )
    .usage(
        (1, 1),
        "<file_path | \"-\"> [--format <json | erlang>] [--timeout <timeout>]",
    )
    .options(&[Opt::text("format")])
    .help(&[("<file_path>", "the file; - is standard output"), FORMAT])
    .check(check_export)
    .banner(|s| match s.arg(0) {
        "-" => "Exporting definitions to standard output in JSON ...".to_owned(),
        path => format!("Exporting definitions in JSON to a file at \"{path}\" ..."),
    }),
    Command::new(
        "import_definitions",
        Definitions,
        "Reads definitions from a file",
        import,
    )
    .usage(
        (0, 1),
        "<file_path | \"-\"> [--format <json | erlang>] [--skip-if-unchanged] \
             [--timeout <timeout>]",
    )
    .options(&[Opt::text("format"), Opt::flag("skip-if-unchanged")])
    .help(&[
        ("<file_path>", "the file; standard input when left out"),
        FORMAT,
    ])
    .check(check_import)
    .banner(|s| match s.args() {
        [] => "Importing definitions in JSON from standard input ...".to_owned(),
        _ => format!(
            "Importing definitions in JSON from a file at \"{}\" ...",
            s.arg(0)
        ),
    }),
];

fn check_format(s: &Session<'_>) -> Result<(), Invalid> {
    match s.option("format") {
        None | Some("json" | "JSON") => Ok(()),
        Some("erlang") => Err(Invalid::value("the only supported format is json")),
        Some(_) => Err(Invalid::value("Format should be either json or erlang")),
    }
}

fn check_export(s: &Session<'_>) -> Result<(), Invalid> {
    check_format(s)?;
    let directory = Path::new(s.arg(0))
        .parent()
        .filter(|path| !path.as_os_str().is_empty());
    match directory {
        Some(directory) if !directory.is_dir() => Err(Invalid::value(format!(
            "Directory {} does not exist",
            directory.display()
        ))),
        _ => Ok(()),
    }
}

fn check_import(s: &Session<'_>) -> Result<(), Invalid> {
    check_format(s)?;
    match s.args() {
        [path, ..] if !Path::new(path).exists() => {
            Err(Invalid::value(format!("File {path} does not exist")))
        }
        _ => Ok(()),
    }
}

fn export(s: &Session<'_>) -> Result<Output, Failure> {
    let definitions = s.get("/api/definitions")?.unwrap_or_default();
    let text = as_exported(definitions).to_string();
    if s.arg(0) == "-" {
        return Ok(Output::Text(text));
    }
    fs::write(s.arg(0), text).map_err(|error| Failure::error(EX_SOFTWARE, error))?;
    Ok(Output::Nothing)
}

/// The tool tells less of some things than the management API does, and more of others.
fn as_exported(mut definitions: Value) -> Value {
    let Some(all) = definitions.as_object_mut() else {
        return definitions;
    };
    all.retain(|key, _| EXPORTED.contains(&key.as_str()));
    for exchange in entries(all, "exchanges") {
        // Without the word it would be no internal one where it is imported.
        if exchange.get("internal") == Some(&Value::Bool(false)) {
            exchange.remove("internal");
        }
    }
    for queue in entries(all, "queues") {
        let arguments = queue.get("arguments");
        let kind = arguments.and_then(|arguments| arguments.get("x-queue-type"));
        let kind = kind.cloned().unwrap_or_else(|| "classic".into());
        queue.insert("type".to_owned(), kind);
    }
    for vhost in entries(all, "vhosts") {
        // They stand in `metadata`, too.
        vhost.retain(|key, _| !matches!(key.as_str(), "description" | "tags"));
        vhost.entry("limits").or_insert_with(|| Map::new().into());
    }
    if let Some(Value::Array(parameters)) = all.get_mut("global_parameters") {
        let is_own = |entry: &Value| entry.get("name") == Some(&"internal_cluster_id".into());
        parameters.retain(|entry| !is_own(entry));
    }
    definitions
}

/// The objects of a list.
fn entries<'a>(
    all: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = all.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

const EXPORTED: [&str; 12] = [
    "bindings",
    "exchanges",
    "global_parameters",
    "parameters",
    "permissions",
    "policies",
    "queues",
    "rabbit_version",
    "rabbitmq_version",
    "topic_permissions",
    "users",
    "vhosts",
];

fn import(s: &Session<'_>) -> Result<Output, Failure> {
    let mut text = String::new();
    let read = match s.args() {
        [path, ..] => fs::read_to_string(path).map(|read| text = read),
        [] => io::stdin().read_to_string(&mut text).map(drop),
    };
    read.map_err(|error| Failure::error(EX_DATAERR, error))?;
    let definitions: Value = serde_json::from_str(&text).map_err(|error| {
        let text = format!("Failed to deserialise input (format: JSON) (error: {error})");
        Failure::error(EX_DATAERR, text)
    })?;
    let path = match s.flag("skip-if-unchanged") {
        true => "/api/definitions?skip_if_unchanged=true",
        false => "/api/definitions",
    };
    let reply = s.send("POST", path, Some(&definitions))?;
    if let (false, Some(at)) = (reply.is_success(), &reply.at) {
        let text = format!("{}\nIt is at {at}; nothing was imported.", reply.reason);
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    if !reply.is_success() {
        return Err(reply.failure());
    }
    if s.is_quiet() {
        return Ok(Output::Nothing);
    }
    Ok(Output::text(
        "Successfully started definition import. This process is asynchronous and can take some \
         time. Watch target node logs for completion.",
    ))
}
