//! What changes something, and messages and definitions going in and out.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::End;
use super::arguments::path;
use super::call::Call;
use super::shown::Shape;
use super::things::{GET, PUBLISH, Thing};
use crate::cli::http::segment;

impl Call<'_> {
    pub(super) fn act(&self, things: &[Thing], done: &str, words: &[&str]) -> Result<(), End> {
        let Some((&name, words)) = words.split_first() else {
            return Err(End::usage("Type not specified"));
        };
        let thing = things.iter().find(|thing| thing.name == name);
        let thing = thing.ok_or_else(|| End::usage(format!("Type {name} not recognised")))?;
        let body = self.arguments(thing, words)?;
        let path = path(thing, &body);
        let text = Value::Object(body).to_string();
        let body = (thing.method != "DELETE").then_some(text.as_bytes());
        self.ask(thing.method, &path, body)?;
        self.say(&format!("{name} {done}"));
        Ok(())
    }

    pub(super) fn publish(&self, words: &[&str]) -> Result<(), End> {
        let mut body = self.arguments(&PUBLISH, words)?;
        if !body.contains_key("payload") {
            let mut payload = Vec::new();
            std::io::stdin()
                .read_to_end(&mut payload)
                .map_err(End::refused)?;
            body.insert("payload".to_owned(), json!(BASE64.encode(payload)));
            body.insert("payload_encoding".to_owned(), json!("base64"));
        }
        let path = path(&PUBLISH, &body);
        let text = self.ask(
            "POST",
            &path,
            Some(Value::Object(body).to_string().as_bytes()),
        )?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        self.say(match answer.get("routed") {
            Some(Value::Bool(true)) => "Message published",
            _ => "Message published but NOT routed",
        });
        Ok(())
    }

    pub(super) fn get(&self, words: &[&str]) -> Result<(), End> {
        let body = self.arguments(&GET, words)?;
        let file = body
            .get("payload_file")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if file.is_some() && body.get("count") != Some(&json!("1")) {
            return Err(End::usage(
                "Cannot get multiple messages using payload_file",
            ));
        }
        let path = path(&GET, &body);
        let text = self.ask(
            "POST",
            &path,
            Some(Value::Object(body).to_string().as_bytes()),
        )?;
        let hidden: &[&str] = match file {
            Some(file) => {
                write_payload(&file, &text)?;
                &["payload", "payload_encoding", "properties"]
            }
            None => &[],
        };
        let shape = Shape {
            columns: &[],
            depth: self.given.value("depth").parse().unwrap_or(1),
            json: "",
        };
        self.show(&text, &shape, hidden)
    }

    fn definitions(&self) -> String {
        let vhost = self.given.given("vhost");
        let vhost = vhost
            .map(|vhost| format!("/{}", segment(vhost)))
            .unwrap_or_default();
        format!("definitions{vhost}")
    }

    pub(super) fn export(&self, words: &[&str]) -> Result<(), End> {
        let [file] = words else {
            return Err(End::usage("Exactly one argument required"));
        };
        let text = self.ask("GET", &self.definitions(), None)?;
        std::fs::write(file, text).map_err(|error| End::refused(format!("{file}: {error}")))?;
        self.say(&format!(
            "Exported definitions for {} to \"{file}\"",
            self.client.host
        ));
        Ok(())
    }

    pub(super) fn import(&self, words: &[&str]) -> Result<(), End> {
        let [file] = words else {
            return Err(End::usage("Exactly one argument required"));
        };
        let text = std::fs::read(file).map_err(|error| End::refused(format!("{file}: {error}")))?;
        self.ask("POST", &self.definitions(), Some(&text))?;
        self.say(&format!(
            "Uploaded definitions from \"{}\" to {file}. The import process may take some time. \
             Consult server logs to track progress.",
            self.client.host
        ));
        Ok(())
    }
}

fn write_payload(file: &str, text: &str) -> Result<(), End> {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(message) = answer.get(0) else {
        return Ok(());
    };
    let payload = message
        .get("payload")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let bytes = match message.get("payload_encoding").and_then(Value::as_str) {
        Some("base64") => BASE64.decode(payload).unwrap_or_default(),
        _ => payload.as_bytes().to_vec(),
    };
    std::fs::write(file, bytes).map_err(|error| End::refused(format!("{file}: {error}")))
}
