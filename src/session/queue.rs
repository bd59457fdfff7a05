//! Class `queue`.

use std::sync::Arc;

use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, queue};
use leveret_proto::value::{FieldTable, FieldValue};

use super::Core;
use crate::broker::connection::add;
use crate::broker::deprecation::Feature;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::exchange::{Destination, DestinationId};
use crate::broker::name::Name;
use crate::broker::permission::Access;
use crate::broker::queue::{CloseIf, Queue, QueueKind, QueueSpec};

impl Core {
    pub(super) fn queue_declare(
        &mut self,
        number: u16,
        it: queue::Declare,
    ) -> Result<(), Exception> {
        let nowait = it.nowait;
        if let Some(consumer_count) = self.reply_consumers(it.queue.as_str())? {
            let declare_ok = queue::DeclareOk {
                queue: it.queue,
                message_count: 0,
                consumer_count,
            };
            self.answer(number, nowait, &Method::QueueDeclareOk(declare_ok));
            return Ok(());
        }
        let queue = match it.passive {
            true => self.find_declared(it.queue.as_str())?,
            false => self.declare_queue(it)?,
        };
        let (messages, consumers) = queue.counts(self.tick, &mut self.fx);
        let name = queue.name().clone();
        let declare_ok = queue::DeclareOk {
            queue: name.as_str().into(),
            message_count: u32::try_from(messages).unwrap_or(u32::MAX),
            consumer_count: u32::try_from(consumers).unwrap_or(u32::MAX),
        };
        self.channel(number)?.last_queue = Some(name);
        self.answer(number, nowait, &Method::QueueDeclareOk(declare_ok));
        Ok(())
    }

    fn find_declared(&mut self, name: &str) -> Result<Arc<Queue>, Exception> {
        let name = Name::cleaned(name);
        if !name.is_empty() {
            self.allow_passive(Resource::Queue, &name)?;
        }
        let open = self.opened()?;
        Ok(open.vhost.queue(&name, Some(open.info.id))?)
    }

    fn declare_queue(&mut self, it: queue::Declare) -> Result<Arc<Queue>, Exception> {
        let name = match it.queue.as_str() {
            "" => self.server_named(&it.arguments)?,
            name => Name::cleaned(name),
        };
        self.allow(Access::Configure, Resource::Queue, &name)?;
        if !it.queue.is_empty() && name.is_reserved() {
            return Err(BrokerError::Reserved(Resource::Queue, name).into());
        }
        if let Some(exchange) = it
            .arguments
            .get("x-dead-letter-exchange")
            .and_then(FieldValue::as_str)
        {
            self.allow(Access::Read, Resource::Queue, &name)?;
            self.allow(Access::Write, Resource::Exchange, exchange)?;
        }
        let open = self.opened()?;
        let (vhost, id) = (Arc::clone(&open.vhost), open.info.id);
        self.broker.check_queues(&vhost, &name)?;
        let spec = QueueSpec {
            name,
            vhost: vhost.name.clone(),
            // What goes with its connection does not outlive the broker either.
            durable: it.durable && !it.exclusive,
            auto_delete: it.auto_delete,
            owner: it.exclusive.then_some(id),
            arguments: it.arguments,
            created_by: open.user.name.clone(),
        };
        let (queue, is_new) = vhost.declare_queue(spec, Some(id), self.tick, &mut self.fx)?;
        add(&self.broker.churn.queue_declared, 1);
        add(&self.broker.churn.queue_created, u64::from(is_new));
        if is_new {
            self.note_deprecated_queue(&queue);
        }
        Ok(queue)
    }

    fn note_deprecated_queue(&self, queue: &Queue) {
        let spec = &queue.spec;
        let name = queue.name();
        if !spec.durable && spec.owner.is_none() {
            let what = format!("declared queue '{name}', which is neither durable nor exclusive");
            self.note_deprecated(Feature::TransientNonexclQueues, &what);
        }
        if spec.arguments.get("x-queue-master-locator").is_some() {
            let what = format!("declared queue '{name}' with x-queue-master-locator");
            self.note_deprecated(Feature::QueueMasterLocator, &what);
        }
    }

    /// A name made by the server: only classic queues can have one.
    fn server_named(&mut self, arguments: &FieldTable) -> Result<Name, Exception> {
        match QueueKind::of(arguments) {
            // What was asked about it is asked of this name.
            QueueKind::Classic => Ok(match self.asking.generated.take() {
                Some(name) => name,
                None => self.broker.generated_name("amq.gen-"),
            }),
            kind => Err(BrokerError::Precondition(format!(
                "Cannot declare a server-named queue for type {}",
                kind.module()
            ))
            .into()),
        }
    }

