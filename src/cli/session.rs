//! One invocation: what was asked, and the broker it is asked of.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::command::Command;
use super::ctl::Tool;
use super::failure::{EX_SOFTWARE, EX_UNAVAILABLE, EX_USAGE, Failure};
use super::http::{Client, HttpError, Response, segment};
use super::output::{Format, Listing, Output};
use super::parse::Parsed;
use super::runtime_file;
use super::value::Cell;

/// An invocation of one command.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) tool: Tool,
    pub(crate) command: &'a Command,
    pub(crate) parsed: &'a Parsed,
    pub(crate) format: Format,
    broker: OnceCell<Broker>,
}

/// A broker that was found; whether it answers is another matter.
#[derive(Debug)]
struct Broker {
    client: Client,
    /// Known from the runtime file; a remote broker is asked for it.
    node: Option<String>,
    pid: Option<u32>,
}

/// A response that is no success, or that has no body worth reading.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The management API's explanation of a refusal.
    pub(crate) reason: String,
    /// Where in what was sent the fault is, if that is told.
    pub(crate) at: Option<String>,
    /// All of it, where it is JSON.
    pub(crate) body: Value,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        tool: Tool,
        command: &'a Command,
        parsed: &'a Parsed,
        format: Format,
    ) -> Self {
        Self {
            tool,
            command,
            parsed,
            format,
            broker: OnceCell::new(),
        }
    }

    /// The arguments after the command's name.
    pub(crate) fn args(&self) -> &'a [String] {
        self.parsed.words.get(1..).unwrap_or_default()
    }

    pub(crate) fn arg(&self, index: usize) -> &'a str {
        self.args().get(index).map_or("", String::as_str)
    }

    /// The argument as a segment of a path.
    pub(crate) fn arg_segment(&self, index: usize) -> String {
        segment(self.arg(index))
    }

    pub(crate) fn option(&self, name: &str) -> Option<&'a str> {
        self.parsed.option(name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parsed.flag(name)
    }

    pub(crate) fn vhost(&self) -> &'a str {
        self.option("vhost").unwrap_or("/")
    }

    pub(crate) fn vhost_segment(&self) -> String {
        segment(self.vhost())
    }

    /// Whether banners and hints are left out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.flag("quiet") || self.flag("silent") || self.format.is_for_programs()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.flag("silent")
    }

    /// The time allowed, in milliseconds; commands that wait for something allow more.
    pub(crate) fn timeout_ms(&self, default_s: i64) -> i64 {
        let given = self
            .option("timeout")
            .and_then(|text| text.parse::<i64>().ok());
        given.unwrap_or(default_s).saturating_mul(1000)
    }

    /// The columns asked for, each once, or the usual ones.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let mut columns: Vec<&'static str> = Vec::new();
        for asked in self.args().iter().flat_map(|argument| argument.split(',')) {
            let known = self
                .command
                .columns
                .iter()
                .find(|known| **known == asked.trim());
            columns.extend(known.filter(|known| !columns.contains(known)));
        }
        if columns.is_empty() {
            self.command.default_columns.to_vec()
        } else {
            columns
        }
    }

    /// Makes a streamed listing: one row per item, one cell per column asked for.
    pub(crate) fn listing<T>(&self, items: &[T], cell: impl Fn(&T, &str) -> Cell) -> Output {
        let columns = self.columns();
        let row = |item| columns.iter().map(|column| cell(item, column)).collect();
        let rows = items.iter().map(row).collect();
        Output::Listing(Listing {
            columns,
            rows,
            streamed: true,
        })
    }

    /// The node's name: as given, as the broker's file says, or as the broker itself does.
    pub(crate) fn node(&self) -> String {
        if let Some(node) = self.named_node() {
            return node;
        }
        let default = || runtime_file::full_node_name("rabbit");
        let Ok(broker) = self.broker() else {
            return default();
        };
        if let Some(node) = &broker.node {
            return node.clone();
        }
        let overview = self.get("/api/overview").ok().flatten().unwrap_or_default();
        overview
            .get("node")
            .and_then(Value::as_str)
            .map_or_else(default, str::to_owned)
    }

    fn named_node(&self) -> Option<String> {
        let environment = || {
            std::env::var("RABBITMQ_NODENAME")
                .ok()
                .filter(|name| !name.is_empty())
        };
        let named = self.option("node").map(str::to_owned).or_else(environment);
        named.map(|name| runtime_file::full_node_name(&name))
    }

    /// The process id of a broker on this machine.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.broker().ok().and_then(|broker| broker.pid)
    }

    /// The host to try ports of the broker on.
    pub(crate) fn host(&self) -> String {
        self.broker().map_or_else(
            |_| "localhost".to_owned(),
            |broker| broker.client.host.clone(),
        )
    }

    fn broker(&self) -> Result<&Broker, Failure> {
        if let Some(broker) = self.broker.get() {
            return Ok(broker);
        }
        let broker = self.find_broker()?;
        Ok(self.broker.get_or_init(|| broker))
    }

    fn find_broker(&self) -> Result<Broker, Failure> {
        let environment = || {
            std::env::var("LEVERET_URL")
                .ok()
                .filter(|url| !url.is_empty())
        };
        let timeout = u64::try_from(self.timeout_ms(TIMEOUT_S))
            .map(Duration::from_millis)
            .ok();
        if let Some(url) = self.option("url").map(str::to_owned).or_else(environment) {
            let client = client_of_url(&url, timeout)
                .map_err(|why| Failure::error(EX_USAGE, format!("--url {url}: {why}")))?;
            return Ok(Broker {
                client,
                node: self.named_node(),
                pid: None,
            });
        }
        let named = self.named_node();
        let file = runtime_file::find(named.as_deref()).map_err(|error| {
            let node = named.unwrap_or_else(|| runtime_file::full_node_name("rabbit"));
            Failure::unreachable(&node, &error.to_string())
        })?;
        let authorization = format!("Bearer {}", file.token);
        let client = Client {
            host: file.host,
            port: file.management_port,
            prefix: file.path_prefix,
            authorization,
            timeout,
            tls: None,
        };
        Ok(Broker {
            client,
            node: Some(file.node),
            pid: Some(file.pid),
        })
    }

    /// Checks that somebody listens where the broker should be.
    pub(crate) fn probe(&self) -> Result<(), Failure> {
        let broker = self.broker()?;
        broker.client.probe().map_err(|error| self.failure(&error))
    }

    /// Whether the application runs. Where nobody knows the question it always does.
    pub(crate) fn is_running(&self) -> Result<bool, Failure> {
        let response = self.exchange("GET", "/dev/app", &[], None)?;
        let state: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        Ok(state.get("running") != Some(&Value::Bool(false)))
    }

    fn failure(&self, error: &HttpError) -> Failure {
        let known = self.broker.get().and_then(|broker| broker.node.clone());
        let node = known.or_else(|| self.named_node());
        let node = node.unwrap_or_else(|| runtime_file::full_node_name("rabbit"));
        Failure::from_http(error, self.command.name, &node, self.timeout_ms(TIMEOUT_S))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Response, Failure> {
        let body = body.map(Value::to_string);
        let body = body.as_ref().map(String::as_bytes);
        let client = &self.broker()?.client;
        client
            .request(method, path, headers, body)
            .map_err(|error| self.failure(&error))
    }

    /// Reads a resource; `None` when it does not exist.
    pub(crate) fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        let response = self.exchange("GET", path, &[], None)?;
        match response.status {
            200..=299 => serde_json::from_slice(&response.body)
                .map(Some)
                .map_err(|error| {
                    Failure::error(
                        EX_SOFTWARE,
                        format!("the answer to GET {path} is not JSON: {error}"),
                    )
                }),
            404 => Ok(None),
            _ => Err(Reply::of(&response).failure()),
        }
    }

    /// Reads what is no JSON.
    pub(crate) fn text(&self, path: &str) -> Result<String, Failure> {
        let response = self.exchange("GET", path, &[], None)?;
        match response.status {
            200..=299 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
            _ => Err(Reply::of(&response).failure()),
        }
    }

    /// Reads events as they come: their names, and what they tell.
    pub(crate) fn follow(
        &self,
        path: &str,
        until: Option<Instant>,
        tell: &mut dyn FnMut(&str, &Value),
    ) -> Result<(), Failure> {
        let mut name = String::new();
        let mut take = |line: &str| {
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                tell(&name, &serde_json::from_str(data).unwrap_or_default());
            }
        };
        let client = &self.broker()?.client;
        client
            .follow(path, until, &mut take)
            .map_err(|error| self.failure(&error))
    }

    /// What the system knows of the broker's process, if it is on this machine.
    pub(crate) fn about_process(&self, file: &str) -> Result<String, Failure> {
        let pid = self.pid().ok_or_else(|| {
            Failure::error(
                EX_UNAVAILABLE,
                "only a broker on this machine can be asked that",
            )
        })?;
        let read = std::fs::read(format!("/proc/{pid}/{file}"));
        read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| Failure::error(EX_UNAVAILABLE, error))
    }

    /// Reads a list; one that does not exist is empty.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        Ok(match self.get(path)? {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        })
    }

    /// Changes something, and leaves the judgement of the answer to the caller.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, Failure> {
        self.exchange(method, path, &[], body)
            .map(|response| Reply::of(&response))
    }

    /// As [`Session::send`], with a reason for whoever is affected.
    pub(crate) fn delete_because(&self, path: &str, reason: &str) -> Result<Reply, Failure> {
        let response = self.exchange("DELETE", path, &[("x-reason", reason)], None)?;
        Ok(Reply::of(&response))
    }

    /// Changes something that must succeed.
    pub(crate) fn must(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), Failure> {
        let reply = self.send(method, path, body)?;
        if reply.is_success() {
            Ok(())
        } else {
            Err(reply.failure())
        }
    }

    /// Does something that must succeed and has nothing to tell.
    pub(crate) fn act(&self, path: &str) -> Result<Output, Failure> {
        self.must("POST", path, None).map(|()| Output::Nothing)
    }

    /// Whether a resource exists.
    pub(crate) fn exists(&self, path: &str) -> Result<bool, Failure> {
        self.get(path).map(|found| found.is_some())
    }

    /// Fails, as most commands do, unless the virtual host exists.
    pub(crate) fn require_vhost(&self) -> Result<(), Failure> {
        if self.exists(&format!("/api/vhosts/{}", self.vhost_segment()))? {
            Ok(())
        } else {
            Err(Failure::no_vhost(self.vhost()))
        }
    }

    /// Asks who a user is, with that user's own password.
    pub(crate) fn whoami(&self, user: &str, password: &str) -> Result<Reply, Failure> {
        let mut client = self.broker()?.client.clone();
        client.authorization = basic(user, password);
        let response = client.request("GET", "/api/whoami", &[], None);
        response
            .map(|response| Reply::of(&response))
            .map_err(|error| self.failure(&error))
    }
}

