//! A broker in this process with its management API, and requests to it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

use leveret::broker::compat::Compat;
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

#[derive(Deserialize)]
struct Preparation {
    method: String,
    path: String,
    request: Value,
}

impl Api {
    /// Of a fresh broker.
    pub(crate) fn start() -> Self {
        let (ready, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let compat = Compat::named("4.0", false).unwrap();
                let server = Server::builder().compat(compat).start().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                listener.set_nonblocking(true).unwrap();
                let address = listener.local_addr().unwrap();
                ready.send((address, server.port())).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let api = management::Api::new(Arc::clone(server.shared()), "token", Vec::new());
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
        let setup: Vec<Preparation> =
            serde_json::from_str(include_str!("golden/setup.json")).unwrap();
        for Preparation {
            method,
            path,
            request,
        } in &setup
        {
            let (status, answer) = api.request("guest", method, path, request);
            assert!((200..300).contains(&status), "{method} {path}: {answer}");
        }
        api
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
        let login = STANDARD.encode(format!("{user}:{user}"));
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Basic {login}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
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
