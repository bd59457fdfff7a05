//! A server's private key, with a password or without.

use std::fmt::Display;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;

use ring::pbkdf2;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Reader, SliceReader, pem};
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::config::pbe::Cipher;

/// More rounds than that take seconds, and nobody's tools make them.
const ROUNDS_MAX: u32 = 10_000_000;

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// What makes a key of any into one that is understood here.
const CONVERT: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.pem -out NEW.pem";

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBKDF2: &str = "1.2.840.113549.1.5.12";

/// Read the key of a file (PEM). An error names the file.
pub(super) fn read(path: &Path, password: Option<&str>) -> io::Result<PrivateKeyDer<'static>> {
    let unusable = |error: &dyn Display| {
        let text = format!("{}: no private key: {error}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    let text = fs::read(path).map_err(|error| unusable(&error))?;
    let words = String::from_utf8_lossy(&text);
    if words.contains("Proc-Type: 4,ENCRYPTED") {
        let why = format!("it is encrypted in the old form; `{CONVERT}` makes a new one of it");
        return Err(unusable(&why));
    }
    let Some(block) = encrypted_block(&words) else {
        return PrivateKeyDer::from_pem_slice(&text).map_err(|error| unusable(&error));
    };
    let password = password.ok_or_else(|| unusable(&"it has a password, and none is set"))?;
    let (_, der) = pem::decode_vec(block.as_bytes()).map_err(|error| unusable(&error))?;
    let key = decrypt(&der, password.as_bytes()).map_err(|error| unusable(&error))?;
    Ok(PrivatePkcs8KeyDer::from(key).into())
}

fn encrypted_block(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (inner, _) = rest.split_once(END)?;
    let begin = text.len() - rest.len() - BEGIN.len();
    text.get(begin..begin + BEGIN.len() + inner.len() + END.len())
}

/// How a key was encrypted (RFC 8018).
struct Scheme<'a> {
    prf: pbkdf2::Algorithm,
    salt: &'a [u8],
    rounds: NonZeroU32,
    cipher: Cipher,
    iv: &'a [u8],
}

fn decrypt(der: &[u8], password: &[u8]) -> Result<Vec<u8>, String> {
    let malformed = |error: &dyn Display| error.to_string();
    let mut reader = SliceReader::new(der).map_err(|error| malformed(&error))?;
    let parts = reader.sequence(|inner| {
        let scheme = AlgorithmIdentifierRef::decode(inner)?;
        Ok((scheme, OctetStringRef::decode(inner)?.as_bytes()))
    });
    let (scheme, data) = parts.map_err(|error| malformed(&error))?;
    let scheme = Scheme::of(&scheme)?;
    let wrong = || "the password is wrong".to_owned();
    // By chance one in 256 wrong ones ends as if it were right.
    scheme
        .open(password, data)
        .filter(|plain| AnyRef::from_der(plain).is_ok())
        .ok_or_else(wrong)
}

fn unknown() -> String {
    format!("it is encrypted in a way that is not understood here; `{CONVERT}` makes a new one")
}

