//! Policies and operator policies.

use serde_json::{Value, json};

use super::command::{Command, Group::Policies, Opt, Tools};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Listing, Output};
use super::session::Session;
use super::value::{Cell, bare};

const SET_USAGE: &str = "[--vhost <vhost>] [--priority <priority>] [--apply-to <apply-to>] <name> \
                         <pattern> <definition>";
const SET_OPTIONS: &[Opt] = &[Opt::integer("priority"), Opt::text("apply-to")];
const SET_HELP: &[(&str, &str)] = &[
    ("<name>", "name of the policy"),
    ("<pattern>", "pattern of the names it applies to"),
    ("<definition>", "what it sets, a JSON object"),
    (
        "--priority <priority>",
        "of several that match, the one with the highest priority applies",
    ),
    (
        "--apply-to <queues | exchanges | all>",
        "what it applies to",
    ),
];
const LIST_USAGE: &str = "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]";

pub(super) const COMMANDS: &[Command] = &[
    Command::new("set_policy", Policies, "Sets a policy", |s| {
        set(s, "policies")
    })
    .usage((3, 3), SET_USAGE)
    .options(SET_OPTIONS)
    .help(SET_HELP)
    .banner(|s| set_banner(s, "policy")),
    Command::new(
        "set_operator_policy",
        Policies,
        "Sets a policy that overrides others",
        |s| set(s, "operator-policies"),
    )
    .usage((3, 3), SET_USAGE)
    .options(SET_OPTIONS)
    .help(SET_HELP)
    .banner(|s| set_banner(s, "operator policy override")),
    Command::new("clear_policy", Policies, "Removes a policy", |s| {
        clear(s, "policies")
    })
    .usage((1, 1), "[--vhost <vhost>] <name>")
    .help(&[("<name>", "name of the policy")])
    .banner(|s| {
        format!(
            "Clearing policy \"{}\" on vhost \"{}\" ...",
            s.arg(0),
            s.vhost()
        )
    }),
    Command::new(
        "clear_operator_policy",
        Policies,
        "Removes an operator policy",
        |s| clear(s, "operator-policies"),
    )
    .usage((1, 1), "[--vhost <vhost>] <name>")
    .help(&[("<name>", "name of the policy")])
    .banner(|s| {
        format!(
            "Clearing operator policy \"{}\" on vhost \"{}\" ...",
            s.arg(0),
            s.vhost()
        )
    }),
    Command::new("list_policies", Policies, "Lists policies", |s| {
        list(s, "policies")
    })
    .usage((0, 0), LIST_USAGE)
    .tools(Tools::BOTH)
    .banner(|s| format!("Listing policies for vhost \"{}\" ...", s.vhost())),
    Command::new(
        "list_operator_policies",
        Policies,
        "Lists operator policies",
        |s| list(s, "operator-policies"),
    )
    .usage((0, 0), LIST_USAGE)
    .tools(Tools::BOTH)
    .banner(|s| {
        format!(
            "Listing operator policy overrides for vhost \"{}\" ...",
            s.vhost()
        )
    }),
];

fn set_banner(s: &Session<'_>, what: &str) -> String {
    let priority = s.option("priority").unwrap_or("0");
    format!(
        "Setting {what} \"{}\" for pattern \"{}\" to \"{}\" with priority \"{priority}\" for vhost \
         \"{}\" ...",
        s.arg(0),
        s.arg(1),
        s.arg(2),
        s.vhost()
    )
}

fn set(s: &Session<'_>, family: &str) -> Result<Output, Failure> {
    s.require_vhost()?;
    let definition = json_document(s.arg(2))?;
    let body = json!({
        "pattern": s.arg(1),
        "definition": definition,
        "priority": s.option("priority").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0),
        "apply-to": s.option("apply-to").unwrap_or("all"),
    });
    s.must("PUT", &path(s, family), Some(&body))?;
    Ok(Output::Nothing)
}

/// Reads an argument that must be JSON, or fails as the original does.
pub(super) fn json_document(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|_| {
        let why = format!("{{error,{{failed_to_decode_json,<<{text:?}>>}}}}");
        Failure::error(
            EX_UNAVAILABLE,
            format!("Could not parse JSON document: {why}"),
        )
    })
}

fn path(s: &Session<'_>, family: &str) -> String {
    format!("/api/{family}/{}/{}", s.vhost_segment(), s.arg_segment(0))
}

fn clear(s: &Session<'_>, family: &str) -> Result<Output, Failure> {
    delete_parameter(s, &path(s, family))
}

/// Deletes what the original keeps among the runtime parameters.
pub(super) fn delete_parameter(s: &Session<'_>, path: &str) -> Result<Output, Failure> {
    let reply = s.send("DELETE", path, None)?;
    match reply.status {
        404 => Err(Failure::error(EX_UNAVAILABLE, "Parameter does not exist")),
        _ if reply.is_success() => Ok(Output::Nothing),
        _ => Err(reply.failure()),
    }
}

fn list(s: &Session<'_>, family: &str) -> Result<Output, Failure> {
    let Some(Value::Array(policies)) = s.get(&format!("/api/{family}/{}", s.vhost_segment()))?
    else {
        return Err(Failure::no_vhost(s.vhost()));
    };
    Ok(listing(&policies))
}

/// What is told of a policy.
pub(super) const COLUMNS: [&str; 6] = [
    "vhost",
    "name",
    "pattern",
    "apply-to",
    "definition",
    "priority",
];

fn listing(policies: &[Value]) -> Output {
    let cell = |policy: &Value, column: &str| match policy.get(column) {
        // Shown as the text of a document, in JSON too.
        Some(definition @ Value::Object(_)) => Cell::text(bare(definition)),
        value => Cell::of(value),
    };
    let row = |policy| COLUMNS.iter().map(|column| cell(policy, column)).collect();
    let rows = policies.iter().map(row).collect();
    Output::Listing(Listing {
        columns: COLUMNS.to_vec(),
        rows,
        streamed: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::output::Format;
    use super::*;

    #[test]
    fn a_definition_is_a_document_in_a_cell() {
        let policies = json!([{
            "vhost": "/", "name": "p1", "pattern": "^q\\.", "apply-to": "all",
            "definition": {"max-length": 1000}, "priority": 0,
        }]);
        let output = listing(policies.as_array().unwrap());
        let want = "/\tp1\t^q\\.\tall\t{\"max-length\":1000}\t0\n";
        assert_eq!(output.render(Format::Table, false), want);
        let json = output.render(Format::Json, true);
        assert!(
            json.contains(r#""definition":"{\"max-length\":1000}""#),
            "{json}"
        );
    }

    #[test]
    fn a_document_that_is_none() {
        let want = "Error:\nCould not parse JSON document: \
                    {error,{failed_to_decode_json,<<\"{notjson\">>}}";
        assert_eq!(json_document("{notjson").unwrap_err().text, want);
    }
}
