//! [`Acceptor`]: from options and files to handshakes.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::server;

use super::{CertLogin, TlsOptions, TlsStream, key, verifier};

/// A socket after its handshake.
pub(crate) type TlsSocket = server::TlsStream<TcpStream>;

/// Makes encrypted connections out of accepted sockets.
#[derive(Clone)]
pub struct Acceptor {
    inner: TlsAcceptor,
    login_from: CertLogin,
    patience: Duration,
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

impl Acceptor {
    /// Read the files. An error names the file and says what is wrong with it.
    pub fn new(options: &TlsOptions) -> io::Result<Self> {
        let provider = Arc::new(provider(options)?);
        let chain = certificates(wanted(options.certfile.as_deref(), "certfile")?)?;
        let keyfile = wanted(options.keyfile.as_deref(), "keyfile")?;
        let key = key::read(keyfile, options.password.as_deref())?;
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions(options)?)
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier::new(options, &provider)?)
            .with_single_cert(chain, key)
            .map_err(|error| unusable(keyfile, "the key cannot be used", error))?;
        // One is enough: brokers' clients stay connected.
        config.send_tls13_tickets = 1;
        config.ignore_client_order = options.honor_cipher_order;
        Ok(Self {
            inner: TlsAcceptor::from(Arc::new(config)),
            login_from: options.login_from,
            patience: Duration::from_millis(options.handshake_timeout_ms),
        })
    }

    /// Shake hands over a socket of an AMQP client.
    pub(crate) async fn accept_amqp(&self, socket: TcpStream) -> io::Result<TlsStream> {
        let (socket, session) = self.accept(socket).await?.into_inner();
        Ok(TlsStream::new(socket, session, self.login_from))
    }

    /// Shake hands, in the time there is for it.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<TlsSocket> {
        tokio::time::timeout(self.patience, self.inner.accept(socket))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

pub(super) fn wanted<'a>(path: Option<&'a Path>, option: &str) -> io::Result<&'a Path> {
    let missing = || {
        let text = format!("TLS needs a certificate and its key: ssl_options.{option} is not set");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    path.ok_or_else(missing)
}

pub(super) fn unusable(path: &Path, what: &str, error: impl Display) -> io::Error {
    let text = format!("{}: {what}: {error}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub(super) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| unusable(path, "no certificates", error))?;
    match found.is_empty() {
        true => Err(unusable(path, "no certificates", "there is none in it")),
        false => Ok(found),
    }
}

/// Suites by OpenSSL's name where that is another than the standards'.
const OPENSSL_NAMES: [(&str, &str); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
];

/// With the suites that are wanted, in that order. Those that are not spoken are left out, as
/// they are out of use.
fn provider(options: &TlsOptions) -> io::Result<CryptoProvider> {
    let mut provider = ring::default_provider();
    let Some(names) = &options.ciphers else {
        return Ok(provider);
    };
    let mut wanted = Vec::new();
    for name in names {
        let known = OPENSSL_NAMES.iter().find(|(own, _)| own == name);
        let standard = known.map_or(name.as_str(), |(_, standard)| *standard);
        // Those of TLS 1.3 have a number in front of rustls's own name.
        let suite = provider.cipher_suites.iter().find(|suite| {
            let own = format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
            own == standard
        });
        match suite {
            Some(suite) => wanted.push(*suite),
            None => tracing::warn!("TLS cipher suite {name} is not spoken"),
        }
    }
    if wanted.is_empty() {
        let text = "ssl_options.ciphers: none of these is spoken";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    provider.cipher_suites = wanted;
    Ok(provider)
}

/// RabbitMQ's older versions are not spoken any more, as by most of its Erlangs.
fn versions(options: &TlsOptions) -> io::Result<Vec<&'static SupportedProtocolVersion>> {
    let Some(names) = &options.versions else {
        return Ok(vec![&TLS12, &TLS13]);
    };
    let mut found = Vec::new();
    for name in names {
        match name.as_str() {
            "tlsv1.2" => found.push(&TLS12),
            "tlsv1.3" => found.push(&TLS13),
            other => tracing::warn!("TLS version {other} is not spoken"),
        }
    }
    if found.is_empty() {
        let text = "ssl_options.versions: there are tlsv1.2 and tlsv1.3";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(found)
}
