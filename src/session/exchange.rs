//! Class `exchange`.

use std::sync::Arc;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::{Exception, Scope};
use leveret_proto::method::{Method, exchange};
use leveret_proto::value::FieldValue;

use super::Core;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::exchange::{Destination, DestinationId, Exchange, ExchangeKind, ExchangeSpec};
use crate::broker::name::Name;
use crate::broker::permission::Access;

impl Core {
    pub(super) fn exchange_declare(
        &mut self,
        number: u16,
        it: exchange::Declare,
    ) -> Result<(), Exception> {
        let name = Name::cleaned(it.exchange.as_str());
        if name.is_empty() {
            return Err(BrokerError::DefaultExchange.into());
        }
        let nowait = it.nowait;
        if it.passive {
            self.allow_passive(Resource::Exchange, &name)?;
            self.opened()?.vhost.exchange(&name)?;
        } else {
            self.declare_exchange(name, it)?;
        }
        self.answer(
            number,
            nowait,
            &Method::ExchangeDeclareOk(exchange::DeclareOk {}),
        );
        Ok(())
    }

    fn declare_exchange(&mut self, name: Name, it: exchange::Declare) -> Result<(), Exception> {
        let kind = ExchangeKind::named(it.kind.as_str(), &self.broker.compat)
            .map_err(|error| self.not_declared(error))?;
        self.allow(Access::Configure, Resource::Exchange, &name)?;
        if let Some(alternate) = it
            .arguments
            .get("alternate-exchange")
            .and_then(FieldValue::as_str)
        {
            self.allow(Access::Read, Resource::Exchange, &name)?;
            self.allow(Access::Write, Resource::Exchange, alternate)?;
        }
        let open = self.opened()?;
        let vhost = Arc::clone(&open.vhost);
        self.broker.check_exchanges(&vhost, &name)?;
        let spec = ExchangeSpec {
            name,
            vhost: vhost.name.clone(),
            kind,
            durable: it.durable,
            auto_delete: it.auto_delete,
            internal: it.internal,
            arguments: it.arguments,
            created_by: open.user.name.clone(),
        };
        vhost
            .declare_exchange(spec, &mut self.fx)
            .map_err(|error| self.not_declared(error))
    }

    /// The older line closes the connection over a type that does not exist.
    fn not_declared(&self, error: BrokerError) -> Exception {
        match error {
            BrokerError::ExchangeType(text) if !self.broker.compat.bad_exchange_type_is_soft => {
                Exception::new(ReplyCode::COMMAND_INVALID, text).with_scope(Scope::Connection)
            }
            error => error.into(),
        }
    }

    pub(super) fn exchange_delete(
        &mut self,
        number: u16,
        it: &exchange::Delete,
    ) -> Result<(), Exception> {
        let name = Name::cleaned(it.exchange.as_str());
        if name.is_empty() {
            return Err(BrokerError::DefaultExchange.into());
        }
        self.allow(Access::Configure, Resource::Exchange, &name)?;
        let vhost = Arc::clone(&self.opened()?.vhost);
        vhost.delete_exchange(&name, it.if_unused, &mut self.fx)?;
        self.answer(
            number,
            it.nowait,
            &Method::ExchangeDeleteOk(exchange::DeleteOk {}),
        );
        Ok(())
    }

    pub(super) fn exchange_bind(
        &mut self,
        number: u16,
        it: &exchange::Bind,
    ) -> Result<(), Exception> {
        let (source, destination) = self.bindable(it.source.as_str(), it.destination.as_str())?;
        let vhost = Arc::clone(&self.opened()?.vhost);
        let source = vhost.exchange(&source)?;
        let destination = vhost.exchange(&destination)?;
        self.allow_topic(Access::Read, &source, it.routing_key.as_str())?;
        let key = Name::from(it.routing_key.as_str());
        vhost.bind(
            &source,
            Destination::Exchange(destination),
            &key,
            &it.arguments,
            &mut self.fx,
        )?;
        self.answer(
            number,
            it.nowait,
            &Method::ExchangeBindOk(exchange::BindOk {}),
        );
        Ok(())
    }

    pub(super) fn exchange_unbind(
        &mut self,
        number: u16,
        it: &exchange::Unbind,
    ) -> Result<(), Exception> {
        let (source, destination) = self.bindable(it.source.as_str(), it.destination.as_str())?;
        let vhost = Arc::clone(&self.opened()?.vhost);
        // What is not there is not bound: RabbitMQ sees no fault in it.
        if let Some(source) = vhost.exchanges.get(&source) {
            let from = DestinationId::Exchange(destination);
            let key = Name::from(it.routing_key.as_str());
            vhost.unbind(&source, &from, &key, &it.arguments, &mut self.fx);
        }
        self.answer(
            number,
            it.nowait,
            &Method::ExchangeUnbindOk(exchange::UnbindOk {}),
        );
        Ok(())
    }

    /// Both ends of an exchange binding, which the user may write and read.
    fn bindable(&mut self, source: &str, destination: &str) -> Result<(Name, Name), Exception> {
        let (source, destination) = (Name::cleaned(source), Name::cleaned(destination));
        if source.is_empty() || destination.is_empty() {
            return Err(BrokerError::DefaultExchange.into());
        }
        self.allow(Access::Write, Resource::Exchange, &destination)?;
        self.allow(Access::Read, Resource::Exchange, &source)?;
        Ok((source, destination))
    }

    /// Answer, unless the client does not want to hear it.
    pub(super) fn answer(&self, number: u16, nowait: bool, method: &Method) {
        if !nowait {
            self.send(number, method);
        }
    }

    /// The exchange a queue is bound to, which the user may read.
    pub(super) fn source(&mut self, name: &str, key: &str) -> Result<Arc<Exchange>, Exception> {
        let source = self.opened()?.vhost.exchange(name)?;
        self.allow_topic(Access::Read, &source, key)?;
        Ok(source)
    }
}