    pub(super) fn queue_bind(&mut self, number: u16, it: &queue::Bind) -> Result<(), Exception> {
        let (name, key) = self.queue_and_key(number, it.queue.as_str(), it.routing_key.as_str())?;
        self.check_bindable(&name, it.exchange.as_str())?;
        let source = self.source(it.exchange.as_str(), &key)?;
        let open = self.opened()?;
        let vhost = Arc::clone(&open.vhost);
        let queue = vhost.queue(&name, Some(open.info.id))?;
        vhost.bind(
            &source,
            Destination::Queue(queue),
            &key,
            &it.arguments,
            &mut self.fx,
        )?;
        self.answer(number, it.nowait, &Method::QueueBindOk(queue::BindOk {}));
        Ok(())
    }

    pub(super) fn queue_unbind(
        &mut self,
        number: u16,
        it: &queue::Unbind,
    ) -> Result<(), Exception> {
        let (name, key) = self.queue_and_key(number, it.queue.as_str(), it.routing_key.as_str())?;
        self.check_bindable(&name, it.exchange.as_str())?;
        let vhost = Arc::clone(&self.opened()?.vhost);
        // What is not there is not bound: RabbitMQ sees no fault in it.
        if let Some(source) = vhost.exchanges.get(it.exchange.as_str()) {
            let from = DestinationId::Queue(name);
            vhost.unbind(&source, &from, &key, &it.arguments, &mut self.fx);
        }
        self.answer(number, false, &Method::QueueUnbindOk(queue::UnbindOk {}));
        Ok(())
    }

    fn check_bindable(&mut self, queue: &Name, exchange: &str) -> Result<(), Exception> {
        if exchange.is_empty() {
            return Err(BrokerError::DefaultExchange.into());
        }
        self.refuse_binding_replies(queue)?;
        self.allow(Access::Write, Resource::Queue, queue)?;
        Ok(self.allow(Access::Read, Resource::Exchange, exchange)?)
    }

    pub(super) fn queue_purge(&mut self, number: u16, it: &queue::Purge) -> Result<(), Exception> {
        let name = self.queue_name(number, it.queue.as_str())?;
        self.allow(Access::Read, Resource::Queue, &name)?;
        let messages = match self.is_volatile_queue(&name)? {
            true => 0,
            false => {
                let open = self.opened()?;
                let queue = open.vhost.queue(&name, Some(open.info.id))?;
                queue.refuse_if_stream("queue.purge")?;
                queue.purge(self.tick, &mut self.fx)
            }
        };
        let message_count = u32::try_from(messages).unwrap_or(u32::MAX);
        self.answer(
            number,
            it.nowait,
            &Method::QueuePurgeOk(queue::PurgeOk { message_count }),
        );
        Ok(())
    }

    pub(super) fn queue_delete(
        &mut self,
        number: u16,
        it: &queue::Delete,
    ) -> Result<(), Exception> {
        let name = self.queue_name(number, it.queue.as_str())?;
        self.allow(Access::Configure, Resource::Queue, &name)?;
        let open = self.opened()?;
        let (vhost, id) = (Arc::clone(&open.vhost), open.info.id);
        let messages = match vhost.queue(&name, Some(id)) {
            // What is not there is deleted already.
            Err(BrokerError::NotFound(_)) => 0,
            Err(error) => return Err(error.into()),
            Ok(queue) => {
                let condition = CloseIf {
                    unused: it.if_unused,
                    empty: it.if_empty,
                };
                let messages = vhost.delete_queue(&queue, condition, &mut self.fx)?;
                add(&self.broker.churn.queue_deleted, 1);
                messages
            }
        };
        let message_count = u32::try_from(messages).unwrap_or(u32::MAX);
        self.answer(
            number,
            it.nowait,
            &Method::QueueDeleteOk(queue::DeleteOk { message_count }),
        );
        Ok(())
    }

    /// What an empty queue name stands for: the queue declared last on the channel.
    pub(super) fn queue_name(&mut self, number: u16, name: &str) -> Result<Name, Exception> {
        if !name.is_empty() {
            return Ok(Name::cleaned(name));
        }
        let last = self.channel(number)?.last_queue.clone();
        Ok(last.ok_or(BrokerError::NoPreviousQueue)?)
    }

    /// With an empty queue name an empty key stands for the queue's name too.
    fn queue_and_key(
        &mut self,
        number: u16,
        name: &str,
        key: &str,
    ) -> Result<(Name, Name), Exception> {
        let queue = self.queue_name(number, name)?;
        let key = if name.is_empty() && key.is_empty() {
            queue.clone()
        } else {
            Name::from(key)
        };
        Ok((queue, key))
    }
}
