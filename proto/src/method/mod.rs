//! Every method of AMQP 0-9-1 and of RabbitMQ's extensions: one row makes the struct, the ids,
//! the decoder, the encoder and the name.

mod codec;

pub(crate) use codec::Field;

/// A row of the table of methods.
#[derive(Clone, Copy, Debug)]
pub struct MethodSpec {
    /// Its class.
    pub class_id: u16,
    /// Its number in the class.
    pub method_id: u16,
    /// `queue.declare`
    pub name: &'static str,
    /// Names and kinds of its fields, in their order on the wire.
    pub fields: &'static [(&'static str, &'static str)],
}

/// Define the methods of all classes. A field is `name: kind`; `_: kind` is reserved. Kinds are
/// `octet short long longlong shortstr longstr table bit`.
macro_rules! methods {
    ($($class:ident $class_id:literal { $($method:ident $method_id:literal $variant:ident $wire:literal
        ($($field:ident : $kind:ident),*);)* })*) => {
        $(
            #[doc = concat!("Class `", stringify!($class), "`.")]
            #[allow(missing_docs, reason = "names and meanings are the specification's")]
            pub mod $class {
                #[allow(unused_imports, reason = "not every class uses every kind")]
                use crate::value::{FieldTable, ShortString};
                #[allow(unused_imports, reason = "not every class uses every kind")]
                use bytes::Bytes;
                $(crate::method::codec::method_struct! { $method, $wire, ($($field : $kind),*) })*
            }
        )*

        /// Any method.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "names are the specification's")]
        pub enum Method {
            $($($variant($class::$method),)*)*
        }

        impl Method {
            /// The table of all methods, for whoever wants to go through them.
            pub const SPECS: &'static [MethodSpec] = &[
                $($(MethodSpec {
                    class_id: $class_id,
                    method_id: $method_id,
                    name: $wire,
                    fields: &[$((stringify!($field), stringify!($kind)),)*],
                },)*)*
            ];

            /// Class and method id.
            pub const fn ids(&self) -> (u16, u16) {
                match self {
                    $($(Self::$variant(_) => ($class_id, $method_id),)*)*
                }
            }

            /// The name: `queue.declare`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $wire,)*)*
                }
            }

            /// From a method frame's payload.
            pub fn decode(payload: &[u8]) -> Result<Self, crate::DecodeError> {
                let mut from = crate::parse::Reader(payload);
                let ids = (from.u16()?, from.u16()?);
                let method = match ids {
                    $($(($class_id, $method_id) => Self::$variant($class::$method::decode(&mut from)?),)*)*
                    (class, method) => return Err(crate::DecodeError::UnknownMethod(class, method)),
                };
                from.end()?;
                Ok(method)
            }

            /// As a method frame's payload.
            pub fn encode(&self, out: &mut bytes::BytesMut) {
                use bytes::BufMut;
                let (class, method) = self.ids();
                out.put_u16(class);
                out.put_u16(method);
                match self {
                    $($(Self::$variant(it) => it.encode(out),)*)*
                }
            }
        }
    };
}

