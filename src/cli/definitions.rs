//! Export and import of definitions, as JSON.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::Value;

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
    let text = s.get("/api/definitions")?.unwrap_or_default().to_string();
    if s.arg(0) == "-" {
        return Ok(Output::Text(text));
    }
    fs::write(s.arg(0), text).map_err(|error| Failure::error(EX_SOFTWARE, error))?;
    Ok(Output::Nothing)
}

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
