//! Built without the feature `tls`: asking for TLS is an error, and nothing else is different.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;

use crate::config::tls::TlsClient;

/// There is none.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Infallible);

pub(crate) type TlsStream = TcpStream;

impl Connector {
    /// Always an error.
    pub(crate) fn new(_: &TlsClient) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this Leveret was built without TLS",
        ))
    }

    pub(crate) fn connect(&self, _: &str, _: TcpStream) -> io::Result<TlsStream> {
        match self.0 {}
    }
}

pub(crate) fn socket(stream: &TlsStream) -> &TcpStream {
    stream
}

pub(crate) fn explain(_: &io::Error) -> Option<String> {
    None
}
