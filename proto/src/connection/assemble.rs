//! Content: header and bodies put together behind a `basic.publish` (AMQP 0-9-1, 4.2.6).

use bytes::BytesMut;

use super::channels::Phase;
use super::event::{Control, Event, Fault};
use super::frame::Frame;
use super::{Body, Connection, Publish};
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::frame::{BODY, HEADER};
use crate::method::basic;
use crate::parse::Reader;

/// With its first frame a body gets room for so many like it: the declared size is only a promise.
const FIRST_BODY_FRAMES: u64 = 8;
/// Ids of `basic.publish`.
const PUBLISH: (u16, u16) = (60, 40);

/// A publish of which frames are still to come.
#[derive(Debug)]
pub(super) struct Content {
    method: basic::Publish,
    /// `None` until the header has come.
    left: Option<u64>,
    size: u64,
    properties: BytesMut,
    body: BytesMut,
}

impl Connection {
    /// A content header or body on a channel of a running connection.
    pub(super) fn on_content<'a>(
        &'a mut self,
        frame: Frame<'a>,
    ) -> Result<Option<Event<'a>>, Fault> {
        let (channel, max) = (frame.channel, self.config.message_bytes_max);
        let long_body_is_frame_error = self.config.long_body_is_frame_error;
        if self.channels.phase(channel) == Phase::Closing {
            return Ok(None);
        }
        let Some(content) = &mut self.channels.slot_mut(channel).content else {
            let text = "expected method frame, got non method frame instead";
            return Err(Fault::Exception(Exception::new(
                ReplyCode::UNEXPECTED_FRAME,
                text,
            )));
        };
        match (frame.kind, content.left) {
            (HEADER, None) => content.header(frame.payload)?,
            (BODY, Some(left)) if frame.payload.len() as u64 > left => {
                return Err(long_body(long_body_is_frame_error));
            }
            (BODY, Some(left)) => content.body(frame.payload, left, max),
            _ => return Err(not_content(content)),
        }
        if content.left != Some(0) {
            return Ok(None);
        }
        Ok(Some(self.complete(channel)))
    }

    fn complete(&mut self, channel: u16) -> Event<'_> {
        let complete = self.channels.slot_mut(channel).content.take();
        let size = complete.as_ref().map_or(0, |content| content.size);
        self.channels.complete = complete;
        match &mut self.channels.complete {
            Some(content) if size <= self.config.message_bytes_max => Event::Publish(Publish {
                channel,
                exchange: content.method.exchange.as_str(),
                routing_key: content.method.routing_key.as_str(),
                mandatory: content.method.mandatory,
                immediate: content.method.immediate,
                properties: &content.properties,
                body: Body::Owned(content.body.split().freeze()),
            }),
            _ => Event::Control(Control::TooLarge { channel, size }),
        }
    }
}

impl Content {
    pub(super) fn new(method: basic::Publish) -> Self {
        let (properties, body) = (BytesMut::new(), BytesMut::new());
        Self {
            method,
            left: None,
            size: 0,
            properties,
            body,
        }
    }

    fn header(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let mut from = Reader(payload);
        let (Ok(class), Ok(weight), Ok(size)) = (from.u16(), from.u16(), from.u64()) else {
            return Err(not_content(self));
        };
        if class != PUBLISH.0 {
            let text =
                format!("expected content header for class 60, got one for class {class} instead");
            return Err(at_publish(ReplyCode::UNEXPECTED_FRAME, &text));
        }
        if weight != 0 {
            return Err(not_content(self));
        }
        self.properties.extend_from_slice(from.0);
        (self.size, self.left) = (size, Some(size));
        Ok(())
    }

    /// A body above the limit is counted to its end but not kept.
    fn body(&mut self, payload: &[u8], left: u64, max: u64) {
        if self.size <= max {
            if self.body.is_empty() {
                let room = self.size.min(payload.len() as u64 * FIRST_BODY_FRAMES);
                self.body.reserve(usize::try_from(room).unwrap_or(0));
            }
            self.body.extend_from_slice(payload);
        }
        self.left = Some(left - payload.len() as u64);
    }
}

/// Anything but the frame that the content needs next.
pub(super) fn not_content(content: &Content) -> Fault {
    let text = match content.left {
        None => "expected content header for class 60, got non content header frame instead",
        Some(_) => "expected content body, got non content body frame instead",
    };
    at_publish(ReplyCode::UNEXPECTED_FRAME, text)
}

fn long_body(is_frame_error: bool) -> Fault {
    match is_frame_error {
        true => at_publish(
            ReplyCode::FRAME_ERROR,
            "content body frame exceeds remaining content size",
        ),
        false => at_publish(
            ReplyCode::UNEXPECTED_FRAME,
            "expected content body, got non content body frame instead",
        ),
    }
}

fn at_publish(code: ReplyCode, text: &str) -> Fault {
    Fault::Exception(Exception::new(code, text).on(PUBLISH.0, PUBLISH.1))
}
