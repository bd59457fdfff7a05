//! Whose certificates this machine trusts.

use std::path::PathBuf;

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::acceptor::certificates;

/// Where systems keep whom they trust, when `SSL_CERT_FILE` does not say it.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/openssl/cert.pem",
];

/// What cannot be read is trusted by nobody.
pub(super) fn trusted_by_the_system() -> Vec<CertificateDer<'static>> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let bundles = BUNDLES.iter().map(PathBuf::from);
    let path = named.or_else(|| bundles.into_iter().find(|path| path.exists()));
    path.and_then(|path| certificates(&path).ok())
        .unwrap_or_default()
}
