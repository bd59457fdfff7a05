//! Tokens (JWT): who signed them, for whom they are, what they grant.

mod keys;
mod scopes;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use self::keys::Key;
pub(super) use self::scopes::Grant;
use super::client::Client;
use crate::config::auth::OAuth2;
use crate::sync::{LEAF, Ranked};

/// Longest wait for keys.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest token looked at.
const TOKEN_BYTES_MAX: usize = 128 * 1024;
/// More keys than anybody has.
const KEYS_MAX: usize = 256;
/// Claims that are the user's name where nothing else is said.
const USUAL_NAMES: [&str; 2] = ["sub", "client_id"];

/// What is needed to check tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    settings: OAuth2,
    client: Client,
    keys: Ranked<HashMap<String, Key>, LEAF>,
}

/// A token in its parts; nothing of it is proved yet.
struct Parts<'a> {
    signed: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signature: Vec<u8>,
}

fn refused(reason: &str) -> String {
    format!("Authentication using an OAuth 2/JWT token failed: {reason}")
}

fn object(text: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    Some(Parts {
        signed,
        header: object(header)?,
        claims: object(claims)?,
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
    })
}

impl Tokens {
    /// Read the keys that are files, if tokens are taken at all.
    pub(super) fn new(settings: &OAuth2, is_used: bool) -> io::Result<Self> {
        let mut found = HashMap::new();
        for (id, path) in settings.signing_keys.iter().filter(|_| is_used) {
            let key = std::fs::read_to_string(path).and_then(|text| Key::from_pem(&text));
            let because = |error: io::Error| {
                let text = format!("auth_oauth2.signing_keys.{id}: {}: {error}", path.display());
                io::Error::new(error.kind(), text)
            };
            found.insert(id.clone(), key.map_err(because)?);
        }
        Ok(Self {
            client: Client::new(PATIENCE, settings.cacertfile.as_deref())?,
            settings: settings.clone(),
            keys: Ranked::new(found),
        })
    }

    /// What a token grants, or why it is refused.
    pub(super) async fn check(&self, token: &str, now_s: u64) -> Result<Grant, String> {
        let invalid = || refused("provided token is invalid");
        let token = Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX);
        let parts = token.and_then(parts).ok_or_else(invalid)?;
        self.check_audience(&parts.claims)?;
        self.check_signature(&parts).await?;
        let grant = Grant::new(&self.settings, parts.claims)?;
        grant.check_time(&self.settings, now_s)?;
        Ok(grant)
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), String> {
        let id = self.settings.resource_server_id.as_str();
        let is_for_us = match claims.get("aud") {
            None if self.settings.verify_aud => {
                return Err(refused("{error,no_aud_found}"));
            }
            Some(Value::String(all)) => all.split(' ').any(|one| one == id),
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(id)),
            _ => false,
        };
        match is_for_us || !self.settings.verify_aud {
            true => Ok(()),
            false => Err(refused("{error,no_matching_aud_found}")),
        }
    }

    async fn check_signature(&self, parts: &Parts<'_>) -> Result<(), String> {
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
        let Some(uri) = &self.settings.jwks_uri else {
            return Ok(());
        };
        let text = match uri.strip_prefix("file://") {
            Some(path) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
            None => self.client.ask(uri, None).await.map(|reply| reply.text),
        };
        let text = text.map_err(|error| refused(&format!("{{error,{error}}}")))?;
        let set: Value = serde_json::from_str(&text).unwrap_or_default();
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
}

#[cfg(test)]
mod tests;
