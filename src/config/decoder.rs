//! `config_entry_decoder`: how settings are decrypted that are written as `encrypted:…` or
//! `{encrypted, …}`.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::external;
use super::files;
use super::pbe::{Algorithm, CIPHERS, HASHES, ITERATIONS_MAX, Undecipherable};
use super::place::{Fault, Place};
use super::term::{Term, TermKind};

/// From where the passphrase comes.
#[derive(Clone)]
enum Passphrase {
    Text(String),
    File(PathBuf),
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// What `config_entry_decoder` says. It is looked at when something is encrypted.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    cipher: Option<String>,
    hash: Option<String>,
    iterations: Option<String>,
    passphrase: Option<Passphrase>,
}

impl Decoder {
    /// Take what stands in `advanced.config`.
    pub(super) fn set(&mut self, settings: &Term) -> Result<(), Fault> {
        for (name, value) in settings.pairs() {
            let text = value.scalar().map(str::to_owned);
            match name {
                "cipher" => self.cipher = text,
                "hash" => self.hash = text,
                "iterations" => self.iterations = text,
                "passphrase" => self.passphrase = passphrase(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn algorithm(&self) -> Result<Algorithm, String> {
        let mut algorithm = Algorithm::default();
        let one_of = |what, names: Vec<&str>| format!("expected a {what} of {}", names.join(", "));
        if let Some(name) = &self.cipher {
            algorithm.cipher = Algorithm::named(&CIPHERS, name)
                .ok_or_else(|| one_of("cipher", CIPHERS.map(|(name, _)| name).into()))?;
        }
        if let Some(name) = &self.hash {
            algorithm.hash = Algorithm::named(&HASHES, name)
                .ok_or_else(|| one_of("hash", HASHES.map(|(name, _)| name).into()))?;
        }
        if let Some(number) = &self.iterations {
            let number = number.parse().ok().and_then(Algorithm::iterations);
            algorithm.iterations = number
                .ok_or_else(|| format!("expected between 1 and {ITERATIONS_MAX} iterations"))?;
        }
        Ok(algorithm)
    }

    /// What is encrypted in `text`, the value of `key`.
    pub(super) fn decrypt(&self, key: &str, text: &str, place: &Place) -> Result<Term, Fault> {
        let fault = |reason: &str, expected: String| {
            let text = format!("{{config_decryption_error,{{key,{key}}},{reason}}}");
            Fault::new(text).at(place.clone()).expecting(expected)
        };
        let passphrase = match &self.passphrase {
            Some(Passphrase::Text(text)) => text.clone(),
            Some(Passphrase::File(path)) => {
                let text = files::read_text(path).map_err(|error| {
                    let expected = format!("cannot read {}: {error}", path.display());
                    fault("{badmatch,{error,enoent}}", expected)
                })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => {
                let text = "{bad_config_entry_decoder,missing_passphrase}";
                let expected =
                    "its passphrase belongs into config_entry_decoder of advanced.config";
                return Err(Fault::new(text).at(place.clone()).expecting(expected));
            }
        };
        let algorithm = self.algorithm();
        let algorithm = algorithm.map_err(|expected| fault("badarg", expected))?;
        let wrong = || {
            let expected = "expected what was encrypted with this passphrase, cipher, hash and \
                            number of iterations";
            fault("badarg", expected.to_owned())
        };
        let plain = algorithm.decrypt(&passphrase, text);
        let plain = plain.map_err(|error| match error {
            Undecipherable::NoBase64 => fault("missing_padding", "expected base64".to_owned()),
            Undecipherable::Wrong => wrong(),
        })?;
        external::read(&plain, place).ok_or_else(wrong)
    }

    /// The value of `key` with each `{encrypted, …}` in it decrypted.
    pub(super) fn plain<'a>(&self, key: &str, term: &'a Term) -> Result<Cow<'a, Term>, Fault> {
        if !has_encrypted(term) {
            return Ok(Cow::Borrowed(term));
        }
        if let Some(text) = encrypted(term) {
            return self.decrypt(key, text, &term.place).map(Cow::Owned);
        }
        let own = |term: &Term| self.plain(key, term).map(Cow::into_owned);
        let all = |terms: &[Term]| terms.iter().map(own).collect::<Result<Vec<_>, _>>();
        let kind = match &term.kind {
            TermKind::List(terms) => TermKind::List(all(terms)?),
            TermKind::Tuple(terms) => TermKind::Tuple(all(terms)?),
            other => other.clone(),
        };
        let place = term.place.clone();
        Ok(Cow::Owned(Term { kind, place }))
    }
}

fn passphrase(value: &Term) -> Result<Option<Passphrase>, Fault> {
    match (&value.kind, value.pair()) {
        (_, Some(("file", path))) => {
            let path = path.word().unwrap_or_default();
            Ok(Some(Passphrase::File(path.into())))
        }
        (TermKind::Atom(word), _) if word == "undefined" => Ok(None),
        (TermKind::Atom(_), _) => {
            let fault = Fault::new("{bad_config_entry_decoder,prompt}").at(value.place.clone());
            Err(fault.expecting("nobody is asked here: expected a string or {file, \"…\"}"))
        }
        _ => Ok(value.scalar().map(|text| Passphrase::Text(text.to_owned()))),
    }
}

/// What stands in `{encrypted, …}`.
pub fn encrypted(term: &Term) -> Option<&str> {
    match (&term.kind, term.pair()) {
        (TermKind::Tuple(_), Some(("encrypted", text))) => text.word(),
        _ => None,
    }
}

fn has_encrypted(term: &Term) -> bool {
    encrypted(term).is_some()
        || match &term.kind {
            TermKind::List(terms) | TermKind::Tuple(terms) => terms.iter().any(has_encrypted),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Loaded, advanced};

    /// `rabbitmqctl encrypt_conf_value '"secret"' pass` of RabbitMQ 4.3.6.
    const SECRET: &str = "PrW/FazpQWA8zZRrKyAnY/P1LC6FWvqnI0C/PRvK+0PB5CHaAkjsKSPyioVQXOBw";
    /// `encode '<<"bob">>' pass`, and with other algorithms.
    const BOB: &str = "IsWkWkWfxpI+JppHqpE6fIR0jz3cWye8HlZNj1N3iPrmZG3ycFjyW1d3kXwMDRB2";
    const STRONG_BOB: &str = "SDBfzaRFJvnKnP/ZgcfYj50FlIojN/9nNqmYBZQG/MNDpDy8i2AGEgfiUN/k8Dug";
    const STRONG: &str = "{cipher, aes_256_cbc}, {hash, sha512}, {iterations, 1000}, ";

    fn load(conf: &str, decoder: &str, more: &str) -> Result<Loaded, String> {
        let mut loaded = Loaded::default();
        let path = Path::new("a.conf");
        let read = loaded.add_text(path, conf.to_owned());
        read.map_err(|fault| fault.to_string())?;
        let text = format!("[{{rabbit, [{more}{{config_entry_decoder, [{decoder}]}}]}}].");
        let path = Path::new("advanced.config");
        let read = advanced::add(path, text, &mut loaded.written, &mut loaded.decoder);
        assert!(read.map_err(|fault| fault.to_string())?.is_empty());
        let told = |faults: Vec<_>| faults.iter().map(ToString::to_string).collect::<String>();
        loaded.resolve().map_err(told)?;
        Ok(loaded)
    }

    #[test]
    fn both_files_may_have_encrypted_values() {
        let conf = format!("default_pass = encrypted:{SECRET}\n");
        let more = format!("{{default_user, {{encrypted, <<\"{BOB}\">>}}}}, ");
        for passphrase in ["<<\"pass\">>", "\"pass\""] {
            let decoder = format!("{{passphrase, {passphrase}}}");
            let loaded = load(&conf, &decoder, &more).unwrap();
            let user = loaded.config.broker.default_user;
            assert_eq!((&*user.name, &*user.password), ("bob", "secret"));
        }
        let more = format!("{{default_user, {{encrypted, \"{STRONG_BOB}\"}}}}, ");
        let decoder = format!("{STRONG}{{passphrase, <<\"pass\">>}}");
        let loaded = load("", &decoder, &more).unwrap();
        assert_eq!(loaded.config.broker.default_user.name, "bob");
    }

    #[test]
    fn the_passphrase_may_stand_in_a_file() {
        let path = std::env::temp_dir().join(format!("leveret-phrase-{}", std::process::id()));
        std::fs::write(&path, "pass\n").unwrap();
        let decoder = format!("{{passphrase, {{file, \"{}\"}}}}", path.display());
        let conf = format!("default_pass = encrypted:{SECRET}\n");
        let read = load(&conf, &decoder, "");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap().config.broker.default_user.password, "secret");
        let gone = load(&conf, &decoder, "").unwrap_err();
        let want = "{config_decryption_error,{key,default_pass},{badmatch,{error,enoent}}}\n";
        assert!(gone.starts_with(want), "{gone}");
        assert!(load("", &decoder, "").is_ok(), "nobody needs it");
    }

    #[test]
    fn what_cannot_be_decrypted_is_a_fault_with_its_place() {
        let conf = format!("default_pass = encrypted:{SECRET}\n");
        let missing = load(&conf, "", "").unwrap_err();
        let want = "{bad_config_entry_decoder,missing_passphrase}\n  --> a.conf:1:16\n";
        assert!(missing.starts_with(want), "{missing}");
        let refused = |conf: &str, decoder: &str| {
            let decoder = format!("{decoder}{{passphrase, \"pass\"}}");
            load(conf, &decoder, "").unwrap_err()
        };
        let wrong = "{config_decryption_error,{key,default_pass},badarg}\n";
        for decoder in [
            "{hash, sha512}, ",
            "{cipher, blowfish_cbc}, ",
            "{hash, nosuch}, ",
            "{iterations, 0}, ",
            "{iterations, 4000000000}, ",
            "{iterations, 2}, ",
        ] {
            let text = refused(&conf, decoder);
            assert!(text.starts_with(wrong), "{decoder}: {text}");
        }
        let text = refused("default_pass = encrypted:abc\n", "");
        assert!(text.contains(",missing_padding}"), "{text}");
        let more = format!("{{default_user, {{encrypted, <<\"{STRONG_BOB}\">>}}}}, ");
        let text = load("", "{passphrase, \"pass\"}", &more).unwrap_err();
        assert!(text.contains("{key,default_user},badarg}"), "{text}");
        assert!(load("", "{passphrase, prompt}", "").is_err());
    }

    #[test]
    fn only_passwords_of_files_are_decrypted() {
        let loaded = load("default_user = encrypted:abc\n", "", "").unwrap();
        assert_eq!(loaded.config.broker.default_user.name, "encrypted:abc");
        let shown = format!("{:?}", load("", "{passphrase, \"hush\"}", "").unwrap());
        assert!(!shown.contains("hush"));
    }
}
