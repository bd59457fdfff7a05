//! The PROXY protocol, versions 1 and 2: a load balancer in front says who the client is.
//!
//! The header is read to its end and not one octet further, as what follows is AMQP's or TLS's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// For the header: as long as for AMQP's handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest header of version 1, with its line's end.
const V1_BYTES_MAX: usize = 107;
/// Shortest, `PROXY UNKNOWN\r\n`: so many octets can be read at once.
const V1_BYTES_MIN: usize = 15;
const V1_BEGIN: &[u8] = b"PROXY ";
const V2_BEGIN: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Of version 2, up to its length.
const V2_HEAD_BYTES: usize = 16;
/// Longest that is taken: addresses and what balancers say besides, certificates not included.
const V2_BYTES_MAX: usize = 4096;

/// What to do after these octets of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// So many more belong to it at least.
    Read(usize),
    /// It is whole, and says who the client is unless the balancer speaks for itself.
    Done(Option<SocketAddr>),
}

/// No header of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed;

/// Read a header off the front of a stream; who the client is, where that is said.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    tokio::time::timeout(PATIENCE, read_all(stream))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no PROXY protocol header");
    let mut header = Vec::with_capacity(V1_BYTES_MAX);
    loop {
        match step(&header).map_err(|Malformed| malformed())? {
            Step::Done(client) => return Ok(client),
            Step::Read(more) => {
                let read = stream.take(more as u64).read_buf(&mut header).await?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
}

fn step(bytes: &[u8]) -> Result<Step, Malformed> {
    match bytes.first() {
        None => Ok(Step::Read(V1_BYTES_MIN)),
        Some(b'P') => step_v1(bytes),
        Some(_) => step_v2(bytes),
    }
}

/// Whether they are the same as far as both go.
fn begins(bytes: &[u8], with: &[u8]) -> Result<(), Malformed> {
    let same = bytes.iter().zip(with).all(|(one, other)| one == other);
    same.then_some(()).ok_or(Malformed)
}

fn step_v1(bytes: &[u8]) -> Result<Step, Malformed> {
    begins(bytes, V1_BEGIN)?;
    if let Some(line) = bytes.strip_suffix(b"\r\n") {
        return parse_v1(line).map(Step::Done);
    }
    match V1_BYTES_MIN.saturating_sub(bytes.len()) {
        0 if bytes.len() >= V1_BYTES_MAX => Err(Malformed),
        0 => Ok(Step::Read(1)),
        more => Ok(Step::Read(more)),
    }
}

fn parse_v1(line: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().ok_or(Malformed)?;
    if family == "UNKNOWN" {
        return Ok(None);
    }
    let words: Vec<&str> = words.collect();
    let &[from, to, from_port, to_port] = words.as_slice() else {
        return Err(Malformed);
    };
    let client = SocketAddr::new(ip_v1(family, from)?, port_v1(from_port)?);
    // It is not shown, but must be right.
    let _ = (ip_v1(family, to)?, port_v1(to_port)?);
    Ok(Some(client))
}

fn ip_v1(family: &str, text: &str) -> Result<IpAddr, Malformed> {
    match family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6),
        _ => return Err(Malformed),
    }
    .map_err(|_| Malformed)
}

fn port_v1(text: &str) -> Result<u16, Malformed> {
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    let port = text.parse().map_err(|_| Malformed)?;
    (is_number && is_short).then_some(port).ok_or(Malformed)
}

fn step_v2(bytes: &[u8]) -> Result<Step, Malformed> {
    begins(bytes, V2_BEGIN)?;
    let Some((head, rest)) = bytes.split_first_chunk::<V2_HEAD_BYTES>() else {
        return Ok(Step::Read(V2_HEAD_BYTES.saturating_sub(bytes.len())));
    };
    let [.., command, family, high, low] = *head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_BYTES_MAX {
        return Err(Malformed);
    }
    match length.saturating_sub(rest.len()) {
        0 => parse_v2(command, family, rest).map(Step::Done),
        more => Ok(Step::Read(more)),
    }
}

/// Families other than TCP are skipped: who speaks AMQP over them is not shown.
fn parse_v2(command: u8, family: u8, rest: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    match (command, family) {
        (0x20, _) => Ok(None),
        (0x21, 0x11) => {
            let &[a, b, c, d, _, _, _, _, high, low, _, _] = head(rest)?;
            let ip = Ipv4Addr::new(a, b, c, d);
            Ok(Some(SocketAddr::new(
                ip.into(),
                u16::from_be_bytes([high, low]),
            )))
        }
        (0x21, 0x21) => {
            let addresses: &[u8; 36] = head(rest)?;
            let ip: &[u8; 16] = head(addresses)?;
            let &[.., high, low, _, _] = addresses;
            let port = u16::from_be_bytes([high, low]);
            Ok(Some(SocketAddr::new(Ipv6Addr::from(*ip).into(), port)))
        }
        (0x21, _) => Ok(None),
        _ => Err(Malformed),
    }
}

