//! Tokens as settings have them: `auth_oauth2`. There are resource servers, which tokens are for, and
//! providers, who sign them. Both have one that is not named, and further ones by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::tls::TlsClient;
use super::value::Value;

/// Where a provider says where its keys are.
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// Tokens, for whom they are, and who signs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2 {
    /// A token must be for one of the resource servers.
    pub verify_aud: bool,
    /// It must end.
    pub require_exp: bool,
    /// The resource server without a name.
    pub own: ResourceServer,
    /// Others by name; what one does not say holds as for [`Self::own`].
    pub servers: BTreeMap<String, ResourceServer>,
    /// The provider without a name.
    pub provider: Provider,
    /// Others by name.
    pub providers: BTreeMap<String, Provider>,
}

/// What tokens can be for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceServer {
    /// This broker's name among those that tokens are for.
    pub id: String,
    /// The type that details of authorization have which are for it; `None` is none.
    pub kind: Option<String>,
    /// In front of scopes; `None` is the name and a point.
    pub scope_prefix: Option<String>,
    /// Claims with more scopes, by path.
    pub additional_scopes_key: Option<String>,
    /// Claims that are the user's name, the best first.
    pub username_claims: Vec<String>,
    /// Scopes that stand for others.
    pub aliases: BTreeMap<String, String>,
    /// Aliases by number: the alias and the scope.
    pub numbered_aliases: BTreeMap<String, (String, String)>,
    /// Who signs; `None` is the provider without a name.
    pub provider: Option<String>,
}

/// Who signs tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// Who can be asked where its keys are.
    pub issuer: Option<String>,
    /// By what path; `None` is the usual one.
    pub discovery_path: Option<String>,
    /// And with which parameters.
    pub discovery_params: BTreeMap<String, String>,
    /// Keys by their id.
    pub signing_keys: BTreeMap<String, PathBuf>,
    /// The key of tokens that name none.
    pub default_key: Option<String>,
    /// Where there are more keys.
    pub jwks_uri: Option<String>,
    /// Ways to sign; `None` are all.
    pub algorithms: Option<Vec<String>>,
    /// How `https` is spoken.
    pub tls: TlsClient,
}

impl Default for OAuth2 {
    fn default() -> Self {
        Self {
            verify_aud: true,
            require_exp: true,
            own: ResourceServer::default(),
            servers: BTreeMap::new(),
            provider: Provider::default(),
            providers: BTreeMap::new(),
        }
    }
}

impl OAuth2 {
    /// All of them, with what holds for each. The one without a name counts if it has an id, or is
    /// alone.
    pub fn resource_servers(&self) -> Vec<ResourceServer> {
        let has_own = !self.own.id.is_empty() || self.servers.is_empty();
        let own = has_own.then(|| self.own.clone());
        let named = self.servers.iter();
        own.into_iter()
            .chain(named.map(|(name, one)| one.completed(name, &self.own)))
            .collect()
    }

    pub(super) fn set(&mut self, field: &str, names: &[&str], value: &Value) {
        let (name, rest) = names
            .split_first()
            .map_or(("", names), |(name, rest)| (*name, rest));
        if let Some(field) = field.strip_prefix("resource_servers.$name.") {
            let server = self.servers.entry(name.to_owned()).or_default();
            return server.set(field, rest, value);
        }
        if let Some(field) = field.strip_prefix("oauth_providers.$name.") {
            let provider = self.providers.entry(name.to_owned()).or_default();
            return provider.set(field, rest, value);
        }
        match field {
            "verify_aud" => self.verify_aud = value.is_true(),
            "require_exp" => self.require_exp = value.is_true(),
            _ => {
                self.own.set(field, names, value);
                self.provider.set(field, names, value);
            }
        }
    }
}

impl ResourceServer {
    /// The name and a point, or what is set.
    pub fn prefix(&self) -> String {
        let usual = || match self.id.as_str() {
            "" => String::new(),
            id => format!("{id}."),
        };
        self.scope_prefix.clone().unwrap_or_else(usual)
    }

    fn completed(&self, name: &str, own: &Self) -> Self {
        let mut all = self.clone();
        if all.id.is_empty() {
            name.clone_into(&mut all.id);
        }
        let or = |value: &mut Option<String>, other: &Option<String>| {
            *value = value.take().or_else(|| other.clone());
        };
        or(&mut all.kind, &own.kind);
        or(&mut all.scope_prefix, &own.scope_prefix);
        or(&mut all.additional_scopes_key, &own.additional_scopes_key);
        or(&mut all.provider, &own.provider);
        if all.username_claims.is_empty() {
            all.username_claims.clone_from(&own.username_claims);
        }
        if all.aliases.is_empty() && all.numbered_aliases.is_empty() {
            all.aliases.clone_from(&own.aliases);
            all.numbered_aliases.clone_from(&own.numbered_aliases);
        }
        all
    }

    fn set(&mut self, field: &str, names: &[&str], value: &Value) {
        let text = value.text();
        let name = || names.first().copied().unwrap_or_default().to_owned();
        match field {
            "resource_server_id" | "id" => self.id = text,
            "resource_server_type" => self.kind = Some(text),
            "scope_prefix" => self.scope_prefix = Some(text),
            "additional_scopes_key" => self.additional_scopes_key = Some(text),
            "preferred_username_claims.$preferred_username_claims" => {
                self.username_claims.push(text);
            }
            "scope_aliases.$alias" => {
                self.aliases.insert(name(), text);
            }
            "scope_aliases.$index.alias" => {
                self.numbered_aliases.entry(name()).or_default().0 = text;
            }
            "scope_aliases.$index.scope" => {
                self.numbered_aliases.entry(name()).or_default().1 = text;
            }
            "oauth_provider_id" | "default_oauth_provider" => self.provider = Some(text),
            _ => {}
        }
    }
}

impl Provider {
    /// Where it says where its keys are, if it can be asked.
    pub fn discovery_url(&self) -> Option<String> {
        let issuer = self.issuer.as_deref()?.trim_end_matches('/');
        let path = self.discovery_path.as_deref().unwrap_or(DISCOVERY_PATH);
        let mut url = format!("{issuer}/{}", path.trim_start_matches('/'));
        for (number, (name, value)) in self.discovery_params.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url += &format!("{name}={value}");
        }
        Some(url)
    }

    fn set(&mut self, field: &str, names: &[&str], value: &Value) {
        let text = value.text();
        let name = || names.first().copied().unwrap_or_default().to_owned();
        match field {
            "issuer" => self.issuer = Some(text),
            "discovery_endpoint_path" => self.discovery_path = Some(text),
            "discovery_endpoint_params.$param" => {
                self.discovery_params.insert(name(), text);
            }
            "signing_keys.$name" | "signing_keys.$id" => {
                self.signing_keys.insert(name(), text.into());
            }
            "default_key" => self.default_key = Some(text),
            "jwks_uri" | "jwks_url" => self.jwks_uri = Some(text),
            "algorithms.$algorithm" => self.algorithms.get_or_insert_default().push(text),
            _ => {
                if let Some(option) = field.strip_prefix("https.") {
                    self.tls.set(option, value);
                }
            }
        }
    }
}