impl<'a> Scheme<'a> {
    fn of(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, String> {
        if algorithm.oid.to_string() != PBES2 {
            return Err(unknown());
        }
        let malformed = |error: &dyn Display| error.to_string();
        let parameters = algorithm
            .parameters_any()
            .map_err(|error| malformed(&error))?;
        let both = parameters.sequence(|inner| {
            Ok((
                AlgorithmIdentifierRef::decode(inner)?,
                AlgorithmIdentifierRef::decode(inner)?,
            ))
        });
        let (derivation, cipher) = both.map_err(|error| malformed(&error))?;
        if derivation.oid.to_string() != PBKDF2 {
            return Err(unknown());
        }
        let parameters = derivation
            .parameters_any()
            .map_err(|error| malformed(&error))?;
        let derived = parameters.sequence(|inner| {
            let salt = OctetStringRef::decode(inner)?.as_bytes();
            let rounds = u32::decode(inner)?;
            let _length = Option::<u32>::decode(inner)?;
            Ok((
                salt,
                rounds,
                Option::<AlgorithmIdentifierRef<'_>>::decode(inner)?,
            ))
        });
        let (salt, rounds, prf) = derived.map_err(|error| malformed(&error))?;
        let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= ROUNDS_MAX);
        let iv = cipher
            .parameters_any()
            .and_then(|iv| Ok(iv.decode_as::<OctetStringRef<'_>>()?));
        Ok(Self {
            prf: prf_named(prf.map(|prf| prf.oid)).ok_or_else(unknown)?,
            salt,
            rounds: rounds.ok_or_else(unknown)?,
            cipher: cipher_named(cipher.oid).ok_or_else(unknown)?,
            iv: iv.map_err(|_| unknown())?.as_bytes(),
        })
    }

    fn open(&self, password: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut key = vec![0; self.cipher.key_bytes()];
        pbkdf2::derive(self.prf, self.rounds, self.salt, password, &mut key);
        self.cipher.decrypt(&key, self.iv, data)
    }
}

fn cipher_named(oid: ObjectIdentifier) -> Option<Cipher> {
    match oid.to_string().as_str() {
        "2.16.840.1.101.3.4.1.2" => Some(Cipher::Aes128),
        "2.16.840.1.101.3.4.1.22" => Some(Cipher::Aes192),
        "2.16.840.1.101.3.4.1.42" => Some(Cipher::Aes256),
        _ => None,
    }
}

/// Without one it is SHA-1.
fn prf_named(oid: Option<ObjectIdentifier>) -> Option<pbkdf2::Algorithm> {
    let name = oid.map_or_else(|| "1.2.840.113549.2.7".to_owned(), |oid| oid.to_string());
    Some(match name.as_str() {
        "1.2.840.113549.2.7" => pbkdf2::PBKDF2_HMAC_SHA1,
        "1.2.840.113549.2.9" => pbkdf2::PBKDF2_HMAC_SHA256,
        "1.2.840.113549.2.10" => pbkdf2::PBKDF2_HMAC_SHA384,
        "1.2.840.113549.2.11" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key that the others are, made by OpenSSL as they.
    const PLAIN: &str = "\
        -----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyNUj2REXe8sJrZmf\n\
        q5K/zw984qHwiZN72LhOeaxIkmGhRANCAAQgSanO4a+iQ6RAHSjY1gA02AV64iju\n\
        TiZU66IXSEVOQEgqudcfPpo0ITjOBYyqYCNbz96fOEDyysk9bSEZs/sM\n\
        -----END PRIVATE KEY-----\n";
    /// OpenSSL's own choice: HMAC with SHA-256.
    const AES_256: &str = "\
        -----BEGIN ENCRYPTED PRIVATE KEY-----\n\
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgED3eYSefmBAICCAAw\n\
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAYS6wKoJTC1oHByEnWhQ8MEgZCA\n\
        S1Z77dToeanGSVFa1VYeYeDSxst/nXPMFtQX2nTeDvjayjzQjLB5mWGp/StQE/bL\n\
        eT7BDm9H3d8mfWQwXTHnBRmQzgpiWrTMzzUEqx9EPkgMQf6HelBms5zttOkk9Sm8\n\
        +9lx80d1jODpY6Hexu4o7FLko2cDhWRfMzXiJf+XZ55rmfWU6/QYMYvE6FKq8M0=\n\
        -----END ENCRYPTED PRIVATE KEY-----\n";
    /// HMAC with SHA-1, which is not named.
    const AES_128: &str = "\
        -----BEGIN ENCRYPTED PRIVATE KEY-----\n\
        MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAimetm+uj39xQICCAAw\n\
        HQYJYIZIAWUDBAECBBC57wO7MKULJM7r/35yLH2SBIGQcd2Ur4ZiBhyN0RNUU8XL\n\
        trRpxhdoyjtpmJD0vFwnW3bqpTWU3hjwKFBikJH0M0cBPhdVjcuV212eLhbxuhWD\n\
        PMhtQUVdhhuxeoMRzSLtem/L2wTvFfl/jq7JkczJniaR1rbwuduLAWKXfmqiJAMo\n\
        WQ5w+D+woPT28xpJt6fdS7v7nLQWee3SSgbcc8wLEu+9\n\
        -----END ENCRYPTED PRIVATE KEY-----\n";
    /// HMAC with SHA-512.
    const AES_192: &str = "\
        -----BEGIN ENCRYPTED PRIVATE KEY-----\n\
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjG3MZ8QRTvEAICCAAw\n\
        DAYIKoZIhvcNAgsFADAdBglghkgBZQMEARYEEH9pUGYQK8A13n/xyRi8nvMEgZBU\n\
        68T00ij+LviDa6zXX6XjGwGz/+n6hS+h/tJS4yb0ch/vkV2hzuZuKCVwYvjsPlNr\n\
        f3yWrNZLevQmDM6NDuVrBMjZebohE/j9J/bv1BfRyEiAqNKvXcD9/25mCrxzuc3y\n\
        D7iXc3AHCOcZkuh/pfhkLX0hSAKnzD42FyRlN76vB01fh+CsXjnwlynF8nfdey8=\n\
        -----END ENCRYPTED PRIVATE KEY-----\n";
    /// An old cipher.
    const DES: &str = "\
        -----BEGIN ENCRYPTED PRIVATE KEY-----\n\
        MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAhEyP1+ZvwQIAICCAAw\n\
        DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIVav30tB6CtMEgZDsDvun7SLB26YS\n\
        pRciSwc83f/h5m7BzcYg6YNjpTo15fkPmHfCc5dCeIOM7GMDzIQrohgJBhaEnKz+\n\
        AaXPZcTY61fh83goe4I8IBuoCt8fb4lQCwZML4hcaislHbwMPAQDG19MEEwU8bOT\n\
        Ocs5tHNGQtvs6cXEz/92qZAVyFOMl9nFpbx83RLNsYmgeuAUbOc=\n\
        -----END ENCRYPTED PRIVATE KEY-----\n";

    fn read_text(text: &str, password: Option<&str>) -> Result<PrivateKeyDer<'static>, String> {
        let name = format!("leveret-key-{}-{}", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        let read = read(&path, password).map_err(|error| error.to_string());
        fs::remove_file(path).unwrap();
        read
    }

    #[track_caller]
    fn refused(text: &str, password: Option<&str>, why: &str) {
        let error = read_text(text, password).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn keys_with_a_password_are_the_keys_in_them() {
        let want = read_text(PLAIN, None).unwrap();
        for text in [AES_256, AES_128, AES_192] {
            let beside = format!("Key Attributes\n{text}-----BEGIN X-----\n");
            assert_eq!(read_text(&beside, Some("secret")).unwrap(), want);
            refused(
                text,
                Some("wrong"),
                ": no private key: the password is wrong",
            );
            refused(
                text,
                None,
                ": no private key: it has a password, and none is set",
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_told_with_the_way_out() {
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n";
        refused(
            legacy,
            Some("secret"),
            "in the old form; `openssl pkcs8 -topk8 -v2 aes-256-cbc",
        );
        refused(
            DES,
            Some("secret"),
            "not understood here; `openssl pkcs8 -topk8 -v2 aes-256-cbc",
        );
    }

    #[test]
    fn no_bytes_are_too_strange() {
        let (_, der) = pem::decode_vec(AES_256.as_bytes()).unwrap();
        for end in 0..der.len() {
            assert!(decrypt(&der[..end], b"secret").is_err());
        }
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..500 {
            let mut changed = der.clone();
            // Not the rounds, of which there could be many.
            let at = random.usize(..32).min(changed.len());
            changed[at] = random.u8(..);
            let _ = decrypt(&changed, b"secret");
        }
    }
}
