//! A broker for tests that need one: a process of its own, on ports of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::Value;

/// A broker that is gone with this value, unless it was there before.
#[derive(Debug)]
pub(crate) struct Broker {
    process: Option<(Child, PathBuf)>,
    /// Host and port of the management API.
    address: String,
}

impl Broker {
    /// Starts an empty one. With `LEVERET_TEST_ADDRESS` (host:port of a management API) set, that
    /// broker is used instead: it must be empty, have the user guest, and be named
    /// rabbit@localhost. A real RabbitMQ will do, which is how the transcripts are checked.
    pub(crate) fn start() -> Self {
        Self::start_with("4.0", |_, _| {})
    }

    /// The same of a release line, with further arguments and variables, and files in its directory.
    pub(crate) fn start_with(line: &str, further: impl FnOnce(&mut Command, &Path)) -> Self {
        if let Ok(address) = std::env::var("LEVERET_TEST_ADDRESS") {
            return Self {
                process: None,
                address,
            };
        }
        let directory = scratch();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
        command
            .args([
                "serve",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--management-port",
                "0",
            ])
            .args([
                "--node",
                "rabbit@localhost",
                "--compat",
                line,
                "--log-level",
                "error",
            ])
            .arg("--ports-file")
            .arg(directory.join("ports.json"))
            .env("LEVERET_RUNTIME_DIR", directory.join("runtime"))
            .env(
                "RABBITMQ_ENABLED_PLUGINS_FILE",
                directory.join("enabled_plugins"),
            )
            .stdout(Stdio::piped());
        further(&mut command, &directory);
        let mut child = command.spawn().unwrap();
        // It speaks once it is ready.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ports = std::fs::read_to_string(directory.join("ports.json")).unwrap();
        let ports: Value = serde_json::from_str(&ports).unwrap();
        let address = format!("127.0.0.1:{}", ports["management"]);
        Self {
            process: Some((child, directory)),
            address,
        }
    }

    /// The URL by which the command line reaches it.
    pub(crate) fn url(&self) -> String {
        format!("http://guest:guest@{}", self.address)
    }

    /// The port of the management API.
    pub(crate) fn management_port(&self) -> String {
        let port = self.address.rsplit_once(':');
        port.map_or_else(String::new, |(_, port)| port.to_owned())
    }

    /// The port of AMQP, if it was started here.
    pub(crate) fn amqp_port(&self) -> Option<u16> {
        self.port("amqp")
    }

    /// One of its ports, as the file of ports calls it, if it was started here.
    pub(crate) fn port(&self, key: &str) -> Option<u16> {
        let (_, directory) = self.process.as_ref()?;
        let ports = std::fs::read_to_string(directory.join("ports.json")).ok()?;
        let ports: Value = serde_json::from_str(&ports).ok()?;
        ports[key].as_u64()?.try_into().ok()
    }

    /// The directory where its command line finds it without a URL, if it was started here.
    pub(crate) fn runtime_directory(&self) -> Option<PathBuf> {
        self.process
            .as_ref()
            .map(|(_, directory)| directory.join("runtime"))
    }

    /// One request to the management API as guest; the status.
    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> u16 {
        let login = base64::engine::general_purpose::STANDARD.encode("guest:guest");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Basic {login}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some((mut child, directory)) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// A directory that no other test uses.
pub(crate) fn scratch() -> PathBuf {
    let name = format!(
        "leveret-test-{}-{:08x}",
        std::process::id(),
        fastrand::u32(..)
    );
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
