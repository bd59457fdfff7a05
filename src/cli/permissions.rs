//! Permissions and topic permissions of users in virtual hosts.

use serde_json::{Value, json};

use super::command::{Command, Group::AccessControl, Tools};
use super::failure::{EX_NOUSER, EX_UNAVAILABLE, Failure};
use super::http::segment;
use super::output::{Listing, Output};
use super::session::{Reply, Session};
use super::value::Cell;

const USER: (&str, &str) = ("<username>", "name of the user");

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "set_permissions",
        AccessControl,
        "Permits a user to use a virtual host",
        set,
    )
    .usage((4, 4), "[--vhost <vhost>] <username> <conf> <write> <read>")
    .help(&[
        USER,
        (
            "<conf>",
            "pattern of the names the user may declare and delete",
        ),
        (
            "<write>",
            "pattern of the names the user may publish and bind to",
        ),
        (
            "<read>",
            "pattern of the names the user may consume and bind from",
        ),
    ])
    .banner(|s| banner(s, "Setting permissions for user")),
    Command::new(
        "set_permissions_globally",
        AccessControl,
        "Permits a user to use every virtual host",
        set_globally,
    )
    .usage((4, 4), "<username> <conf> <write> <read>")
    .help(&[USER, ("<conf> <write> <read>", "as in set_permissions")])
    .banner(|s| {
        format!(
            "Setting permissions for user \"{}\" in all virtual hosts ...",
            s.arg(0)
        )
    }),
    Command::new(
        "clear_permissions",
        AccessControl,
        "Takes a user's permissions away",
        clear,
    )
    .usage((1, 1), "[--vhost <vhost>] <username>")
    .help(&[USER])
    .banner(|s| banner(s, "Clearing permissions for user")),
    Command::new(
        "list_permissions",
        AccessControl,
        "Lists who may use a virtual host",
        list,
    )
    .usage(
        (0, 0),
        "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
    )
    .tools(Tools::BOTH)
    .banner(|s| format!("Listing permissions for vhost \"{}\" ...", s.vhost())),
    Command::new(
        "list_user_permissions",
        AccessControl,
        "Lists what a user may use",
        list_user,
    )
    .usage(
        (1, 1),
        "[--no-table-headers] <username> [--timeout <timeout>]",
    )
    .help(&[USER])
    .tools(Tools::BOTH)
    .banner(|s| format!("Listing permissions for user \"{}\" ...", s.arg(0))),
    Command::new(
        "set_topic_permissions",
        AccessControl,
        "Limits the routing keys a user may use on a topic exchange",
        set_topic,
    )
    .usage(
        (4, 4),
        "[--vhost <vhost>] <username> <exchange> <write> <read>",
    )
    .help(&[
        USER,
        ("<exchange>", "name of the topic exchange"),
        (
            "<write>",
            "pattern of the routing keys the user may publish with",
        ),
        (
            "<read>",
            "pattern of the binding keys the user may bind with",
        ),
    ])
    .banner(|s| topic_banner(s, "Setting")),
    Command::new(
        "clear_topic_permissions",
        AccessControl,
        "Lifts such limits",
        clear_topic,
    )
    .usage((1, 2), "[--vhost <vhost>] <username> [<exchange>]")
    .help(&[USER, ("<exchange>", "only those on this exchange")])
    .banner(|s| match s.args().len() {
        1 => banner(s, "Clearing topic permissions for user"),
        _ => topic_banner(s, "Clearing"),
    }),
    Command::new(
        "list_topic_permissions",
        AccessControl,
        "Lists such limits",
        list_topic,
    )
    .usage(
        (0, 0),
        "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
    )
    .tools(Tools::BOTH)
    .banner(|s| format!("Listing topic permissions for vhost \"{}\" ...", s.vhost())),
    Command::new(
        "list_user_topic_permissions",
        AccessControl,
        "Lists such limits of one user",
        list_user_topic,
    )
    .usage(
        (1, 1),
        "[--no-table-headers] <username> [--timeout <timeout>]",
    )
    .help(&[USER])
    .tools(Tools::BOTH)
    .untitled()
    .banner(|s| format!("Listing topic permissions for user \"{}\" ...", s.arg(0))),
];

fn banner(s: &Session<'_>, what: &str) -> String {
    format!("{what} \"{}\" in vhost \"{}\" ...", s.arg(0), s.vhost())
}

fn topic_banner(s: &Session<'_>, what: &str) -> String {
    let (user, exchange, vhost) = (s.arg(0), s.arg(1), s.vhost());
    format!(
        "{what} topic permissions on \"{exchange}\" for user \"{user}\" in vhost \"{vhost}\" ..."
    )
}

fn set(s: &Session<'_>) -> Result<Output, Failure> {
    set_in(s, s.vhost())?;
    Ok(Output::Nothing)
}

fn set_globally(s: &Session<'_>) -> Result<Output, Failure> {
    for vhost in s.list("/api/vhosts")? {
        set_in(
            s,
            vhost
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )?;
    }
    Ok(Output::Nothing)
}

fn set_in(s: &Session<'_>, vhost: &str) -> Result<(), Failure> {
    let path = format!("/api/permissions/{}/{}", segment(vhost), s.arg_segment(0));
    let body = json!({ "configure": s.arg(1), "write": s.arg(2), "read": s.arg(3) });
    put(s, vhost, &path, &body)
}

fn set_topic(s: &Session<'_>) -> Result<Output, Failure> {
    let path = format!(
        "/api/topic-permissions/{}/{}",
        s.vhost_segment(),
        s.arg_segment(0)
    );
    let body = json!({ "exchange": s.arg(1), "write": s.arg(2), "read": s.arg(3) });
    put(s, s.vhost(), &path, &body)?;
    Ok(Output::Nothing)
}

