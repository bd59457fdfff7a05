//! The service over HTTP: RabbitMQ's questions as forms, its answers `allow`, `allow TAGS`, `deny`
//! and `deny REASON`.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::ANSWERS_MAX;
use super::cache::Cache;
use super::client::Client;
use crate::broker::authority::{Authority, Question, Ruling};
use crate::broker::user::User;
use crate::config::auth::{Backend, Cached, HttpAuth};
use crate::sync::{LEAF, Ranked};

const MODULE: &str = Backend::Http.module();

/// Whom to ask.
#[derive(Debug)]
pub(super) struct Service {
    settings: HttpAuth,
    client: Client,
    cache: Option<Cache>,
}

/// What the service said of one user since it logged in.
#[derive(Debug, Default)]
pub(super) struct Answers(Ranked<HashMap<Question, Ruling>, LEAF>);

impl Authority for Answers {
    fn known(&self, question: &Question) -> Option<Ruling> {
        self.0.lock().get(question).cloned()
    }

    fn learn(&self, question: Question, ruling: Ruling) {
        let mut all = self.0.lock();
        if all.len() >= ANSWERS_MAX {
            all.clear();
        }
        all.insert(question, ruling);
    }

    fn expires_at_s(&self) -> Option<u64> {
        None
    }
}

type Form = Vec<(&'static str, String)>;

impl Service {
    pub(super) fn new(settings: &HttpAuth, cache: Option<Cached>) -> io::Result<Self> {
        let patience = Duration::from_millis(settings.request_timeout_ms);
        Ok(Self {
            client: Client::new(patience, &settings.tls)?,
            settings: settings.clone(),
            cache: cache.map(Cache::new),
        })
    }

    /// The tags of a user that may come in.
    pub(super) async fn log_in(
        &self,
        name: &str,
        password: Option<&str>,
        now_ms: u64,
    ) -> Result<Vec<String>, String> {
        let mut form = vec![("username", name.to_owned())];
        form.extend(password.map(|password| ("password", password.to_owned())));
        let failed = |error: String| format!("{MODULE} failed authenticating {name}: {error}");
        let text = self
            .ask(&self.settings.user_path, &form, now_ms)
            .await
            .map_err(failed)?;
        let denied = || Err("Denied by the backing HTTP service".to_owned());
        if let Some(reason) = text.strip_prefix("deny ") {
            tracing::info!("HTTP authentication denied for user '{name}': {reason}");
            return denied();
        }
        let lower = text.to_lowercase();
        match lower.strip_prefix("allow") {
            Some(tags) => Ok(tags.split_whitespace().map(str::to_owned).collect()),
            None if lower == "deny" => denied(),
            None => Err(failed(format!("{{bad_response,\"{lower}\"}}"))),
        }
    }

    /// Whether a user may do something.
    pub(super) async fn rule(
        &self,
        user: &User,
        question: &Question,
        ip: IpAddr,
        now_ms: u64,
    ) -> Ruling {
        let (path, form) = self.form(user, question, ip);
        match self.ask(path, &form, now_ms).await {
            Ok(text) => {
                let reason = text.strip_prefix("deny ");
                match reason.filter(|_| self.settings.discloses) {
                    Some(reason) => Ruling::Refused(format!(" by backend {MODULE}: {reason}")),
                    None => Ruling::from_bool(text.eq_ignore_ascii_case("allow")),
                }
            }
            Err(error) => {
                tracing::error!("{MODULE} returned an error: {error}");
                Ruling::Refused(format!(", backend {MODULE} returned an error: {error}"))
            }
        }
    }

    fn form(&self, user: &User, question: &Question, ip: IpAddr) -> (&str, Form) {
        let (settings, name) = (&self.settings, user.name.to_string());
        let tags = user.read(|state| state.tags.join(" "));
        let mut form = vec![("username", name.clone())];
        let path = match question {
            Question::Vhost(vhost) => {
                form.extend([("vhost", vhost.to_string()), ("ip", ip.to_string())]);
                &settings.vhost_path
            }
            Question::Resource(vhost, kind, resource, access) => {
                form.extend([
                    ("vhost", vhost.to_string()),
                    ("resource", kind.to_string()),
                    ("name", resource.to_string()),
                    ("permission", access.to_string()),
                ]);
                &settings.resource_path
            }
            Question::Topic(vhost, exchange, _, access) => {
                form.extend([
                    ("vhost", vhost.to_string()),
                    ("resource", "topic".to_owned()),
                    ("name", exchange.to_string()),
                    ("permission", access.to_string()),
                ]);
                &settings.topic_path
            }
        };
        form.push(("tags", tags));
        if let Question::Topic(vhost, _, key, _) = question {
            form.extend([
                ("routing_key", key.clone()),
                ("variable_map.username", name),
                ("variable_map.vhost", vhost.to_string()),
            ]);
        }
        (path, form)
    }

    /// The text of an answer with a good status.
    async fn ask(&self, path: &str, form: &Form, now_ms: u64) -> Result<String, String> {
        let pair = |(key, value): &(&str, String)| format!("{key}={}", quoted(value));
        let all: Vec<String> = form.iter().map(pair).collect();
        let query = all.join("&");
        let question = format!("{path}?{query}");
        let known = self.cache.as_ref();
        if let Some(text) = known.and_then(|cache| cache.get(&question, now_ms)) {
            return Ok(text);
        }
        let text = self.fetch(path, query).await?;
        if let Some(cache) = &self.cache {
            cache.put(&question, &text, now_ms);
        }
        Ok(text)
    }

    async fn fetch(&self, path: &str, query: String) -> Result<String, String> {
        let reply = match self.settings.is_post {
            true => self.client.ask(path, Some(query)).await,
            false => self.client.ask(&format!("{path}?{query}"), None).await,
        }?;
        match reply.status {
            200 | 201 => Ok(reply.text.trim_matches(' ').to_owned()),
            code => Err(format!("{{{code},\"{}\"}}", reply.text)),
        }
    }
}

/// As forms are written: a blank is a plus.
fn quoted(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
            char::from(octet).to_string()
        }
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn values_are_quoted_as_in_forms() {
        assert_eq!(quoted("a/b c&ü"), "a%2Fb+c%26%C3%BC");
    }
}
