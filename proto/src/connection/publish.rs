//! A publish that came whole: method, header and body in one piece of input, nothing copied.

use bytes::Bytes;

use crate::frame::{BODY, END, HEAD, HEADER, METHOD};

/// A published message.
#[derive(Debug)]
pub struct Publish<'a> {
    /// Its channel.
    pub channel: u16,
    /// Where to.
    pub exchange: &'a str,
    /// With which key.
    pub routing_key: &'a str,
    /// It must reach a queue.
    pub mandatory: bool,
    /// Not supported since RabbitMQ 3.0.
    pub immediate: bool,
    /// Property flags and values.
    pub properties: &'a [u8],
    /// The body.
    pub body: Body<'a>,
}

/// A message's body.
#[derive(Debug)]
pub enum Body<'a> {
    /// It came in one frame and stands in the input.
    Slice(&'a [u8]),
    /// It was put together.
    Owned(Bytes),
}

impl Body<'_> {
    /// Its length.
    pub fn len(&self) -> usize {
        match self {
            Self::Slice(body) => body.len(),
            Self::Owned(body) => body.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

pub(super) struct Whole<'a> {
    pub(super) publish: Publish<'a>,
    pub(super) consumed: usize,
}

/// The publish at the front of `input`, if it is all there and in order. Anything unusual is
/// `None`: the ordinary way finds out what it is.
pub(super) fn whole(input: &[u8], payload_max: usize, body_max: u64) -> Option<Whole<'_>> {
    let (channel, method, rest) = frame(input, METHOD, payload_max)?;
    let arguments = method.strip_prefix(&[0, 60, 0, 40, 0, 0])?;
    let (exchange, arguments) = short(arguments)?;
    let (routing_key, arguments) = short(arguments)?;
    let [bits] = arguments else { return None };
    let (header_channel, header, mut rest) = frame(rest, HEADER, payload_max)?;
    let (size, properties) = header
        .strip_prefix(&[0, 60, 0, 0])?
        .split_first_chunk::<8>()?;
    let size = u64::from_be_bytes(*size);
    let mut body: &[u8] = &[];
    if header_channel != channel || size > body_max {
        return None;
    }
    if size > 0 {
        let body_channel;
        (body_channel, body, rest) = frame(rest, BODY, payload_max)?;
        if body_channel != channel || body.len() as u64 != size {
            return None;
        }
    }
    let (mandatory, immediate) = (bits & 1 != 0, bits & 2 != 0);
    let body = Body::Slice(body);
    let publish = Publish {
        channel,
        exchange,
        routing_key,
        mandatory,
        immediate,
        properties,
        body,
    };
    Some(Whole {
        publish,
        consumed: input.len() - rest.len(),
    })
}

/// Split a frame of that kind off the front.
fn frame(input: &[u8], kind: u8, payload_max: usize) -> Option<(u16, &[u8], &[u8])> {
    let (&[there, high, low, a, b, c, d], rest) = input.split_first_chunk::<HEAD>()?;
    let size = u32::from_be_bytes([a, b, c, d]) as usize;
    if there != kind || size > payload_max {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(size)?;
    let (&END, rest) = rest.split_first()? else {
        return None;
    };
    Some((u16::from_be_bytes([high, low]), payload, rest))
}

fn short(input: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = input.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*len))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
