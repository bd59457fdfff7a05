//! Runtime parameters, global parameters, and the limits of virtual hosts and users.

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Parameters, Users, VirtualHosts},
    Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Listing, Output};
use super::policies::{delete_parameter, json_document};
use super::session::Session;
use super::value::Cell;

const LIST_USAGE: &str = "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]";
const DEFINITION: (&str, &str) = ("<definition>", "a JSON object of limits; -1 means none");

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "set_parameter",
        Parameters,
        "Sets a runtime parameter",
        set_parameter,
    )
    .usage((3, 3), "[--vhost <vhost>] <component_name> <name> <value>")
    .banner(|s| {
        let (component, name, value) = (s.arg(0), s.arg(1), s.arg(2));
        format!(
            "Setting runtime parameter \"{name}\" for component \"{component}\" to \"{value}\" \
                 in vhost \"{}\" ...",
            s.vhost()
        )
    }),
    Command::new(
        "clear_parameter",
        Parameters,
        "Removes a runtime parameter",
        |s| delete_parameter(s, &parameter_path(s)),
    )
    .usage((2, 2), "[--vhost <vhost>] <component_name> <name>")
    .banner(|s| {
        let (component, name, vhost) = (s.arg(0), s.arg(1), s.vhost());
        format!(
            "Clearing runtime parameter \"{name}\" for component \"{component}\" on vhost \
             \"{vhost}\" ..."
        )
    }),
    Command::new(
        "list_parameters",
        Parameters,
        "Lists runtime parameters",
        list_parameters,
    )
    .usage((0, 0), LIST_USAGE)
    .tools(Tools::BOTH)
    .banner(|s| format!("Listing runtime parameters for vhost \"{}\" ...", s.vhost())),
    Command::new(
        "set_global_parameter",
        Parameters,
        "Sets a global parameter",
        set_global,
    )
    .usage((2, 2), "<name> <value>")
    .banner(|s| {
        format!(
            "Setting global runtime parameter \"{}\" to \"{}\" ...",
            s.arg(0),
            s.arg(1)
        )
    }),
    Command::new(
        "clear_global_parameter",
        Parameters,
        "Removes a global parameter",
        |s| delete_parameter(s, &format!("/api/global-parameters/{}", s.arg_segment(0))),
    )
    .usage((1, 1), "<name>")
    .banner(|s| format!("Clearing global runtime parameter \"{}\" ...", s.arg(0))),
    Command::new(
        "list_global_parameters",
        Parameters,
        "Lists global parameters",
        |s| {
            Ok(documents(
                &["name", "value"],
                &s.list("/api/global-parameters")?,
            ))
        },
    )
    .usage((0, 0), "[--no-table-headers] [--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|_| "Listing global runtime parameters ...".to_owned()),
    Command::new(
        "set_vhost_limits",
        VirtualHosts,
        "Limits a virtual host",
        set_vhost_limits,
    )
    .usage((1, 1), "[--vhost <vhost>] <definition>")
    .help(&[DEFINITION])
    .banner(|s| {
        format!(
            "Setting vhost limits to \"{}\" for vhost \"{}\" ...",
            s.arg(0),
            s.vhost()
        )
    }),
    Command::new(
        "clear_vhost_limits",
        VirtualHosts,
        "Lifts these limits",
        clear_vhost_limits,
    )
    .usage((0, 0), "[--vhost <vhost>]")
    .banner(|s| format!("Clearing vhost \"{}\" limits ...", s.vhost())),
    Command::new(
        "list_vhost_limits",
        VirtualHosts,
        "Lists these limits",
        list_vhost_limits,
    )
    .usage((0, 0), "[--vhost <vhost>] [--global] [--no-table-headers]")
    .options(&[Opt::flag("global")])
    .help(&[("--global", "of all virtual hosts")])
    .tools(Tools::BOTH)
    .banner(|s| match s.flag("global") {
        true => "Listing limits for all vhosts ...".to_owned(),
        false => format!("Listing limits for vhost \"{}\" ...", s.vhost()),
    }),
    Command::new("set_user_limits", Users, "Limits a user", set_user_limits)
        .usage((2, 2), "<username> <definition>")
        .help(&[("<username>", "name of the user"), DEFINITION])
        .banner(|s| {
            format!(
                "Setting user limits to \"{}\" for user \"{}\" ...",
                s.arg(1),
                s.arg(0)
            )
        }),
    Command::new(
        "clear_user_limits",
        Users,
        "Lifts limits of a user",
        clear_user_limits,
    )
    .usage((2, 2), "<username> <limit_type> | all")
    .help(&[("<limit_type>", "max-connections or max-channels")])
    .banner(|s| match s.arg(1) {
        "all" => format!("Clearing all limits for user \"{}\" ...", s.arg(0)),
        limit => format!("Clearing \"{limit}\" limit for user \"{}\" ...", s.arg(0)),
    }),
    Command::new(
        "list_user_limits",
        Users,
        "Lists limits of users",
        list_user_limits,
    )
    .usage((0, 0), "[--user <username>] [--global]")
    .options(&[Opt::text("user"), Opt::flag("global")])
    .help(&[
        ("--user <username>", "name of the user"),
        ("--global", "of all users"),
    ])
    .tools(Tools::BOTH)
    .banner(|s| match s.flag("global") {
        true => "Listing limits for all users ...".to_owned(),
        false => format!("Listing limits for user \"{}\" ...", user(s)),
    }),
];