methods! {
    connection 10 {
        Start 10 ConnectionStart "connection.start" (version_major: octet, version_minor: octet,
            server_properties: table, mechanisms: longstr, locales: longstr);
        StartOk 11 ConnectionStartOk "connection.start-ok" (client_properties: table,
            mechanism: shortstr, response: longstr, locale: shortstr);
        Secure 20 ConnectionSecure "connection.secure" (challenge: longstr);
        SecureOk 21 ConnectionSecureOk "connection.secure-ok" (response: longstr);
        Tune 30 ConnectionTune "connection.tune" (channel_max: short, frame_max: long, heartbeat: short);
        TuneOk 31 ConnectionTuneOk "connection.tune-ok" (channel_max: short, frame_max: long, heartbeat: short);
        Open 40 ConnectionOpen "connection.open" (virtual_host: shortstr, reserved_1: shortstr, reserved_2: bit);
        OpenOk 41 ConnectionOpenOk "connection.open-ok" (reserved_1: shortstr);
        Close 50 ConnectionClose "connection.close" (reply_code: short, reply_text: shortstr, class_id: short, method_id: short);
        CloseOk 51 ConnectionCloseOk "connection.close-ok" ();
        Blocked 60 ConnectionBlocked "connection.blocked" (reason: shortstr);
        Unblocked 61 ConnectionUnblocked "connection.unblocked" ();
        UpdateSecret 70 ConnectionUpdateSecret "connection.update-secret" (new_secret: longstr, reason: shortstr);
        UpdateSecretOk 71 ConnectionUpdateSecretOk "connection.update-secret-ok" ();
    }
    channel 20 {
        Open 10 ChannelOpen "channel.open" (reserved_1: shortstr);
        OpenOk 11 ChannelOpenOk "channel.open-ok" (reserved_1: longstr);
        Flow 20 ChannelFlow "channel.flow" (active: bit);
        FlowOk 21 ChannelFlowOk "channel.flow-ok" (active: bit);
        Close 40 ChannelClose "channel.close" (reply_code: short, reply_text: shortstr, class_id: short, method_id: short);
        CloseOk 41 ChannelCloseOk "channel.close-ok" ();
    }
    access 30 {
        Request 10 AccessRequest "access.request" (realm: shortstr, exclusive: bit, passive: bit, active: bit, write: bit, read: bit);
        RequestOk 11 AccessRequestOk "access.request-ok" (ticket: short);
    }
    exchange 40 {
        Declare 10 ExchangeDeclare "exchange.declare" (reserved_1: short, exchange: shortstr, kind: shortstr,
            passive: bit, durable: bit, auto_delete: bit, internal: bit, nowait: bit, arguments: table);
        DeclareOk 11 ExchangeDeclareOk "exchange.declare-ok" ();
        Delete 20 ExchangeDelete "exchange.delete" (reserved_1: short, exchange: shortstr, if_unused: bit, nowait: bit);
        DeleteOk 21 ExchangeDeleteOk "exchange.delete-ok" ();
        Bind 30 ExchangeBind "exchange.bind" (reserved_1: short, destination: shortstr, source: shortstr,
            routing_key: shortstr, nowait: bit, arguments: table);
        BindOk 31 ExchangeBindOk "exchange.bind-ok" ();
        Unbind 40 ExchangeUnbind "exchange.unbind" (reserved_1: short, destination: shortstr, source: shortstr,
            routing_key: shortstr, nowait: bit, arguments: table);
        UnbindOk 51 ExchangeUnbindOk "exchange.unbind-ok" ();
    }
    queue 50 {
        Declare 10 QueueDeclare "queue.declare" (reserved_1: short, queue: shortstr, passive: bit, durable: bit,
            exclusive: bit, auto_delete: bit, nowait: bit, arguments: table);
        DeclareOk 11 QueueDeclareOk "queue.declare-ok" (queue: shortstr, message_count: long, consumer_count: long);
        Bind 20 QueueBind "queue.bind" (reserved_1: short, queue: shortstr, exchange: shortstr,
            routing_key: shortstr, nowait: bit, arguments: table);
        BindOk 21 QueueBindOk "queue.bind-ok" ();
        Purge 30 QueuePurge "queue.purge" (reserved_1: short, queue: shortstr, nowait: bit);
        PurgeOk 31 QueuePurgeOk "queue.purge-ok" (message_count: long);
        Delete 40 QueueDelete "queue.delete" (reserved_1: short, queue: shortstr, if_unused: bit, if_empty: bit, nowait: bit);
        DeleteOk 41 QueueDeleteOk "queue.delete-ok" (message_count: long);
        Unbind 50 QueueUnbind "queue.unbind" (reserved_1: short, queue: shortstr, exchange: shortstr,
            routing_key: shortstr, arguments: table);
        UnbindOk 51 QueueUnbindOk "queue.unbind-ok" ();
    }
    basic 60 {
        Qos 10 BasicQos "basic.qos" (prefetch_size: long, prefetch_count: short, global: bit);
        QosOk 11 BasicQosOk "basic.qos-ok" ();
        Consume 20 BasicConsume "basic.consume" (reserved_1: short, queue: shortstr, consumer_tag: shortstr,
            no_local: bit, no_ack: bit, exclusive: bit, nowait: bit, arguments: table);
        ConsumeOk 21 BasicConsumeOk "basic.consume-ok" (consumer_tag: shortstr);
        Cancel 30 BasicCancel "basic.cancel" (consumer_tag: shortstr, nowait: bit);
        CancelOk 31 BasicCancelOk "basic.cancel-ok" (consumer_tag: shortstr);
        Publish 40 BasicPublish "basic.publish" (reserved_1: short, exchange: shortstr, routing_key: shortstr,
            mandatory: bit, immediate: bit);
        Return 50 BasicReturn "basic.return" (reply_code: short, reply_text: shortstr, exchange: shortstr, routing_key: shortstr);
        Deliver 60 BasicDeliver "basic.deliver" (consumer_tag: shortstr, delivery_tag: longlong, redelivered: bit,
            exchange: shortstr, routing_key: shortstr);
        Get 70 BasicGet "basic.get" (reserved_1: short, queue: shortstr, no_ack: bit);
        GetOk 71 BasicGetOk "basic.get-ok" (delivery_tag: longlong, redelivered: bit, exchange: shortstr,
            routing_key: shortstr, message_count: long);
        GetEmpty 72 BasicGetEmpty "basic.get-empty" (reserved_1: shortstr);
        Ack 80 BasicAck "basic.ack" (delivery_tag: longlong, multiple: bit);
        Reject 90 BasicReject "basic.reject" (delivery_tag: longlong, requeue: bit);
        RecoverAsync 100 BasicRecoverAsync "basic.recover-async" (requeue: bit);
        Recover 110 BasicRecover "basic.recover" (requeue: bit);
        RecoverOk 111 BasicRecoverOk "basic.recover-ok" ();
        Nack 120 BasicNack "basic.nack" (delivery_tag: longlong, multiple: bit, requeue: bit);
    }
    confirm 85 {
        Select 10 ConfirmSelect "confirm.select" (nowait: bit);
        SelectOk 11 ConfirmSelectOk "confirm.select-ok" ();
    }
    tx 90 {
        Select 10 TxSelect "tx.select" ();
        SelectOk 11 TxSelectOk "tx.select-ok" ();
        Commit 20 TxCommit "tx.commit" ();
        CommitOk 21 TxCommitOk "tx.commit-ok" ();
        Rollback 30 TxRollback "tx.rollback" ();
        RollbackOk 31 TxRollbackOk "tx.rollback-ok" ();
    }
}

impl Method {
    /// Whether a content header follows.
    pub const fn has_content(&self) -> bool {
        matches!(
            self,
            Self::BasicPublish(_)
                | Self::BasicReturn(_)
                | Self::BasicDeliver(_)
                | Self::BasicGetOk(_)
        )
    }
}
