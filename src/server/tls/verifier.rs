//! Which certificates of clients are taken: signed by whom, how far down, and not taken back.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::acceptor::{certificates, unusable, wanted};
use super::{CrlCheck, TlsOptions};

/// Files of revoked certificates that are read; who has more has something else there.
const CRLS_MAX: usize = 1024;

/// What the options want.
pub(super) fn new(
    options: &TlsOptions,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    if !options.verify_peer {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let path = wanted(options.cacertfile.as_deref(), "cacertfile")?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| unusable(path, "a certificate cannot be used", error))?;
    }
    let mut builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if !options.fail_if_no_peer_cert {
        builder = builder.allow_unauthenticated();
    }
    let crls = revocations(options)?;
    // Without any list nothing is known of anybody.
    let is_blind = crls.is_empty() && matches!(options.crl_check, CrlCheck::All | CrlCheck::Peer);
    if options.crl_check != CrlCheck::Off {
        builder = builder.with_crls(crls);
    }
    builder = match options.crl_check {
        CrlCheck::Off | CrlCheck::All => builder,
        CrlCheck::Peer => builder.only_check_end_entity_revocation(),
        CrlCheck::BestEffort => builder.allow_unknown_revocation_status(),
    };
    let inner = builder
        .build()
        .map_err(|error| unusable(path, "a certificate cannot be used", error))?;
    Ok(match (options.depth, is_blind) {
        (None, false) => inner,
        (depth, is_blind) => Arc::new(Stricter {
            inner,
            depth: depth.map_or(usize::MAX, usize::from),
            is_blind,
        }),
    })
}

/// The lists in the directories, as they are now.
fn revocations(options: &TlsOptions) -> io::Result<Vec<CertificateRevocationListDer<'static>>> {
    if options.crl_check == CrlCheck::Off {
        return Ok(Vec::new());
    }
    if options.crl_http {
        tracing::warn!("revoked certificates are read from directories only, not over HTTP");
    }
    let mut found = Vec::new();
    for dir in &options.crl_dirs {
        let entries = std::fs::read_dir(dir)
            .map_err(|error| unusable(dir, "no lists of revoked certificates", error))?;
        for entry in entries.take(CRLS_MAX) {
            let path = entry?.path();
            if path.is_file() {
                found.extend(lists(&path)?);
            }
        }
    }
    Ok(found)
}

fn lists(path: &Path) -> io::Result<Vec<CertificateRevocationListDer<'static>>> {
    CertificateRevocationListDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, "no list of revoked certificates", error))
}

/// What webpki has no options for.
#[derive(Debug)]
struct Stricter {
    inner: Arc<dyn ClientCertVerifier>,
    /// So many certificates may stand between a client's and one that is trusted.
    depth: usize,
    /// There is nothing that says who is revoked, though it is wanted.
    is_blind: bool,
}

impl ClientCertVerifier for Stricter {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.is_blind {
            return Err(CertificateError::UnknownRevocationStatus.into());
        }
        let between = between.get(..self.depth).unwrap_or(between);
        self.inner.verify_client_cert(shown, between, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, shown, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, shown, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
