//! TLS as settings have it: RabbitMQ's `ssl_options`, the same for other listeners, and which part
//! of a certificate is a login.

use std::path::PathBuf;

use super::resolved::Listener;
use super::value::Value;

/// How TLS is spoken, by RabbitMQ's `ssl_options` and their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates of those who may sign clients' certificates (PEM).
    pub cacertfile: Option<PathBuf>,
    /// The server's certificate and what signed it (PEM).
    pub certfile: Option<PathBuf>,
    /// Its key (PEM).
    pub keyfile: Option<PathBuf>,
    /// That key's password.
    pub password: Option<String>,
    /// Clients are asked for a certificate (`verify_peer`).
    pub verify_peer: bool,
    /// Who has none is turned away.
    pub fail_if_no_peer_cert: bool,
    /// So many certificates may stand between a client's and one of [`Self::cacertfile`].
    pub depth: Option<u8>,
    /// Which certificates of clients must not be revoked.
    pub crl_check: CrlCheck,
    /// Directories with lists of revoked ones (PEM).
    pub crl_dirs: Vec<PathBuf>,
    /// Such lists are wanted over HTTP, too.
    pub crl_http: bool,
    /// Versions spoken, `tlsv1.2` and `tlsv1.3`; `None` are both.
    pub versions: Option<Vec<String>>,
    /// Cipher suites by the names of OpenSSL or of the standards; `None` are all.
    pub ciphers: Option<Vec<String>>,
    /// Of these the server's first is taken, not the client's.
    pub honor_cipher_order: bool,
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
            password: None,
            verify_peer: false,
            fail_if_no_peer_cert: false,
            depth: None,
            crl_check: CrlCheck::default(),
            crl_dirs: Vec::new(),
            crl_http: false,
            versions: None,
            ciphers: None,
            honor_cipher_order: false,
            login_from: CertLogin::default(),
            handshake_timeout_ms: 5000,
        }
    }
}

impl TlsOptions {
    /// Set the option of that name, without what stands in front of it.
    pub(super) fn set(&mut self, option: &str, value: &Value) {
        let path = || Some(value.text().into());
        match option {
            "cacertfile" => self.cacertfile = path(),
            "certfile" => self.certfile = path(),
            "keyfile" => self.keyfile = path(),
            "password" => self.password = Some(value.text()),
            "depth" => self.depth = u8::try_from(value.number()).ok(),
            "crl_check" => self.crl_check = CrlCheck::named(&value.text()),
            "crl_sources.$index" => self.crl_http |= value.text() == "http",
            "crl_sources.$index.path" => self.crl_dirs.push(value.text().into()),
            "verify" => self.verify_peer = value.text() == "verify_peer",
            "fail_if_no_peer_cert" => self.fail_if_no_peer_cert = value.is_true(),
            "honor_cipher_order" => self.honor_cipher_order = value.is_true(),
            "versions.$version" => self.versions.get_or_insert_default().push(value.text()),
            "ciphers.$cipher" => self.ciphers.get_or_insert_default().push(value.text()),
            _ => {}
        }
    }
}

/// Which certificates of clients must not be revoked (`ssl_options.crl_check`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrlCheck {
    /// None.
    #[default]
    Off,
    /// All in a chain; one of which nobody knows is as good as revoked.
    All,
    /// The client's own; likewise.
    Peer,
    /// All; those of which nobody knows are good.
    BestEffort,
}

impl CrlCheck {
    fn named(name: &str) -> Self {
        match name {
            "true" => Self::All,
            "peer" => Self::Peer,
            "best_effort" => Self::BestEffort,
            _ => Self::Off,
        }
    }

    /// RabbitMQ's word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "false",
            Self::All => "true",
            Self::Peer => "peer",
            Self::BestEffort => "best_effort",
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

/// Types of alternative names (`ssl_cert_login_san_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SanType {
    /// A host's name.
    #[default]
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
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "dns" => Some(Self::Dns),
            "ip" => Some(Self::Ip),
            "email" => Some(Self::Email),
            "uri" => Some(Self::Uri),
            "other_name" => Some(Self::OtherName),
            _ => None,
        }
    }

    /// That name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ip => "ip",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::OtherName => "other_name",
        }
    }
}

/// AMQP over TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where it is spoken, by name; `None` is nowhere, as nobody said it.
    pub listeners: Option<Vec<(String, Listener)>>,
    /// How.
    pub options: TlsOptions,
    /// Of which type the alternative name is that is a login, and the how manieth.
    pub san: (SanType, usize),
}

impl Tls {
    /// Set what a key says that is no listener.
    pub(super) fn set(&mut self, key: &str, value: &Value) {
        match key {
            "ssl_handshake_timeout" => {
                let ms = u64::try_from(value.number().max(0));
                self.options.handshake_timeout_ms = ms.unwrap_or(u64::MAX);
            }
            "ssl_cert_login_from" => {
                self.options.login_from = match value.text().as_str() {
                    "common_name" => CertLogin::CommonName,
                    "distinguished_name" => CertLogin::DistinguishedName,
                    _ => CertLogin::SubjectAlternativeName(SanType::Dns, 0),
                };
            }
            "ssl_cert_login_san_type" => {
                self.san.0 = SanType::from_name(&value.text()).unwrap_or_default();
            }
            "ssl_cert_login_san_index" => {
                self.san.1 = usize::try_from(value.number()).unwrap_or(usize::MAX);
            }
            _ => {
                if let Some(option) = key.strip_prefix("ssl_options.") {
                    self.options.set(option, value);
                }
            }
        }
    }

    /// How it is spoken, with the parts of a login put together.
    pub fn options(&self) -> TlsOptions {
        let login_from = match self.options.login_from {
            CertLogin::SubjectAlternativeName(..) => {
                CertLogin::SubjectAlternativeName(self.san.0, self.san.1)
            }
            other => other,
        };
        TlsOptions {
            login_from,
            ..self.options.clone()
        }
    }
}

/// TLS as a client: of services that are asked about users, of a broker that the command line asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsClient {
    /// Who may sign the server's certificate (PEM); `None` are those the system trusts.
    pub cacertfile: Option<PathBuf>,
    /// Own certificate (PEM).
    pub certfile: Option<PathBuf>,
    /// Its key (PEM).
    pub keyfile: Option<PathBuf>,
    /// That key's password.
    pub password: Option<String>,
    /// The server's certificate is looked at, unless somebody says it is not.
    pub verify: Option<bool>,
    /// It may be for another name.
    pub any_name: bool,
}

impl TlsClient {
    /// Set the option of that name, without what stands in front of it.
    pub(super) fn set(&mut self, option: &str, value: &Value) {
        let path = || Some(value.text().into());
        match option {
            "cacertfile" => self.cacertfile = path(),
            "certfile" => self.certfile = path(),
            "keyfile" => self.keyfile = path(),
            "password" => self.password = Some(value.text()),
            "verify" | "peer_verification" => self.verify = Some(value.text() == "verify_peer"),
            _ => {}
        }
    }
}