impl Reply {
    fn of(response: &Response) -> Self {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let reason = match body.get("reason") {
            Some(Value::String(text)) => unescape(text),
            Some(other) => other.to_string(),
            None => String::from_utf8_lossy(&response.body).trim().to_owned(),
        };
        Self {
            status: response.status,
            reason,
            at: body.get("at").and_then(Value::as_str).map(str::to_owned),
            body,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The failure when nothing better is known.
    pub(crate) fn failure(&self) -> Failure {
        match (self.status, self.reason.as_str()) {
            (401 | 403, reason) => {
                Failure::error(EX_UNAVAILABLE, format!("the broker refused: {reason}"))
            }
            (500.., reason) => {
                let text = format!("the broker failed with status {}: {reason}", self.status);
                Failure::error(EX_SOFTWARE, text)
            }
            (status, "") => Failure::error(EX_UNAVAILABLE, format!("refused with status {status}")),
            (_, reason) => Failure::error(EX_UNAVAILABLE, reason),
        }
    }
}

/// Reasons come escaped for a page.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

pub(super) fn client_of_url(url: &str, timeout: Option<Duration>) -> Result<Client, &'static str> {
    let rest = url
        .strip_prefix("http://")
        .ok_or("only http:// is spoken here")?;
    let (rest, prefix) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let prefix = prefix.split('?').next().unwrap_or_default();
    let (credentials, address) = rest.rsplit_once('@').unwrap_or(("guest:guest", rest));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| "the port is not a number")?)
        }
        _ => (address, MANAGEMENT_PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err("a host is missing");
    }
    let authorization = basic(&decode(user), &decode(password));
    Ok(Client {
        host: host.to_owned(),
        port,
        prefix: prefix.trim_end_matches('/').to_owned(),
        authorization,
        timeout,
        tls: None,
    })
}

