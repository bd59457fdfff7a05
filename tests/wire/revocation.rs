//! Clients whose certificates are far from an authority, or revoked, and keys with a password.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use leveret::server::Server;
use leveret::server::tls::{CrlCheck, TlsOptions};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::tls::Certificates;
use crate::support::frames;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority, and one between it and clients.
struct Chain {
    root: Authority,
    between: Authority,
    files: Certificates,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn pem(label: &str, der: &[u8]) -> String {
    let octets = BASE64.encode(der);
    format!("-----BEGIN {label}-----\n{octets}\n-----END {label}-----\n")
}

impl Chain {
    fn new() -> Self {
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
        let between = CertifiedIssuer::signed_by(authority("between"), key(), &root).unwrap();
        let files = Certificates::new();
        let chain = Self {
            root,
            between,
            files,
        };
        let der = chain.root.as_ref().der();
        std::fs::write(chain.files.path("root.pem"), pem("CERTIFICATE", der)).unwrap();
        chain
    }

    fn options(&self) -> TlsOptions {
        TlsOptions {
            cacertfile: Some(self.files.path("root.pem")),
            ..self.files.asking(true)
        }
    }

    /// A client's certificate with that number, and all that come between it and the root.
    fn client(&self, number: u64) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "guest");
        params.serial_number = Some(SerialNumber::from(number));
        let own = params.signed_by(&key, &self.between).unwrap();
        let shown = vec![own.der().clone(), self.between.as_ref().der().clone()];
        (shown, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    /// A directory with lists of what an authority has revoked.
    fn revoked(&self, by: &Authority, number: Option<u64>) -> PathBuf {
        let dir = self.files.path("crls");
        let _ = std::fs::create_dir(&dir);
        let revoked = number.map(|number| RevokedCertParams {
            serial_number: SerialNumber::from(number),
            revocation_time: rcgen::date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2024, 1, 1),
            next_update: rcgen::date_time_ymd(2124, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.into_iter().collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(by).unwrap();
        let name = format!("{}.r0", std::fs::read_dir(&dir).unwrap().count());
        std::fs::write(dir.join(name), pem("X509 CRL", list.der())).unwrap();
        dir
    }

    /// Whether that client is let in.
    async fn lets_in(&self, options: &TlsOptions, number: u64) -> bool {
        let server = Server::builder()
            .listen_tls(options.clone(), vec!["127.0.0.1:0".parse().unwrap()])
            .start()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.files.authority()).unwrap();
        let (shown, key) = self.client(number);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(shown, key)
            .unwrap();
        let socket = TcpStream::connect(server.tls_addresses()[0]).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let name = "localhost".try_into().unwrap();
        let Ok(mut stream) = connector.connect(name, socket).await else {
            return false;
        };
        // In TLS 1.3 a client learns later that it is not wanted.
        if stream.write_all(frames::PROTOCOL_HEADER).await.is_err() {
            return false;
        }
        matches!(stream.read_u8().await, Ok(1))
    }
}

#[tokio::test]
async fn chains_may_be_as_long_as_is_set() {
    let chain = Chain::new();
    for (depth, is_let_in) in [(None, true), (Some(1), true), (Some(0), false)] {
        let options = TlsOptions {
            depth,
            ..chain.options()
        };
        assert_eq!(chain.lets_in(&options, 1).await, is_let_in, "{depth:?}");
    }
}

#[tokio::test]
async fn revoked_certificates_are_not_taken() {
    let chain = Chain::new();
    let with = |crl_check, dir: Option<&PathBuf>| TlsOptions {
        crl_check,
        crl_dirs: dir.into_iter().cloned().collect(),
        ..chain.options()
    };
    // Without a list nothing is known.
    assert!(chain.lets_in(&with(CrlCheck::BestEffort, None), 1).await);
    assert!(!chain.lets_in(&with(CrlCheck::Peer, None), 1).await);
    let dir = chain.revoked(&chain.between, Some(7));
    for check in [CrlCheck::Peer, CrlCheck::BestEffort] {
        assert!(chain.lets_in(&with(check, Some(&dir)), 1).await);
        assert!(!chain.lets_in(&with(check, Some(&dir)), 7).await);
    }
    assert!(chain.lets_in(&with(CrlCheck::Off, Some(&dir)), 7).await);
    // The one between has an authority, too, which says nothing of it yet.
    assert!(!chain.lets_in(&with(CrlCheck::All, Some(&dir)), 1).await);
    chain.revoked(&chain.root, None);
    assert!(chain.lets_in(&with(CrlCheck::All, Some(&dir)), 1).await);
    assert!(!chain.lets_in(&with(CrlCheck::All, Some(&dir)), 7).await);
}
