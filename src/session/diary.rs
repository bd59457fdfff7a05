//! What the log tells of a connection: that it came, who it is, what it was refused, and how it
//! went, in RabbitMQ's words, which people and their tools search for.

use leveret_proto::exception::{Exception, Scope};
use leveret_proto::method::Method;
use leveret_proto::value::FieldValue;

use super::core::Core;
use super::login::canonical;
use crate::broker::name::Name;

/// Stands where RabbitMQ writes a process's id.
const PROCESS: &str = "<0.0.0>";

/// How a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// One side said that it closes.
    Orderly,
    /// The client sent nothing for this many seconds.
    Silent(u16),
    /// The handshake took too long.
    HandshakeExpired,
}

/// What is remembered to be told later.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// The client has sent something.
    is_accepted: bool,
    begun_ms: u64,
    client_name: Option<String>,
    /// The virtual host and the user.
    home: Option<(Name, Name)>,
    end: Option<End>,
}

impl Diary {
    pub(super) fn begin(wall_ms: u64) -> Self {
        Self {
            begun_ms: wall_ms,
            ..Self::default()
        }
    }

    /// The first reason for its end is the one that counts.
    pub(super) fn ends(&mut self, end: End) {
        self.end.get_or_insert(end);
    }
}

/// As RabbitMQ writes it: `12ms`, `5s`, `3M, 5s`, `1H, 0M, 5s`.
fn duration(ms: u64) -> String {
    let all = ms / 1000;
    let (days, hours, minutes, seconds) = (all / 86_400, all / 3600 % 24, all / 60 % 60, all % 60);
    match (days, hours, minutes) {
        _ if ms < 1000 => format!("{ms}ms"),
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}M, {seconds}s"),
        (0, ..) => format!("{hours}H, {minutes}M, {seconds}s"),
        _ => format!("{days}D, {hours}H, {minutes}M, {seconds}s"),
    }
}

impl Core {
    fn ends(&self) -> String {
        let (peer, local) = (self.endpoints.peer, self.endpoints.local);
        format!("{} -> {}", canonical(peer), canonical(local))
    }

    /// The name of the connection, with what the client calls it.
    fn log_name(&self) -> String {
        let name = self.ends();
        match &self.diary.client_name {
            Some(own) => format!("{name} - {own}"),
            None => name,
        }
    }

    /// The client has sent something.
    pub(super) fn log_accepted(&mut self) {
        if !self.diary.is_accepted {
            self.diary.is_accepted = true;
            tracing::info!(target: "connection", "accepting AMQP connection {}", self.log_name());
        }
    }

    /// The client has said what it is.
    pub(super) fn log_client_name(&mut self, value: Option<&FieldValue>) {
        let Some(own) = value.and_then(FieldValue::as_str) else {
            return;
        };
        let name = self.log_name();
        tracing::info!(target: "connection", "connection {name} has a client-provided name: {own}");
        self.diary.client_name = Some(own.to_owned());
    }

    /// It is open.
    pub(super) fn log_opened(&mut self, vhost: &Name, user: &Name) {
        self.diary.home = Some((vhost.clone(), user.clone()));
        tracing::info!(
            target: "connection",
            "connection {}: user '{user}' authenticated and granted access to vhost '{vhost}'",
            self.log_name()
        );
    }

    /// The credentials are void.
    pub(super) fn log_expired(&self) {
        let user = self.diary.home.as_ref().map(|(_, user)| user.to_string());
        tracing::warn!(
            target: "connection",
            "closing AMQP connection {} of user '{}': credential has expired",
            self.log_name(),
            user.unwrap_or_default()
        );
    }

    /// A login was refused; the client is not told why.
    pub(super) fn log_login_refused(&self, mechanism: &str, reason: &str) {
        tracing::error!(
            target: "connection",
            "Error on AMQP connection {PROCESS} ({}, state: starting):\n{mechanism} login refused: {reason}",
            self.ends()
        );
    }

