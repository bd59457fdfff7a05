//! Direct reply-to: a consumer of `amq.rabbitmq.reply-to` gets replies without a queue that
//! anybody can see. Behind it stands a hidden queue with one consumer, so that a slow reader is
//! treated as any other.

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::code::ReplyCode;
use leveret_proto::content::{Facts as Found, Properties};
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, basic};
use leveret_proto::value::FieldTable;

use super::Core;
use super::channel::ConsumerHandle;
use super::tx::Publication;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::name::Name;
use crate::broker::policy::Applied;
use crate::broker::queue::{CloseIf, Queue, QueueSpec};

/// What requesters consume from and put into their `reply_to` property.
pub(super) const REPLY_TO: &str = "amq.rabbitmq.reply-to";
/// What responders see: this, and two random words with a dot between.
const ADDRESS_PREFIX: &str = "amq.rabbitmq.reply-to.";
/// Length of the first word.
const PLACE: usize = 40;
/// Length of the second word.
const SECRET: usize = 24;

impl Core {
    /// Consume from the pseudo-queue.
    pub(super) fn consume_replies(
        &mut self,
        number: u16,
        it: basic::Consume,
        tag: &Name,
    ) -> Result<(), Exception> {
        if !it.no_ack {
            return Err(precondition("reply consumer cannot acknowledge"));
        }
        if self.channel(number)?.replies.is_some() {
            return Err(precondition("reply consumer already set"));
        }
        let (nowait, address) = (it.nowait, self.reply_address());
        let queue = Arc::new(Queue::new(
            self.reply_queue(address.clone())?,
            Applied::default(),
            &self.broker.compat,
            self.tick,
        ));
        let spec = self.consumer_spec(number, it, &queue, tag.clone())?;
        let key = queue
            .consume(spec)
            .map_err(|error| self.not_consuming(error, &queue))?;
        self.opened()?
            .vhost
            .replies
            .insert(address, Arc::clone(&queue));
        let channel = self.channel(number)?;
        channel.replies = Some((tag.clone(), Arc::clone(&queue)));
        let handle = ConsumerHandle {
            queue: Arc::clone(&queue),
            key,
            timeout_ms: None,
        };
        channel.consumers.insert(tag.clone(), handle);
        let consumer_tag = tag.as_str().into();
        self.answer(
            number,
            nowait,
            &Method::BasicConsumeOk(basic::ConsumeOk { consumer_tag }),
        );
        queue.resume(key, self.tick, &mut self.fx);
        Ok(())
    }

    /// Two words, as RabbitMQ's (where the requester is, and a secret) and as long, so that what
    /// holds theirs holds ours.
    fn reply_address(&self) -> Name {
        let random = || self.broker.generated_name("");
        let (place, secret) = (format!("{}{}", random(), random()), random());
        let place = place.get(..PLACE).unwrap_or(&place);
        let secret = secret.as_str();
        Name::from(format!("{ADDRESS_PREFIX}{place}.{secret:=<SECRET$}"))
    }

    fn reply_queue(&self, name: Name) -> Result<QueueSpec, Exception> {
        let open = self.opened()?;
        Ok(QueueSpec {
            name,
            vhost: open.vhost.name.clone(),
            durable: false,
            auto_delete: false,
            owner: Some(open.info.id),
            arguments: FieldTable::new(),
            created_by: open.user.name.clone(),
        })
    }

    /// The reply consumer was cancelled, or its channel ends.
    pub(super) fn drop_replies(&mut self, queue: &Queue) {
        if let Some(open) = &self.open {
            open.vhost.replies.remove(queue.name());
        }
        // Without a condition it cannot be refused.
        let _ = queue.close(CloseIf::default(), &mut self.fx);
    }

    /// The properties as recipients see them, where they differ from the publisher's: `reply_to`
    /// becomes the address of this channel's reply consumer, and `BCC` goes.
    pub(super) fn rewritten_properties(
        &mut self,
        number: u16,
        raw: &[u8],
        found: &Found,
    ) -> Result<Option<BytesMut>, Exception> {
        let asked = found.reply_to.clone().and_then(|range| raw.get(range));
        if asked != Some(REPLY_TO.as_bytes()) {
            return Ok(without_bcc(raw, found));
        }
        let Some((_, queue)) = &self.channel(number)?.replies else {
            return Err(precondition("fast reply consumer does not exist"));
        };
        let mut properties =
            Properties::decode(raw).map_err(|_| Exception::new(ReplyCode::INTERNAL_ERROR, ""))?;
        properties
            .headers
            .as_mut()
            .map(|headers| headers.remove("BCC"));
        properties.reply_to = Some(queue.name().as_str().into());
        let mut rewritten = BytesMut::with_capacity(raw.len() + queue.name().len());
        properties.encode(&mut rewritten);
        Ok(Some(rewritten))
    }

