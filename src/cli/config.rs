//! `leveret config`: what is set, by whom, and what is wrong with it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::failure::EX_USAGE;
use super::options::Given;
use super::output::{print, print_error};
use super::refuse;
use crate::config::effective::{self, Row};
use crate::config::{self, place::Fault};

const USAGE: &str = "\
Usage:
  leveret config effective [--json] [OPTIONS of leveret serve]
      every setting that acts, its value, and where it came from
  leveret config check FILE …
      read settings files as the broker would, and say what is wrong
";

/// Do what the words after `config` ask for.
pub(super) fn run(arguments: &[String]) -> ExitCode {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map_or("", String::as_str) {
        "effective" => effective(rest),
        "check" if !rest.is_empty() => check(rest),
        "-h" | "--help" | "help" => {
            print(USAGE);
            ExitCode::SUCCESS
        }
        _ => {
            print_error(USAGE);
            EX_USAGE.into()
        }
    }
}

fn effective(arguments: &[String]) -> ExitCode {
    let is_json = arguments.iter().any(|word| word == "--json");
    let options: Vec<String> = arguments
        .iter()
        .filter(|word| *word != "--json")
        .cloned()
        .collect();
    let given = match Given::parse(&options) {
        Ok(given) => given,
        Err(error) => return refuse(&error),
    };
    match given.load() {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                print_error(&format!("{warning}\n"));
            }
            let rows = effective::rows(&loaded);
            print(&if is_json {
                as_json(&rows)
            } else {
                as_table(&rows)
            });
            ExitCode::SUCCESS
        }
        Err(faults) => complain(&faults),
    }
}

fn as_table(rows: &[Row]) -> String {
    let width = |part: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| part(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let (names, values) = (width(|row| &row.name), width(|row| &row.value));
    let line = |row: &Row| {
        let (name, value, origin) = (&row.name, &row.value, &row.origin);
        format!("{name:names$} = {value:values$}  # {origin}\n")
    };
    rows.iter().map(line).collect()
}

fn as_json(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let value = json!({ "value": row.value, "source": row.origin });
        (row.name.clone(), value)
    };
    let all: Map<String, Value> = rows.iter().map(row).collect();
    format!("{:#}\n", Value::Object(all))
}

fn check(files: &[String]) -> ExitCode {
    let mut exit = ExitCode::SUCCESS;
    for file in files {
        match config::check(PathBuf::from(file)) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    print_error(&format!("{warning}\n"));
                }
            }
            Err(faults) => exit = complain(&faults),
        }
    }
    exit
}

fn complain(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        print_error(&format!("{fault}\n"));
    }
    ExitCode::FAILURE
}
