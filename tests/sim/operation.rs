//! What clients do, at random.

use leveret::broker::effects::Effects;
use leveret::broker::pattern::Pattern;
use leveret::broker::policy::{ApplyTo, Layer, Policy};
use leveret_proto::content::Properties;
use leveret_proto::method::{Method, basic, channel, queue};
use leveret_proto::value::{FieldTable, FieldValue};

use super::oracle::{Rules, Settled};
use super::{CHANNELS, CLIENTS, FANNED, GOVERNED, QUEUES, Sim};

/// Most consumers at a time.
const CONSUMERS_MAX: usize = 10;

impl Sim {
    /// Do something; what it was.
    pub(super) fn operate(&mut self) -> String {
        let client = self.random.usize(0..CLIENTS);
        let channel = self.random.u16(1..=CHANNELS);
        match self.random.u32(0..100) {
            0..40 => self.publish(client, channel),
            40..48 => self.consume(client, channel),
            48..51 => self.cancel(),
            51..71 => self.settle(client, channel, Settled::Acked),
            71..77 => self.settle(client, channel, Settled::Returned),
            77..82 => self.settle(client, channel, Settled::Discarded),
            82..87 => self.get(client, channel),
            87..88 => self.recover(client, channel),
            88..90 => self.global_prefetch(client, channel),
            90..91 => self.purge(client, channel),
            91..93 => self.delete_or_declare(client, channel),
            93..96 => self.advance(),
            96..97 => self.close_channel(client, channel),
            97..98 => self.disconnect(client),
            98..99 => self.change_policy(),
            _ => self.stall(client),
        }
    }