fn parameter_path(s: &Session<'_>) -> String {
    format!(
        "/api/parameters/{}/{}/{}",
        s.arg_segment(0),
        s.vhost_segment(),
        s.arg_segment(1)
    )
}

fn set_parameter(s: &Session<'_>) -> Result<Output, Failure> {
    s.require_vhost()?;
    let body = json!({
        "component": s.arg(0),
        "vhost": s.vhost(),
        "name": s.arg(1),
        "value": json_document(s.arg(2))?,
    });
    s.must("PUT", &parameter_path(s), Some(&body))?;
    Ok(Output::Nothing)
}

fn list_parameters(s: &Session<'_>) -> Result<Output, Failure> {
    s.require_vhost()?;
    let mut parameters = s.list("/api/parameters")?;
    parameters.retain(|parameter| parameter.get("vhost").is_some_and(|name| name == s.vhost()));
    Ok(documents(&["component", "name", "value"], &parameters))
}

fn set_global(s: &Session<'_>) -> Result<Output, Failure> {
    let body = json!({ "name": s.arg(0), "value": json_document(s.arg(1))? });
    s.must(
        "PUT",
        &format!("/api/global-parameters/{}", s.arg_segment(0)),
        Some(&body),
    )?;
    Ok(Output::Nothing)
}

/// A listing whose `value` column shows JSON documents as text.
fn documents(columns: &[&'static str], items: &[Value]) -> Output {
    let cell = |item: &Value, column: &str| match item.get(column) {
        Some(document) if column == "value" => Cell::text(document.to_string()),
        value => Cell::of(value),
    };
    let row = |item| columns.iter().map(|column| cell(item, column)).collect();
    let rows = items.iter().map(row).collect();
    Output::Listing(Listing {
        columns: columns.to_vec(),
        rows,
        streamed: false,
    })
}

fn set_vhost_limits(s: &Session<'_>) -> Result<Output, Failure> {
    s.require_vhost()?;
    let limits = limits(s.arg(0), &["max-connections", "max-queues"], |unknown| {
        format!("Validation failed\n\nUnrecognised terms [{unknown}] in limits\n")
    })?;
    set_limits(
        s,
        &format!("/api/vhost-limits/{}", s.vhost_segment()),
        &limits,
    )
}

fn set_user_limits(s: &Session<'_>) -> Result<Output, Failure> {
    if !s.exists(&format!("/api/users/{}", s.arg_segment(0)))? {
        return Err(no_such_user(s.arg(0)));
    }
    let limits = limits(s.arg(1), &["max-connections", "max-channels"], |unknown| {
        format!("Unrecognised terms [{unknown}] in user-limits")
    })?;
    set_limits(
        s,
        &format!("/api/user-limits/{}", s.arg_segment(0)),
        &limits,
    )
}

/// The limits in a document, none of them unknown.
fn limits(
    text: &str,
    known: &[&str],
    complaint: impl Fn(&str) -> String,
) -> Result<Vec<(String, Value)>, Failure> {
    let Value::Object(document) = json_document(text)? else {
        return Err(Failure::error(
            EX_UNAVAILABLE,
            "limits must be a JSON object",
        ));
    };
    let unknown: Vec<_> = document
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| format!("{{<<{name:?}>>,{value}}}"))
        .collect();
    if unknown.is_empty() {
        Ok(document.into_iter().collect())
    } else {
        Err(Failure::error(
            EX_UNAVAILABLE,
            complaint(&unknown.join(",")),
        ))
    }
}

