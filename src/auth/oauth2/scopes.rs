//! [`Grant`]: what the scopes of a token allow, by RabbitMQ's rules.

use serde_json::{Map, Value};

use super::{USUAL_NAMES, details, refused};
use crate::broker::authority::{Authority, Question, Ruling};
use crate::config::oauth2::ResourceServer;

/// More scopes than that are refused.
const SCOPES_MAX: usize = 2048;

/// What a token grants its bearer.
#[derive(Debug)]
pub(in crate::auth) struct Grant {
    /// The user's name.
    pub(in crate::auth) name: String,
    /// From scopes such as `tag:administrator`.
    pub(in crate::auth) tags: Vec<String>,
    scopes: Vec<String>,
    claims: Map<String, Value>,
    expires_s: Option<u64>,
}

/// What one scope grants: patterns with stars.
struct Scope<'a> {
    access: &'a str,
    vhost: &'a str,
    name: &'a str,
    key: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// `read:vhost/name` or `read:vhost/name/key`; others grant nothing here.
    fn read(text: &'a str) -> Option<Self> {
        let (access, pattern) = text.split_once(':')?;
        let parts: Vec<&str> = pattern.split('/').collect();
        let (vhost, name, key) = match parts.as_slice() {
            [vhost, name] => (*vhost, *name, None),
            [vhost, name, key] => (*vhost, *name, Some(*key)),
            _ => return None,
        };
        let is_known = matches!(access, "read" | "write" | "configure");
        is_known.then_some(Self {
            access,
            vhost,
            name,
            key,
        })
    }
}

/// Whether a pattern with stars fits; `%2F` and the like stand for themselves in it.
pub(super) fn fits(pattern: &str, subject: &str) -> bool {
    let parts: Option<Vec<String>> = pattern.split('*').map(decoded).collect();
    let Some(parts) = parts else { return false };
    let Some((first, rest)) = parts.split_first() else {
        return false;
    };
    let Some(mut left) = subject.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return left.is_empty();
    };
    for part in middle {
        let Some((_, after)) = left.split_once(part.as_str()) else {
            return false;
        };
        left = after;
    }
    left.ends_with(last.as_str())
}

/// Percent signs and pluses, as addresses have them.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        out.push(match octet {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(octets.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

impl Grant {
    /// From the claims of a token that is genuine.
    pub(super) fn new(
        settings: &ResourceServer,
        claims: Map<String, Value>,
    ) -> Result<Self, String> {
        let mut all = words(claims.get("scope"), settings);
        for path in settings
            .additional_scopes_key
            .iter()
            .flat_map(|keys| keys.split(' '))
        {
            let path: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
            all.extend(
                at(&claims, &path)
                    .iter()
                    .flat_map(|value| words(Some(value), settings)),
            );
        }
        let more: Vec<String> = all
            .iter()
            .flat_map(|scope| aliased(settings, scope))
            .collect();
        all.extend(more);
        // With the server's name in front of them, whatever the prefix is.
        let details = claims.get("authorization_details");
        let details = details::scopes(settings, details, SCOPES_MAX);
        let named = details
            .iter()
            .map(|scope| format!("{}.{scope}", settings.id));
        all.extend(named);
        let prefix = settings.prefix();
        let own = all
            .iter()
            .filter_map(|scope| scope.strip_prefix(prefix.as_str()));
        let mut scopes: Vec<String> = own.map(str::to_owned).collect();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.len() > SCOPES_MAX {
            return Err(refused("{error,too_many_scopes}"));
        }
        let tags = scopes.iter().filter_map(|scope| scope.strip_prefix("tag:"));
        let preferred = settings.username_claims.iter().map(String::as_str);
        let names = preferred.chain(
            USUAL_NAMES
                .into_iter()
                .filter(|_| settings.username_claims.is_empty()),
        );
        let mut name = names.filter_map(|claim| claims.get(claim).and_then(Value::as_str));
        Ok(Self {
            name: name.next().unwrap_or("unknown").to_owned(),
            tags: tags.map(str::to_owned).collect(),
            expires_s: claims.get("exp").and_then(seconds),
            scopes,
            claims,
        })
    }