    /// Declaring the pseudo-queue or a live address only asks whether it is there: its consumers.
    pub(super) fn reply_consumers(&self, name: &str) -> Result<Option<u32>, Exception> {
        if name == REPLY_TO {
            return Ok(Some(1));
        }
        let is_volatile = self.broker.compat.volatile_replies;
        if is_volatile && is_address(name) && !is_well_formed(name) {
            // RabbitMQ's decoder crashes on it.
            return Err(Exception::new(ReplyCode::INTERNAL_ERROR, ""));
        }
        if !is_address(name) {
            return Ok(None);
        }
        let vhost = &self.opened()?.vhost;
        match vhost.replies.contains(name) {
            true => Ok(Some(1)),
            false => Err(BrokerError::NotFound(vhost.subject(Resource::Queue, name)).into()),
        }
    }

    /// Whether `name` is a live address that operations on queues may meet.
    pub(super) fn is_volatile_queue(&self, name: &str) -> Result<bool, Exception> {
        let is_volatile = self.broker.compat.volatile_replies && is_address(name);
        Ok(is_volatile && self.opened()?.vhost.replies.contains(name))
    }

    /// Nobody else may consume or get from a live address.
    pub(super) fn refuse_volatile(&self, name: &str, is_get: bool) -> Result<(), Exception> {
        if !self.is_volatile_queue(name)? {
            return Ok(());
        }
        let subject = self.opened()?.vhost.subject(Resource::Queue, name);
        Err(match is_get {
            true => Exception::new(
                ReplyCode::NOT_IMPLEMENTED,
                format!("basic.get not supported by volatile {subject}"),
            ),
            false => precondition(&format!("only creator channel may consume from {subject}")),
        })
    }

    /// Addresses cannot be bound.
    pub(super) fn refuse_binding_replies(&self, name: &str) -> Result<(), Exception> {
        if self.broker.compat.volatile_replies && is_address(name) {
            let text = "cannot bind or unbind to a volatile (direct reply-to) queue";
            return Err(BrokerError::AccessRefused(text.to_owned()).into());
        }
        Ok(())
    }

    /// Whether the publisher of a mandatory message, `routed` or not, is told that it was: replies
    /// have rules of their own.
    pub(super) fn is_seen_as_routed(
        &self,
        it: &Publication,
        queues: &[Arc<Queue>],
        routed: bool,
    ) -> bool {
        let key = it.message.routing_key();
        match self.broker.compat.volatile_replies {
            true => routed || (it.message.exchange().is_empty() && is_well_formed(key)),
            false => routed && !queues.iter().all(|queue| is_address(queue.name())),
        }
    }
}

fn is_address(name: &str) -> bool {
    name.starts_with(ADDRESS_PREFIX)
}

/// Whether it could be an address: it has the two words of one.
fn is_well_formed(name: &str) -> bool {
    let token = name.strip_prefix(ADDRESS_PREFIX);
    let words = token.and_then(|token| token.split_once('.'));
    words.is_some_and(|(place, secret)| place.len() == PLACE && secret.len() == SECRET)
}

/// The properties without the header that recipients must not see; `None` when it is not there.
fn without_bcc(raw: &[u8], found: &Found) -> Option<BytesMut> {
    let headers = found.headers.clone().and_then(|range| raw.get(range))?;
    headers.windows(4).find(|four| *four == b"\x03BCC")?;
    let mut properties = Properties::decode(raw).ok()?;
    properties.headers.as_mut()?.remove("BCC")?;
    let mut rewritten = BytesMut::with_capacity(raw.len());
    properties.encode(&mut rewritten);
    Some(rewritten)
}

fn precondition(text: &str) -> Exception {
    Exception::new(ReplyCode::PRECONDITION_FAILED, text)
}
