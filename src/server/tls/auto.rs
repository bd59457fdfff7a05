//! Certificates made on start (`--tls-auto`): a certificate authority of its own, and a
//! certificate each for the server and for a client.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use x509_cert::der::pem::{LineEnding, encode_string};

use super::TlsOptions;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clients' clocks may be behind.
const VALID_BEFORE: Duration = DAY;
/// A year: some systems take nothing that lasts much longer.
const VALID_AFTER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Make certificates, write them into `dir` and use them. The client's has the common name
/// `client`; its files are `client_certificate.pem` and `client_key.pem`.
pub fn make(dir: &Path, host: &str, options: &TlsOptions) -> io::Result<TlsOptions> {
    fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    let authority = authority().map_err(io::Error::other)?;
    let names = ["localhost", host, "127.0.0.1", "::1"];
    let server = leaf(
        host,
        &names,
        ExtendedKeyUsagePurpose::ServerAuth,
        &authority.1,
    );
    let client = leaf(
        "client",
        &[],
        ExtendedKeyUsagePurpose::ClientAuth,
        &authority.1,
    );
    let cacertfile = put(dir, "ca_certificate.pem", "CERTIFICATE", authority.0.der())?;
    let [certfile, keyfile] = put_pair(dir, "server", server)?;
    put_pair(dir, "client", client)?;
    Ok(TlsOptions {
        cacertfile: Some(cacertfile),
        certfile: Some(certfile),
        keyfile: Some(keyfile),
        ..options.clone()
    })
}

type Leaf = Result<(rcgen::Certificate, KeyPair), rcgen::Error>;

fn params(name: &str, others: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let mut all: Vec<String> = Vec::new();
    for other in others.iter().map(|other| (*other).to_owned()) {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    let mut params = CertificateParams::new(all)?;
    let now = SystemTime::now();
    params.not_before = (now - VALID_BEFORE).into();
    params.not_after = (now + VALID_AFTER).into();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Leveret");
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn authority() -> Result<(rcgen::Certificate, Issuer<'static, KeyPair>), rcgen::Error> {
    let mut params = params("Leveret test authority", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate, Issuer::new(params, key)))
}

fn leaf(
    name: &str,
    others: &[&str],
    purpose: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> Leaf {
    let mut params = params(name, others)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?, key))
}

fn put_pair(dir: &Path, who: &str, leaf: Leaf) -> io::Result<[PathBuf; 2]> {
    let (certificate, key) = leaf.map_err(io::Error::other)?;
    let file = format!("{who}_certificate.pem");
    let certificate = put(dir, &file, "CERTIFICATE", certificate.der())?;
    let key = put(
        dir,
        &format!("{who}_key.pem"),
        "PRIVATE KEY",
        key.serialized_der(),
    )?;
    Ok([certificate, key])
}

/// Keys are for their owner only.
fn put(dir: &Path, file: &str, label: &str, der: &[u8]) -> io::Result<PathBuf> {
    let path = dir.join(file);
    let text = encode_string(label, LineEnding::LF, der)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let mode = if label == "CERTIFICATE" { 0o644 } else { 0o600 };
    // A new file, so that the mode is that, and never one that a link leads to.
    let partial = dir.join(format!("{file}.partial"));
    let _ = fs::remove_file(&partial);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&partial, &path));
    written.map_err(|error| at(&path, &error))?;
    Ok(path)
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
