//! Which channels are open, and the content that each is putting together.

use std::collections::BTreeMap;

use bytes::BytesMut;

use super::{Body, Connection, Control, Event, Failure, Frame, Publish};
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::frame::{BODY, HEADER};
use crate::method::{Method, basic};
use crate::parse::Reader;

/// Channels up to here cost an index; clients number from 1 up.
const DIRECT: usize = 256;
/// A body's buffer starts no larger than this: the declared size is only a promise.
const FIRST_BODY_BYTES: u64 = 1024 * 1024;
/// Ids of `basic.publish`.
const PUBLISH: (u16, u16) = (60, 40);

/// Where a channel number stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Free,
    Open,
    Closing,
}

#[derive(Debug, Default)]
struct Slot {
    phase: Phase,
    content: Option<Box<Content>>,
}

/// A publish of which frames are still to come.
#[derive(Debug)]
struct Content {
    method: basic::Publish,
    /// `None` until the header has come.
    left: Option<u64>,
    size: u64,
    properties: BytesMut,
    body: BytesMut,
}

/// All channels of a connection.
#[derive(Debug, Default)]
pub(super) struct Channels {
    low: Vec<Slot>,
    high: BTreeMap<u16, Slot>,
    open: u16,
    /// The publish handed out last: its event borrows it.
    complete: Option<Box<Content>>,
}

impl Channels {
    fn slot(&self, channel: u16) -> Option<&Slot> {
        match usize::from(channel) {
            low if low < DIRECT => self.low.get(low),
            _ => self.high.get(&channel),
        }
    }

    fn slot_mut(&mut self, channel: u16) -> &mut Slot {
        let low = usize::from(channel);
        if low >= DIRECT {
            return self.high.entry(channel).or_default();
        }
        if self.low.len() <= low {
            self.low.resize_with(low + 1, Slot::default);
        }
        &mut self.low[low]
    }

    pub(super) fn phase(&self, channel: u16) -> Phase {
        self.slot(channel).map_or(Phase::Free, |slot| slot.phase)
    }

    pub(super) fn is_idle(&self, channel: u16) -> bool {
        self.slot(channel)
            .is_some_and(|slot| slot.phase == Phase::Open && slot.content.is_none())
    }

    pub(super) fn set(&mut self, channel: u16, phase: Phase) {
        let was_free = self.phase(channel) == Phase::Free;
        let slot = self.slot_mut(channel);
        slot.phase = phase;
        slot.content = None;
        match (was_free, phase == Phase::Free) {
            (true, false) => self.open += 1,
            (false, true) => self.open -= 1,
            _ => {}
        }
        if phase == Phase::Free {
            self.high.remove(&channel);
        }
    }
}

