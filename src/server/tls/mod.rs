//! TLS: what can be set, and with the feature `tls` how it is spoken.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
pub mod auto;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod stream;

use std::path::PathBuf;

#[cfg(not(feature = "tls"))]
pub(crate) use self::absent::TlsStream;
#[cfg(not(feature = "tls"))]
pub use self::absent::{Acceptor, auto};
#[cfg(feature = "tls")]
pub use self::acceptor::Acceptor;
#[cfg(feature = "tls")]
pub(crate) use self::stream::TlsStream;

/// How TLS is spoken, by RabbitMQ's `ssl_options` and their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates of those who may sign clients' certificates (PEM).
    pub cacertfile: Option<PathBuf>,
    /// The server's certificate and what signed it (PEM).
    pub certfile: Option<PathBuf>,
    /// Its key (PEM, no password).
    pub keyfile: Option<PathBuf>,
    /// Clients are asked for a certificate (`verify_peer`).
    pub verify_peer: bool,
    /// Who has none is turned away.
    pub fail_if_no_peer_cert: bool,
    /// Versions spoken, `tlsv1.2` and `tlsv1.3`; `None` are both.
    pub versions: Option<Vec<String>>,
    /// Which part of a certificate names the user.
    pub login_from: CertLogin,
    /// Longest handshake, in milliseconds.
    pub handshake_timeout_ms: u64,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            cacertfile: None,
            certfile: None,
            keyfile: None,
            verify_peer: false,
            fail_if_no_peer_cert: false,
            versions: None,
            login_from: CertLogin::default(),
            handshake_timeout_ms: 5000,
        }
    }
}

/// Which part of a client's certificate is its user's name (`ssl_cert_login_from`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertLogin {
    /// The whole subject.
    #[default]
    DistinguishedName,
    /// Its common names, with commas between them.
    CommonName,
    /// The alternative name of this type, counted from zero.
    SubjectAlternativeName(SanType, usize),
}

impl CertLogin {
    /// What RabbitMQ's setting of that name means; alternative names are the first of DNS.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "distinguished_name" => Some(Self::DistinguishedName),
            "common_name" => Some(Self::CommonName),
            "subject_alternative_name" | "subject_alt_name" => {
                Some(Self::SubjectAlternativeName(SanType::Dns, 0))
            }
            _ => None,
        }
    }
}

/// Types of alternative names (`ssl_cert_login_san_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanType {
    /// A host's name.
    Dns,
    /// An address.
    Ip,
    /// A mailbox.
    Email,
    /// A URI.
    Uri,
    /// Any other, if it is text.
    OtherName,
}

impl SanType {
    /// The type that RabbitMQ's setting of that name means.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "dns" => Some(Self::Dns),
            "ip" => Some(Self::Ip),
            "email" => Some(Self::Email),
            "uri" => Some(Self::Uri),
            "other_name" => Some(Self::OtherName),
            _ => None,
        }
    }
}