fn set_limits(s: &Session<'_>, path: &str, limits: &[(String, Value)]) -> Result<Output, Failure> {
    for (name, value) in limits {
        s.must(
            "PUT",
            &format!("{path}/{name}"),
            Some(&json!({ "value": value })),
        )?;
    }
    Ok(Output::Nothing)
}

fn clear_vhost_limits(s: &Session<'_>) -> Result<Output, Failure> {
    let path = format!("/api/vhost-limits/{}", s.vhost_segment());
    clear_limits(s, &path, &["max-connections", "max-queues"])
}

fn clear_user_limits(s: &Session<'_>) -> Result<Output, Failure> {
    if !s.exists(&format!("/api/users/{}", s.arg_segment(0)))? {
        return Err(no_such_user(s.arg(0)));
    }
    let path = format!("/api/user-limits/{}", s.arg_segment(0));
    match s.arg(1) {
        "all" => clear_limits(s, &path, &["max-connections", "max-channels"]),
        limit => clear_limits(s, &path, &[limit]),
    }
}

fn clear_limits(s: &Session<'_>, path: &str, names: &[&str]) -> Result<Output, Failure> {
    for name in names {
        let reply = s.send(
            "DELETE",
            &format!("{path}/{}", super::http::segment(name)),
            None,
        )?;
        if !reply.is_success() && reply.status != 404 {
            return Err(reply.failure());
        }
    }
    Ok(Output::Nothing)
}

fn list_vhost_limits(s: &Session<'_>) -> Result<Output, Failure> {
    if s.flag("global") {
        return Ok(limits_listing("vhost", &s.list("/api/vhost-limits")?));
    }
    s.require_vhost()?;
    let items = s.list(&format!("/api/vhost-limits/{}", s.vhost_segment()))?;
    let Some(text) = one_limit(&items) else {
        return Ok(limits_listing("vhost", &[]));
    };
    let json = json!({ "result": "ok", "node": s.node(), "value": text });
    Ok(Output::Report { text, json })
}

fn list_user_limits(s: &Session<'_>) -> Result<Output, Failure> {
    if s.flag("global") {
        return Ok(limits_listing("user", &s.list("/api/user-limits")?));
    }
    let user = super::http::segment(user(s));
    if !s.exists(&format!("/api/users/{user}"))? {
        return Err(no_such_user(self::user(s)));
    }
    let items = s.list(&format!("/api/user-limits/{user}"))?;
    Ok(Output::Text(
        one_limit(&items).unwrap_or_else(|| "{}".to_owned()),
    ))
}

fn user<'a>(s: &Session<'a>) -> &'a str {
    s.option("user").unwrap_or("guest")
}

fn one_limit(items: &[Value]) -> Option<String> {
    items
        .first()
        .and_then(|item| item.get("value"))
        .map(Value::to_string)
}

fn limits_listing(of: &'static str, items: &[Value]) -> Output {
    let row = |item: &Value| {
        let limits = item.get("value").map(Value::to_string).unwrap_or_default();
        vec![Cell::of(item.get(of)), Cell::text(limits)]
    };
    let rows = items.iter().map(row).collect();
    Output::Listing(Listing {
        columns: vec![of, "limits"],
        rows,
        streamed: false,
    })
}

fn no_such_user(name: &str) -> Failure {
    Failure::error(EX_UNAVAILABLE, format!("{{:no_such_user, \"{name}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::super::output::Format;
    use super::*;

    #[test]
    fn values_are_documents() {
        let items = json!([{"name": "g", "value": {"a": 1}}, {"name": "t", "value": "x"}]);
        let output = documents(&["name", "value"], items.as_array().unwrap());
        assert_eq!(
            output.render(Format::Table, false),
            "g\t{\"a\":1}\nt\t\"x\"\n"
        );
    }

    #[test]
    fn unknown_limits_are_named() {
        let read = |text| limits(text, &["max-queues"], |unknown| format!("not {unknown}"));
        assert_eq!(
            read("{\"nosuch\":10}").unwrap_err().text,
            "Error:\nnot {<<\"nosuch\">>,10}"
        );
        assert!(read("[1]").is_err());
        assert_eq!(
            read("{\"max-queues\":5}").unwrap(),
            [("max-queues".to_owned(), json!(5))]
        );
    }
}