impl Connection {
    pub(super) fn on_channel_method<'a>(
        &'a mut self,
        frame: Frame<'a>,
    ) -> Result<Option<Event<'a>>, Failure> {
        let channel = frame.channel;
        let content = self
            .channels
            .slot(channel)
            .and_then(|slot| slot.content.as_ref());
        if let Some(content) = content {
            return Err(not_content(content));
        }
        let method = self.decode(frame.payload)?;
        let control = match (self.channels.phase(channel), method) {
            (Phase::Free, Method::ChannelOpen(_)) => self.open_channel(channel)?,
            (Phase::Open | Phase::Closing, method @ Method::ChannelOpen(_)) => {
                return Err(channel_error("second 'channel.open' seen", &method));
            }
            (Phase::Free, method) => return Err(channel_error("expected 'channel.open'", &method)),
            (Phase::Closing, Method::ChannelCloseOk(_)) => {
                self.channels.set(channel, Phase::Free);
                Control::ChannelCloseOk { channel }
            }
            (_, Method::ChannelClose(_)) => {
                self.channels.set(channel, Phase::Free);
                Control::ChannelClose { channel }
            }
            (Phase::Closing, _) | (Phase::Open, Method::BasicDeliver(_)) => return Ok(None),
            (Phase::Open, Method::BasicPublish(method)) => {
                self.channels.slot_mut(channel).content = Some(Box::new(Content::new(method)));
                return Ok(None);
            }
            (Phase::Open, method) if !is_for_server(&method) => {
                let (class_id, method_id) = method.ids();
                let exception = Exception::new(ReplyCode::COMMAND_INVALID, "unimplemented method");
                return Err(Failure::Exception(exception.on(class_id, method_id)));
            }
            (Phase::Open, method) => Control::Method { channel, method },
        };
        Ok(Some(Event::Control(control)))
    }

    fn open_channel(&mut self, channel: u16) -> Result<Control, Failure> {
        let (open, max) = (self.channels.open, self.channel_max);
        if open >= max {
            let text = format!(
                "number of channels opened ({open}) has reached the negotiated channel_max ({max})"
            );
            return Err(Failure::Exception(Exception::new(
                ReplyCode::NOT_ALLOWED,
                text,
            )));
        }
        self.channels.set(channel, Phase::Open);
        Ok(Control::ChannelOpen { channel })
    }

    /// A content header or body on a channel of a running connection.
    pub(super) fn on_content<'a>(
        &'a mut self,
        frame: Frame<'a>,
    ) -> Result<Option<Event<'a>>, Failure> {
        let (channel, max) = (frame.channel, self.config.message_bytes_max);
        let long_body_is_frame_error = self.config.long_body_is_frame_error;
        if self.channels.phase(channel) == Phase::Closing {
            return Ok(None);
        }
        let Some(content) = &mut self.channels.slot_mut(channel).content else {
            let text = "expected method frame, got non method frame instead";
            return Err(Failure::Exception(Exception::new(
                ReplyCode::UNEXPECTED_FRAME,
                text,
            )));
        };
        match (frame.kind, content.left) {
            (HEADER, None) => content.header(frame.payload, max)?,
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
    fn new(method: basic::Publish) -> Self {
        let (properties, body) = (BytesMut::new(), BytesMut::new());
        Self {
            method,
            left: None,
            size: 0,
            properties,
            body,
        }
    }

    fn header(&mut self, payload: &[u8], max: u64) -> Result<(), Failure> {
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
        if size <= max {
            self.body
                .reserve(usize::try_from(size.min(FIRST_BODY_BYTES)).unwrap_or(0));
        }
        Ok(())
    }

    /// A body above the limit is counted to its end but not kept.
    fn body(&mut self, payload: &[u8], left: u64, max: u64) {
        if self.size <= max {
            self.body.extend_from_slice(payload);
        }
        self.left = Some(left - payload.len() as u64);
    }
}

fn not_content(content: &Content) -> Failure {
    let text = match content.left {
        None => "expected content header for class 60, got non content header frame instead",
        Some(_) => "expected content body, got non content body frame instead",
    };
    at_publish(ReplyCode::UNEXPECTED_FRAME, text)
}

fn long_body(is_frame_error: bool) -> Failure {
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

fn at_publish(code: ReplyCode, text: &str) -> Failure {
    Failure::Exception(Exception::new(code, text).on(PUBLISH.0, PUBLISH.1))
}

fn channel_error(text: &str, method: &Method) -> Failure {
    let (class_id, method_id) = method.ids();
    Failure::Exception(Exception::new(ReplyCode::CHANNEL_ERROR, text).on(class_id, method_id))
}

/// Whether a client may send it on a channel.
const fn is_for_server(method: &Method) -> bool {
    matches!(
        method,
        Method::ChannelFlow(_)
            | Method::ChannelFlowOk(_)
            | Method::AccessRequest(_)
            | Method::ExchangeDeclare(_)
            | Method::ExchangeDelete(_)
            | Method::ExchangeBind(_)
            | Method::ExchangeUnbind(_)
            | Method::QueueDeclare(_)
            | Method::QueueBind(_)
            | Method::QueueUnbind(_)
            | Method::QueuePurge(_)
            | Method::QueueDelete(_)
            | Method::BasicQos(_)
            | Method::BasicConsume(_)
            | Method::BasicCancel(_)
            | Method::BasicCancelOk(_)
            | Method::BasicGet(_)
            | Method::BasicAck(_)
            | Method::BasicReject(_)
            | Method::BasicNack(_)
            | Method::BasicRecover(_)
            | Method::BasicRecoverAsync(_)
            | Method::ConfirmSelect(_)
            | Method::TxSelect(_)
            | Method::TxCommit(_)
            | Method::TxRollback(_)
    )
}
