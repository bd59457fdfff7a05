//! Values encrypted with a passphrase, as `rabbitmqctl encode` writes them.
//!
//! In base64 stand a salt, the cipher's first block, and what is encrypted. The key is made of the
//! passphrase and the salt with PBKDF2.

use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt as _, KeyIvInit};
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

/// What a passphrase is mixed with, and then the first block: as long as each other.
pub const RANDOM_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// More than anybody uses; as many take a second.
pub const ITERATIONS_MAX: u32 = 1_000_000;

/// By RabbitMQ's names, in its order.
pub const CIPHERS: [(&str, Cipher); 4] = [
    ("aes_192_cbc", Cipher::Aes192),
    ("aes_256_cbc", Cipher::Aes256),
    ("aes_128_cbc", Cipher::Aes128),
    ("aes_cbc", Cipher::Aes128),
];

/// By RabbitMQ's names, in its order.
pub const HASHES: [(&str, Hash); 7] = [
    ("sha512_256", pbkdf2_hmac::<Sha512_256>),
    ("sha512_224", pbkdf2_hmac::<Sha512_224>),
    ("sha512", pbkdf2_hmac::<Sha512>),
    ("sha384", pbkdf2_hmac::<Sha384>),
    ("sha256", pbkdf2_hmac::<Sha256>),
    ("sha224", pbkdf2_hmac::<Sha224>),
    ("md5", pbkdf2_hmac::<Md5>),
];

/// Makes a key of a passphrase, a salt and a number of iterations.
pub type Hash = fn(&[u8], &[u8], u32, &mut [u8]);

/// What encrypts, by the length of its key.
#[derive(Clone, Copy, Debug)]
pub enum Cipher {
    /// 16 bytes.
    Aes128,
    /// 24 bytes.
    Aes192,
    /// 32 bytes.
    Aes256,
}

impl Cipher {
    /// How long its key is.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// What was encrypted with this key and first block (CBC, padded as PKCS #7 has it), if it was.
    pub fn decrypt(self, key: &[u8], block: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Aes128 => opened::<cbc::Decryptor<Aes128>>(key, block, data),
            Self::Aes192 => opened::<cbc::Decryptor<Aes192>>(key, block, data),
            Self::Aes256 => opened::<cbc::Decryptor<Aes256>>(key, block, data),
        }
    }
}

fn opened<D: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    block: &[u8],
    data: &[u8],
) -> Option<Vec<u8>> {
    let decryptor = D::new_from_slices(key, block).ok()?;
    decryptor.decrypt_padded_vec::<Pkcs7>(data).ok()
}

/// How a value is encrypted.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// What encrypts.
    pub cipher: Cipher,
    /// What makes the key.
    pub hash: Hash,
    /// How often the key is mixed.
    pub iterations: u32,
}

impl Default for Algorithm {
    /// As RabbitMQ, where nothing is said.
    fn default() -> Self {
        Self {
            cipher: Cipher::Aes128,
            hash: pbkdf2_hmac::<Sha256>,
            iterations: 1,
        }
    }
}

/// Why a value cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecipherable {
    /// It is no base64.
    NoBase64,
    /// Another passphrase or algorithm was used, or it is damaged.
    Wrong,
}

