//! Users, virtual hosts and permissions.

use serde_json::{Value, json};

use super::ctl::{Command, Session};
use super::http::segment;
use super::output::{Failed, say};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "add_user",
        usage: "<username> [<password>] [<password_hash> --pre-hashed-password]",
        words: 1..=2,
        run: add_user,
    },
    Command {
        name: "delete_user",
        usage: "<username>",
        words: 1..=1,
        run: delete_user,
    },
    Command {
        name: "change_password",
        usage: "<username> [<password>]",
        words: 1..=2,
        run: change_password,
    },
    Command {
        name: "clear_password",
        usage: "<username>",
        words: 1..=1,
        run: clear_password,
    },
    Command {
        name: "authenticate_user",
        usage: "<username> <password>",
        words: 2..=2,
        run: authenticate_user,
    },
    Command {
        name: "set_user_tags",
        usage: "<username> <tag> [...]",
        words: 1..=64,
        run: set_user_tags,
    },
    Command {
        name: "add_vhost",
        usage: "<vhost> [--description <description>] [--tags \"<tag1>,<tag2>,<...>\"] [--default-queue-type <quorum|classic|stream>]",
        words: 1..=1,
        run: add_vhost,
    },
    Command {
        name: "delete_vhost",
        usage: "<vhost>",
        words: 1..=1,
        run: delete_vhost,
    },
    Command {
        name: "set_permissions",
        usage: "[--vhost <vhost>] <username> <configure> <write> <read>",
        words: 4..=4,
        run: set_permissions,
    },
    Command {
        name: "clear_permissions",
        usage: "[--vhost <vhost>] <username>",
        words: 1..=1,
        run: clear_permissions,
    },
    Command {
        name: "set_topic_permissions",
        usage: "[--vhost <vhost>] <username> <exchange> <write> <read>",
        words: 4..=4,
        run: set_topic_permissions,
    },
];

fn user_path(name: &str) -> String {
    format!("/api/users/{}", segment(name))
}

fn vhost_path(name: &str) -> String {
    format!("/api/vhosts/{}", segment(name))
}

fn no_user(name: &str) -> Failed {
    Failed::error(67, &format!("User \"{name}\" does not exist"))
}

/// The tags of a user who must be there.
fn tags(session: &Session<'_>, name: &str) -> Result<Value, Failed> {
    match session.call("GET", &user_path(name), None)? {
        (200, user) => Ok(user["tags"].clone()),
        _ => Err(no_user(name)),
    }
}

/// The password: the second word, or a line of standard input.
fn password(session: &Session<'_>) -> Result<String, Failed> {
    if session.typed.words.len() > 2 {
        return Ok(session.word(1).to_owned());
    }
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    match read {
        Ok(n) if n > 0 => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => Err(Failed::error(
            64,
            "Password is not provided via argument or stdin",
        )),
    }
}

fn add_user(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    if name.is_empty() {
        return Err(Failed::plain(
            65,
            "Error (argument validation): Bad argument: user cannot be an empty string",
        ));
    }
    let password = password(session)?;
    session.banner(&format!("Adding user \"{name}\" ..."));
    if session.call("GET", &user_path(name), None)?.0 == 200 {
        return Err(Failed::error(
            70,
            &format!("User \"{name}\" already exists"),
        ));
    }
    let key = match session.typed.flag("--pre-hashed-password", "") {
        true => "password_hash",
        false => "password",
    };
    let body = json!({ key: password, "tags": [] });
    match session.call("PUT", &user_path(name), Some(&body))? {
        (201 | 204, _) => {
            session.banner(
                "Done. Don't forget to grant the user permissions to some virtual hosts! See \
                 'rabbitmqctl help set_permissions' to learn more.",
            );
            Ok(())
        }
        (_, answer) => Err(session.refused(&answer)),
    }
}

fn delete_user(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    session.banner(&format!("Deleting user \"{name}\" ..."));
    // One that is not there is no error.
    session.call("DELETE", &user_path(name), None).map(drop)
}

fn change_password(session: &Session<'_>) -> Result<(), Failed> {
    let (name, password) = (session.word(0), password(session)?);
    session.banner(&format!("Changing password for user \"{name}\" ..."));
    let tags = tags(session, name)?;
    let body = json!({ "password": password, "tags": tags });
    session.call("PUT", &user_path(name), Some(&body)).map(drop)
}

fn clear_password(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    session.banner(&format!("Clearing password for user \"{name}\" ..."));
    let tags = tags(session, name)?;
    let body = json!({ "password_hash": "", "tags": tags });
    session.call("PUT", &user_path(name), Some(&body)).map(drop)
}

