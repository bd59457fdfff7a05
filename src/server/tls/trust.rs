//! TLS as a client: whom it trusts, and what it shows.

use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::acceptor::{certificates, unusable};
use super::key;
use super::system::trusted_by_the_system;
use crate::config::tls::TlsClient;

/// What the options want. `with_system`: whom the system trusts is trusted besides those that are
/// named, not only where none are. An error names the file and says what is wrong with it.
pub(crate) fn client_config(options: &TlsClient, with_system: bool) -> io::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let trust = Trust::new(options, with_system, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let (Some(certfile), Some(keyfile)) = (&options.certfile, &options.keyfile) else {
        return Ok(config.with_no_client_auth());
    };
    let key = key::read(keyfile, options.password.as_deref())?;
    config
        .with_client_auth_cert(certificates(certfile)?, key)
        .map_err(|error| unusable(keyfile, "the key cannot be used", error))
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
    fn new(
        options: &TlsClient,
        with_system: bool,
        provider: &Arc<CryptoProvider>,
    ) -> io::Result<Self> {
        let anybody = options.verify == Some(false);
        let named = options.cacertfile.as_deref().map(certificates);
        let mut named = named.transpose()?.unwrap_or_default();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.clone());
        if !anybody && (with_system || options.cacertfile.is_none()) {
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
            anybody,
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
