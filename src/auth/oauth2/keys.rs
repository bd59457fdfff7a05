//! Keys that sign tokens, from PEM and from JWK, and what they have signed.

use std::fmt::Display;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const ED25519: &str = "1.3.101.112";

/// A key, by what it is: it checks nothing but what it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// PKCS #1.
    Rsa(Vec<u8>),
    /// Modulus and exponent.
    RsaParts(Vec<u8>, Vec<u8>),
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    /// A secret that both know.
    Secret(Vec<u8>),
}

fn no_key(error: &dyn Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("no public key: {error}"),
    )
}

impl Key {
    /// From a public key, or a certificate with it.
    pub(super) fn from_pem(text: &str) -> io::Result<Self> {
        let info = match text.contains("BEGIN CERTIFICATE") {
            true => {
                let certificate = Certificate::from_pem(text).map_err(|error| no_key(&error))?;
                certificate.tbs_certificate.subject_public_key_info
            }
            false => SubjectPublicKeyInfoOwned::from_pem(text).map_err(|error| no_key(&error))?,
        };
        let octets = info.subject_public_key.as_bytes();
        let octets = octets.ok_or_else(|| no_key(&"it is broken"))?.to_vec();
        let curve = info.algorithm.parameters.as_ref().and_then(|any| {
            let der = any.to_der().ok()?;
            let curve = x509_cert::der::asn1::ObjectIdentifier::from_der(&der).ok()?;
            Some(curve.to_string())
        });
        match (info.algorithm.oid.to_string().as_str(), curve.as_deref()) {
            (RSA, _) => Ok(Self::Rsa(octets)),
            (EC, Some(P256)) => Ok(Self::P256(octets)),
            (EC, Some(P384)) => Ok(Self::P384(octets)),
            (ED25519, _) => Ok(Self::Ed25519(octets)),
            (other, _) => Err(no_key(&format!("{other} is not known"))),
        }
    }

    /// From one of a set of keys.
    pub(super) fn from_jwk(jwk: &Value) -> Option<Self> {
        let octets = |name: &str| {
            URL_SAFE_NO_PAD
                .decode(jwk[name].as_str()?.trim_end_matches('='))
                .ok()
        };
        let point = || Some([&[4][..], &octets("x")?, &octets("y")?].concat());
        match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("RSA", _) => Some(Self::RsaParts(octets("n")?, octets("e")?)),
            ("EC", Some("P-256")) => point().map(Self::P256),
            ("EC", Some("P-384")) => point().map(Self::P384),
            ("OKP", Some("Ed25519")) => octets("x").map(Self::Ed25519),
            ("oct", _) => octets("k").map(Self::Secret),
            _ => None,
        }
    }

    /// Whether this key has signed that, in this way.
    pub(super) fn has_signed(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let check = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(how, key)
                .verify(signed, signature)
                .is_ok()
        };
        match (self, algorithm) {
            (Self::Rsa(key), _) => rsa(algorithm).is_some_and(|how| check(how, key)),
            (Self::RsaParts(n, e), _) => rsa(algorithm).is_some_and(|how| {
                RsaPublicKeyComponents { n, e }
                    .verify(how, signed, signature)
                    .is_ok()
            }),
            (Self::P256(key), "ES256") => check(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Self::P384(key), "ES384") => check(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Self::Ed25519(key), "EdDSA") => check(&signature::ED25519, key),
            (Self::Secret(key), _) => secret(algorithm).is_some_and(|how| {
                hmac::verify(&hmac::Key::new(how, key), signed, signature).is_ok()
            }),
            _ => false,
        }
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn secret(algorithm: &str) -> Option<hmac::Algorithm> {
    Some(match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    })
}