    /// Whether it is still good.
    pub(super) fn check_time(&self, is_required: bool, now_s: u64) -> Result<(), String> {
        match (self.expires_s, self.claims.get("exp")) {
            (Some(at), _) if at <= now_s => Err(refused(&format!(
                "Provided JWT token has expired at timestamp {at} (validated at {now_s})"
            ))),
            (Some(_), _) => Ok(()),
            (None, Some(_)) => Err(refused(
                "Provided JWT token has an invalid exp claim: value is not a number",
            )),
            (None, None) if is_required => Err(refused("Provided JWT token has no exp claim")),
            (None, None) => Ok(()),
        }
    }

    /// A scope with `{vhost}` and claims put in.
    fn expanded(&self, scope: &str, vhost: &str) -> String {
        let (mut text, mut rest) = (String::new(), scope);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            text += before;
            text += match name {
                "vhost" => vhost,
                name => self
                    .claims
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or(name),
            };
            rest = after;
        }
        text + rest
    }

    fn allows(&self, question: &Question) -> bool {
        let vhost = match question {
            Question::Vhost(vhost) | Question::Resource(vhost, ..) | Question::Topic(vhost, ..) => {
                vhost.as_str()
            }
        };
        self.scopes.iter().any(|scope| {
            let text = self.expanded(scope, vhost);
            let Some(scope) = Scope::read(&text).filter(|scope| fits(scope.vhost, vhost)) else {
                return false;
            };
            match question {
                Question::Vhost(_) => true,
                Question::Resource(_, _, name, access) => {
                    access.to_string() == scope.access && fits(scope.name, name)
                }
                Question::Topic(_, exchange, key, access) => {
                    access.to_string() == scope.access
                        && fits(scope.name, exchange)
                        && scope.key.is_some_and(|pattern| fits(pattern, key))
                }
            }
        })
    }
}

impl Authority for Grant {
    fn known(&self, question: &Question) -> Option<Ruling> {
        Some(Ruling::from_bool(self.allows(question)))
    }

    fn learn(&self, _: Question, _: Ruling) {}

    fn expires_at_s(&self) -> Option<u64> {
        self.expires_s
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time in seconds"
)]
fn seconds(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|seconds| seconds as u64))
}

/// Scopes in a claim: words, a list, or an object with this broker's under its name.
fn words(value: Option<&Value>, settings: &ResourceServer) -> Vec<String> {
    match value {
        Some(Value::String(text)) => {
            let all = text.split(' ').filter(|word| !word.is_empty());
            all.map(str::to_owned).collect()
        }
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::Object(all)) => {
            let id = settings.id.as_str();
            let own = words(all.get(id), &ResourceServer::default());
            own.iter().map(|scope| format!("{id}.{scope}")).collect()
        }
        _ => Vec::new(),
    }
}

/// What stands at a path; lists on the way are looked through.
fn at<'a>(claims: &'a Map<String, Value>, path: &[&str]) -> Vec<&'a Value> {
    let Some((first, rest)) = path.split_first() else {
        return Vec::new();
    };
    let Some(value) = claims.get(*first) else {
        return Vec::new();
    };
    match (value, rest.is_empty()) {
        (value, true) => vec![value],
        (Value::Object(more), false) => at(more, rest),
        (Value::Array(all), false) => all
            .iter()
            .filter_map(Value::as_object)
            .flat_map(|more| at(more, rest))
            .collect(),
        _ => Vec::new(),
    }
}

fn aliased(settings: &ResourceServer, scope: &str) -> Vec<String> {
    let numbered = settings.numbered_aliases.values();
    let numbered = numbered
        .filter(|(alias, _)| alias == scope)
        .map(|(_, scopes)| scopes);
    let named = settings.aliases.get(scope);
    let all = named
        .into_iter()
        .chain(numbered)
        .flat_map(|scopes| scopes.split(' '));
    all.filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, subject, want) in [
            ("*", "", true),
            ("*", "/", true),
            ("%2F", "/", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("a*c", "abcd", false),
            ("a*b*c", "axbxc", true),
            ("a", "ab", false),
            ("", "a", false),
            ("%zz", "%zz", false),
            ("a+b", "a b", true),
        ] {
            assert_eq!(fits(pattern, subject), want, "{pattern} {subject}");
        }
    }
}
