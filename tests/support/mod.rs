//! A broker without sockets and clock, and an outlet that records.

#[allow(dead_code, reason = "shared with the budgets and benches")]
pub(crate) mod frames;
pub(crate) mod memory;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use leveret::broker::compat::Compat;
use leveret::broker::connection::ConnectionId;
use leveret::broker::effects::Effects;
use leveret::broker::error::BrokerError;
use leveret::broker::event_exchange::SystemExchanges;
use leveret::broker::exchange::{
    Destination, DestinationId, Exchange, ExchangeKind, ExchangeSpec, extra_keys, route,
};
use leveret::broker::message::{Facts, Message, Parts};
use leveret::broker::outlet::{
    ConsumerOrigin, Delivered, Delivery, Notice, Out, Outlet, Parked, Place, Room,
};
use leveret::broker::pattern::Pattern;
use leveret::broker::policy::{ApplyTo, Layer, Policy};
use leveret::broker::publish::{Outcome, publish};
use leveret::broker::queue::{
    CloseIf, ConsumeError, ConsumerKey, ConsumerSpec, Entry, Queue, QueueSpec, Reading, Settlement,
    Unacked, Which, settle,
};
use leveret::broker::tick::{Tick, Ticked};
use leveret::broker::trace::{self, Party};
use leveret::broker::transfer::{Transfer, Transferred};
use leveret::broker::vhost::VirtualHost;
use leveret::broker::{Broker, BrokerSpec, Timer};
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

/// Keeps the deadlines that the model asks for; a test fires them itself.
#[derive(Debug, Default)]
pub(crate) struct HandTimer(Mutex<Vec<(Tick, Arc<dyn Ticked>)>>);

impl HandTimer {
    /// What has its time come.
    pub(crate) fn take_due(&self, now: Tick) -> Option<Arc<dyn Ticked>> {
        let mut armed = self.0.lock().unwrap();
        let at = armed.iter().position(|(at, _)| *at <= now)?;
        Some(armed.swap_remove(at).1)
    }
}

impl Timer for HandTimer {
    fn arm(&self, deadlines: &mut Vec<(Tick, Arc<dyn Ticked>)>) {
        self.0.lock().unwrap().append(deadlines);
    }

    fn moved(&self) {}
}

/// Records what is delivered to it.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) unacked: Mutex<Vec<Unacked>>,
    pub(crate) bodies: Mutex<Vec<String>>,
    pub(crate) notices: Mutex<Vec<Notice>>,
    /// It has no room.
    pub(crate) is_full: AtomicBool,
}

impl Outlet for Recorder {
    fn deliver(&self, delivery: Delivery<'_>, entry: Entry) -> Delivered {
        if self.is_full.load(Ordering::Relaxed) {
            return Delivered::Refused(entry);
        }
        let body = String::from_utf8_lossy(entry.message.body()).into_owned();
        self.bodies
            .lock()
            .unwrap()
            .push(format!("{}:{body}", delivery.consumer_tag));
        if !delivery.no_ack {
            let (queue, consumer) = (Arc::clone(delivery.queue), delivery.consumer);
            self.unacked.lock().unwrap().push(Unacked {
                tag: 0,
                queue,
                consumer,
                entry,
            });
        }
        Delivered::Sent { first: false }
    }

    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }

    fn room(&self, _channel: u16) -> Room {
        match self.is_full.load(Ordering::Relaxed) {
            true => Room::Full { bytes: 0 },
            false => Room::Free,
        }
    }

    fn unacked(&self, place: Place, look: &mut dyn FnMut(Out<'_>)) -> Option<Place> {
        for unacked in self.unacked.lock().unwrap().iter() {
            look(Out {
                place,
                since: Tick::from_ms(0),
                queue: &unacked.queue,
                consumer: unacked.consumer,
                entry: &unacked.entry,
            });
        }
        None
    }

    fn traffic(&self) -> (u64, u64) {
        (0, 0)
    }

    fn flush(&self, _resume: &mut Vec<Parked>) {}
}