impl Algorithm {
    /// The cipher or hash of that name.
    pub fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
        let found = all.iter().find(|(own, _)| *own == name);
        found.map(|(_, one)| *one)
    }

    /// A number of iterations that there can be.
    pub fn iterations(number: i64) -> Option<u32> {
        let number = u32::try_from(number).ok();
        number.filter(|number| (1..=ITERATIONS_MAX).contains(number))
    }

    /// Encrypt; `random` must be new each time.
    pub fn encrypt(&self, passphrase: &str, plain: &[u8], random: [u8; RANDOM_BYTES]) -> String {
        let mut all = random.to_vec();
        let (salt, block) = random.split_at(SALT_BYTES);
        let key = self.key(passphrase, salt);
        let encrypted = match self.cipher {
            Cipher::Aes128 => cbc::Encryptor::<Aes128>::new_from_slices(&key, block)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
            Cipher::Aes192 => cbc::Encryptor::<Aes192>::new_from_slices(&key, block)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
            Cipher::Aes256 => cbc::Encryptor::<Aes256>::new_from_slices(&key, block)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
        };
        // The lengths are the cipher's own.
        all.extend(encrypted.unwrap_or_default());
        BASE64.encode(all)
    }

    /// Decrypt what [`Self::encrypt`] wrote.
    pub fn decrypt(&self, passphrase: &str, text: &str) -> Result<Vec<u8>, Undecipherable> {
        let all = BASE64.decode(text).map_err(|_| Undecipherable::NoBase64)?;
        let parts = all.split_at_checked(SALT_BYTES).and_then(|(salt, rest)| {
            let (block, encrypted) = rest.split_at_checked(RANDOM_BYTES - SALT_BYTES)?;
            Some((salt, block, encrypted))
        });
        let (salt, block, encrypted) = parts.ok_or(Undecipherable::Wrong)?;
        let key = self.key(passphrase, salt);
        let plain = self.cipher.decrypt(&key, block, encrypted);
        plain.ok_or(Undecipherable::Wrong)
    }

    fn key(&self, passphrase: &str, salt: &[u8]) -> Vec<u8> {
        let mut key = vec![0; self.cipher.key_bytes()];
        (self.hash)(passphrase.as_bytes(), salt, self.iterations, &mut key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn algorithm(cipher: &str, hash: &str, iterations: i64) -> Algorithm {
        Algorithm {
            cipher: Algorithm::named(&CIPHERS, cipher).unwrap(),
            hash: Algorithm::named(&HASHES, hash).unwrap(),
            iterations: Algorithm::iterations(iterations).unwrap(),
        }
    }

    /// `rabbitmqctl encode … '<<"secret">>' pass` of RabbitMQ 4.3.6 wrote these.
    #[test]
    fn what_rabbitmq_encrypted_is_read() {
        for (cipher, hash, iterations, text) in [
            (
                "aes_cbc",
                "sha256",
                1,
                "E3V1gebVbIs5mL9YakP977M0Dcgeg8nkuR8D4ah9dVdiEFKUBIZ3lYPJvSP1GJ5V",
            ),
            (
                "aes_192_cbc",
                "sha384",
                3,
                "PFM3fmZBc9qteQHNspOvM2HNaKv42yvhNeGiLBJa0Gi25vGYyi6TFyyvxoJAWJkS",
            ),
            (
                "aes_128_cbc",
                "md5",
                2,
                "vysX9NCyGo0B/hCm7v2KuF24J3+okzAMpsq51ZTUqf51Uw9U7pFCV4Ee5vdL1PqV",
            ),
            (
                "aes_256_cbc",
                "sha224",
                1000,
                "VAuVP6RWTux3bqagw4sNtXaRLP4smY2W8ntkkwJdYxIPmjtBByhcw9nlqactOOjX",
            ),
            (
                "aes_256_cbc",
                "sha512",
                1000,
                "MPsWmW8yA+r2cLl3p0lJ7JUCi7PHUuy4uPOlwJ4COhsuNMOD9C1g64MXUy+djD9f",
            ),
            (
                "aes_256_cbc",
                "sha512_256",
                2,
                "KYH/xA1M3czlB03NZWFuxhGdLADoqQMU2PeuEhDZQ9C6Xksl9az6hOiF0IXLR4UN",
            ),
        ] {
            let algorithm = algorithm(cipher, hash, iterations);
            let plain = algorithm.decrypt("pass", text).unwrap();
            assert_eq!(plain, b"\x83m\0\0\0\x06secret", "{cipher} {hash}");
        }
    }

    #[test]
    fn what_is_encrypted_is_decrypted() {
        for (cipher, _) in CIPHERS {
            for (hash, _) in HASHES {
                let algorithm = algorithm(cipher, hash, 2);
                for plain in [&b""[..], b"a", &[7; 16], &[7; 33]] {
                    let text = algorithm.encrypt("phrase", plain, [5; RANDOM_BYTES]);
                    assert_eq!(algorithm.decrypt("phrase", &text).unwrap(), plain);
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_passphrase_is_refused() {
        let algorithm = Algorithm::default();
        let text = algorithm.encrypt("phrase", b"abc", [5; RANDOM_BYTES]);
        let refused = |phrase, text: &str| algorithm.decrypt(phrase, text).unwrap_err();
        assert_eq!(refused("other", &text), Undecipherable::Wrong);
        assert_eq!(refused("phrase", "abc"), Undecipherable::NoBase64);
        for short in ["", "AAAA", &BASE64.encode([0; 32]), &BASE64.encode([0; 33])] {
            assert_eq!(refused("phrase", short), Undecipherable::Wrong, "{short}");
        }
    }

    #[test]
    fn iterations_have_a_limit() {
        assert_eq!(Algorithm::iterations(1), Some(1));
        for number in [-1, 0, i64::from(ITERATIONS_MAX) + 1, i64::MAX] {
            assert_eq!(Algorithm::iterations(number), None);
        }
    }
}
