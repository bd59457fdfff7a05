//! Exchanges of the broker's own that exist where they are switched on: `amq.rabbitmq.event` gets
//! every [`Change`], `amq.rabbitmq.log` every line of the log. Both live in the default virtual
//! host.

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::content::Properties;

use super::Broker;
use super::effects::Effects;
use super::event::{Change, Event};
use super::exchange::Destination;
use super::message::{Facts, Message, Parts};
use super::publish::Post;
use super::tick::Tick;

/// The virtual host with the broker's own exchanges.
const VHOST: &str = "/";
const EVENT_EXCHANGE: &str = "amq.rabbitmq.event";
const LOG_EXCHANGE: &str = "amq.rabbitmq.log";

/// Which of the broker's own exchanges there are. None is what RabbitMQ has at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemExchanges {
    /// `amq.rabbitmq.event`: on RabbitMQ by the plugin `rabbitmq_event_exchange`.
    pub event: bool,
    /// `amq.rabbitmq.log`: on RabbitMQ by `log.exchange = true`.
    pub log: bool,
}

impl Broker {
    pub(super) fn add_system_exchanges(&self) {
        let exchanges = [
            (self.system.event, EVENT_EXCHANGE),
            (self.system.log, LOG_EXCHANGE),
        ];
        let Some(vhost) = self.vhosts.get(VHOST) else {
            return;
        };
        for (_, name) in exchanges.into_iter().filter(|(is_on, _)| *is_on) {
            vhost.predeclare_internal(name);
        }
    }

    /// Tell of a change outside of any virtual host's effects. No lock is held on entry.
    pub fn announce(&self, now: Tick, change: impl FnOnce() -> Change) {
        if self.system.event || self.events.is_listening() {
            self.tell(&mut vec![Event::Changed(change())], now);
        }
    }

    /// Hand events to who listens, and changes to the event exchange; forget them. What is
    /// published here makes no further events. `now` is the broker's own time.
    pub(super) fn tell(&self, events: &mut Vec<Event>, now: Tick) {
        if self.system.event {
            let changes = events.iter().filter_map(|event| match event {
                Event::Changed(change) => Some(change),
                _ => None,
            });
            self.publish_changes(changes, now);
        }
        self.events.publish(events);
    }

    fn publish_changes<'a>(&self, changes: impl Iterator<Item = &'a Change>, now: Tick) {
        let wall_ms = self.wall_start_ms + now.ms();
        let own = |change: &Change| {
            let mut facts = change.facts.clone();
            let ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
            facts.insert("timestamp_in_ms", ms);
            facts.sort();
            Own {
                exchange: EVENT_EXCHANGE,
                key: change.name,
                properties: Properties {
                    headers: Some(facts),
                    delivery_mode: Some(2),
                    timestamp: Some(wall_ms / 1000),
                    ..Properties::default()
                },
                body: &[],
            }
        };
        self.publish_own(changes.map(own), now);
    }

    /// A line was logged at this level, RabbitMQ's name of it. No lock is held on entry.
    pub fn publish_log(&self, level: &str, line: &str, now: Tick) {
        if !self.system.log {
            return;
        }
        let headers = [("node", self.node.as_str())].into_iter().collect();
        let own = Own {
            exchange: LOG_EXCHANGE,
            key: level,
            properties: Properties {
                content_type: Some("text/plain".into()),
                headers: Some(headers),
                timestamp: Some((self.wall_start_ms + now.ms()) / 1000),
                ..Properties::default()
            },
            body: line.as_bytes(),
        };
        self.publish_own(std::iter::once(own), now);
    }

    fn publish_own<'a>(&self, messages: impl Iterator<Item = Own<'a>>, now: Tick) {
        let Some(vhost) = self.vhosts.get(VHOST) else {
            return;
        };
        let now = vhost.now(now);
        let mut fx = Effects {
            wall_start_ms: self.wall_start_ms,
            ..Effects::default()
        };
        for own in messages {
            if let Some(exchange) = vhost.exchanges.get(own.exchange) {
                let message = Arc::new(own.message(now, &mut fx));
                fx.posts.push_back(Post {
                    to: Destination::Exchange(exchange),
                    message,
                    extra_keys: Vec::new(),
                });
            }
        }
        self.settle(&vhost, now, &mut fx);
    }
}

/// A message of the broker's own.
struct Own<'a> {
    exchange: &'static str,
    key: &'a str,
    properties: Properties,
    body: &'a [u8],
}

impl Own<'_> {
    fn message(&self, now: Tick, fx: &mut Effects) -> Message {
        let mut raw = BytesMut::new();
        self.properties.encode(&mut raw);
        let facts = Facts::read(&raw).unwrap_or_default();
        let parts = Parts {
            exchange: self.exchange,
            routing_key: self.key,
            properties: &raw,
        };
        Message::pack(&mut fx.packer, parts, facts, self.body, now)
    }
}