    fn some_queue(&mut self) -> Option<&'static str> {
        let name = QUEUES[self.random.usize(0..QUEUES.len())].name;
        self.oracle.is_there(name).then_some(name)
    }

    fn publish(&mut self, client: usize, number: u16) -> String {
        self.next_id += 1;
        let id = self.next_id;
        let priority = self.random.u8(0..5);
        let ttl_ms = (self.random.u8(0..8) == 0).then(|| self.random.u64(0..60));
        let properties = Properties {
            priority: Some(priority),
            expiration: ttl_ms.map(|ms| ms.to_string().as_str().into()),
            ..Properties::default()
        };
        let fan = self.random.u8(0..4) == 0;
        let name = QUEUES[self.random.usize(0..QUEUES.len())].name;
        let (exchange, to) = match fan {
            true => ("amq.fanout", FANNED.to_vec()),
            false => ("", vec![name]),
        };
        let method = Method::BasicPublish(basic::Publish {
            exchange: exchange.into(),
            routing_key: name.into(),
            ..basic::Publish::default()
        });
        let padding = if self.random.u8(0..200) == 0 {
            150_000
        } else {
            self.random.usize(0..100)
        };
        let mut body = id.to_be_bytes().to_vec();
        body.resize(8 + padding, b'.');
        self.oracle
            .publish((client, number), id, priority, ttl_ms, &to);
        let now = self.now();
        self.clients[client].publish(number, &method, &properties, &body, now);
        format!(
            "{client}/{number} publishes {id} to {to:?}, priority {priority}, ttl {ttl_ms:?}, {padding} octets"
        )
    }

    fn consume(&mut self, client: usize, number: u16) -> String {
        let Some(queue) = self
            .some_queue()
            .filter(|_| self.tags.len() < CONSUMERS_MAX)
        else {
            return "no more consumers".to_owned();
        };
        if queue == "quorum" && self.oracle.has_global_prefetch((client, number)) {
            return "quorum queues know no global prefetch".to_owned();
        }
        let prefetch = self.random.u16(0..4);
        let no_ack = self.random.u8(0..4) == 0;
        self.next_tag += 1;
        let tag = format!("c{}", self.next_tag);
        let qos = basic::Qos {
            prefetch_count: prefetch,
            ..basic::Qos::default()
        };
        self.send(client, number, &Method::BasicQos(qos));
        self.oracle
            .consume(&tag, queue, (client, number), no_ack, prefetch);
        let mut arguments = FieldTable::new();
        arguments.insert("x-priority", FieldValue::I32(self.random.i32(0..3)));
        let consume = basic::Consume {
            queue: queue.into(),
            consumer_tag: tag.as_str().into(),
            no_ack,
            arguments,
            ..basic::Consume::default()
        };
        self.send(client, number, &Method::BasicConsume(consume));
        let text = format!(
            "{client}/{number} consumes {queue} as {tag}, prefetch {prefetch}, no_ack {no_ack}"
        );
        self.tags.push((client, number, tag));
        text
    }

    fn cancel(&mut self) -> String {
        if self.tags.is_empty() {
            return "nobody to cancel".to_owned();
        }
        let (client, number, tag) = self.tags.swap_remove(self.random.usize(0..self.tags.len()));
        self.oracle.cancel(&tag);
        let cancel = basic::Cancel {
            consumer_tag: tag.as_str().into(),
            nowait: true,
        };
        self.send(client, number, &Method::BasicCancel(cancel));
        format!("{client}/{number} cancels {tag}")
    }

    fn settle(&mut self, client: usize, number: u16, how: Settled) -> String {
        let at = (client, number);
        let tags = self.oracle.unacked_tags(at);
        // A stalled client does not know its newest deliveries, but may well guess them.
        let Some(tag) = self.random.choice(tags) else {
            return format!("{client}/{number} has nothing to settle");
        };
        let multiple = self.random.u8(0..4) == 0;
        // `basic.reject` is about one delivery, and says that it failed.
        let how = match how {
            Settled::Returned if !multiple && self.random.bool() => Settled::Requeued,
            Settled::Discarded if !multiple && self.random.bool() => Settled::Rejected,
            how => how,
        };
        self.oracle.settle(at, tag, multiple, how);
        let requeue = matches!(how, Settled::Returned | Settled::Requeued);
        let method = match how {
            Settled::Acked => Method::BasicAck(basic::Ack {
                delivery_tag: tag,
                multiple,
            }),
            Settled::Requeued | Settled::Rejected => Method::BasicReject(basic::Reject {
                delivery_tag: tag,
                requeue,
            }),
            Settled::Returned | Settled::Discarded => Method::BasicNack(basic::Nack {
                delivery_tag: tag,
                multiple,
                requeue,
            }),
        };
        self.send(client, number, &method);
        format!("{client}/{number} {how:?} {tag}, multiple {multiple}")
    }

    fn get(&mut self, client: usize, number: u16) -> String {
        let Some(queue) = self.some_queue() else {
            return "nothing to get from".to_owned();
        };
        let no_ack = self.random.bool();
        self.oracle.get((client, number), no_ack);
        let get = basic::Get {
            queue: queue.into(),
            no_ack,
            ..basic::Get::default()
        };
        self.send(client, number, &Method::BasicGet(get));
        format!("{client}/{number} gets from {queue}, no_ack {no_ack}")
    }

    fn recover(&mut self, client: usize, number: u16) -> String {
        self.oracle
            .settle((client, number), 0, true, Settled::Returned);
        self.send(
            client,
            number,
            &Method::BasicRecover(basic::Recover { requeue: true }),
        );
        format!("{client}/{number} recovers")
    }

    fn global_prefetch(&mut self, client: usize, number: u16) -> String {
        let count = self.random.u16(0..6);
        self.oracle.set_global_prefetch((client, number), count);
        let qos = basic::Qos {
            prefetch_count: count,
            global: true,
            ..basic::Qos::default()
        };
        self.send(client, number, &Method::BasicQos(qos));
        format!("{client}/{number} sets its global prefetch to {count}")
    }

    fn purge(&mut self, client: usize, number: u16) -> String {
        let Some(queue) = self.some_queue() else {
            return "nothing to purge".to_owned();
        };
        let purge = queue::Purge {
            queue: queue.into(),
            nowait: true,
            ..queue::Purge::default()
        };
        self.send(client, number, &Method::QueuePurge(purge));
        format!("{client}/{number} purges {queue}")
    }

    fn delete_or_declare(&mut self, client: usize, number: u16) -> String {
        let rules = QUEUES[self.random.usize(0..QUEUES.len())];
        if !self.oracle.is_there(rules.name) {
            self.declare(rules);
            return format!("{} is declared", rules.name);
        }
        self.oracle.delete(rules.name);
        let delete = queue::Delete {
            queue: rules.name.into(),
            nowait: true,
            ..queue::Delete::default()
        };
        self.send(client, number, &Method::QueueDelete(delete));
        self.tags.retain(|(.., tag)| self.oracle.has_consumer(tag));
        format!("{} is deleted", rules.name)
    }

    /// A policy comes, changes or goes; it applies at once.
    fn change_policy(&mut self) -> String {
        self.policy = self.random.bool().then(|| self.random.usize(1..6));
        self.oracle.limit(GOVERNED, self.policy);
        let vhost = self.broker.vhost("/").unwrap();
        let (now, mut fx) = (self.now().tick, Effects::default());
        self.broker.begin(Some(&vhost), &mut fx);
        match self.policy {
            None => drop(vhost.delete_policy(Layer::User, "short", now, &mut fx)),
            Some(max) => {
                let max = FieldValue::I64(i64::try_from(max).unwrap());
                let policy = Policy {
                    name: "short".into(),
                    pattern: Pattern::new(GOVERNED).unwrap(),
                    apply_to: ApplyTo::Queues,
                    priority: 0.0,
                    definition: [("max-length", max)].into_iter().collect(),
                };
                vhost.set_policy(Layer::User, policy, now, &mut fx);
            }
        }
        self.broker.settle(&vhost, now, &mut fx);
        format!("a policy limits {GOVERNED} to {:?}", self.policy)
    }

    pub(super) fn declare(&mut self, rules: Rules) {
        self.oracle.declare(rules);
        if rules.name == GOVERNED {
            self.oracle.limit(GOVERNED, self.policy);
        }
        let declare = queue::Declare {
            queue: rules.name.into(),
            durable: true,
            nowait: true,
            arguments: arguments(&rules),
            ..queue::Declare::default()
        };
        self.send(0, 1, &Method::QueueDeclare(declare));
        if FANNED.contains(&rules.name) {
            let bind = queue::Bind {
                queue: rules.name.into(),
                exchange: "amq.fanout".into(),
                nowait: true,
                ..queue::Bind::default()
            };
            self.send(0, 1, &Method::QueueBind(bind));
        }
    }

    fn advance(&mut self) -> String {
        let ms = self.random.u64(1..50);
        self.pass(ms);
        format!("{ms} ms pass")
    }

    fn close_channel(&mut self, client: usize, number: u16) -> String {
        if self.clients[client].is_stalled() {
            // What it has yet to hear of the old channel could not be told from the new one's.
            return format!("{client} is stalled and closes nothing");
        }
        self.oracle.close_channel((client, number));
        self.tags.retain(|(.., tag)| self.oracle.has_consumer(tag));
        self.send(
            client,
            number,
            &Method::ChannelClose(channel::Close::default()),
        );
        let now = self.now();
        self.clients[client].open_channel(number, now);
        self.confirm_select(client, number);
        format!("{client}/{number} closes and opens again")
    }

    fn disconnect(&mut self, client: usize) -> String {
        self.oracle.end_client(client);
        let now = self.now();
        self.clients[client].end(now);
        self.tags.retain(|(there, ..)| *there != client);
        self.clients[client] = self.connect();
        (1..=CHANNELS).for_each(|number| self.confirm_select(client, number));
        format!("{client} is cut off and comes back")
    }

    fn stall(&mut self, client: usize) -> String {
        let stalled = !self.clients[client].is_stalled() && self.random.bool();
        self.clients[client].stall(stalled);
        format!("{client} stalls: {stalled}")
    }
}

fn arguments(rules: &Rules) -> FieldTable {
    let mut arguments = FieldTable::new();
    let number = |value: u64| FieldValue::I64(i64::try_from(value).unwrap());
    if let Some(limit) = rules.delivery_limit {
        arguments.insert("x-queue-type", "quorum");
        arguments.insert("x-delivery-limit", number(limit.into()));
    } else if rules.lanes > 0 {
        arguments.insert("x-max-priority", number(rules.lanes.into()));
    }
    if let Some(ms) = rules.ttl_ms {
        arguments.insert("x-message-ttl", number(ms));
    }
    if let Some(max) = rules.length_max {
        arguments.insert("x-max-length", number(max as u64));
    }
    if rules.buries {
        arguments.insert("x-dead-letter-exchange", "");
        arguments.insert("x-dead-letter-routing-key", super::DEAD);
    }
    match (rules.rejects, rules.buries_refused) {
        (true, true) => arguments.insert("x-overflow", "reject-publish-dlx"),
        (true, false) => arguments.insert("x-overflow", "reject-publish"),
        _ => {}
    }
    if rules.single_active {
        arguments.insert("x-single-active-consumer", true);
    }
    arguments
}
