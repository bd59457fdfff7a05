//! One invocation of `rabbitmqadmin`: the broker that is asked, and how its answers are shown.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::End;
use super::options::Given;
use super::shown::{FORMATS, Shape, pretty_json, python_list};
use super::things::List;
use crate::cli::http::{Client, HttpError, segment};
use crate::cli::https::Connector;
use crate::cli::output::{print, print_error};
use crate::cli::session::{basic, client_of_url};
use crate::config::tls::TlsClient;

/// One invocation, and the broker it is asked of.
pub(super) struct Call<'a> {
    pub(super) given: &'a Given,
    pub(super) client: Client,
    prefix: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn new(given: &'a Given) -> Result<Self, End> {
        let timeout = given
            .value("request-timeout")
            .parse()
            .map(Duration::from_secs);
        let timeout = timeout.map_err(|_| End::usage("the timeout must be a number of seconds"))?;
        let port = given.value("port").parse();
        let port = port.map_err(|_| End::usage("the port must be a number"))?;
        let tls = given.flag("ssl").then(|| connector(given)).transpose()?;
        let mut client = Client {
            host: given.value("host").to_owned(),
            port,
            prefix: String::new(),
            authorization: basic(given.value("username"), given.value("password")),
            timeout: Some(timeout),
            tls,
        };
        if let Some(uri) = given.given("base-uri") {
            client = named_by(uri, client, given)?;
        }
        Ok(Self {
            given,
            client,
            prefix: given.value("path-prefix"),
        })
    }

    /// The virtual host of what is made or deleted.
    pub(super) fn vhost(&self) -> &str {
        self.given.given("vhost").unwrap_or("/")
    }

    pub(super) fn say(&self, text: &str) {
        if !self.given.flag("quiet") {
            print(&format!("{text}\n"));
        }
    }

    /// The text of an answer that must be a success.
    pub(super) fn ask(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<String, End> {
        let path = format!("{}/api/{path}", self.prefix);
        let answer =
            self.client
                .request(method, &path, &[], body)
                .map_err(|error| match error {
                    HttpError::Timeout => End::refused("Could not connect: timed out"),
                    HttpError::Unreachable(why) => {
                        End::refused(format!("Could not connect: {}", python_error(&why)))
                    }
                    HttpError::Broken(why) => End::refused(format!("the answer is broken: {why}")),
                })?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status {
            200..=299 => Ok(text),
            400 => Err(End::refused(reason(&text))),
            401 => Err(End::refused(format!("Access refused: {path}"))),
            404 => Err(End::refused(format!("Not found: {path}"))),
            status => Err(End::refused(format!(
                "Received response {status} for path {path}\n{text}"
            ))),
        }
    }

    pub(super) fn list(&self, lists: &[List], verb: &str, words: &[&str]) -> Result<(), End> {
        let name = words.first().copied().unwrap_or_default();
        let list = lists.iter().find(|list| list.name == name);
        let list = list.ok_or_else(|| End::usage(format!("Don't know how to {verb} {name}")))?;
        let depth = self.given.value("depth").parse().unwrap_or(1);
        let mut columns: Vec<String> = words.iter().skip(1).map(|&word| word.to_owned()).collect();
        if columns.is_empty() && depth == 1 {
            columns = list
                .columns
                .iter()
                .map(|&column| column.to_owned())
                .collect();
        }
        let text = self.ask("GET", &self.list_path(list, &columns), None)?;
        let shape = Shape {
            columns: &columns,
            depth,
            json: list.json,
        };
        self.show(&text, &shape, &[])
    }

    fn list_path(&self, list: &List, columns: &[String]) -> String {
        let mut path = list.path.to_owned();
        if let (true, Some(vhost)) = (list.of_vhost, self.given.given("vhost")) {
            path += &format!("/{}", segment(vhost));
        }
        let mut query = Vec::new();
        if !columns.is_empty() {
            query.push(format!("columns={}", columns.join(",")));
        }
        if let Some(sort) = self.given.given("sort") {
            query.push(format!("sort={sort}"));
        }
        if self.given.flag("sort-reverse") {
            query.push("sort_reverse=true".to_owned());
        }
        match query.is_empty() {
            true => path,
            false => format!("{path}?{}", query.join("&")),
        }
    }

    /// Print an answer in the form that is asked for.
    pub(super) fn show(&self, text: &str, shape: &Shape<'_>, hidden: &[&str]) -> Result<(), End> {
        let format = self.given.value("format");
        if !FORMATS.contains(&format) {
            let all = FORMATS.join(", ");
            return Err(End::usage(format!("format must be one of {all}")));
        }
        let items = match serde_json::from_str(text).unwrap_or_default() {
            Value::Array(items) => items,
            one => vec![one],
        };
        print(&match format {
            "raw_json" => format!("{text}\n"),
            "pretty_json" => format!("{}\n", pretty_json(&Value::Array(items))),
            other => shape.rows(&items).without(hidden).render(other),
        });
        Ok(())
    }
}

/// The broker that a URI names; what is not in it stays. Unlike the original, `https` is TLS without
/// `--ssl` too, as nobody who writes it wants the password to go in the clear.
fn named_by(uri: &str, usual: Client, given: &Given) -> Result<Client, End> {
    let plain = uri.strip_prefix("https://");
    let tls = match (usual.tls, plain) {
        (None, Some(_)) => Some(connector(given)?),
        (tls, _) => tls,
    };
    let rest = plain.or_else(|| uri.strip_prefix("http://"));
    let rest = rest.ok_or_else(|| End::refused("the URI must begin with http:// or https://"))?;
    let named = client_of_url(&format!("http://{rest}"), usual.timeout).map_err(End::refused)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.ends_with(']'));
    if !path.is_empty() {
        print_error(
            "WARNING: path in --base-uri is ignored. Please specify --vhost and/or --path-prefix \
             separately.\n\n",
        );
    }
    Ok(Client {
        host: named.host,
        port: if has_port { named.port } else { usual.port },
        prefix: String::new(),
        authorization: match login {
            "" => usual.authorization,
            _ => named.authorization,
        },
        timeout: usual.timeout,
        tls,
    })
}

/// TLS as the options want it.
fn connector(given: &Given) -> Result<Connector, End> {
    let path = |name| given.given(name).map(PathBuf::from);
    let options = TlsClient {
        cacertfile: path("ssl-ca-cert-file"),
        certfile: path("ssl-cert-file"),
        // As for the original it is the key that counts.
        keyfile: path("ssl-key-file"),
        verify: Some(!given.flag("ssl-insecure")),
        any_name: given.flag("ssl-disable-hostname-verification"),
        ..TlsClient::default()
    };
    if options.keyfile.is_some() && options.certfile.is_none() {
        return Err(End::usage("--ssl-key-file needs --ssl-cert-file"));
    }
    Connector::new(&options).map_err(End::refused)
}

/// `Connection refused (os error 111)` as Python says it.
fn python_error(text: &str) -> String {
    let parts = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(" (os error "));
    parts.map_or_else(
        || text.to_owned(),
        |(why, number)| format!("[Errno {number}] {why}"),
    )
}

/// Why the broker refuses, as it says it.
fn reason(text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    answer
        .get("reason")
        .map_or_else(|| text.to_owned(), python_list)
}
