//! Built without the feature `tls`: asking for TLS is an error, and nothing else is different.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;

/// What a client is told of TLS.
#[derive(Clone, Debug, Default)]
#[expect(dead_code, reason = "nothing is done with them here")]
pub(crate) struct Options {
    pub(crate) cacertfile: Option<PathBuf>,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) any_name: bool,
    pub(crate) anybody: bool,
}

/// There is none.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Infallible);

pub(crate) type TlsStream = TcpStream;

impl Connector {
    /// Always an error.
    pub(crate) fn new(_: &Options) -> io::Result<Self> {
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
