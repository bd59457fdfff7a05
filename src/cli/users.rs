//! Users and their passwords and tags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Md5;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::command::{
    Command,
    Group::{Other, Users},
    Invalid, Opt, Tools,
};
use super::failure::{EX_DATAERR, EX_NOUSER, EX_SOFTWARE, EX_UNAVAILABLE, Failure};
use super::output::{self, Listing, Output};
use super::session::Session;
use super::value::Cell;

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "add_user",
        Users,
        "Creates a user, with no permissions yet",
        add_user,
    )
    .usage(
        (1, 2),
        "<username> [<password>] [<password_hash> --pre-hashed-password]",
    )
    .options(&[Opt::flag("pre-hashed-password")])
    .help(&[
        ("<username>", "name of the new user"),
        (
            "<password>",
            "its password; read from standard input when left out",
        ),
        (
            "--pre-hashed-password",
            "the password is given as a hash (see hash_password)",
        ),
    ])
    .check(check_add_user)
    .banner(|s| format!("Adding user \"{}\" ...", s.arg(0))),
    Command::new(
        "authenticate_user",
        Users,
        "Checks a user's password",
        authenticate_user,
    )
    .usage((1, 2), "<username> <password>")
    .help(&[
        ("<username>", "name of the user"),
        (
            "<password>",
            "the password to check; read from standard input when left out",
        ),
    ])
    .check(check_name)
    .banner(|s| format!("Authenticating user \"{}\" ...", s.arg(0))),
    Command::new(
        "change_password",
        Users,
        "Changes a user's password",
        change_password,
    )
    .usage((1, 2), "<username> <password>")
    .help(&[
        ("<username>", "name of the user"),
        (
            "<password>",
            "the new password; read from standard input when left out",
        ),
    ])
    .check(check_name)
    .banner(|s| format!("Changing password for user \"{}\" ...", s.arg(0))),
    Command::new(
        "clear_password",
        Users,
        "Takes a user's password away",
        clear_password,
    )
    .usage((1, 1), "<username>")
    .help(&[(
        "<username>",
        "name of the user, who then cannot log in with a password",
    )])
    .check(check_name)
    .banner(|s| format!("Clearing password for user \"{}\" ...", s.arg(0))),
    Command::new("delete_user", Users, "Deletes a user", delete_user)
        .usage((1, 1), "<username>")
        .help(&[("<username>", "name of the user")])
        .check(check_name)
        .banner(|s| format!("Deleting user \"{}\" ...", s.arg(0))),
    Command::new(
        "list_users",
        Users,
        "Lists users with their tags",
        list_users,
    )
    .usage((0, 0), "[--no-table-headers] [--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|_| "Listing users ...".to_owned()),
    Command::new(
        "set_user_tags",
        Users,
        "Replaces a user's tags",
        set_user_tags,
    )
    .usage((1, usize::MAX), "<username> <tag> [...]")
    .help(&[
        ("<username>", "name of the user"),
        (
            "<tag>",
            "management, policymaker, monitoring, administrator, or one of your own",
        ),
    ])
    .check(check_name)
    .banner(|s| {
        let tags = s.args().get(1..).unwrap_or_default().join(", ");
        format!("Setting tags for user \"{}\" to [{tags}] ...", s.arg(0))
    }),
    Command::new(
        "hash_password",
        Other,
        "Hashes a password as the broker stores it",
        hash_password,
    )
    .usage(
        (1, 1),
        "<cleartext_password> [--hashing-algorithm <algorithm>]",
    )
    .options(&[Opt::text("hashing-algorithm")])
    .help(&[
        ("<cleartext_password>", "the password"),
        (
            "--hashing-algorithm <sha256 | sha512 | md5>",
            "how (sha256)",
        ),
    ])
    .check(|s| hashing(s).map(drop))
    .offline()
    .banner(|s| format!("Will hash password {}", s.arg(0))),
];

fn check_name(s: &Session<'_>) -> Result<(), Invalid> {
    if s.arg(0).is_empty() {
        return Err(Invalid::value("user cannot be an empty string"));
    }
    Ok(())
}

fn check_add_user(s: &Session<'_>) -> Result<(), Invalid> {
    check_name(s)?;
    let hashed = s.flag("pre-hashed-password") && s.args().len() == 2;
    if hashed && BASE64.decode(s.arg(1)).is_err() {
        return Err(Invalid::value(
            "Could not Base64 decode provided password hash value",
        ));
    }
    Ok(())
}

fn add_user(s: &Session<'_>) -> Result<Output, Failure> {
    let password = password(s)?;
    let path = format!("/api/users/{}", s.arg_segment(0));
    // The API would overwrite the user.
    if s.exists(&path)? {
        return Err(Failure::error(
            EX_SOFTWARE,
            format!("User \"{}\" already exists", s.arg(0)),
        ));
    }
    // An empty password means none: the API wants that said with an empty hash.
    let key = if s.flag("pre-hashed-password") || password.is_empty() {
        "password_hash"
    } else {
        "password"
    };
    s.must("PUT", &path, Some(&json!({ key: password, "tags": "" })))?;
    if s.is_quiet() {
        return Ok(Output::Nothing);
    }
    let tool = "rabbitmqctl";
    Ok(Output::Text(format!(
        "Done. Don't forget to grant the user permissions to some virtual hosts! See '{tool} help \
         set_permissions' to learn more."
    )))
}

