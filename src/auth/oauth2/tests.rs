//! Tokens made here, checked by the rules.

use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::keys::Key;
use super::*;
use crate::broker::authority::{Authority as _, Question, Ruling};
use crate::broker::error::Resource;
use crate::broker::permission::Access;
use crate::config::oauth2::Provider;

const NOW_S: u64 = 1_700_000_000;
const SECRET: &[u8] = b"a secret of thirty-two octets !!";

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with these claims, signed with the secret.
fn token(claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "kid": "k" });
    let signed = format!("{}.{}", encoded(&header), encoded(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn tokens(settings: OAuth2) -> Tokens {
    let mut settings = settings;
    settings.own.id = "rabbitmq".to_owned();
    let tokens = Tokens::new(&settings, true).unwrap();
    know(&tokens, None, "k");
    tokens
}

/// A provider has the secret as a key.
fn know(tokens: &Tokens, provider: Option<&str>, id: &str) {
    let issuer = &tokens.issuers[&provider.map(str::to_owned)];
    let key = Key::Secret(SECRET.to_vec());
    issuer.keys.lock().insert(id.to_owned(), key);
}

async fn check(settings: OAuth2, claims: &Value) -> Result<Grant, String> {
    tokens(settings).check(&token(claims), NOW_S).await
}

fn claims(scope: &Value) -> Value {
    json!({ "aud": "rabbitmq", "sub": "bob", "exp": NOW_S + 5, "scope": scope })
}

fn may(grant: &Grant, vhost: &str, name: &str, access: Access) -> bool {
    let question = Question::of(&vhost.into(), Resource::Queue, name, access);
    grant.known(&question) == Some(Ruling::Allowed)
}

#[tokio::test]
async fn scopes_are_permissions() {
    let scope = json!(
        "rabbitmq.read:%2F/q*/k* rabbitmq.write:v/* rabbitmq.tag:administrator other.read:*/*"
    );
    let grant = check(OAuth2::default(), &claims(&scope)).await.unwrap();
    assert_eq!(
        (grant.name.as_str(), &grant.tags[..]),
        ("bob", &["administrator".to_owned()][..])
    );
    assert_eq!(grant.expires_at_s(), Some(NOW_S + 5));
    assert!(may(&grant, "/", "q1", Access::Read) && !may(&grant, "/", "x", Access::Read));
    assert!(!may(&grant, "/", "q1", Access::Write) && may(&grant, "v", "any", Access::Write));
    let enters = |vhost: &str| grant.known(&Question::Vhost(vhost.into()));
    assert_eq!(enters("/"), Some(Ruling::Allowed));
    assert_eq!(enters("w"), Some(Ruling::Refused(String::new())));
    let topic = |key: &str, access| {
        let question = Question::Topic("/".into(), "q1".into(), key.to_owned(), access);
        grant.known(&question) == Some(Ruling::Allowed)
    };
    assert!(
        topic("k.a", Access::Read) && !topic("a", Access::Read) && !topic("k.a", Access::Write)
    );
}

#[tokio::test]
async fn scopes_come_from_other_places_too() {
    let own = ResourceServer {
        additional_scopes_key: Some("roles realm.access".to_owned()),
        aliases: [(
            "admin".to_owned(),
            "rabbitmq.tag:administrator rabbitmq.read:*/*".to_owned(),
        )]
        .into(),
        numbered_aliases: [(
            "1".to_owned(),
            ("dev".to_owned(), "rabbitmq.write:*/d".to_owned()),
        )]
        .into(),
        username_claims: vec!["nobody".to_owned(), "mail".to_owned()],
        ..ResourceServer::default()
    };
    let settings = OAuth2 {
        own,
        ..OAuth2::default()
    };
    let mut all = claims(&json!([
        "admin",
        "dev",
        "rabbitmq.configure:{vhost}/{mail}"
    ]));
    all["roles"] = json!({ "rabbitmq": ["write:*/r"] });
    all["realm"] = json!([{ "access": "rabbitmq.write:*/s" }]);
    all["mail"] = json!("bob@x");
    let grant = check(settings, &all).await.unwrap();
    assert_eq!(grant.name, "bob@x");
    assert_eq!(grant.tags, ["administrator"]);
    assert!(may(&grant, "any", "thing", Access::Read));
    for name in ["d", "r", "s"] {
        assert!(may(&grant, "/", name, Access::Write), "{name}");
    }
    assert!(
        may(&grant, "v", "bob@x", Access::Configure) && !may(&grant, "v", "x", Access::Configure)
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said() {
    let good = claims(&json!("rabbitmq.read:*/*"));
    let refusal = |claims: Value| async move {
        let refused = check(OAuth2::default(), &claims).await.unwrap_err();
        refused.replace("Authentication using an OAuth 2/JWT token failed: ", "")
    };
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let expired =
        format!("Provided JWT token has expired at timestamp {NOW_S} (validated at {NOW_S})");
    assert_eq!(refusal(with("exp", json!(NOW_S))).await, expired);
    let mut endless = good.clone();
    endless.as_object_mut().unwrap().remove("exp");
    assert_eq!(
        refusal(endless.clone()).await,
        "Provided JWT token has no exp claim"
    );
    let no_exp = OAuth2 {
        require_exp: false,
        ..OAuth2::default()
    };
    assert_eq!(check(no_exp, &endless).await.unwrap().expires_at_s(), None);
    assert_eq!(
        refusal(with("aud", json!(["x"]))).await,
        "{error,no_matching_aud_found}"
    );
    let any_aud = OAuth2 {
        verify_aud: false,
        ..OAuth2::default()
    };
    assert!(check(any_aud, &with("aud", json!("x"))).await.is_ok());
    let mut forged = token(&good);
    forged.replace_range(forged.len() - 3.., "AAA");
    let all = tokens(OAuth2::default());
    let refused = all.check(&forged, NOW_S).await.unwrap_err();
    assert!(refused.ends_with(": signature_invalid"), "{refused}");
    for text in ["", "x", "a.b.c", "..", "é.é.é"] {
        let refused = all.check(text, NOW_S).await.unwrap_err();
        assert!(
            refused.ends_with(": provided token is invalid"),
            "{refused}"
        );
    }
    let hidden = token(&good).replacen(
        &encoded(&json!({ "alg": "HS256", "kid": "k" })),
        &encoded(&json!({ "alg": "none", "kid": "k" })),
        1,
    );
    let refused = all.check(&hidden, NOW_S).await.unwrap_err();
    assert!(refused.ends_with(": signature_invalid"), "{refused}");
    let mut only = OAuth2::default();
    only.provider.algorithms = Some(vec!["RS256".to_owned()]);
    let only = tokens(only);
    assert!(only.check(&token(&good), NOW_S).await.is_err());
}

#[tokio::test]
async fn keys_come_from_files_and_sets() {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let octets = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    let jwk =
        json!({ "kid": "e", "kty": "EC", "crv": "P-256", "x": octets(1..33), "y": octets(33..65) });
    let path = std::env::temp_dir().join(format!("leveret-jwks-{}.json", std::process::id()));
    std::fs::write(&path, json!({ "keys": [jwk] }).to_string()).unwrap();
    let mut settings = OAuth2::default();
    settings.provider.jwks_uri = Some(format!("file://{}", path.display()));
    settings.provider.default_key = Some("e".to_owned());
    let claims = claims(&json!("rabbitmq.read:*/*"));
    let signed = format!(
        "{}.{}",
        encoded(&json!({ "alg": "ES256" })),
        encoded(&claims)
    );
    let signature = pair.sign(&random, signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let granted = tokens(settings).check(&token, NOW_S).await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(granted.unwrap().name, "bob");
    // The same key as it stands in a file.
    let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let head: Vec<u8> = (0..head.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&head[at..at + 2], 16).unwrap())
        .collect();
    let body = base64::engine::general_purpose::STANDARD.encode([&head, point].concat());
    let lines: Vec<&str> = [&body[..64], &body[64..]].into();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    );
    assert_eq!(Key::from_pem(&pem).unwrap(), Key::P256(point.to_vec()));
    assert!(Key::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").is_err());
}

/// A resource server without a name, and three with.
fn several() -> OAuth2 {
    let text = |text: &str| Some(text.to_owned());
    let mut settings = OAuth2::default();
    settings.own.id = "root".to_owned();
    settings.own.username_claims = vec!["rname".to_owned()];
    settings.own.additional_scopes_key = text("rextra");
    let alias = "root.tag:x ida.tag:x bp:tag:x".to_owned();
    settings.own.aliases.insert("ralias".to_owned(), alias);
    settings.servers = [
        (
            "a",
            ResourceServer {
                id: "ida".to_owned(),
                ..ResourceServer::default()
            },
        ),
        (
            "b",
            ResourceServer {
                scope_prefix: text("bp:"),
                username_claims: vec!["bname".to_owned()],
                additional_scopes_key: text("bextra"),
                aliases: [("balias".to_owned(), "bp:tag:x".to_owned())].into(),
                ..ResourceServer::default()
            },
        ),
        (
            "d",
            ResourceServer {
                provider: text("nowhere"),
                ..ResourceServer::default()
            },
        ),
    ]
    .map(|(name, server)| (name.to_owned(), server))
    .into();
    settings
}

/// As a real 4.3.6 answers with the same settings to the same tokens.
#[tokio::test]
async fn tokens_are_for_one_of_several_resource_servers() {
    let tokens = Tokens::new(&several(), true).unwrap();
    know(&tokens, None, "k");
    let ask = |aud: Value, more: Value| {
        let mut claims = json!({ "aud": aud, "sub": "bob", "exp": NOW_S + 5 });
        let more = more.as_object().cloned().unwrap_or_default();
        claims.as_object_mut().unwrap().extend(more);
        let tokens = &tokens;
        async move {
            let grant = tokens.check(&token(&claims), NOW_S).await?;
            Ok::<_, String>((grant.name, !grant.tags.is_empty()))
        }
    };
    let scope = |scope: &str| json!({ "scope": scope });
    for (aud, more, name, has_tag) in [
        ("root", scope("root.tag:x"), "unknown", true),
        ("ida", scope("ida.tag:x"), "unknown", true),
        ("ida", scope("root.tag:x"), "unknown", false),
        ("b", scope("bp:tag:x"), "unknown", true),
        ("b", scope("b.tag:x"), "unknown", false),
        ("b", json!({ "bname": "bob", "rname": "rob" }), "bob", false),
        (
            "ida",
            json!({ "bname": "bob", "rname": "rob" }),
            "rob",
            false,
        ),
        ("b", json!({ "bextra": "bp:tag:x" }), "unknown", true),
        ("b", json!({ "rextra": "bp:tag:x" }), "unknown", false),
        ("ida", json!({ "rextra": "ida.tag:x" }), "unknown", true),
        ("b", scope("balias"), "unknown", true),
        ("b", scope("ralias"), "unknown", false),
        ("ida", scope("ralias"), "unknown", true),
    ] {
        let told = format!("{aud} {more}");
        let granted = ask(json!(aud), more).await;
        assert_eq!(granted, Ok((name.to_owned(), has_tag)), "{told}");
    }
    for (aud, why) in [
        (json!("a"), "no_matching_aud_found"),
        (Value::Null, "no_matching_aud_found"),
        (
            json!(["ida", "root"]),
            "only_one_resource_server_as_audience_found_many",
        ),
        (json!("d"), "oauth_provider_not_found"),
    ] {
        let refused = ask(aud, Value::Null).await.unwrap_err();
        assert!(refused.ends_with(&format!("{{error,{why}}}")), "{refused}");
    }
}

#[tokio::test]
async fn each_provider_has_its_own_keys() {
    let mut settings = OAuth2::default();
    settings.own.id = "rabbitmq".to_owned();
    let named = ResourceServer {
        provider: Some("p".to_owned()),
        ..ResourceServer::default()
    };
    settings.servers.insert("c".to_owned(), named);
    settings
        .providers
        .insert("p".to_owned(), Provider::default());
    let tokens = Tokens::new(&settings, true).unwrap();
    let mut for_c = claims(&json!("c.read:*/*"));
    for_c["aud"] = json!("c");
    let own = token(&claims(&json!("rabbitmq.read:*/*")));
    let for_c = token(&for_c);
    know(&tokens, None, "k");
    assert!(tokens.check(&own, NOW_S).await.is_ok());
    assert!(tokens.check(&for_c, NOW_S).await.is_err());
    know(&tokens, Some("p"), "k");
    assert!(tokens.check(&for_c, NOW_S).await.is_ok());
}

#[tokio::test]
async fn without_verify_aud_the_only_resource_server_is_meant() {
    let named = |ids: &[&str]| {
        let mut settings = OAuth2 {
            verify_aud: false,
            ..OAuth2::default()
        };
        for id in ids {
            settings
                .servers
                .insert((*id).to_owned(), ResourceServer::default());
        }
        let tokens = Tokens::new(&settings, true).unwrap();
        know(&tokens, None, "k");
        tokens
    };
    let mut foreign = claims(&json!("a.tag:x"));
    foreign["aud"] = json!("zz");
    let foreign = token(&foreign);
    let granted = named(&["a"]).check(&foreign, NOW_S).await.unwrap();
    assert_eq!(granted.tags, ["x"]);
    assert!(named(&["a", "b"]).check(&foreign, NOW_S).await.is_err());
}

#[tokio::test]
async fn where_the_keys_are_the_issuer_says() {
    let dir = std::env::temp_dir().join(format!("leveret-issuer-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let jwk = json!({ "kid": "k", "kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    std::fs::write(dir.join("keys"), json!({ "keys": [jwk] }).to_string()).unwrap();
    let keys = format!("file://{}/keys", dir.display());
    let said = json!({ "issuer": "x", "jwks_uri": keys }).to_string();
    std::fs::write(dir.join("said"), said).unwrap();
    let mut settings = OAuth2::default();
    settings.own.id = "rabbitmq".to_owned();
    settings.provider.issuer = Some(format!("file://{}/", dir.display()));
    settings.provider.discovery_path = Some("said".to_owned());
    let good = token(&claims(&json!("rabbitmq.tag:x")));
    let granted = Tokens::new(&settings, true)
        .unwrap()
        .check(&good, NOW_S)
        .await;
    settings.provider.discovery_path = Some("keys".to_owned());
    let refused = Tokens::new(&settings, true)
        .unwrap()
        .check(&good, NOW_S)
        .await;
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(granted.unwrap().tags, ["x"]);
    assert!(refused.unwrap_err().contains("{error,{no_jwks_uri,file://"));
    settings.provider.issuer = Some("https://idp/realm/".to_owned());
    settings.provider.discovery_path = None;
    let params = &mut settings.provider.discovery_params;
    params.insert("appid".to_owned(), "1".to_owned());
    params.insert("v".to_owned(), "2".to_owned());
    assert_eq!(
        settings.provider.discovery_url().unwrap(),
        "https://idp/realm/.well-known/openid-configuration?appid=1&v=2"
    );
}
