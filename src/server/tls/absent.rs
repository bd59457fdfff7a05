//! Built without the feature `tls`: asking for TLS is an error, and nothing else is different.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use tokio::net::TcpStream;

use super::TlsOptions;

/// An AMQP client's socket after its handshake.
pub(crate) type TlsStream = TcpStream;
/// An HTTP client's.
pub(crate) type TlsSocket = TcpStream;

/// There is none.
#[derive(Clone, Debug)]
pub struct Acceptor(Infallible);

impl Acceptor {
    /// Always an error.
    pub fn new(_: &TlsOptions) -> io::Result<Self> {
        Err(absent())
    }

    pub(crate) async fn accept_amqp(&self, _: TcpStream) -> io::Result<TlsStream> {
        match self.0 {}
    }

    pub(crate) async fn accept(&self, _: TcpStream) -> io::Result<TlsSocket> {
        match self.0 {}
    }
}

/// None is used, so none expires.
pub(crate) fn expired(_: &Path, _: u64) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}

fn absent() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this Leveret was built without TLS",
    )
}

/// Certificates made on start.
pub mod auto {
    use std::io;
    use std::path::Path;

    use super::{TlsOptions, absent};

    /// Always an error.
    pub fn make(_: &Path, _: &str, _: &TlsOptions) -> io::Result<TlsOptions> {
        Err(absent())
    }
}
