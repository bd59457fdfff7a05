//! From the model's errors to AMQP's: the only such mapping.

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;

use crate::broker::error::BrokerError;

impl From<BrokerError> for Exception {
    /// The exception that RabbitMQ raises for it.
    fn from(error: BrokerError) -> Self {
        Self::new(code(&error), error.to_string())
    }
}

const fn code(error: &BrokerError) -> ReplyCode {
    match error {
        BrokerError::NotFound(_) | BrokerError::NoPreviousQueue => ReplyCode::NOT_FOUND,
        BrokerError::NoVhost(_) | BrokerError::Limit(_) => ReplyCode::NOT_ALLOWED,
        BrokerError::Inequivalent { .. }
        | BrokerError::InUse(_)
        | BrokerError::NotEmpty(_)
        | BrokerError::Precondition(_)
        | BrokerError::ExchangeType(_) => ReplyCode::PRECONDITION_FAILED,
        BrokerError::Reserved(..)
        | BrokerError::DefaultExchange
        | BrokerError::SystemExchange(_)
        | BrokerError::ExclusiveUse(_)
        | BrokerError::InternalExchange(_)
        | BrokerError::AccessRefused(_) => ReplyCode::ACCESS_REFUSED,
        BrokerError::Locked(_) | BrokerError::NoGet(..) => ReplyCode::RESOURCE_LOCKED,
        BrokerError::NotImplemented(_) => ReplyCode::NOT_IMPLEMENTED,
        BrokerError::Denied(_) => ReplyCode::INTERNAL_ERROR,
    }
}