/// One virtual host and a time that moves only by hand.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) vhost: Arc<VirtualHost>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) now: Tick,
    timer: Arc<HandTimer>,
    fx: Effects,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Compat::default(), SystemExchanges::default())
    }

    /// One of an older release line.
    pub(crate) fn of_line(line: &str) -> Self {
        let compat = Compat::named(line, false).unwrap();
        Self::with(compat, SystemExchanges::default())
    }

    /// One of the newest line that denies what that denies as released.
    pub(crate) fn strict() -> Self {
        let compat = Compat::named("4.3", true).unwrap();
        Self::with(compat, SystemExchanges::default())
    }

    /// One with the exchanges for events and the log.
    pub(crate) fn telling() -> Self {
        let system = SystemExchanges {
            event: true,
            log: true,
        };
        let mut world = Self::with(Compat::default(), system);
        world.broker.begin(Some(&world.vhost), &mut world.fx);
        world.fx.actor = Some("guest".into());
        world
    }

    fn with(compat: Compat, system: SystemExchanges) -> Self {
        let timer = Arc::new(HandTimer::default());
        let spec = BrokerSpec {
            compat,
            node: "rabbit@test".into(),
            seed: Some(1),
            system,
            ..BrokerSpec::default()
        };
        let broker = Broker::new(spec, Arc::clone(&timer) as _);
        let vhost = broker.vhost("/").unwrap();
        let recorder = Arc::new(Recorder::default());
        let (now, fx) = (Tick::from_ms(0), Effects::default());
        Self {
            broker,
            vhost,
            recorder,
            now,
            timer,
            fx,
        }
    }

    fn settle(&mut self) {
        self.broker.settle(&self.vhost, self.now, &mut self.fx);
    }

    /// Declare a queue with these arguments.
    pub(crate) fn queue(&mut self, name: &str, arguments: &[(&str, FieldValue)]) -> Arc<Queue> {
        self.try_queue(name, arguments).unwrap()
    }

    /// Likewise, where it may be refused.
    pub(crate) fn try_queue(
        &mut self,
        name: &str,
        arguments: &[(&str, FieldValue)],
    ) -> Result<Arc<Queue>, BrokerError> {
        let arguments: FieldTable = arguments.iter().cloned().collect();
        let spec = QueueSpec {
            name: name.into(),
            vhost: "/".into(),
            durable: true,
            auto_delete: false,
            owner: None,
            arguments,
            created_by: "guest".into(),
        };
        self.declare(spec)
    }

    /// Declare a queue.
    pub(crate) fn declare(&mut self, spec: QueueSpec) -> Result<Arc<Queue>, BrokerError> {
        let id = Some(ConnectionId(1));
        let (queue, _) = self.vhost.declare_queue(spec, id, self.now, &mut self.fx)?;
        self.settle();
        Ok(queue)
    }

    /// Set a policy that applies to all that its pattern matches.
    pub(crate) fn policy(
        &mut self,
        layer: Layer,
        name: &str,
        pattern: &str,
        definition: &[(&str, FieldValue)],
    ) {
        self.policy_to(layer, name, pattern, ApplyTo::All, 0.0, definition);
    }

    /// Set a policy.
    pub(crate) fn policy_to(
        &mut self,
        layer: Layer,
        name: &str,
        pattern: &str,
        apply_to: ApplyTo,
        priority: f64,
        definition: &[(&str, FieldValue)],
    ) {
        let policy = Policy {
            name: name.into(),
            pattern: Pattern::new(pattern).unwrap(),
            apply_to,
            priority,
            definition: definition.iter().cloned().collect(),
        };
        self.vhost.set_policy(layer, policy, self.now, &mut self.fx);
        self.settle();
    }

    /// Delete a policy.
    pub(crate) fn delete_policy(&mut self, layer: Layer, name: &str) -> bool {
        let gone = self
            .vhost
            .delete_policy(layer, name, self.now, &mut self.fx);
        self.settle();
        gone
    }

    /// Begin or end tracing.
    pub(crate) fn set_tracing(&mut self, on: bool) {
        self.vhost.set_tracing(on);
        self.broker.begin(Some(&self.vhost), &mut self.fx);
    }

    /// Declare an exchange.
    pub(crate) fn exchange(&mut self, name: &str, kind: ExchangeKind) {
        self.exchange_with(name, kind, &[]).unwrap();
    }

    /// Declare an exchange with these arguments.
    pub(crate) fn exchange_with(
        &mut self,
        name: &str,
        kind: ExchangeKind,
        arguments: &[(&str, FieldValue)],
    ) -> Result<(), BrokerError> {
        let spec = ExchangeSpec {
            name: name.into(),
            vhost: "/".into(),
            kind,
            durable: true,
            auto_delete: false,
            internal: false,
            arguments: arguments.iter().cloned().collect(),
            created_by: "guest".into(),
        };
        self.vhost.declare_exchange(spec, &mut self.fx)
    }

    /// Bind a queue.
    pub(crate) fn bind(&mut self, source: &str, queue: &Arc<Queue>, key: &str) {
        self.bind_to(source, Destination::Queue(Arc::clone(queue)), key)
            .unwrap();
    }

    /// Bind a queue or an exchange.
    pub(crate) fn bind_to(
        &mut self,
        source: &str,
        to: Destination,
        key: &str,
    ) -> Result<(), BrokerError> {
        let source = self.vhost.exchange(source).unwrap();
        let none = FieldTable::new();
        self.vhost
            .bind(&source, to, &key.into(), &none, &mut self.fx)?;
        self.settle();
        Ok(())
    }

    /// Unbind a queue.
    pub(crate) fn unbind(&mut self, source: &str, queue: &Arc<Queue>, key: &str) -> bool {
        let source = self.vhost.exchange(source).unwrap();
        let from = DestinationId::Queue(queue.name().clone());
        let none = FieldTable::new();
        self.vhost
            .unbind(&source, &from, &key.into(), &none, &mut self.fx)
    }

    /// Publish a body.
    pub(crate) fn publish(&mut self, exchange: &str, key: &str, body: &str) -> Outcome {
        self.publish_with(exchange, key, body, &Properties::default())
    }

    /// Publish a body with properties.
    pub(crate) fn publish_with(
        &mut self,
        exchange: &str,
        key: &str,
        body: &str,
        properties: &Properties,
    ) -> Outcome {
        let mut raw = bytes::BytesMut::new();
        properties.encode(&mut raw);
        let exchange = self.vhost.exchange(exchange).unwrap();
        let parts = Parts {
            exchange: exchange.name(),
            routing_key: key,
            properties: &raw,
        };
        let facts = Facts::read(&raw).unwrap();
        let message = Message::pack(&mut self.fx.packer, parts, facts, body.as_bytes(), self.now);
        let message = Arc::new(message);
        let keys = properties.headers.as_ref().map(extra_keys);
        let keys = keys.unwrap_or_default();
        let found = route(
            &self.vhost,
            &exchange,
            &message,
            &keys,
            self.now,
            &mut self.fx,
        );
        let party = Party {
            connection: "publisher",
            channel: 1,
            user: "guest",
        };
        trace::published(party, &message, &keys, &found.queues, &mut self.fx);
        let outcome = publish(&found.queues, &message, self.now, &mut self.fx);
        self.settle();
        outcome
    }

    /// Add a consumer that acknowledges, served at once.
    pub(crate) fn consume(
        &mut self,
        queue: &Arc<Queue>,
        tag: &str,
        prefetch: u16,
        priority: i64,
    ) -> ConsumerKey {
        let spec = self.consumer(tag, prefetch, priority, Reading::default());
        self.add_consumer(queue, spec)
    }

    /// Add a reader of a stream, served at once.
    pub(crate) fn read(
        &mut self,
        queue: &Arc<Queue>,
        tag: &str,
        prefetch: u16,
        reading: Reading,
    ) -> ConsumerKey {
        let spec = self.consumer(tag, prefetch, 0, reading);
        self.add_consumer(queue, spec)
    }

    fn add_consumer(&mut self, queue: &Arc<Queue>, spec: ConsumerSpec) -> ConsumerKey {
        let key = queue.consume(spec).unwrap();
        self.resume(queue, key);
        key
    }

    /// The consumer has room, or thinks so.
    pub(crate) fn resume(&mut self, queue: &Arc<Queue>, consumer: ConsumerKey) {
        queue.resume(consumer, self.now, &mut self.fx);
        self.settle();
    }

    /// Add a consumer that wants to be alone.
    pub(crate) fn consume_exclusively(
        &mut self,
        queue: &Arc<Queue>,
        tag: &str,
    ) -> Result<ConsumerKey, ConsumeError> {
        queue.consume(ConsumerSpec {
            exclusive: true,
            ..self.consumer(tag, 0, 0, Reading::default())
        })
    }

    fn consumer(&self, tag: &str, prefetch: u16, priority: i64, reading: Reading) -> ConsumerSpec {
        let origin = ConsumerOrigin {
            connection: "test".into(),
            channel: 1,
            user: "guest".into(),
            arguments: FieldTable::new(),
        };
        ConsumerSpec {
            tag: tag.into(),
            outlet: Arc::clone(&self.recorder) as _,
            channel: 1,
            no_ack: false,
            exclusive: false,
            prefetch,
            priority,
            reading,
            origin: Arc::new(origin),
        }
    }

    /// Delete a queue.
    pub(crate) fn delete(
        &mut self,
        queue: &Arc<Queue>,
        condition: CloseIf,
    ) -> Result<u64, BrokerError> {
        self.vhost.delete_queue(queue, condition, &mut self.fx)
    }

    /// Settle the oldest delivery that is out.
    pub(crate) fn settle_first(&mut self, how: Settlement) {
        let first = self.recorder.unacked.lock().unwrap().remove(0);
        settle(&mut vec![first], how, self.now, &mut self.fx);
        self.settle();
    }

    /// Take the next message, as `basic.get` does.
    pub(crate) fn take(&mut self, queue: &Arc<Queue>) -> Option<Unacked> {
        let got = queue.get(false, self.now, &mut self.fx);
        self.settle();
        Some(Unacked {
            tag: 0,
            queue: Arc::clone(queue),
            consumer: ConsumerKey::NONE,
            entry: got?.entry,
        })
    }

    /// Settle what was taken.
    pub(crate) fn settle_taken(&mut self, mut taken: Vec<Unacked>, how: Settlement) {
        settle(&mut taken, how, self.now, &mut self.fx);
        self.settle();
    }

    /// Route messages of a delayed exchange before their time.
    pub(crate) fn hurry_delayed(
        &mut self,
        exchange: &Arc<Exchange>,
        which: &Which,
        max: usize,
    ) -> usize {
        let count = exchange.hurry(which, max, self.now, &mut self.fx);
        self.settle();
        count
    }

    /// Move messages by hand.
    pub(crate) fn transfer(
        &mut self,
        transfer: &Transfer,
        which: &Which,
        max: usize,
    ) -> Transferred {
        let done = transfer.move_some(&self.vhost, which, max, self.now, &mut self.fx);
        self.settle();
        done
    }

    /// Purge a queue.
    pub(crate) fn purge(&mut self, queue: &Arc<Queue>) -> u64 {
        queue.purge(self.now, &mut self.fx)
    }

    /// End a consumer.
    pub(crate) fn cancel(&mut self, queue: &Arc<Queue>, consumer: ConsumerKey) {
        queue.cancel(consumer, self.now, &mut self.fx);
        self.settle();
    }

    /// What was delivered since the last look, as `tag:body`.
    pub(crate) fn delivered(&self) -> Vec<String> {
        std::mem::take(&mut self.recorder.bodies.lock().unwrap())
    }

    /// Take all that waits, as `basic.get` does.
    pub(crate) fn drain(&mut self, queue: &Arc<Queue>) -> Vec<String> {
        let mut bodies = Vec::new();
        while let Some(got) = queue.get(true, self.now, &mut self.fx) {
            bodies.push(String::from_utf8_lossy(got.entry.message.body()).into_owned());
        }
        self.settle();
        bodies
    }

    /// Take one message whole.
    pub(crate) fn get(&mut self, queue: &Arc<Queue>) -> Option<Arc<Message>> {
        self.get_entry(queue).map(|entry| entry.message)
    }

    /// Take one message with its place.
    pub(crate) fn get_entry(&mut self, queue: &Arc<Queue>) -> Option<Entry> {
        queue.get(true, self.now, &mut self.fx).map(|got| got.entry)
    }

    /// Let time pass; what is due by then is done.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        while let Some(target) = self.timer.take_due(self.now) {
            target.tick(self.now, &mut self.fx);
            self.settle();
        }
    }
}
