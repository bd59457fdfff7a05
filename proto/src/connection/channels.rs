//! Which channels are open, and what a method does on each.

use std::collections::BTreeMap;

use super::Connection;
use super::assemble::{Content, not_content};
use super::event::{Control, Event, Fault};
use super::frame::Frame;
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::method::Method;

/// Channels up to here cost an index; clients number from 1 up.
const DIRECT: usize = 256;

/// A `channel_max` that says nothing.
const NO_LIMIT: u16 = 0;

/// Where a channel number stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Free,
    Open,
    Closing,
}

#[derive(Debug, Default)]
pub(super) struct Slot {
    phase: Phase,
    pub(super) content: Option<Box<Content>>,
}

/// All channels of a connection.
#[derive(Debug, Default)]
pub(super) struct Channels {
    low: Vec<Slot>,
    high: BTreeMap<u16, Slot>,
    open: u16,
    /// The publish handed out last: its event borrows it.
    pub(super) complete: Option<Box<Content>>,
}

impl Channels {
    fn slot(&self, channel: u16) -> Option<&Slot> {
        match usize::from(channel) {
            low if low < DIRECT => self.low.get(low),
            _ => self.high.get(&channel),
        }
    }

    pub(super) fn slot_mut(&mut self, channel: u16) -> &mut Slot {
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
    ) -> Result<Option<Event<'a>>, Fault> {
        let channel = frame.channel;
        let content = self
            .channels
            .slot(channel)
            .and_then(|slot| slot.content.as_ref());
        if let Some(content) = content {
            return Err(not_content(content));
        }
        let method = self.decode(frame)?;
        let control = match self.channels.phase(channel) {
            Phase::Free => self.on_free(channel, &method).map(Some),
            Phase::Open => self.on_open(channel, method),
            Phase::Closing => self.on_closing(channel, &method),
        };
        control.map(|control| control.map(Event::Control))
    }

    fn on_free(&mut self, channel: u16, method: &Method) -> Result<Control, Fault> {
        match method {
            Method::ChannelOpen(_) => self.open_channel(channel),
            _ => Err(channel_error("expected 'channel.open'", method)),
        }
    }

    fn on_open(&mut self, channel: u16, method: Method) -> Result<Option<Control>, Fault> {
        match method {
            Method::BasicPublish(method) => {
                self.channels.slot_mut(channel).content = Some(Box::new(Content::new(method)));
                Ok(None)
            }
            Method::ChannelOpen(_) => Err(channel_error("second 'channel.open' seen", &method)),
            Method::ChannelClose(_) => Ok(Some(self.closed(channel))),
            Method::BasicDeliver(_) => Ok(None),
            _ if is_for_server(&method) => Ok(Some(Control::Method { channel, method })),
            _ => {
                let (class_id, method_id) = method.ids();
                let exception = Exception::new(ReplyCode::COMMAND_INVALID, "unimplemented method");
                Err(Fault::Exception(exception.on(class_id, method_id)))
            }
        }
    }

    fn on_closing(&mut self, channel: u16, method: &Method) -> Result<Option<Control>, Fault> {
        match method {
            Method::ChannelOpen(_) => Err(channel_error("second 'channel.open' seen", method)),
            Method::ChannelClose(_) => Ok(Some(self.closed(channel))),
            Method::ChannelCloseOk(_) => {
                self.channels.set(channel, Phase::Free);
                Ok(Some(Control::ChannelCloseOk { channel }))
            }
            _ => Ok(None),
        }
    }

    fn closed(&mut self, channel: u16) -> Control {
        self.channels.set(channel, Phase::Free);
        Control::ChannelClose { channel }
    }

    fn open_channel(&mut self, channel: u16) -> Result<Control, Fault> {
        let (open, max) = (self.channels.open, self.channel_max);
        if max != NO_LIMIT && open >= max {
            let text = format!(
                "number of channels opened ({open}) has reached the negotiated channel_max ({max})"
            );
            return Err(Fault::Exception(Exception::new(
                ReplyCode::NOT_ALLOWED,
                text,
            )));
        }
        self.channels.set(channel, Phase::Open);
        Ok(Control::ChannelOpen { channel })
    }
}

fn channel_error(text: &str, method: &Method) -> Fault {
    let (class_id, method_id) = method.ids();
    Fault::Exception(Exception::new(ReplyCode::CHANNEL_ERROR, text).on(class_id, method_id))
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