fn put(s: &Session<'_>, vhost: &str, path: &str, body: &Value) -> Result<(), Failure> {
    let reply = s.send("PUT", path, Some(body))?;
    if reply.is_success() {
        return Ok(());
    }
    // The API does not say which of the two is missing.
    if !s.exists(&format!("/api/users/{}", s.arg_segment(0)))? {
        return Err(Failure::error(
            EX_NOUSER,
            format!("User {} does not exist", s.arg(0)),
        ));
    }
    if !s.exists(&format!("/api/vhosts/{}", segment(vhost)))? {
        return Err(Failure::error(
            EX_UNAVAILABLE,
            format!("Virtual host {vhost} does not exist"),
        ));
    }
    Err(invalid_regexp(&reply).unwrap_or_else(|| reply.failure()))
}

/// The API's `["invalid_regexp", pattern, [why, position]]`, whose texts may be lists of codes.
fn invalid_regexp(reply: &Reply) -> Option<Failure> {
    let reason: Value = serde_json::from_str(&reply.reason).ok()?;
    let detail = reason.get(2)?;
    if reason.get(0)? != "invalid_regexp" {
        return None;
    }
    let pattern = match reason.get(1)? {
        Value::String(pattern) => format!("{pattern:?}"),
        codes => format!("~c{:?}", characters(codes)),
    };
    let why = characters(detail.get(0)?);
    let position = detail.get(1).and_then(Value::as_u64).unwrap_or_default();
    let text = format!("{{:invalid_regexp, {pattern}, {{~c{why:?}, {position}}}}}");
    Some(Failure::error(EX_UNAVAILABLE, text))
}

fn characters(value: &Value) -> String {
    let code = |code: &Value| code.as_u64().and_then(|code| u32::try_from(code).ok());
    match value {
        Value::Array(codes) => codes
            .iter()
            .filter_map(code)
            .filter_map(char::from_u32)
            .collect(),
        other => super::value::bare(other),
    }
}

fn clear(s: &Session<'_>) -> Result<Output, Failure> {
    delete(
        s,
        &format!(
            "/api/permissions/{}/{}",
            s.vhost_segment(),
            s.arg_segment(0)
        ),
    )
}

fn clear_topic(s: &Session<'_>) -> Result<Output, Failure> {
    let mut path = format!(
        "/api/topic-permissions/{}/{}",
        s.vhost_segment(),
        s.arg_segment(0)
    );
    if s.args().len() == 2 {
        path = format!("{path}/{}", s.arg_segment(1));
    }
    delete(s, &path)
}

/// Deletes; nothing to delete is fine.
fn delete(s: &Session<'_>, path: &str) -> Result<Output, Failure> {
    let reply = s.send("DELETE", path, None)?;
    if reply.is_success() || reply.status == 404 {
        Ok(Output::Nothing)
    } else {
        Err(reply.failure())
    }
}

fn list(s: &Session<'_>) -> Result<Output, Failure> {
    in_vhost(s, "permissions", &["user", "configure", "write", "read"])
}

fn list_topic(s: &Session<'_>) -> Result<Output, Failure> {
    in_vhost(
        s,
        "topic-permissions",
        &["user", "exchange", "write", "read"],
    )
}

fn list_user(s: &Session<'_>) -> Result<Output, Failure> {
    of_user(s, "permissions", &["vhost", "configure", "write", "read"])
}

fn list_user_topic(s: &Session<'_>) -> Result<Output, Failure> {
    of_user(
        s,
        "topic-permissions",
        &["vhost", "exchange", "write", "read"],
    )
}

fn in_vhost(s: &Session<'_>, what: &str, columns: &[&'static str]) -> Result<Output, Failure> {
    s.require_vhost()?;
    Ok(listing(&matching(s, what, "vhost", s.vhost())?, columns))
}

fn of_user(s: &Session<'_>, what: &str, columns: &[&'static str]) -> Result<Output, Failure> {
    if !s.exists(&format!("/api/users/{}", s.arg_segment(0)))? {
        let text = format!("{{:no_such_user, \"{}\"}}", s.arg(0));
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    Ok(listing(&matching(s, what, "user", s.arg(0))?, columns))
}

/// Those of all permissions whose `key` is `name`.
fn matching(s: &Session<'_>, what: &str, key: &str, name: &str) -> Result<Vec<Value>, Failure> {
    let mut items = s.list(&format!("/api/{what}"))?;
    items.retain(|item| item.get(key).is_some_and(|value| value == name));
    Ok(items)
}

fn listing(items: &[Value], columns: &[&'static str]) -> Output {
    let row = |item: &Value| {
        columns
            .iter()
            .map(|column| Cell::of(item.get(*column)))
            .collect()
    };
    let rows = items.iter().map(row).collect();
    Output::Listing(Listing {
        columns: columns.to_vec(),
        rows,
        streamed: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_reported_in_the_original_terms() {
        let reason = r#"["invalid_regexp",[40],[[109,105,115,115,105,110,103,32,41],1]]"#;
        let failure = invalid_regexp(&Reply {
            status: 400,
            reason: reason.to_owned(),
            ..Reply::default()
        })
        .unwrap();
        assert_eq!(
            failure.text,
            "Error:\n{:invalid_regexp, ~c\"(\", {~c\"missing )\", 1}}"
        );
        let text = r#"["invalid_regexp","(",[[109],1]]"#.to_owned();
        assert!(
            invalid_regexp(&Reply {
                status: 400,
                reason: text,
                ..Reply::default()
            })
            .is_some()
        );
        let other = Reply {
            status: 400,
            reason: "[{key_missing,write}]".to_owned(),
            ..Reply::default()
        };
        assert!(invalid_regexp(&other).is_none());
    }
}
