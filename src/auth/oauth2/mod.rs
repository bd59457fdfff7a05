//! Tokens (JWT): who signed them, for whom they are, what they grant.

mod details;
mod issuer;
mod keys;
mod scopes;

use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use self::issuer::Issuer;
pub(super) use self::scopes::Grant;
use crate::config::oauth2::{OAuth2, ResourceServer};

/// Longest token looked at.
const TOKEN_BYTES_MAX: usize = 128 * 1024;
/// Claims that are the user's name where nothing else is said.
const USUAL_NAMES: [&str; 2] = ["sub", "client_id"];

/// What is needed to check tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    verify_aud: bool,
    require_exp: bool,
    servers: Vec<ResourceServer>,
    /// By name; one has none.
    issuers: BTreeMap<Option<String>, Issuer>,
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
        let mut issuers = BTreeMap::new();
        if is_used {
            issuers.insert(None, Issuer::new(&settings.provider, "auth_oauth2")?);
            for (name, provider) in &settings.providers {
                let area = format!("auth_oauth2.oauth_providers.{name}");
                issuers.insert(Some(name.clone()), Issuer::new(provider, &area)?);
            }
        }
        Ok(Self {
            verify_aud: settings.verify_aud,
            require_exp: settings.require_exp,
            servers: settings.resource_servers(),
            issuers,
        })
    }

    /// What a token grants, or why it is refused.
    pub(super) async fn check(&self, token: &str, now_s: u64) -> Result<Grant, String> {
        let invalid = || refused("provided token is invalid");
        let token = Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX);
        let parts = token.and_then(parts).ok_or_else(invalid)?;
        let server = self.server_for(&parts.claims)?;
        let issuer = self.issuers.get(&server.provider);
        let unknown = || refused("{error,oauth_provider_not_found}");
        issuer.ok_or_else(unknown)?.check(&parts).await?;
        let grant = Grant::new(server, parts.claims)?;
        grant.check_time(self.require_exp, now_s)?;
        Ok(grant)
    }

    /// The one that a token is for. Where that does not matter it is the only one.
    fn server_for(&self, claims: &Map<String, Value>) -> Result<&ResourceServer, String> {
        let aud = claims.get("aud");
        let is_named = |id: &str| match aud {
            Some(Value::String(all)) => all.split(' ').any(|one| one == id),
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(id)),
            _ => false,
        };
        let mut found = self.servers.iter().filter(|one| is_named(&one.id));
        match (found.next(), found.next(), self.servers.as_slice()) {
            (Some(_), Some(_), _) => Err(refused(
                "{error,only_one_resource_server_as_audience_found_many}",
            )),
            (Some(server), None, _) => Ok(server),
            (None, _, [server]) if !self.verify_aud => Ok(server),
            _ if aud.is_none() => Err(refused("{error,no_aud_found}")),
            _ => Err(refused("{error,no_matching_aud_found}")),
        }
    }
}

#[cfg(test)]
mod tests;
