//! Consumer timeouts: deliveries that are out for too long.
//!
//! A delivery costs one timestamp. A connection that consumes looks at its ledgers when the
//! earliest delivery can be late, on its virtual host's clock. On older release lines RabbitMQ's
//! channels look once a minute at their oldest delivery, and close; they say so again until the
//! client answers. Since 4.3 a quorum queue takes
//! late deliveries back and its client hears `basic.cancel`; the consumer gets nothing more until
//! it settles one of them after all.

use std::sync::Arc;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, basic};
use leveret_proto::value::{FieldTable, FieldValue};

use super::Session;
use super::core::Core;
use super::egress::Egress;
use crate::broker::compat::TimeoutRule;
use crate::broker::effects::Effects;
use crate::broker::name::Name;
use crate::broker::outlet::{Notice, Outlet as _};
use crate::broker::queue::{ConsumerKey, Queue, QueueKind, Settlement, settle};
use crate::broker::tick::{Tick, Ticked};

/// How often is looked at the latest.
const INTERVAL_MS: u64 = 60_000;
/// What RabbitMQ 4.3 says instead of the timeout: the channel does not know it.
const UNKNOWN_MS: i64 = -1;

/// What the timekeeper wakes: it tells the connection's owner.
#[derive(Debug)]
pub(super) struct Lookout {
    vhost: Name,
    egress: Arc<Egress>,
}

impl Ticked for Lookout {
    fn vhost(&self) -> &Name {
        &self.vhost
    }

    fn tick(self: Arc<Self>, _now: Tick, _fx: &mut Effects) {
        self.egress.notice(Notice::CheckTimeouts);
    }
}

/// When this connection looks next.
#[derive(Debug)]
pub(super) struct Watch {
    lookout: Option<Arc<Lookout>>,
    next: Tick,
    /// Channels whose client was told why they close and has not answered, and the timeout.
    unanswered: Vec<(u16, i64)>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            lookout: None,
            next: Tick::NEVER,
            unanswered: Vec::new(),
        }
    }
}

impl Session {
    /// Deliveries may have been out for too long.
    pub(super) fn on_check_timeouts(&mut self) {
        let core = &mut self.core;
        core.watch.next = Tick::NEVER;
        let rule = core.broker.compat.consumer_timeout;
        self.close_again();
        for number in self.core.channels.numbers() {
            let late = match rule {
                TimeoutRule::OldestByBroker | TimeoutRule::OldestByQueue => {
                    self.core.oldest_is_late(number)
                }
                TimeoutRule::QuorumDeliveries => self.core.take_late_back(number),
            };
            match late {
                Some(ms) => self.close_late(number, ms, rule),
                None => self.core.watch_channel(number),
            }
        }
    }

    fn close_late(&mut self, number: u16, ms: i64, rule: TimeoutRule) {
        self.refuse(number, &timed_out(number, ms));
        if rule != TimeoutRule::QuorumDeliveries {
            self.core.watch.unanswered.push((number, ms));
            self.core.look_at(Tick::NEVER);
        }
    }

    /// A client that does not answer is told every minute.
    fn close_again(&mut self) {
        let (core, machine) = (&mut self.core, &mut self.machine);
        let mut unanswered = std::mem::take(&mut core.watch.unanswered);
        unanswered.retain(|(number, _)| machine.is_channel_closing(*number));
        for (number, ms) in &unanswered {
            let exception = timed_out(*number, *ms);
            core.egress
                .write(|out| machine.send_channel_close(out, *number, &exception));
        }
        if !unanswered.is_empty() {
            core.look_at(Tick::NEVER);
        }
        core.watch.unanswered = unanswered;
    }
}

impl Core {
    /// Something of this queue will be out on this channel: look in time.
    pub(super) fn watch_queue(&mut self, number: u16, queue: &Queue, consumer: ConsumerKey) {
        if let Some(ms) = self.timeout_ms(number, queue, consumer) {
            self.look_at(self.tick.plus_ms(ms));
        }
    }

    /// What a consumer may ask for itself.
    pub(super) fn own_timeout_ms(&self, arguments: &FieldTable) -> Option<u64> {
        if self.broker.compat.consumer_timeout != TimeoutRule::QuorumDeliveries {
            return None;
        }
        let asked = arguments.get("x-consumer-timeout");
        asked
            .and_then(FieldValue::as_i64)
            .and_then(|ms| u64::try_from(ms).ok())
    }

    /// How long a delivery may be out; `None` is for ever.
    fn timeout_ms(&self, number: u16, queue: &Queue, consumer: ConsumerKey) -> Option<u64> {
        let for_all = self.broker.consumer_timeout_ms;
        let of_queue = || queue.settings().consumer_timeout_ms;
        match self.broker.compat.consumer_timeout {
            TimeoutRule::OldestByQueue => of_queue().or(for_all),
            TimeoutRule::OldestByBroker => for_all,
            TimeoutRule::QuorumDeliveries if queue.kind == QueueKind::Quorum => {
                let own = self
                    .consumer(number, queue, consumer)
                    .and_then(|(_, own_ms)| own_ms);
                own.or_else(of_queue).or(for_all)
            }
            TimeoutRule::QuorumDeliveries => None,
        }
    }