fn authenticate_user(s: &Session<'_>) -> Result<Output, Failure> {
    let (user, password) = (s.arg(0), password(s)?);
    let refused = |why: &str| {
        let text = format!("Error: failed to authenticate user \"{user}\"\nuser '{user}' {why}");
        Failure::error(EX_DATAERR, text)
    };
    if password.is_empty() {
        return Err(refused(
            "attempted to log in with a blank password, which is prohibited",
        ));
    }
    let reply = s.whoami(user, &password)?;
    // A user without a tag may log in to AMQP but not to this API: that refusal has another reason.
    if reply.is_success() || reply.reason.contains("management user") {
        return Ok(Output::text("Success"));
    }
    if reply.status == 401 {
        Err(refused("- invalid credentials"))
    } else {
        Err(reply.failure())
    }
}

fn change_password(s: &Session<'_>) -> Result<Output, Failure> {
    let password = password(s)?;
    let Some(user) = user(s)? else {
        return Err(no_user(s));
    };
    let key = if password.is_empty() {
        "password_hash"
    } else {
        "password"
    };
    s.must(
        "PUT",
        &path(s),
        Some(&json!({ key: password, "tags": tags(&user) })),
    )?;
    Ok(Output::Nothing)
}

fn clear_password(s: &Session<'_>) -> Result<Output, Failure> {
    let Some(user) = user(s)? else {
        let text = format!("{{:no_such_user, \"{}\"}}", s.arg(0));
        return Err(Failure::error(EX_UNAVAILABLE, text));
    };
    s.must(
        "PUT",
        &path(s),
        Some(&json!({ "password_hash": "", "tags": tags(&user) })),
    )?;
    Ok(Output::Nothing)
}

fn delete_user(s: &Session<'_>) -> Result<Output, Failure> {
    let reply = s.send("DELETE", &path(s), None)?;
    if reply.is_success() || reply.status == 404 {
        Ok(Output::Nothing)
    } else {
        Err(reply.failure())
    }
}

fn set_user_tags(s: &Session<'_>) -> Result<Output, Failure> {
    let Some(user) = user(s)? else {
        return Err(no_user(s));
    };
    let tags = s.args().get(1..).unwrap_or_default();
    let mut body = json!({ "tags": tags });
    for key in ["password_hash", "hashing_algorithm"] {
        if let (Some(value), Some(body)) = (user.get(key), body.as_object_mut()) {
            body.insert(key.to_owned(), value.clone());
        }
    }
    s.must("PUT", &path(s), Some(&body))?;
    Ok(Output::Nothing)
}

fn list_users(s: &Session<'_>) -> Result<Output, Failure> {
    Ok(users_listing(&s.list("/api/users")?))
}

fn users_listing(users: &[Value]) -> Output {
    let row = |user: &Value| vec![Cell::of(user.get("name")), Cell::atoms(Some(&tags(user)))];
    let rows = users.iter().map(row).collect();
    Output::Listing(Listing {
        columns: vec!["user", "tags"],
        rows,
        streamed: false,
    })
}

fn hash_password(s: &Session<'_>) -> Result<Output, Failure> {
    let hash = hashing(s).map_err(|invalid| Failure::error(EX_DATAERR, invalid.text))?;
    let salt: [u8; 4] = std::array::from_fn(|_| fastrand::u8(..));
    let hashed = hash(&[&salt, s.arg(0).as_bytes()].concat());
    Ok(Output::Text(BASE64.encode([&salt[..], &hashed].concat())))
}

type Hash = fn(&[u8]) -> Vec<u8>;

/// How it is to be hashed.
fn hashing(s: &Session<'_>) -> Result<Hash, Invalid> {
    match s.option("hashing-algorithm").unwrap_or("sha256") {
        "sha256" => Ok(|text| Sha256::digest(text).to_vec()),
        "sha512" => Ok(|text| Sha512::digest(text).to_vec()),
        "md5" => Ok(|text| Md5::digest(text).to_vec()),
        other => Err(Invalid::value(format!(
            "unsupported hashing algorithm: {other}"
        ))),
    }
}

fn path(s: &Session<'_>) -> String {
    format!("/api/users/{}", s.arg_segment(0))
}

fn user(s: &Session<'_>) -> Result<Option<Value>, Failure> {
    s.get(&path(s))
}

/// A user's tags: a list now, a comma-separated string before 3.9.
fn tags(user: &Value) -> Value {
    match user.get("tags") {
        Some(Value::String(tags)) => tags.split(',').filter(|tag| !tag.is_empty()).collect(),
        Some(tags @ Value::Array(_)) => tags.clone(),
        _ => json!([]),
    }
}

fn no_user(s: &Session<'_>) -> Failure {
    Failure::error(EX_NOUSER, format!("User \"{}\" does not exist", s.arg(0)))
}

/// The password given as the second argument, or on standard input.
fn password(s: &Session<'_>) -> Result<String, Failure> {
    if s.args().len() > 1 {
        return Ok(s.arg(1).to_owned());
    }
    output::asked("Password: ").ok_or_else(|| {
        let text = "Password is not provided via argument or stdin";
        Failure::error(EX_SOFTWARE, text)
    })
}

#[cfg(test)]
mod tests {
    use super::super::output::Format;
    use super::*;

    #[test]
    fn lists_users_as_the_api_gives_them() {
        let users = json!([
            {"name": "guest", "tags": ["administrator", "x"], "limits": {}},
            {"name": "old", "tags": "management,y"},
            {"name": "none", "tags": []},
        ]);
        let text = users_listing(users.as_array().unwrap()).render(Format::Table, true);
        let want = "user\ttags\nguest\t[administrator, x]\nold\t[management, y]\nnone\t[]\n";
        assert_eq!(text, want);
    }
}
