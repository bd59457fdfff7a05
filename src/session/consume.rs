//! Consuming: `basic.consume`, `basic.cancel`, `basic.get`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, basic};

use super::Core;
use super::channel::ConsumerHandle;
use super::reply_to::REPLY_TO;
use crate::broker::arguments::{self, ReaderTerms};
use crate::broker::error::{BrokerError, Resource};
use crate::broker::event::Change;
use crate::broker::name::Name;
use crate::broker::outlet::ConsumerOrigin;
use crate::broker::pairs::Way;
use crate::broker::permission::Access;
use crate::broker::queue::{
    ConsumeError, ConsumerKey, ConsumerSpec, Got, Queue, QueueKind, Reading,
};
use crate::broker::trace;

impl Core {
    pub(super) fn basic_consume(
        &mut self,
        number: u16,
        it: basic::Consume,
    ) -> Result<(), Exception> {
        let tag = match it.consumer_tag.as_str() {
            "" => self.broker.generated_name("amq.ctag-"),
            tag => Name::from(tag),
        };
        if self.channel(number)?.consumers.contains_key(&tag) {
            let text = format!("attempt to reuse consumer tag '{tag}'");
            return Err(Exception::new(ReplyCode::NOT_ALLOWED, text));
        }
        self.check_consumers(number)?;
        if it.queue.as_str() == REPLY_TO {
            return self.consume_replies(number, it, &tag);
        }
        self.refuse_volatile(it.queue.as_str(), false)?;
        let queue = self.readable_queue(number, it.queue.as_str())?;
        let (nowait, no_ack) = (it.nowait, it.no_ack);
        let timeout_ms = self.own_timeout_ms(&it.arguments);
        let spec = self.consumer_spec(number, it, &queue, tag.clone())?;
        let user = &spec.origin.user;
        let created = self
            .fx
            .noting
            .then(|| Change::consumer_created(&queue, &spec, user));
        let key = queue
            .consume(spec)
            .map_err(|error| self.not_consuming(error, &queue))?;
        if let Some(change) = created {
            self.fx.note(|_| change);
        }
        let handle = ConsumerHandle {
            queue: Arc::clone(&queue),
            key,
            timeout_ms,
        };
        self.channel(number)?.consumers.insert(tag.clone(), handle);
        if !no_ack {
            self.watch_queue(number, &queue, key);
        }
        self.touch(number);
        if !nowait {
            let consumer_tag = tag.as_str().into();
            self.send(
                number,
                &Method::BasicConsumeOk(basic::ConsumeOk { consumer_tag }),
            );
        }
        queue.resume(key, self.tick, &mut self.fx);
        Ok(())
    }

    pub(super) fn consumer_spec(
        &mut self,
        number: u16,
        it: basic::Consume,
        queue: &Queue,
        tag: Name,
    ) -> Result<ConsumerSpec, Exception> {
        let prefetch = self.channel(number)?.prefetch;
        let open = self.opened()?;
        let subject = open.vhost.subject(Resource::Queue, queue.name());
        let compat = &self.broker.compat;
        let priority = arguments::check_consume(&subject, queue.kind, &it.arguments, compat)?;
        let reading = match queue.kind {
            QueueKind::Stream => {
                let terms = ReaderTerms {
                    no_ack: it.no_ack,
                    prefetch,
                    now: self.tick,
                    wall_start_ms: self.fx.wall_start_ms,
                };
                arguments::check_reader(&subject, terms, &it.arguments, compat)?
            }
            QueueKind::Classic | QueueKind::Quorum => Reading::default(),
        };
        self.check_no_global_prefetch(number, queue)?;
        let open = self.opened()?;
        let origin = ConsumerOrigin {
            connection: open.info.name.clone(),
            channel: number,
            user: open.user.name.clone(),
            arguments: it.arguments,
        };
        Ok(ConsumerSpec {
            tag,
            outlet: Arc::clone(&self.egress) as _,
            channel: number,
            no_ack: it.no_ack,
            exclusive: it.exclusive,
            prefetch,
            priority,
            reading,
            origin: Arc::new(origin),
        })
    }

    fn check_consumers(&mut self, number: u16) -> Result<(), Exception> {
        let Some(limit) = self.broker.settings.consumer_max_per_channel else {
            return Ok(());
        };
        let there = self.channel(number)?.consumers.len() as u64;
        let text = format!("reached maximum ({limit}) of consumers per channel");
        match there < limit {
            true => Ok(()),
            false => Err(Exception::new(ReplyCode::NOT_ALLOWED, text)),
        }
    }