    /// A consumer's tag and its own timeout.
    fn consumer(
        &self,
        number: u16,
        queue: &Queue,
        key: ConsumerKey,
    ) -> Option<(&Name, Option<u64>)> {
        let consumers = &self.channels.get(number)?.consumers;
        consumers
            .iter()
            .find(|(_, handle)| handle.key == key && std::ptr::eq(&*handle.queue, queue))
            .map(|(tag, handle)| (tag, handle.timeout_ms))
    }

    /// Look again as long as something is out or may come.
    fn watch_channel(&mut self, number: u16) {
        let Some(channel) = self.channels.get(number) else {
            return;
        };
        let handles = channel.consumers.values();
        let mut watched: Vec<_> = handles
            .map(|handle| (Arc::clone(&handle.queue), handle.key, self.tick))
            .collect();
        if let Some(ledger) = self.egress.lock().ledgers.get_mut(number) {
            watched.extend(ledger.oldest_of_each());
        }
        for (queue, consumer, since) in watched {
            if let Some(ms) = self.timeout_ms(number, &queue, consumer) {
                self.look_at(since.plus_ms(ms));
            }
        }
    }

    /// Look when this is due, or at the next minute.
    fn look_at(&mut self, due: Tick) {
        let Some(open) = &self.open else { return };
        let at = match self.broker.compat.consumer_timeout {
            TimeoutRule::OldestByBroker | TimeoutRule::OldestByQueue => {
                Tick::from_ms((self.tick.ms() / INTERVAL_MS + 1) * INTERVAL_MS)
            }
            TimeoutRule::QuorumDeliveries => due.min(self.tick.plus_ms(INTERVAL_MS)),
        };
        if at >= self.watch.next {
            return;
        }
        self.watch.next = at;
        let lookout = self.watch.lookout.get_or_insert_with(|| {
            Arc::new(Lookout {
                vhost: open.vhost.name.clone(),
                egress: Arc::clone(&self.egress),
            })
        });
        self.fx.deadlines.push((at, Arc::clone(lookout) as _));
    }

    /// The timeout that the channel's oldest delivery has exceeded.
    fn oldest_is_late(&self, number: u16) -> Option<i64> {
        let (queue, consumer, since) = self.egress.lock().ledgers.get_mut(number)?.oldest()?;
        let ms = self.timeout_ms(number, &queue, consumer)?;
        (since.plus_ms(ms) < self.tick).then(|| i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// Give late deliveries back to their queues and cancel their consumers, as far as the client
    /// understands that: else its channel has to close.
    fn take_late_back(&mut self, number: u16) -> Option<i64> {
        let out = self.egress.lock().ledgers.get_mut(number)?.oldest_of_each();
        let now = self.tick;
        let late: Vec<_> = out
            .into_iter()
            .filter_map(|(queue, consumer, _)| {
                let ms = self.timeout_ms(number, &queue, consumer)?;
                Some((
                    queue,
                    consumer,
                    Tick(now.0.checked_sub(ms.saturating_mul(1000))?),
                ))
            })
            .collect();
        let mut is_understood = self.open.as_ref().is_some_and(|open| open.cancel_notify);
        let mut cancelled = Vec::new();
        let mut is_any = false;
        for (queue, consumer, until) in late {
            let mut batch = Vec::new();
            if let Some(ledger) = self.egress.lock().ledgers.get_mut(number) {
                ledger.lapse(&queue, consumer, until, &mut batch);
            }
            if batch.is_empty() {
                continue;
            }
            is_any = true;
            // What goes back must not come here again.
            queue.suspend(consumer);
            settle(&mut batch, Settlement::Return, now, &mut self.fx);
            let tag = self.consumer(number, &queue, consumer);
            // What `basic.get` took has no consumer that could be cancelled.
            is_understood &= tag.is_some();
            cancelled.extend(tag.map(|(tag, _)| tag.clone()));
        }
        self.egress.unpark(&mut self.fx.resume);
        if is_any && !is_understood {
            return Some(UNKNOWN_MS);
        }
        for tag in cancelled {
            self.send_cancel(number, &tag);
        }
        None
    }

    /// The client's consumer ends, or is suspended, without its doing.
    pub(super) fn send_cancel(&self, number: u16, tag: &Name) {
        let cancel = basic::Cancel {
            consumer_tag: tag.as_str().into(),
            nowait: true,
        };
        self.send(number, &Method::BasicCancel(cancel));
    }
}

fn timed_out(channel: u16, ms: i64) -> Exception {
    let text = format!(
        "delivery acknowledgement on channel {channel} timed out. Timeout value used: {ms} ms. This \
         timeout value can be configured, see consumers doc guide to learn more"
    );
    Exception::new(ReplyCode::PRECONDITION_FAILED, text)
}