fn authenticate_user(session: &Session<'_>) -> Result<(), Failed> {
    let (name, password) = (session.word(0), session.word(1));
    session.banner(&format!("Authenticating user \"{name}\" ..."));
    let body = json!({ "username": name, "password": password });
    let (_, answer) = session.call("POST", "/dev/authenticate", Some(&body))?;
    if answer["authenticated"] == true {
        say("Success");
        return Ok(());
    }
    let text = format!(
        "Error: failed to authenticate user \"{name}\"\nuser '{name}' - invalid credentials"
    );
    Err(Failed::error(65, &text))
}

fn set_user_tags(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    let tags = session.typed.words.get(2..).unwrap_or_default();
    session.banner(&format!(
        "Setting tags for user \"{name}\" to [{}] ...",
        tags.join(", ")
    ));
    self::tags(session, name)?;
    let body = json!({ "tags": tags });
    session.call("PUT", &user_path(name), Some(&body)).map(drop)
}

fn add_vhost(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    session.banner(&format!("Adding vhost \"{name}\" ..."));
    let mut body = json!({});
    for (option, key) in [
        ("--description", "description"),
        ("--tags", "tags"),
        ("--default-queue-type", "default_queue_type"),
    ] {
        if let Some(value) = session.typed.option(option) {
            body[key] = json!(value);
        }
    }
    match session.call("PUT", &vhost_path(name), Some(&body))? {
        (201 | 204, _) => Ok(()),
        (_, answer) => Err(session.refused(&answer)),
    }
}

fn delete_vhost(session: &Session<'_>) -> Result<(), Failed> {
    let name = session.word(0);
    session.banner(&format!("Deleting vhost \"{name}\" ..."));
    match session.call("DELETE", &vhost_path(name), None)? {
        (204, _) => Ok(()),
        _ => Err(Failed::plain(
            65,
            format!("Virtual host '{name}' does not exist"),
        )),
    }
}

fn permission_path(kind: &str, vhost: &str, user: &str) -> String {
    format!("/api/{kind}/{}/{}", segment(vhost), segment(user))
}

/// Both must be there; the texts are those of RabbitMQ's permission commands.
fn check_target(session: &Session<'_>, user: &str, vhost: &str) -> Result<(), Failed> {
    if session.call("GET", &user_path(user), None)?.0 != 200 {
        return Err(Failed::error(67, &format!("User {user} does not exist")));
    }
    match session.call("GET", &vhost_path(vhost), None)? {
        (200, _) => Ok(()),
        _ => Err(Failed::error(
            69,
            &format!("Virtual host {vhost} does not exist"),
        )),
    }
}

fn set_permissions(session: &Session<'_>) -> Result<(), Failed> {
    let (user, vhost) = (session.word(0), session.typed.vhost());
    session.banner(&format!(
        "Setting permissions for user \"{user}\" in vhost \"{vhost}\" ..."
    ));
    check_target(session, user, vhost)?;
    let body = json!({
        "configure": session.word(1),
        "write": session.word(2),
        "read": session.word(3),
    });
    match session.call(
        "PUT",
        &permission_path("permissions", vhost, user),
        Some(&body),
    )? {
        (201 | 204, _) => Ok(()),
        (_, answer) => Err(session.refused(&answer)),
    }
}

fn clear_permissions(session: &Session<'_>) -> Result<(), Failed> {
    let (user, vhost) = (session.word(0), session.typed.vhost());
    session.banner(&format!(
        "Clearing permissions for user \"{user}\" in vhost \"{vhost}\" ..."
    ));
    check_target(session, user, vhost)?;
    session
        .call("DELETE", &permission_path("permissions", vhost, user), None)
        .map(drop)
}

fn set_topic_permissions(session: &Session<'_>) -> Result<(), Failed> {
    let (user, exchange, vhost) = (session.word(0), session.word(1), session.typed.vhost());
    session.banner(&format!(
        "Setting topic permissions on \"{exchange}\" for user \"{user}\" in vhost \"{vhost}\" ..."
    ));
    check_target(session, user, vhost)?;
    let body = json!({ "exchange": exchange, "write": session.word(2), "read": session.word(3) });
    match session.call(
        "PUT",
        &permission_path("topic-permissions", vhost, user),
        Some(&body),
    )? {
        (201 | 204, _) => Ok(()),
        (_, answer) => Err(session.refused(&answer)),
    }
}
