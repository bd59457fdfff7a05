//! The command line.

use std::io;

/// What is done with the messages.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// A stream without confirms or acknowledgements.
    Autoack,
    /// A stream with both, in batches.
    Confirm,
    /// One at a time: published, taken, acknowledged, confirmed.
    Single,
    /// A request and its reply, one pair at a time, as RabbitMQ's tutorial on RPC does it.
    Rpc,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Autoack => "autoack",
            Self::Confirm => "confirm",
            Self::Single => "single",
            Self::Rpc => "rpc",
        }
    }
}

pub(super) struct Options {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) vhost: String,
    pub(super) mode: Mode,
    pub(super) size: usize,
    pub(super) messages: u64,
    pub(super) persistent: bool,
    pub(super) broker_pids: Vec<u32>,
}

impl Options {
    /// None when no mode is given: then the usage is wanted.
    pub(super) fn from_arguments(
        mut arguments: impl Iterator<Item = String>,
    ) -> io::Result<Option<Self>> {
        let mut options = Self {
            host: "127.0.0.1".to_owned(),
            port: 5672,
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            vhost: "/".to_owned(),
            mode: Mode::Autoack,
            size: 16,
            messages: 200_000,
            persistent: false,
            broker_pids: Vec::new(),
        };
        let mut wanted = false;
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--persistent" => options.persistent = true,
                "--help" | "--bench" => return Ok(None),
                _ => {
                    wanted |= name == "--mode";
                    let value = arguments.next().ok_or_else(|| wrong(&name))?;
                    options.set(&name, value)?;
                }
            }
        }
        Ok(wanted.then_some(options))
    }

    fn set(&mut self, name: &str, value: String) -> io::Result<()> {
        match name {
            "--host" => self.host = value,
            "--port" => self.port = number(name, &value)?,
            "--user" => self.user = value,
            "--password" => self.password = value,
            "--vhost" => self.vhost = value,
            "--size" => self.size = number(name, &value)?,
            "--messages" => self.messages = number(name, &value)?,
            "--broker-pid" => {
                self.broker_pids = value
                    .split(',')
                    .map(|p| number(name, p))
                    .collect::<io::Result<_>>()?;
            }
            "--mode" => {
                let modes = [Mode::Autoack, Mode::Confirm, Mode::Single, Mode::Rpc];
                let found = modes.into_iter().find(|m| m.name() == value);
                self.mode = found.ok_or_else(|| wrong(name))?;
            }
            _ => return Err(wrong(name)),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> io::Result<T> {
    value.parse().map_err(|_| wrong(name))
}

fn wrong(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{name}: wrong, or without its value\n{USAGE}"),
    )
}

pub(super) const USAGE: &str = "compare-load --mode autoack|confirm|single|rpc [--host H] [--port P] [--user U] [--password P] [--vhost V]
             [--size BYTES] [--messages N] [--persistent] [--broker-pid PID[,PID…]]";