/// Undoes percent-encoding; what is not an encoding stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long an operation may take when nothing is said.
pub(crate) const TIMEOUT_S: i64 = 60;
const MANAGEMENT_PORT: u16 = 15672;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let client = client_of_url("http://a%40b:p%3Aw@h:1234/x", None).unwrap();
        assert_eq!((client.host.as_str(), client.port), ("h", 1234));
        assert_eq!(client.prefix, "/x");
        assert_eq!(client.authorization, basic("a@b", "p:w"));
        let client = client_of_url("http://[::1]", None).unwrap();
        assert_eq!((client.host.as_str(), client.port), ("::1", 15672));
        assert_eq!(client.prefix, "");
        assert_eq!(client.authorization, basic("guest", "guest"));
        assert_eq!(client_of_url("http://[::1]:80", None).unwrap().port, 80);
        assert!(client_of_url("https://h", None).is_err());
        assert!(client_of_url("http://u:p@:x", None).is_err());
    }

    #[test]
    fn reasons_are_unescaped() {
        let body = br#"{"error":"bad_request","reason":"&lt;&lt;\"x\"&gt;&gt;"}"#.to_vec();
        assert_eq!(
            Reply::of(&Response { status: 400, body }).reason,
            "<<\"x\">>"
        );
    }
}