    /// A channel or the connection is closed for what the client did.
    pub(super) fn log_exception(&self, channel: u16, exception: &Exception) {
        let name = self.log_name();
        let code = exception.code.name().to_lowercase();
        let text = &exception.text;
        let ids = (exception.class_id, exception.method_id);
        let mut methods = Method::SPECS.iter();
        let operation = methods.find(|one| (one.class_id, one.method_id) == ids);
        let operation = operation.map_or("none", |one| one.name);
        let Some((vhost, user)) = &self.diary.home else {
            // Why somebody is not let in was told when it happened.
            if let Some(user) = self.login_user() {
                let user = &user.name;
                tracing::error!(
                    target: "connection",
                    "Error on AMQP connection {PROCESS} ({name}, user: '{user}', state: opening):\n{text}"
                );
            }
            return;
        };
        let who = format!("{PROCESS} ({name}, vhost: '{vhost}', user: '{user}'");
        if exception.scope == Scope::Channel {
            tracing::error!(
                target: "channel",
                "Channel error on connection {who}), channel {channel}:\noperation {operation} \
                 caused a channel exception {code}: {text}"
            );
        } else if code == "connection_forced" {
            tracing::warn!(target: "connection", "Closing AMQP connection {who}): {text}");
        } else {
            tracing::error!(
                target: "connection",
                "Error on AMQP connection {who}, state: running), channel {channel}:\n operation \
                 {operation} caused a connection exception {code}: {text:?}"
            );
        }
    }

    /// The client does not speak AMQP.
    pub(super) fn log_not_amqp(&mut self, input: &[u8]) {
        let what = match input {
            [0x16, ..] => "TLS client detected on non-TLS AMQP port. Ensure the client is \
                           connecting to the correct port."
                .to_owned(),
            [b'G', b'E', b'T', b' ', ..] => "HTTP GET request detected on AMQP port. Ensure the \
                                             client is connecting to the correct port."
                .to_owned(),
            other => {
                let octets = other.iter().take(8).map(u8::to_string);
                let octets: Vec<String> = octets.collect();
                format!(
                    "client did not start with AMQP protocol header: <<{}>>",
                    octets.join(",")
                )
            }
        };
        self.diary.ends(End::Orderly);
        let (name, lived) = (self.log_name(), self.lived());
        tracing::error!(
            target: "connection",
            "closing AMQP connection {name} (duration: '{lived}'):\n{what}"
        );
        // That was the farewell.
        self.diary.is_accepted = false;
    }

    fn lived(&self) -> String {
        duration(self.now.wall_ms.saturating_sub(self.diary.begun_ms))
    }

    /// The socket is gone.
    pub(super) fn log_closed(&self) {
        let diary = &self.diary;
        if !diary.is_accepted {
            return;
        }
        let lived = self.lived();
        let home = match (&diary.home, self.login_user()) {
            (Some((vhost, user)), _) => format!(", vhost: '{vhost}', user: '{user}'"),
            (None, Some(user)) => format!(", vhost: 'none', user: '{}'", user.name),
            (None, None) => String::new(),
        };
        let name = self.log_name();
        let who = format!("({name}{home}, duration: '{lived}')");
        match diary.end {
            Some(End::Orderly) => {
                tracing::info!(target: "connection", "closing AMQP connection {who}");
            }
            None => tracing::warn!(
                target: "connection",
                "closing AMQP connection {PROCESS} {who}:\nclient unexpectedly closed TCP connection"
            ),
            Some(End::Silent(seconds)) => tracing::error!(
                target: "connection",
                "closing AMQP connection {PROCESS} ({name}, duration: '{lived}'):\nmissed \
                 heartbeats from client, timeout: {seconds}s"
            ),
            Some(End::HandshakeExpired) => tracing::error!(
                target: "connection",
                "closing AMQP connection {PROCESS} ({name}, duration: '{lived}'):\n\
                 {{handshake_timeout,handshake}}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_rabbitmqs() {
        let all = [999, 1000, 61_000, 3_600_000, 90_061_000].map(duration);
        assert_eq!(
            all,
            ["999ms", "1s", "1M, 1s", "1H, 0M, 0s", "1D, 1H, 1M, 1s"]
        );
    }
}
