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
mod expiry;
#[cfg(feature = "tls")]
mod key;
#[cfg(feature = "tls")]
mod stream;
#[cfg(feature = "tls")]
mod system;
#[cfg(feature = "tls")]
mod trust;
#[cfg(feature = "tls")]
mod verifier;

#[cfg(not(feature = "tls"))]
pub(crate) use self::absent::expired;
#[cfg(not(feature = "tls"))]
pub use self::absent::{Acceptor, auto};
#[cfg(feature = "tls")]
pub use self::acceptor::Acceptor;
#[cfg(feature = "tls")]
pub(crate) use self::expiry::expired;
#[cfg(feature = "tls")]
pub(crate) use self::stream::TlsStream;
#[cfg(feature = "tls")]
pub(crate) use self::trust::client_config;
pub use crate::config::tls::{CertLogin, CrlCheck, SanType, TlsOptions};