    /// Quorum queues know no prefetch of a whole channel.
    fn check_no_global_prefetch(&mut self, number: u16, queue: &Queue) -> Result<(), Exception> {
        let info = &self.channel(number)?.info;
        if queue.kind != QueueKind::Quorum
            || info.global_prefetch_count.load(Ordering::Relaxed) == 0
        {
            return Ok(());
        }
        let subject = self.opened()?.vhost.subject(Resource::Queue, queue.name());
        let text = format!("{subject} does not support global qos");
        Err(BrokerError::NotImplemented(text).into())
    }

    pub(super) fn not_consuming(&self, error: ConsumeError, queue: &Queue) -> BrokerError {
        let subject = crate::broker::error::Subject {
            kind: Resource::Queue,
            name: queue.name().clone(),
            vhost: queue.spec.vhost.clone(),
        };
        match error {
            ConsumeError::ExclusiveUse => BrokerError::ExclusiveUse(subject),
            ConsumeError::Gone => BrokerError::NotFound(subject),
        }
    }

    pub(super) fn basic_cancel(
        &mut self,
        number: u16,
        it: &basic::Cancel,
    ) -> Result<(), Exception> {
        let tag = it.consumer_tag.as_str();
        if let Some(handle) = self.channel(number)?.consumers.remove(tag) {
            handle.queue.cancel(handle.key, self.tick, &mut self.fx);
            let replies = self
                .channel(number)?
                .replies
                .take_if(|(there, _)| *there == *tag);
            if let Some((_, queue)) = replies {
                self.drop_replies(&queue);
            }
            self.touch(number);
        }
        if !it.nowait {
            let consumer_tag = it.consumer_tag.clone();
            self.send(
                number,
                &Method::BasicCancelOk(basic::CancelOk { consumer_tag }),
            );
        }
        Ok(())
    }

    /// Its queue is gone; a client that understands it is told.
    pub(super) fn on_consumer_cancelled(&mut self, number: u16, tag: &Name) {
        let Some(channel) = self.channels.get_mut(number) else {
            return;
        };
        if channel.consumers.remove(tag).is_none() {
            return;
        }
        self.touch(number);
        if self.open.as_ref().is_some_and(|open| open.cancel_notify) {
            self.send_cancel(number, tag);
        }
    }

    pub(super) fn basic_get(&mut self, number: u16, it: &basic::Get) -> Result<(), Exception> {
        self.refuse_volatile(it.queue.as_str(), true)?;
        let queue = self.readable_queue(number, it.queue.as_str())?;
        queue.refuse_if_stream("basic.get")?;
        queue.check_get(&self.broker.compat)?;
        let got = queue.get(it.no_ack, self.tick, &mut self.fx);
        let info = Arc::clone(&self.channel(number)?.info);
        let Some(got) = got else {
            info.stats.get_empty.fetch_add(1, Ordering::Relaxed);
            if let Some(pairs) = &info.pairs {
                pairs.found_empty(queue.name());
            }
            self.send(number, &Method::BasicGetEmpty(basic::GetEmpty::default()));
            return Ok(());
        };
        let counter = if it.no_ack {
            &info.stats.get_no_ack
        } else {
            &info.stats.get
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(pairs) = &info.pairs {
            let again = got.entry.redelivered;
            pairs.took(queue.name(), Way::Got, it.no_ack, again);
        }
        if self.fx.tracer.is_some()
            && let Some(open) = &self.open
        {
            let (message, again) = (&got.entry.message, got.entry.redelivered);
            trace::delivered(open.party(number), &queue, message, again, &mut self.fx);
        }
        if !it.no_ack {
            self.watch_queue(number, &queue, ConsumerKey::NONE);
        }
        self.write_got(number, queue, got, it.no_ack);
        Ok(())
    }

    fn write_got(&self, number: u16, queue: Arc<Queue>, got: Got, no_ack: bool) {
        let mut guard = self.egress.lock();
        let inner = &mut *guard;
        let Some(ledger) = inner.ledgers.get_mut(number) else {
            return;
        };
        let Got { entry, remaining } = got;
        let tag = ledger.next_tag();
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        let counted = queue.properties(&entry, true);
        let mut content = entry.message.content();
        if let Some(properties) = &counted {
            content.properties = properties;
        }
        inner.out.put_get_ok(
            number,
            tag,
            entry.redelivered,
            remaining,
            &content,
            inner.frame_max,
        );
        if !no_ack {
            ledger.push_got(tag, queue, entry, self.tick);
            ledger.info.unacked.store(ledger.len(), Ordering::Relaxed);
        }
    }

    /// The queue of that name, or the one declared last; the user may read it.
    fn readable_queue(&mut self, number: u16, name: &str) -> Result<Arc<Queue>, Exception> {
        let name = self.queue_name(number, name)?;
        self.allow(Access::Read, Resource::Queue, &name)?;
        let open = self.opened()?;
        Ok(open.vhost.queue(&name, Some(open.info.id))?)
    }
}
