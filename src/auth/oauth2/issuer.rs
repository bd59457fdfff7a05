//! [`Issuer`]: who signs tokens, and the keys it does it with.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use serde_json::Value;

use super::keys::Key;
use super::{Parts, refused};
use crate::auth::client::Client;
use crate::config::oauth2::Provider;
use crate::sync::{LEAF, Ranked};

/// Longest wait for keys.
const PATIENCE: Duration = Duration::from_secs(10);
/// More keys than anybody has.
const KEYS_MAX: usize = 256;

/// A provider, and what is known of its keys.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: Provider,
    client: Client,
    pub(super) keys: Ranked<HashMap<String, Key>, LEAF>,
}

impl Issuer {
    /// Read the keys that are files. `area` is in front of its keys in a settings file.
    pub(super) fn new(settings: &Provider, area: &str) -> io::Result<Self> {
        let mut found = HashMap::new();
        for (id, path) in &settings.signing_keys {
            let key = std::fs::read_to_string(path).and_then(|text| Key::from_pem(&text));
            let because = |error: io::Error| {
                let text = format!("{area}.signing_keys.{id}: {}: {error}", path.display());
                io::Error::new(error.kind(), text)
            };
            found.insert(id.clone(), key.map_err(because)?);
        }
        Ok(Self {
            client: Client::new(PATIENCE, &settings.tls)?,
            settings: settings.clone(),
            keys: Ranked::new(found),
        })
    }

    /// Whether it has signed that token.
    pub(super) async fn check(&self, parts: &Parts<'_>) -> Result<(), String> {
        let text = |name: &str| parts.header.get(name).and_then(Value::as_str);
        let algorithm = text("alg").unwrap_or_default();
        let wanted = self.settings.algorithms.as_ref();
        if wanted.is_some_and(|all| !all.iter().any(|one| one == algorithm)) {
            return Err(refused("signature_invalid"));
        }
        let id = text("kid").or(self.settings.default_key.as_deref());
        let missing = || refused("{error,key_not_found}");
        let id = id.ok_or_else(missing)?;
        let mut key = self.key(id);
        if key.is_none() {
            self.fetch_keys().await?;
            key = self.key(id);
        }
        let key = key.ok_or_else(missing)?;
        match key.has_signed(algorithm, parts.signed.as_bytes(), &parts.signature) {
            true => Ok(()),
            false => Err(refused("signature_invalid")),
        }
    }

    fn key(&self, id: &str) -> Option<Key> {
        self.keys.lock().get(id).cloned()
    }

    /// Keys that nobody knows here may have been added there.
    async fn fetch_keys(&self) -> Result<(), String> {
        let uri = match (&self.settings.jwks_uri, self.settings.discovery_url()) {
            (Some(uri), _) => uri.clone(),
            (None, Some(url)) => self.discovered(&url).await?,
            (None, None) => return Ok(()),
        };
        let set = self.document(&uri).await?;
        let found = set["keys"].as_array().into_iter().flatten().take(KEYS_MAX);
        let mut keys = self.keys.lock();
        for one in found {
            let (Some(id), Some(key)) = (one["kid"].as_str(), Key::from_jwk(one)) else {
                continue;
            };
            if keys.len() < KEYS_MAX || keys.contains_key(id) {
                keys.insert(id.to_owned(), key);
            }
        }
        Ok(())
    }

    /// Where the keys are, as the issuer says it.
    async fn discovered(&self, url: &str) -> Result<String, String> {
        let answer = self.document(url).await?;
        let uri = answer["jwks_uri"].as_str().map(str::to_owned);
        uri.ok_or_else(|| refused(&format!("{{error,{{no_jwks_uri,{url}}}}}")))
    }

    /// What is no JSON says nothing.
    async fn document(&self, uri: &str) -> Result<Value, String> {
        let text = match uri.strip_prefix("file://") {
            Some(path) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
            None => self.client.ask(uri, None).await.map(|reply| reply.text),
        };
        let text = text.map_err(|error| refused(&format!("{{error,{error}}}")))?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}
