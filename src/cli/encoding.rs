//! Encrypted settings: `encode`, `decode` and their likes for `rabbitmq.conf`. They need no broker.

use std::path::Path;

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Configuration, Observability},
    Invalid, Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Output, asked};
use super::runtime_file::random_bytes;
use super::session::Session;
use crate::config::pbe::{Algorithm, CIPHERS, HASHES};
use crate::config::term::{self, Term, TermKind};
use crate::config::{decoder, erlang, external};

const OPTIONS: &[Opt] = &[
    Opt::text("cipher"),
    Opt::text("hash"),
    Opt::integer("iterations"),
];
const USAGE: &str =
    "value passphrase [--cipher <cipher>] [--hash <hash>] [--iterations <iterations>]";

/// RabbitMQ's words for whatever is wrong.
const UNREADABLE: &str = "Failed to decrypt the value. Things to check: is the passphrase correct? \
                          Are the cipher and hash algorithms the same as those used for encryption?";

const fn encoding(
    name: &'static str,
    summary: &'static str,
    run: fn(&Session<'_>) -> Result<Output, Failure>,
) -> Command {
    Command::new(name, Configuration, summary, run)
        .usage((0, 2), USAGE)
        .options(OPTIONS)
        .help(&[
            ("<value>", "the value: an Erlang term"),
            ("<passphrase>", "the passphrase"),
            ("--cipher <cipher>", "the cipher (aes_128_cbc)"),
            ("--hash <hash>", "what makes the key (sha256)"),
            (
                "--iterations <iterations>",
                "how often the key is mixed (1)",
            ),
        ])
        .offline()
        .check(check)
}

pub(super) const COMMANDS: &[Command] = &[
    encoding("encode", "Encrypts a value for advanced.config", |s| {
        let text = encrypt(s)?;
        Ok(Output::Report {
            json: answer(s, &json!(["encrypted", text])),
            text: format!("{{encrypted,<<\"{text}\">>}}"),
        })
    })
    .banner(|_| "Encrypting value to be used in advanced.config...".to_owned()),
    encoding("decode", "Decrypts a value of advanced.config", decrypt)
        .check(check_decoding)
        .banner(|_| "Decrypting an advanced.config (Erlang term) value...".to_owned()),
    encoding(
        "encrypt_conf_value",
        "Encrypts a value for rabbitmq.conf",
        |s| {
            let text = encrypt(s)?;
            Ok(Output::Report {
                json: answer(s, &json!(text)),
                text: format!("encrypted:{text}"),
            })
        },
    )
    .banner(|_| "Encrypting value to be used in rabbitmq.conf...".to_owned()),
    encoding(
        "decrypt_conf_value",
        "Decrypts a value of rabbitmq.conf",
        decrypt,
    )
    .check(check_decoding)
    .banner(|_| "Decrypting a rabbitmq.conf string value...".to_owned()),
    Command::new(
        "list_hashes",
        Observability,
        "Shows what encode can make keys with",
        |s| Ok(names(s, &HASHES.map(|(name, _)| name))),
    )
    .tools(Tools::BOTH)
    .offline()
    .banner(|_| "Listing supported hash algorithms ...".to_owned()),
    Command::new(
        "list_ciphers",
        Observability,
        "Shows what encode can encrypt with",
        |s| Ok(names(s, &CIPHERS.map(|(name, _)| name))),
    )
    .tools(Tools::BOTH)
    .offline()
    .banner(|_| "Listing supported ciphers ...".to_owned()),
];

fn names(s: &Session<'_>, names: &[&str]) -> Output {
    Output::Report {
        text: format!("[{}]", names.join(",")),
        json: answer(s, &json!(names)),
    }
}

fn answer(s: &Session<'_>, value: &Value) -> Value {
    json!({ "node": s.node(), "value": value, "result": "ok" })
}

fn check(s: &Session<'_>) -> Result<(), Invalid> {
    algorithm(s).map(drop).map_err(Invalid::value)
}

fn check_decoding(s: &Session<'_>) -> Result<(), Invalid> {
    if s.args().is_empty() {
        return Err(Invalid::usage(
            "not enough arguments: Please provide a value to decode and a passphrase",
        ));
    }
    check(s)
}

/// What the options name, or RabbitMQ's words for why not.
fn algorithm(s: &Session<'_>) -> Result<Algorithm, &'static str> {
    let mut algorithm = Algorithm::default();
    if let Some(name) = s.option("cipher") {
        algorithm.cipher =
            Algorithm::named(&CIPHERS, name).ok_or("The requested cipher is not supported.")?;
    }
    if let Some(name) = s.option("hash") {
        algorithm.hash =
            Algorithm::named(&HASHES, name).ok_or("The requested hash is not supported")?;
    }
    if let Some(number) = s.option("iterations") {
        let number = number.parse().ok().and_then(Algorithm::iterations);
        algorithm.iterations = number.ok_or("The requested number of iterations is incorrect")?;
    }
    Ok(algorithm)
}

fn encrypt(s: &Session<'_>) -> Result<String, Failure> {
    let failed = || Failure::error(EX_UNAVAILABLE, "Error during cipher operation");
    let value = argument(s, 0, "Value to encode: ")?;
    let passphrase = argument(s, 1, "Passphrase: ")?;
    let plain = read(&value).and_then(|term| external::write(&term.kind));
    let plain = plain.ok_or_else(failed)?;
    let algorithm = algorithm(s).map_err(|_| failed())?;
    let random = random_bytes().map_err(|error| Failure::error(EX_UNAVAILABLE, error))?;
    Ok(algorithm.encrypt(&passphrase, &plain, random))
}

fn decrypt(s: &Session<'_>) -> Result<Output, Failure> {
    let value = argument(s, 0, "Value to decode: ")?;
    let passphrase = argument(s, 1, "Passphrase: ")?;
    let term = decrypted(s, &value, &passphrase);
    let term = term.ok_or_else(|| Failure::error(EX_UNAVAILABLE, UNREADABLE))?;
    Ok(Output::Report {
        text: erlang::shown(&term.kind),
        json: answer(s, &as_json(&term)),
    })
}

/// What is in `{encrypted, …}`, or in its text alone.
fn decrypted(s: &Session<'_>, value: &str, passphrase: &str) -> Option<Term> {
    let term = read(value)?;
    let text = decoder::encrypted(&term).or_else(|| term.word())?;
    let text = text.strip_prefix("encrypted:").unwrap_or(text);
    let plain = algorithm(s).ok()?.decrypt(passphrase, text).ok()?;
    external::read(&plain, &term.place)
}

/// A term without its full stop.
fn read(text: &str) -> Option<Term> {
    term::parse(Path::new("value"), format!("{text}.")).ok()
}

fn as_json(term: &Term) -> Value {
    match &term.kind {
        TermKind::Number(text) => serde_json::from_str(text).unwrap_or_default(),
        TermKind::List(terms) | TermKind::Tuple(terms) => terms.iter().map(as_json).collect(),
        TermKind::Map(_) => {
            let pairs = term.pairs().into_iter();
            let pairs = pairs.map(|(key, value)| (key.to_owned(), as_json(value)));
            Value::Object(pairs.collect())
        }
        _ => term.word().into(),
    }
}

/// An argument, or what is written when asked for it.
fn argument(s: &Session<'_>, at: usize, prompt: &str) -> Result<String, Failure> {
    if s.args().len() > at {
        return Ok(s.arg(at).to_owned());
    }
    asked(prompt).ok_or_else(|| Failure::error(EX_UNAVAILABLE, "not_enough_args"))
}
