//! Settling deliveries, and the limits on how many may be out.

use std::sync::atomic::Ordering;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, basic};

use super::Core;
use super::channel::Mode;
use super::ledger::Lapsed;
use crate::broker::deprecation::Feature;
use crate::broker::queue::{Settlement, Unacked, settle};

impl Core {
    /// `basic.ack`, `basic.reject`, `basic.nack`.
    pub(super) fn settle(
        &mut self,
        number: u16,
        tag: u64,
        multiple: bool,
        how: Settlement,
    ) -> Result<(), Exception> {
        let lapsed = self.take_from_ledger(number, tag, multiple)?;
        self.revive(lapsed, how);
        self.touch(number);
        self.check_settlement(how)?;
        let batch = &mut self.batch;
        if let Some(channel) = self.channels.get_mut(number) {
            if how == Settlement::Ack {
                channel.fresh.ack += batch.len() as u64;
                if let Some(pairs) = &channel.info.pairs {
                    let queues = batch.iter().map(|unacked| unacked.queue.name());
                    queues.for_each(|queue| pairs.acked(queue));
                }
            }
            if let Mode::Tx(transaction) = &mut channel.mode {
                transaction.settle(how, std::mem::take(batch));
                return Ok(());
            }
        }
        settle(batch, how, self.tick, &mut self.fx);
        self.egress.unpark(&mut self.fx.resume);
        Ok(())
    }

    /// Whether all of the batch may be settled so.
    fn check_settlement(&self, how: Settlement) -> Result<(), Exception> {
        if how == Settlement::Ack || self.broker.compat.stream_takes_nack {
            return Ok(());
        }
        let refused = |unacked: &Unacked| {
            unacked
                .queue
                .refuse_if_stream("basic.nack and basic.reject")
        };
        Ok(self.batch.iter().try_for_each(refused)?)
    }

    fn take_from_ledger(
        &mut self,
        number: u16,
        tag: u64,
        multiple: bool,
    ) -> Result<Lapsed, Exception> {
        let mut egress = self.egress.lock();
        let Some(ledger) = egress.ledgers.get_mut(number) else {
            return Ok(Lapsed::new());
        };
        if !ledger.take(tag, multiple, &mut self.batch) {
            let text = format!("unknown delivery tag {tag}");
            return Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text));
        }
        ledger.info.unacked.store(ledger.len(), Ordering::Relaxed);
        Ok(ledger.take_lapsed(tag, multiple))
    }

    /// Late deliveries went back already. Whoever settles one after all is served again, unless it
    /// gives it back.
    fn revive(&mut self, lapsed: Lapsed, how: Settlement) {
        if matches!(how, Settlement::Return | Settlement::Requeue) {
            return;
        }
        for (queue, consumer) in lapsed {
            queue.revive(consumer, self.tick, &mut self.fx);
        }
    }

    /// `basic.recover` and `basic.recover-async`: all that is out goes back.
    pub(super) fn basic_recover(
        &mut self,
        number: u16,
        requeue: bool,
        answer: bool,
    ) -> Result<(), Exception> {
        if !requeue {
            return Err(Exception::new(ReplyCode::NOT_IMPLEMENTED, "requeue=false"));
        }
        self.take_from_ledger(number, 0, true)?;
        if self.check_settlement(Settlement::Return).is_err() {
            return Err(Exception::new(ReplyCode::INTERNAL_ERROR, ""));
        }
        settle(&mut self.batch, Settlement::Return, self.tick, &mut self.fx);
        self.egress.unpark(&mut self.fx.resume);
        if answer {
            self.send(number, &Method::BasicRecoverOk(basic::RecoverOk {}));
        }
        Ok(())
    }

    /// `basic.qos`: with `global` for the channel as a whole, else for consumers to come.
    pub(super) fn basic_qos(&mut self, number: u16, it: &basic::Qos) -> Result<(), Exception> {
        if it.prefetch_size != 0 {
            let text = format!("prefetch_size!=0 ({})", it.prefetch_size);
            return Err(Exception::new(ReplyCode::NOT_IMPLEMENTED, text));
        }
        // Where the flag is not honoured it is as if it were not set.
        let is_global = it.global && self.broker.compat.global_qos;
        let channel = self.channel(number)?;
        if is_global {
            channel
                .info
                .global_prefetch_count
                .store(it.prefetch_count, Ordering::Relaxed);
            self.set_global_prefetch(number, it.prefetch_count);
            self.note_deprecated(Feature::GlobalQos, "set a prefetch for its whole channel");
        } else {
            channel.prefetch = it.prefetch_count;
            channel
                .info
                .prefetch_count
                .store(it.prefetch_count, Ordering::Relaxed);
        }
        self.send(number, &Method::BasicQosOk(basic::QosOk {}));
        Ok(())
    }

    fn set_global_prefetch(&mut self, number: u16, count: u16) {
        if let Some(ledger) = self.egress.lock().ledgers.get_mut(number) {
            ledger.set_global_prefetch(count);
        }
        self.egress.unpark(&mut self.fx.resume);
    }
}
