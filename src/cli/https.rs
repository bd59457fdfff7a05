//! TLS as a client on `std::net`: whom it trusts, what it shows, and why it fails, in words.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, RootCertStore, SignatureScheme, StreamOwned,
};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::server::tls::trusted_by_the_system;

/// What a client is told of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Who may sign the server's certificate, besides those the system trusts (PEM).
    pub(crate) cacertfile: Option<PathBuf>,
    /// Own certificate and its key (PEM).
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// The server's certificate may be for another name.
    pub(crate) any_name: bool,
    /// It may be any.
    pub(crate) anybody: bool,
}

/// Encrypts connections.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<ClientConfig>);

/// An encrypted connection.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

impl Connector {
    /// Read the files. An error names the file and says what is wrong with it.
    pub(crate) fn new(options: &Options) -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let trust = Trust::new(options, &provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust));
        let Some((certfile, keyfile)) = &options.certificate else {
            return Ok(Self(Arc::new(config.with_no_client_auth())));
        };
        let key = PrivateKeyDer::from_pem_file(keyfile)
            .map_err(|error| unusable(keyfile, "no private key", error))?;
        config
            .with_client_auth_cert(certificates(certfile)?, key)
            .map(|config| Self(Arc::new(config)))
            .map_err(|error| unusable(keyfile, "the key cannot be used", error))
    }

    /// Shake hands, in the time that reads of the socket have.
    pub(crate) fn connect(&self, host: &str, mut socket: TcpStream) -> io::Result<TlsStream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut session =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(StreamOwned::new(session, socket))
    }
}

/// What carries it.
pub(crate) fn socket(stream: &TlsStream) -> &TcpStream {
    stream.get_ref()
}

/// Why TLS failed, if that is what failed.
pub(crate) fn explain(error: &io::Error) -> Option<String> {
    let text = match error.get_ref()?.downcast_ref::<Error>()? {
        Error::InvalidMessage(_) => {
            "what answers there does not speak TLS (the port for it is usually 15671)".to_owned()
        }
        Error::InvalidCertificate(why) => untrusted(why),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate: --ssl-cert-file and --ssl-key-file name it".to_owned()
        }
        Error::AlertReceived(why) => format!("the server refuses TLS: {why:?}"),
        other => format!("TLS failed: {other}"),
    };
    Some(text)
}

fn untrusted(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "certificate verify failed: nobody who is trusted signed the server's certificate \
             (--ssl-ca-cert-file names who may, --ssl-insecure takes any)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate verify failed: the server's certificate is for another host \
             (--ssl-disable-hostname-verification takes it)"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate verify failed: the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate verify failed: the server's certificate is not valid yet"
        }
        other => return format!("certificate verify failed: {other}"),
    }
    .to_owned()
}

fn unusable(path: &Path, what: &str, error: impl fmt::Display) -> io::Error {
    let text = format!("{}: {what}: {error}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| unusable(path, "no certificates", error))?;
    match found.is_empty() {
        true => Err(unusable(path, "no certificates", "there is none in it")),
        false => Ok(found),
    }
}

/// Whose certificates are taken.
#[derive(Debug)]
struct Trust {
    /// Chains of certificates; `None` where there is nobody to trust.
    signed: Option<Arc<WebPkiServerVerifier>>,
    /// A server may show one of these itself, though it is that of an authority. Each has signed
    /// itself, as the original takes no others.
    named: Vec<CertificateDer<'static>>,
    any_name: bool,
    anybody: bool,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    fn new(options: &Options, provider: &Arc<CryptoProvider>) -> io::Result<Self> {
        let named = options.cacertfile.as_deref().map(certificates);
        let mut named = named.transpose()?.unwrap_or_default();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.clone());
        if !options.anybody {
            roots.add_parsable_certificates(trusted_by_the_system());
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        named.retain(|one| {
            let read = Certificate::from_der(one);
            read.is_ok_and(|one| one.tbs_certificate.subject == one.tbs_certificate.issuer)
        });
        Ok(Self {
            signed: verifier.build().ok(),
            named,
            any_name: options.any_name,
            anybody: options.anybody,
            provider: Arc::clone(provider),
        })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.anybody {
            return Ok(ServerCertVerified::assertion());
        }
        if self.named.contains(shown) {
            if !self.any_name {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let Some(signed) = &self.signed else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        match signed.verify_server_cert(shown, between, name, ocsp, now) {
            // The chain is looked at before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, shown, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, shown, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