fn head<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Malformed> {
    bytes.first_chunk().ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(header: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
        match step(header)? {
            Step::Done(client) => Ok(client),
            Step::Read(_) => Err(Malformed),
        }
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&V2_BEGIN[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn version_1_says_who_the_client_is() {
        let client = |text: &str| Ok(Some(text.parse().unwrap()));
        let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5672\r\n";
        assert_eq!(parse(header), client("192.0.2.7:40000"));
        let header = b"PROXY TCP6 2001:db8::7 ::1 65535 5672\r\n";
        assert_eq!(parse(header), client("[2001:db8::7]:65535"));
        assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Ok(None));
        assert_eq!(parse(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), Ok(None));
    }

    #[test]
    fn what_is_not_quite_a_header_is_refused() {
        for header in [
            &b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n"[..],
            b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
            b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
            b"AMQP\0\0\x09\x01",
            b"\x16\x03\x01",
            &v2(0x31, 0x11, &[0; 12]),
            &v2(0x21, 0x11, &[0; 11]),
            &v2(0x21, 0x21, &[0; 12]),
        ] {
            assert_eq!(parse(header), Err(Malformed), "{header:?}");
        }
    }

    #[test]
    fn version_2_says_who_the_client_is() {
        let four = [
            192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x16, 0x28, 4, 0, 1, 9,
        ];
        let client = Some("192.0.2.7:40000".parse().unwrap());
        assert_eq!(parse(&v2(0x21, 0x11, &four)), Ok(client));
        let mut six = [0; 36];
        (six[15], six[33]) = (1, 80);
        let client = Some("[::1]:80".parse().unwrap());
        assert_eq!(parse(&v2(0x21, 0x21, &six)), Ok(client));
        assert_eq!(parse(&v2(0x20, 0, &[])), Ok(None), "a health check");
        assert_eq!(parse(&v2(0x21, 0x31, &[0; 216])), Ok(None));
    }

    #[test]
    fn headers_without_end_are_refused() {
        let line = [V1_BEGIN, &[b'x'; V1_BYTES_MAX]].concat();
        assert_eq!(parse(&line), Err(Malformed));
        let claims = [&V2_BEGIN[..], &[0x21, 0x11, 0xff, 0xff]].concat();
        assert_eq!(parse(&claims), Err(Malformed));
    }

    /// Feed it as asked; what it made of it, and how many octets it took.
    fn feed(bytes: &[u8]) -> (Result<Option<SocketAddr>, Malformed>, usize) {
        let mut taken = 0;
        loop {
            match step(&bytes[..taken]) {
                Ok(Step::Read(more)) if taken + more <= bytes.len() => {
                    assert!(more > 0);
                    taken += more;
                }
                Ok(Step::Read(_)) => return (Err(Malformed), taken),
                Ok(Step::Done(client)) => return (Ok(client), taken),
                Err(malformed) => return (Err(malformed), taken),
            }
        }
    }

    fn octets() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..300)
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_or_read_on(noise in octets(), cut in 0usize..60, kind in 0usize..4) {
            let begin: &[u8] = [b"", &b"PROXY TCP4 1.2.3.4 5.6.7.8 1 "[..], V1_BEGIN, V2_BEGIN][kind];
            let begin = &begin[..cut.min(begin.len())];
            let (_, taken) = feed(&[begin, &noise].concat());
            prop_assert!(taken <= V2_HEAD_BYTES + V2_BYTES_MAX);
        }

        #[test]
        fn no_octet_behind_it_is_taken(
            ip in any::<[u8; 16]>(),
            port in any::<u16>(),
            others in octets(),
            behind in octets(),
            is_six: bool,
        ) {
            let client = match is_six {
                true => SocketAddr::new(Ipv6Addr::from(ip).into(), port),
                false => SocketAddr::new(Ipv4Addr::new(ip[0], ip[1], ip[2], ip[3]).into(), port),
            };
            let (word, family, ip) = match is_six {
                true => ("TCP6", 0x21, &ip[..]),
                false => ("TCP4", 0x11, &ip[..4]),
            };
            let line = format!("PROXY {word} {0} {0} {port} 1\r\n", client.ip());
            let rest = [ip, ip, &port.to_be_bytes(), &[0, 1], &others].concat();
            for header in [line.into_bytes(), v2(0x21, family, &rest)] {
                let (parsed, taken) = feed(&[&header[..], &behind].concat());
                prop_assert_eq!(parsed, Ok(Some(client)));
                prop_assert_eq!(taken, header.len());
            }
        }
    }
}
