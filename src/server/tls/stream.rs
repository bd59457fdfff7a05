//! [`TlsStream`]: an encrypted socket whose ends are used apart, and written to without waiting.

use std::io::{self, IoSlice, Read as _, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::rustls::{ProtocolVersion, ServerConnection};

use super::{CertLogin, certificate};
use crate::broker::tls::TlsFacts;
use crate::server::stream::{Stream, Writer};
use crate::session::egress::Sink;
use crate::sync::{LEAF, Ranked};

/// A client's socket after its handshake.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
    login_from: CertLogin,
}

/// What both ends share. Its lock is held over system calls that do not wait.
#[derive(Debug)]
struct Session {
    tls: ServerConnection,
    /// Octets that were encrypted, but that the caller was not told of, as not all went out.
    owed: usize,
}

type Shared = Arc<Ranked<Session, LEAF>>;

/// The end that decrypts.
#[derive(Debug)]
pub(crate) struct TlsReader {
    socket: OwnedReadHalf,
    session: Shared,
}

/// The end that encrypts. It says goodbye when it is dropped.
#[derive(Debug)]
pub(crate) struct TlsWriter {
    socket: OwnedWriteHalf,
    session: Shared,
}

impl TlsStream {
    pub(super) const fn new(
        socket: TcpStream,
        session: ServerConnection,
        login_from: CertLogin,
    ) -> Self {
        Self {
            socket,
            session,
            login_from,
        }
    }
}

impl Stream for TlsStream {
    type Reader = TlsReader;
    type Writer = TlsWriter;

    fn into_halves(self) -> (TlsReader, TlsWriter) {
        let (reader, writer) = self.socket.into_halves();
        let session = Arc::new(Ranked::new(Session {
            tls: self.session,
            owed: 0,
        }));
        let reader = TlsReader {
            socket: reader,
            session: Arc::clone(&session),
        };
        let writer = TlsWriter {
            socket: writer,
            session,
        };
        (reader, writer)
    }

    fn tls(&self) -> Option<Arc<TlsFacts>> {
        Some(Arc::new(facts(&self.session, self.login_from)))
    }
}

impl Session {
    /// Write what is encrypted; `WouldBlock` unless all of it went.
    fn push_out(&mut self, socket: &TcpStream) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut Now(socket))?;
        }
        Ok(())
    }
}

impl Sink for TlsWriter {
    /// What was encrypted cannot be taken back, so octets that did not all go out count as
    /// written only by the call that sends the last of them: the caller comes again with the same.
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut session = self.session.lock();
        let socket = self.socket.as_ref();
        session.push_out(socket)?;
        if session.owed == 0 {
            session.owed = session.tls.writer().write_vectored(slices)?;
            session.push_out(socket)?;
        }
        Ok(std::mem::take(&mut session.owed))
    }
}

impl Writer for TlsWriter {
    async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    fn acknowledge(&self) {
        self.socket.acknowledge();
    }
}

impl Drop for TlsWriter {
    fn drop(&mut self) {
        let mut session = self.session.lock();
        session.tls.send_close_notify();
        // Who does not read any more does not hear it.
        let _ = session.push_out(self.socket.as_ref());
    }
}

impl AsyncRead for TlsReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket, session } = self.get_mut();
        let mut session = session.lock();
        loop {
            match session.tls.reader().read(buf.initialize_unfilled()) {
                Ok(octets) => {
                    buf.advance(octets);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Many clients just close the socket.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(session.pull_in(socket, cx))?;
        }
    }
}

impl Session {
    /// Read from the socket and decrypt.
    fn pull_in(
        &mut self,
        socket: &mut OwnedReadHalf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match self.tls.read_tls(&mut Polled(socket, cx)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            read => read?,
        };
        let taken = self.tls.process_new_packets();
        // Alerts and new keys; what does not go now goes with the next write.
        match self.push_out(socket.as_ref()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                return Poll::Ready(Err(error));
            }
            _ => {}
        }
        Poll::Ready(match taken {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        })
    }
}

/// A socket to write to without waiting.
struct Now<'a>(&'a TcpStream);

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket to read from in a poll.
struct Polled<'a, 'b, 'c>(&'a mut OwnedReadHalf, &'b mut Context<'c>);

impl io::Read for Polled<'_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(bytes);
        match Pin::new(&mut *self.0).poll_read(self.1, &mut buf) {
            Poll::Ready(Ok(())) => Ok(buf.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// What listings show, in Erlang's words.
fn facts(session: &ServerConnection, login_from: CertLogin) -> TlsFacts {
    let suite = session.negotiated_cipher_suite();
    let name = suite.map_or("", |suite| suite.suite().as_str().unwrap_or_default());
    let (key_exchange, cipher) = match name.strip_prefix("TLS13_") {
        Some(cipher) => ("any", cipher),
        None => name
            .trim_start_matches("TLS_")
            .split_once("_WITH_")
            .unwrap_or(("", name)),
    };
    let cipher = cipher
        .rsplit_once("_SHA")
        .map_or(cipher, |(cipher, _)| cipher);
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    TlsFacts {
        protocol: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "tlsv1.2",
            _ => "tlsv1.3",
        },
        cipher: cipher.to_ascii_lowercase(),
        key_exchange: key_exchange.to_ascii_lowercase(),
        hash: "aead",
        peer: certificate.and_then(|der| certificate::read(der, login_from)),
    }
}
