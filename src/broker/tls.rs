//! What is known of a connection that is encrypted, as listings, events and logins use it.

/// An encrypted connection; names are RabbitMQ's, which are Erlang's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `tlsv1.2`, `tlsv1.3`.
    pub protocol: &'static str,
    /// `aes_256_gcm` …
    pub cipher: String,
    /// `ecdhe_rsa` …; `any` since TLS 1.3, where the suite does not say it.
    pub key_exchange: String,
    /// `aead` for all suites that are still spoken.
    pub hash: &'static str,
    /// What the client showed.
    pub peer: Option<PeerCertificate>,
}

/// A client's certificate, checked by the transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Its subject, most specific part first.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when until when.
    pub validity: String,
    /// The user that it names, for `EXTERNAL`.
    pub login: Option<String>,
}
