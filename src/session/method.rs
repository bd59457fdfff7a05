//! Methods on an open channel: each to its class's file, once the fault rules let it pass.

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, access, channel};

use super::core::Core;
use crate::broker::faults::{Decision, FaultRules, Site};
use crate::broker::queue::Settlement;

impl Core {
    #[allow(
        clippy::too_many_lines,
        reason = "the dispatch of all methods, one line each"
    )]
    pub(super) fn method(&mut self, channel: u16, method: Method) -> Result<(), Exception> {
        let (class_id, method_id) = method.ids();
        if let Some(rules) = self.faults.clone() {
            match self.decide(rules.as_ref(), channel, &method) {
                Decision::Proceed => {}
                Decision::Drop => return Ok(()),
                Decision::Cut => return Err(Exception::new(ReplyCode::CONNECTION_FORCED, "")),
                Decision::Close(text) => {
                    return Err(Exception::new(ReplyCode::CONNECTION_FORCED, text));
                }
            }
        }
        let result = match method {
            Method::ExchangeDeclare(it) => self.exchange_declare(channel, it),
            Method::ExchangeDelete(it) => self.exchange_delete(channel, &it),
            Method::ExchangeBind(it) => self.exchange_bind(channel, &it),
            Method::ExchangeUnbind(it) => self.exchange_unbind(channel, &it),
            Method::QueueDeclare(it) => self.queue_declare(channel, it),
            Method::QueueBind(it) => self.queue_bind(channel, &it),
            Method::QueueUnbind(it) => self.queue_unbind(channel, &it),
            Method::QueuePurge(it) => self.queue_purge(channel, &it),
            Method::QueueDelete(it) => self.queue_delete(channel, &it),
            Method::BasicQos(it) => self.basic_qos(channel, &it),
            Method::BasicConsume(it) => self.basic_consume(channel, it),
            Method::BasicCancel(it) => self.basic_cancel(channel, &it),
            Method::BasicCancelOk(_) => Ok(()),
            Method::BasicGet(it) => self.basic_get(channel, &it),
            Method::BasicAck(it) => {
                self.settle(channel, it.delivery_tag, it.multiple, Settlement::Ack)
            }
            Method::BasicReject(it) => {
                self.settle(channel, it.delivery_tag, false, failed(it.requeue))
            }
            Method::BasicNack(it) => {
                self.settle(channel, it.delivery_tag, it.multiple, returned(it.requeue))
            }
            Method::BasicRecover(it) => self.basic_recover(channel, it.requeue, true),
            Method::BasicRecoverAsync(it) => self.basic_recover(channel, it.requeue, false),
            Method::ConfirmSelect(it) => self.confirm_select(channel, it.nowait),
            Method::TxSelect(_) => self.tx_select(channel),
            Method::TxCommit(_) => self.tx_commit(channel),
            Method::TxRollback(_) => self.tx_rollback(channel),
            Method::ChannelFlow(it) => self.channel_flow(channel, it.active),
            Method::AccessRequest(_) => {
                self.send(
                    channel,
                    &Method::AccessRequestOk(access::RequestOk { ticket: 1 }),
                );
                Ok(())
            }
            _ => Err(Exception::new(
                ReplyCode::COMMAND_INVALID,
                "unimplemented method",
            )),
        };
        result.map_err(|exception| match exception.class_id {
            0 if !exception.is_crash() => exception.on(class_id, method_id),
            _ => exception,
        })
    }

    fn decide(&self, rules: &dyn FaultRules, channel: u16, method: &Method) -> Decision {
        let Some(open) = &self.open else {
            return Decision::Proceed;
        };
        let (vhost, user) = (&open.vhost.name, &open.user.name);
        rules.arrived(&Site {
            vhost,
            user,
            channel,
            method: method.name(),
        })
    }

    fn channel_flow(&mut self, channel: u16, active: bool) -> Result<(), Exception> {
        if !active {
            return Err(Exception::new(ReplyCode::NOT_IMPLEMENTED, "active=false"));
        }
        let flow_ok = channel::FlowOk { active };
        self.send(channel, &Method::ChannelFlowOk(flow_ok));
        Ok(())
    }
}

const fn failed(requeue: bool) -> Settlement {
    if requeue {
        Settlement::Requeue
    } else {
        Settlement::Reject
    }
}

const fn returned(requeue: bool) -> Settlement {
    if requeue {
        Settlement::Return
    } else {
        Settlement::Discard
    }
}
