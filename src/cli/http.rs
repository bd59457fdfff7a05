//! A small HTTP/1.1 client on `std::net`: one request per connection, as a command line needs.
//!
//! It speaks just enough to talk to the management API: `Content-Length` and chunked bodies, one
//! deadline for the whole exchange, and an error that says which of the two ends failed.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::https::{self, Connector, TlsStream};

/// Where the management API is and how to prove who asks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before every path.
    pub(crate) prefix: String,
    /// The value of the `Authorization` header.
    pub(crate) authorization: String,
    /// `None` waits for ever.
    pub(crate) timeout: Option<Duration>,
    /// Over TLS.
    pub(crate) tls: Option<Connector>,
}

/// What came back, whatever the status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum HttpError {
    /// Nobody answers at that address.
    Unreachable(String),
    /// The deadline passed.
    Timeout,
    /// Somebody answered, but not as an HTTP server does.
    Broken(String),
}

impl Client {
    /// Checks that something listens, without sending anything.
    pub(crate) fn probe(&self) -> Result<(), HttpError> {
        self.connect(self.deadline()).map(drop)
    }

    /// Sends one request and reads the whole response.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Response, HttpError> {
        let deadline = self.deadline();
        let mut stream = self.connect(deadline)?;
        let head = self.head(method, path, headers, body);
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.unwrap_or_default()));
        sent.map_err(HttpError::from)?;
        read_response(&mut BufReader::new(Timed { stream, deadline })).map_err(HttpError::from)
    }

    /// Reads a body that goes on, line by line, to its end or until then.
    pub(crate) fn follow(
        &self,
        path: &str,
        until: Option<Instant>,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), HttpError> {
        let mut stream = self.connect(self.deadline())?;
        stream.write_all(self.head("GET", path, &[], None).as_bytes())?;
        let mut input = BufReader::new(Timed {
            stream,
            deadline: until,
        });
        let followed = read_status(&read_line(&mut input)?).and_then(|status| {
            while !read_line(&mut input)?.is_empty() {}
            match status {
                200 => follow_lines(&mut input, tell),
                _ => Err(invalid("the answer is no stream")),
            }
        });
        match followed.map_err(HttpError::from) {
            Err(HttpError::Timeout) => Ok(()),
            other => other,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.timeout
            .and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Over TLS, if that is wanted.
    fn connect(&self, deadline: Option<Instant>) -> Result<Wire, HttpError> {
        let socket = self.reach(deadline)?;
        let Some(connector) = &self.tls else {
            return Ok(Wire::Plain(socket));
        };
        if let Some(deadline) = deadline {
            socket.set_read_timeout(Some(remaining(deadline)?))?;
        }
        let stream = connector.connect(&self.host, socket)?;
        Ok(Wire::Encrypted(Box::new(stream)))
    }

    fn reach(&self, deadline: Option<Instant>) -> Result<TcpStream, HttpError> {
        let unreachable = |error: &io::Error| HttpError::Unreachable(error.to_string());
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| unreachable(&error))?;
        let mut last = HttpError::Unreachable("the name has no address".to_owned());
        for address in addresses {
            let attempt = match deadline {
                None => TcpStream::connect(address),
                Some(deadline) => {
                    remaining(deadline).and_then(|left| TcpStream::connect_timeout(&address, left))
                }
            };
            match attempt {
                Ok(stream) => {
                    stream
                        .set_write_timeout(self.timeout)
                        .map_err(|error| unreachable(&error))?;
                    return Ok(stream);
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => last = HttpError::Timeout,
                Err(error) => last = unreachable(&error),
            }
        }
        Err(last)
    }

    fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> String {
        let Self {
            host,
            port,
            prefix,
            authorization,
            ..
        } = self;
        let mut head = format!(
            "{method} {prefix}{path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: {authorization}\r\n\
             accept: */*\r\nconnection: close\r\n"
        );
        for (name, value) in headers {
            let value = value.replace(['\r', '\n'], " ");
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            let length = body.len();
            head.push_str(&format!(
                "content-type: application/json\r\ncontent-length: {length}\r\n"
            ));
        } else if method != "GET" {
            head.push_str("content-length: 0\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

/// A stream whose every read must end before one common deadline.
struct Timed {
    stream: Wire,
    deadline: Option<Instant>,
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(deadline) = self.deadline {
            let left = remaining(deadline)?;
            self.stream.socket().set_read_timeout(Some(left))?;
        }
        self.stream.read(into)
    }
}

/// A socket, encrypted or not.
#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Encrypted(Box<TlsStream>),
}

impl Wire {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Encrypted(stream) => https::socket(stream),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Encrypted(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(from),
            Self::Encrypted(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}

fn remaining(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

fn read_response(input: &mut impl BufRead) -> io::Result<Response> {
    let status = read_status(&read_line(input)?)?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let line = read_line(input)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(
                value
                    .parse()
                    .map_err(|_| invalid("content-length is not a number"))?,
            );
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.to_ascii_lowercase().ends_with("chunked");
        }
    }
    let mut body = Vec::new();
    match length {
        _ if matches!(status, 100..=199 | 204 | 304) => {}
        _ if chunked => read_chunks(input, &mut body)?,
        Some(length) => read_exactly(input, length, &mut body)?,
        None => drop(input.read_to_end(&mut body)?),
    }
    Ok(Response { status, body })
}

fn read_status(line: &str) -> io::Result<u16> {
    let mut words = line.split(' ');
    match (
        words.next(),
        words.next().and_then(|code| code.parse().ok()),
    ) {
        (Some(version), Some(status)) if version.starts_with("HTTP/1.") => Ok(status),
        _ => Err(invalid("not an HTTP/1.1 response")),
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.take(LINE_MAX).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| invalid("a header line is not text"))
}

fn read_chunks(input: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    while read_chunk(input, body)? {}
    Ok(())
}

/// `false` for the last one.
fn read_chunk(input: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let line = read_line(input)?;
    let size = line.split(';').next().unwrap_or_default().trim();
    let size = u64::from_str_radix(size, 16).map_err(|_| invalid("not a chunk size"))?;
    if size == 0 {
        while !read_line(input)?.is_empty() {}
        return Ok(false);
    }
    read_exactly(input, size, body)?;
    match read_line(input)?.is_empty() {
        true => Ok(true),
        false => Err(invalid("a chunk is longer than it says")),
    }
}

/// The lines of a body that comes in chunks, each as soon as it is there.
fn follow_lines(input: &mut impl BufRead, tell: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut waiting = Vec::new();
    while read_chunk(input, &mut waiting)? {
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            tell(String::from_utf8_lossy(&line).trim_end());
        }
    }
    Ok(())
}

fn read_exactly(input: &mut impl Read, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let read = input.take(length).read_to_end(body)?;
    if u64::try_from(read).is_ok_and(|read| read == length) {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Encodes one path segment: everything but unreserved characters.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> Self {
        if let Some(why) = https::explain(&error) {
            return Self::Unreachable(why);
        }
        match error.kind() {
            // A read that times out is `WouldBlock` on Unix.
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "unable to connect: {why}"),
            Self::Timeout => f.write_str("timed out"),
            Self::Broken(why) => write!(f, "the answer cannot be used: {why}"),
        }
    }
}

/// No header line of the management API comes near this.
const LINE_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Response> {
        read_response(&mut text.as_bytes())
    }

    #[test]
    fn reads_a_body_of_known_length() {
        let response = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!").unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, b"hi".as_slice())
        );
    }

    #[test]
    fn reads_a_chunked_body() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                    2;x=y\r\nhi\r\n3\r\n you\r\n0\r\nTrailer: x\r\n\r\n";
        assert!(read(text).is_err(), "chunk longer than announced");
        let text = text.replace("3\r\n you", "4\r\n you");
        assert_eq!(read(&text).unwrap().body, b"hi you");
    }

    #[test]
    fn no_content_has_no_body() {
        assert!(
            read("HTTP/1.1 204 No Content\r\n\r\nrest")
                .unwrap()
                .body
                .is_empty()
        );
    }

    #[test]
    fn reads_to_the_end_when_no_length_is_given() {
        assert_eq!(read("HTTP/1.0 200 OK\r\n\r\nall").unwrap().body, b"all");
    }

    #[test]
    fn refuses_what_is_not_http() {
        assert!(read("AMQP\0\0\u{9}\u{1}\n").is_err());
        assert!(read("").is_err());
        assert!(read("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").is_err());
    }

    #[test]
    fn encodes_segments() {
        assert_eq!(segment("/a b%ü"), "%2Fa%20b%25%C3%BC");
    }

    #[test]
    fn says_when_nobody_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let client = Client {
            host: "127.0.0.1".to_owned(),
            port,
            prefix: String::new(),
            authorization: String::new(),
            timeout: Some(Duration::from_secs(5)),
            tls: None,
        };
        assert!(matches!(client.probe(), Err(HttpError::Unreachable(_))));
    }
}
