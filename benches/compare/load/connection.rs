//! A blocking AMQP connection with one channel, as little of it as a load needs.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::frames::{
    FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_METHOD, connection_open, method, short_string,
    start_ok, tune_ok,
};
use super::options::Options;

/// An open connection with channel 1 open, and what has been read from it but not yet looked at.
pub(super) struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    pub(super) fn open(options: &Options) -> io::Result<Self> {
        let socket = TcpStream::connect((options.host.as_str(), options.port))?;
        socket.set_nodelay(true)?;
        // A broker that falls silent must end the run.
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut connection = Self {
            socket,
            buffer: vec![0; 256 * 1024],
            start: 0,
            end: 0,
        };
        connection.send(b"AMQP\x00\x00\x09\x01")?;
        connection.expect((10, 10))?;
        connection.call(&start_ok(&options.user, &options.password), (10, 30))?;
        connection.send(&tune_ok())?;
        connection.call(&connection_open(&options.vhost), (10, 41))?;
        connection.call(&method(1, 20, 10, &short_string("")), (20, 11))?;
        Ok(connection)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    pub(super) fn call(&mut self, request: &[u8], answer: (u16, u16)) -> io::Result<()> {
        self.send(request)?;
        self.expect(answer)
    }

    fn expect(&mut self, answer: (u16, u16)) -> io::Result<()> {
        let method = self.method()?;
        if (method.class, method.id) == answer {
            return Ok(());
        }
        Err(method.unexpected(&format!("method {answer:?}")))
    }

    /// The next method; frames of other kinds (heartbeats) are passed over.
    pub(super) fn method(&mut self) -> io::Result<Method> {
        loop {
            let (kind, payload) = self.frame()?;
            if kind == FRAME_METHOD {
                return Method::parse(payload);
            }
        }
    }

    /// Read one whole delivery; its delivery tag.
    pub(super) fn delivery(&mut self) -> io::Result<u64> {
        let method = self.method()?;
        if (method.class, method.id) != (60, 60) {
            return Err(method.unexpected("basic.deliver"));
        }
        let consumer_tag = usize::from(method.arguments.first().copied().unwrap_or(0));
        let tag = method.u64_at(1 + consumer_tag)?;
        let (_, header) = self.frame()?;
        let mut left = read_u64(header, 4)?;
        while left > 0 {
            let (kind, body) = self.frame()?;
            if kind != FRAME_BODY {
                return Err(io::Error::other(format!(
                    "frame type {kind} in the middle of a body"
                )));
            }
            left -= body.len() as u64;
        }
        Ok(tag)
    }

    /// The type and the payload of the next frame.
    fn frame(&mut self) -> io::Result<(u8, &[u8])> {
        self.fill(FRAME_HEADER)?;
        let kind = self.buffer[self.start];
        let size = &self.buffer[self.start + 3..self.start + FRAME_HEADER];
        let size = size.iter().fold(0, |n, &b| n << 8 | usize::from(b));
        self.fill(FRAME_HEADER + size + 1)?;
        let from = self.start + FRAME_HEADER;
        self.start = from + size + 1;
        if self.buffer[from + size] != FRAME_END {
            return Err(io::Error::other("a frame without its end"));
        }
        Ok((kind, &self.buffer[from..from + size]))
    }

    /// Make sure that `n` bytes are in the buffer, reading as much as there is at once.
    fn fill(&mut self, n: usize) -> io::Result<()> {
        while self.end - self.start < n {
            if self.start + n > self.buffer.len() {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
                if n > self.buffer.len() {
                    self.buffer.resize(n, 0);
                }
            }
            match self.socket.read(&mut self.buffer[self.end..])? {
                0 => return Err(io::Error::other("the broker closed the socket")),
                read => self.end += read,
            }
        }
        Ok(())
    }
}

pub(super) struct Method {
    pub(super) class: u16,
    pub(super) id: u16,
    pub(super) arguments: Vec<u8>,
}

impl Method {
    fn parse(payload: &[u8]) -> io::Result<Self> {
        let [a, b, c, d, arguments @ ..] = payload else {
            return Err(io::Error::other("a method frame without a method"));
        };
        let (class, id) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        Ok(Self {
            class,
            id,
            arguments: arguments.to_vec(),
        })
    }

    pub(super) fn u64_at(&self, at: usize) -> io::Result<u64> {
        read_u64(&self.arguments, at)
    }

    pub(super) fn unexpected(&self, wanted: &str) -> io::Error {
        let text = String::from_utf8_lossy(&self.arguments);
        io::Error::other(format!(
            "not {wanted} but method ({}, {}): {text:?}",
            self.class, self.id
        ))
    }
}

fn read_u64(bytes: &[u8], at: usize) -> io::Result<u64> {
    let part = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
    part.map(u64::from_be_bytes)
        .ok_or_else(|| io::Error::other("a method that is too short"))
}
