//! [`Stream`]: what a connection runs over. TCP, or whatever else carries bytes both ways: a
//! program that embeds a broker, or a test, hands in its own with `Server::serve`.

use std::io::{self, IoSlice};
use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::broker::tls::TlsFacts;
use crate::session::egress::Sink;

/// Bytes both ways.
pub trait Stream: Send + 'static {
    /// The end that the client's bytes come out of.
    type Reader: AsyncRead + Send + Unpin;
    /// The end that is written to.
    type Writer: Writer;

    /// Take it apart: one task reads, and whoever has something for the client writes.
    fn into_halves(self) -> (Self::Reader, Self::Writer);

    /// How it is encrypted, if it is.
    fn tls(&self) -> Option<Arc<TlsFacts>> {
        None
    }
}

/// The writing end of a [`Stream`].
pub trait Writer: Sink + 'static {
    /// Wait until it takes bytes again.
    fn writable(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// Tell the client at once that its bytes arrived, though there is no answer to them.
    fn acknowledge(&self) {}
}

impl Stream for TcpStream {
    type Reader = OwnedReadHalf;
    type Writer = OwnedWriteHalf;

    fn into_halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        // Small replies must not wait for more. A socket that refuses the option still works.
        let _ = self.set_nodelay(true);
        self.into_split()
    }
}

impl Sink for OwnedWriteHalf {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Self::try_write_vectored(self, slices)
    }
}

impl Writer for OwnedWriteHalf {
    async fn writable(&self) -> io::Result<()> {
        Self::writable(self).await
    }

    fn acknowledge(&self) {
        // It is only faster so.
        #[cfg(target_os = "linux")]
        let _ = self.as_ref().set_quickack(true);
    }
}
