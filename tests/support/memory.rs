//! A client of a whole server, over a pipe in memory: with the runtime's time stopped, hours pass
//! in no time and always the same way.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use leveret::server::{Server, Stream, Writer};
use leveret::session::Endpoints;
use leveret::session::egress::Sink;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::Notify;

use super::frames;

/// Bytes in flight each way, as a socket's buffers hold them.
const PIPE_BYTES: usize = 64 * 1024;

/// The server's end: the runtime's own pipe to read from. What is written goes another way, since
/// nobody can ask that pipe when it takes bytes again.
struct Pipe(DuplexStream, Outflow);

impl Stream for Pipe {
    type Reader = DuplexStream;
    type Writer = Outflow;

    fn into_halves(self) -> (DuplexStream, Outflow) {
        (self.0, self.1)
    }
}

/// What the server wrote and the client did not read yet.
#[derive(Default)]
struct Flow {
    bytes: Mutex<Vec<u8>>,
    filled: Notify,
    drained: Notify,
}

impl Flow {
    /// Take what is there, until `read` has `count` bytes.
    fn drain(&self, count: usize, read: &mut Vec<u8>) {
        let mut bytes = self.bytes.lock().unwrap();
        let more = bytes.len().min(count - read.len());
        read.extend(bytes.drain(..more));
        self.drained.notify_one();
    }
}

struct Outflow(Arc<Flow>);

impl Sink for Outflow {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = self.0.bytes.lock().unwrap();
        let before = bytes.len();
        for slice in slices {
            let room = PIPE_BYTES - bytes.len();
            bytes.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.0.filled.notify_one();
        match bytes.len() - before {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }
}

impl Writer for Outflow {
    async fn writable(&self) -> io::Result<()> {
        while self.0.bytes.lock().unwrap().len() == PIPE_BYTES {
            self.0.drained.notified().await;
        }
        Ok(())
    }
}

impl Drop for Outflow {
    fn drop(&mut self) {
        self.0.filled.notify_one();
    }
}

/// The client's end.
pub(crate) struct Client {
    out: DuplexStream,
    flow: Arc<Flow>,
}

impl Client {
    /// Connected, nothing said.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_from(server, "127.0.0.1").await
    }

    /// From another address.
    pub(crate) async fn connect_from(server: &Server, ip: &str) -> Self {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let endpoints = Endpoints {
            peer: SocketAddr::new(ip.parse().unwrap(), 5672),
            local: "127.0.0.1:5672".parse().unwrap(),
        };
        let flow = Arc::new(Flow::default());
        let pipe = Pipe(far, Outflow(Arc::clone(&flow)));
        server.serve(pipe, endpoints).await;
        Self { out: near, flow }
    }

    /// Logged in as guest, with channel 1 open.
    pub(crate) async fn logged_in(server: &Server, heartbeat: u16) -> Self {
        let mut client = Self::connect(server).await;
        client.log_in(heartbeat).await;
        client.expect(10, 41).await;
        client.call(&frames::open_channel(1), 20, 11).await;
        client
    }

    /// Say all that logs in; what answers the last of it is still to be read.
    pub(crate) async fn log_in(&mut self, heartbeat: u16) {
        let [header, start_ok, tune_ok, open] = frames::log_in(heartbeat);
        self.call(&header, 10, 10).await;
        self.call(&start_ok, 10, 30).await;
        self.send(&[tune_ok, open].concat()).await;
    }

    /// Send bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.out.write_all(bytes).await.unwrap();
    }

    /// Send bytes that one method answers; its arguments.
    pub(crate) async fn call(&mut self, bytes: &[u8], class: u8, method: u8) -> Vec<u8> {
        self.send(bytes).await;
        self.expect(class, method).await
    }

    /// Read that many bytes, or all there are until the server closes.
    async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            let is_closed = Arc::strong_count(&self.flow) == 1;
            self.flow.drain(count, &mut read);
            if read.len() == count || is_closed {
                return read;
            }
            self.flow.filled.notified().await;
        }
    }

    /// Read one frame: kind, channel, payload.
    pub(crate) async fn frame(&mut self) -> (u8, u16, Vec<u8>) {
        let head = self.read(7).await;
        let &[kind, high, low, a, b, c, d] = &head[..] else {
            panic!("closed after {head:?}");
        };
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        let mut payload = self.read(size + 1).await;
        assert_eq!(payload.pop(), Some(0xCE));
        (kind, u16::from_be_bytes([high, low]), payload)
    }

    /// Read one frame, which is this method's; its arguments.
    pub(crate) async fn expect(&mut self, class: u8, method: u8) -> Vec<u8> {
        let (kind, _, payload) = self.frame().await;
        let text = String::from_utf8_lossy(&payload).into_owned();
        let expected = [0, class, 0, method];
        assert_eq!((kind, payload.get(..4)), (1, Some(&expected[..])), "{text}");
        payload[4..].to_vec()
    }

    /// Read all there is until the server closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        self.read(usize::MAX).await
    }
}

/// The code and the text of a `channel.close` or `connection.close`.
pub(crate) fn reason(arguments: &[u8]) -> (u16, String) {
    let code = u16::from_be_bytes([arguments[0], arguments[1]]);
    let text = &arguments[3..3 + usize::from(arguments[2])];
    (code, String::from_utf8_lossy(text).into_owned())
}
