//! Tokens made here, checked by the rules.

use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::broker::authority::{Authority as _, Question, Ruling};
use crate::broker::error::Resource;
use crate::broker::permission::Access;

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
    let settings = OAuth2 {
        resource_server_id: "rabbitmq".to_owned(),
        ..settings
    };
    let tokens = Tokens::new(&settings, true).unwrap();
    let key = Key::Secret(SECRET.to_vec());
    tokens.keys.lock().insert("k".to_owned(), key);
    tokens
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
    let settings = OAuth2 {
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
    let only = tokens(OAuth2 {
        algorithms: Some(vec!["RS256".to_owned()]),
        ..OAuth2::default()
    });
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
    let settings = OAuth2 {
        jwks_uri: Some(format!("file://{}", path.display())),
        default_key: Some("e".to_owned()),
        ..OAuth2::default()
    };
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
