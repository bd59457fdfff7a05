//! A broker in this process with its management API, and requests to it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

use leveret::broker::compat::Compat;
use leveret::broker::settings::{RatesMode, Settings};
use leveret::management;
use leveret::server::Server;

/// A management API; it ends with this value.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    /// Where AMQP clients connect.
    pub(crate) amqp_port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// By their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let pairs = lines.map(|line| line.split_once(": ").unwrap());
        Self {
            status: status.parse().unwrap(),
            headers: pairs
                .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
                .collect(),
            body: answer[end + 4..].to_vec(),
        }
    }

    /// The body; nothing and what is no JSON is null.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// The header of a user whose password is its name.
pub(crate) fn login(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[derive(Deserialize)]
struct Preparation {
    method: String,
    path: String,
    request: Value,
}

impl Api {
    /// Of a fresh broker.
    pub(crate) fn start() -> Self {
        Self::with(management::Cors::default())
    }

    /// Of a fresh broker, for pages of these origins.
    pub(crate) fn with(cors: management::Cors) -> Self {
        Self::of("4.0", cors)
    }

    /// Of a fresh broker of a release line.
    pub(crate) fn of(line: &'static str, cors: management::Cors) -> Self {
        Self::chosen(line, cors, Settings::default())
    }

    /// Of a fresh broker of a release line that counts by pairs, as the recorded ones did.
    pub(crate) fn detailed(line: &'static str) -> Self {
        let settings = Settings {
            rates_mode: RatesMode::Detailed,
            ..Settings::default()
        };
        Self::chosen(line, management::Cors::default(), settings)
    }

    /// Of a fresh broker that does not tell what happens to messages.
    pub(crate) fn without_rates(line: &'static str) -> Self {
        let settings = Settings {
            rates_mode: RatesMode::None,
            ..Settings::default()
        };
        Self::chosen(line, management::Cors::default(), settings)
    }

    pub(crate) fn chosen(line: &'static str, cors: management::Cors, settings: Settings) -> Self {
        let (ready, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let compat = Compat::named(line, false).unwrap();
                let builder = Server::builder().compat(compat).settings(settings);
                let server = builder.start().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                listener.set_nonblocking(true).unwrap();
                let address = listener.local_addr().unwrap();
                ready.send((address, server.port())).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let amqp = (server.addresses().first().copied()).map(|at| ("amqp", at));
                let listeners = amqp.into_iter().chain([("http", address)]);
                let api =
                    management::Api::new(Arc::clone(server.shared()), "token", listeners.collect());
                let api = api.cors(cors);
                management::serve(listener, api, async {
                    // Both an order to stop and a test that is gone mean the end.
                    let _ = stopped.await;
                })
                .await
                .unwrap();
            });
        });
        let (address, amqp_port) = address.recv().unwrap();
        Self {
            address,
            amqp_port,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Of a broker in the state of the one that was recorded.
    pub(crate) fn populated() -> Self {
        let api = Self::start();
        api.prepare(include_str!("golden/setup.json"));
        api
    }

    /// Make requests that must succeed.
    #[track_caller]
    pub(crate) fn prepare(&self, setup: &str) {
        let setup: Vec<Preparation> = serde_json::from_str(setup).unwrap();
        for Preparation {
            method,
            path,
            request,
        } in &setup
        {
            let (status, answer) = self.request("guest", method, path, request);
            assert!((200..300).contains(&status), "{method} {path}: {answer}");
        }
    }

    /// What comes back for these bytes, until the other side closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // It may have answered and closed before it has read all.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// One request with headers.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let headers: String = headers
            .iter()
            .map(|(key, value)| format!("{key}: {value}\r\n"))
            .collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        Reply::parse(&self.raw(&[head.as_bytes(), body].concat()))
    }

    /// A path for which nobody has to log in: status and text.
    pub(crate) fn text(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.split(' ').nth(1).unwrap().parse().unwrap(),
            body.to_owned(),
        )
    }

    /// One request by a user whose password is its name; status and body.
    pub(crate) fn request(
        &self,
        user: &str,
        method: &str,
        path: &str,
        request: &Value,
    ) -> (u16, Value) {
        let body = match request {
            Value::Null => String::new(),
            request => request.to_string(),
        };
        self.send(user, method, path, "application/json", &body)
    }

    /// One request with a body of any kind.
    pub(crate) fn send(
        &self,
        user: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> (u16, Value) {
        let login = login(user, user);
        let headers = [("authorization", login.as_str()), ("content-type", kind)];
        let reply = self.call(method, path, &headers, body.as_bytes());
        (reply.status, reply.json())
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong there was told there.
            let _ = thread.join();
        }
    }
}
