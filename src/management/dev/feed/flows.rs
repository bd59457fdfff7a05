//! [`Flows`]: which way messages went, counted by pair while anybody watches that: from an exchange
//! into a queue, from a queue to a consumer, and from an exchange to nowhere.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ring::{Frame, Scope, Topic};
use super::rows::Delta;
use crate::broker::event::Event;
use crate::broker::name::Name;

/// Pairs at most; further ones are not counted.
const PAIRS_MAX: usize = 20_000;

/// A way that messages go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Way {
    Routed { exchange: Name, queue: Name },
    Delivered { queue: Name, consumer_tag: Name },
    Unroutable { exchange: Name },
}

/// How many went, and the routing key of the last one that nobody wanted.
#[derive(Clone, Debug, Default)]
struct Tally {
    messages: u64,
    routing_key: Option<Name>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Flows(HashMap<(Name, Way), Tally>);

impl Flows {
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Published {
                vhost,
                exchange,
                queues,
                ..
            } => {
                for queue in queues.iter() {
                    let (exchange, queue) = (exchange.clone(), queue.clone());
                    self.count(vhost, Way::Routed { exchange, queue });
                }
            }
            Event::Delivered {
                vhost,
                queue,
                consumer_tag,
                ..
            } => {
                let (queue, consumer_tag) = (queue.clone(), consumer_tag.clone());
                self.count(
                    vhost,
                    Way::Delivered {
                        queue,
                        consumer_tag,
                    },
                );
            }
            Event::Unroutable {
                vhost,
                exchange,
                routing_key,
                ..
            } => {
                let exchange = exchange.clone();
                if let Some(tally) = self.count(vhost, Way::Unroutable { exchange }) {
                    tally.routing_key = Some(routing_key.clone());
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, vhost: &Name, way: Way) -> Option<&mut Tally> {
        let key = (vhost.clone(), way);
        if self.0.len() >= PAIRS_MAX && !self.0.contains_key(&key) {
            return None;
        }
        let tally = self.0.entry(key).or_default();
        tally.messages += 1;
        Some(tally)
    }

    /// Add what was counted meanwhile, and tell what it comes to.
    pub(super) fn add(&mut self, news: Self, into: &mut Vec<Frame>) {
        let mut by_vhost: HashMap<Name, Delta> = HashMap::new();
        for (key, new) in news.0 {
            if self.0.len() >= PAIRS_MAX && !self.0.contains_key(&key) {
                continue;
            }
            let (vhost, way) = &key;
            let row = {
                let known = self.0.get(&key).map_or(0, |tally| tally.messages);
                row(vhost, way, known + new.messages, new.routing_key.as_deref())
            };
            by_vhost.entry(vhost.clone()).or_default().rows.push(row);
            self.0.entry(key).or_default().messages += new.messages;
        }
        for (vhost, delta) in by_vhost {
            delta.frames(Topic::Flows, &Scope::Vhost(vhost), into);
        }
    }
}

fn row(vhost: &Name, way: &Way, messages: u64, routing_key: Option<&str>) -> Value {
    let vhost = vhost.as_str();
    match way {
        Way::Routed { exchange, queue } => json!({
            "vhost": vhost,
            "exchange": exchange.as_str(),
            "queue": queue.as_str(),
            "messages": messages,
        }),
        Way::Delivered {
            queue,
            consumer_tag,
        } => json!({
            "vhost": vhost,
            "queue": queue.as_str(),
            "consumer_tag": consumer_tag.as_str(),
            "messages": messages,
        }),
        Way::Unroutable { exchange } => json!({
            "vhost": vhost,
            "exchange": exchange.as_str(),
            "routing_key": routing_key,
            "messages": messages,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(queues: &[&str]) -> Event {
        Event::Published {
            vhost: "/".into(),
            exchange: "e".into(),
            routing_key: "k".into(),
            queues: queues.iter().map(|queue| (*queue).into()).collect(),
        }
    }

    fn told(all: &mut Flows, events: &[Event]) -> Vec<Value> {
        let mut news = Flows::default();
        events.iter().for_each(|event| news.hear(event));
        let mut frames = Vec::new();
        all.add(news, &mut frames);
        let read = |frame: &Frame| serde_json::from_str::<Value>(&frame.data).unwrap();
        let rows = |frame: Value| frame["rows"].as_array().unwrap().clone();
        frames.iter().map(read).flat_map(rows).collect()
    }

    #[test]
    fn ways_are_counted_on() {
        let mut all = Flows::default();
        assert_eq!(told(&mut all, &[published(&["a", "b"])]).len(), 2);
        let rows = told(&mut all, &[published(&["a"]), published(&["a"])]);
        assert_eq!(
            rows,
            [json!({ "vhost": "/", "exchange": "e", "queue": "a", "messages": 3 })]
        );
        let lost = Event::Unroutable {
            vhost: "/".into(),
            exchange: "e".into(),
            routing_key: "nowhere".into(),
            returned: false,
        };
        let rows = told(&mut all, &[lost]);
        assert_eq!(rows[0]["routing_key"], json!("nowhere"));
        assert_eq!(rows[0]["messages"], json!(1));
    }

    #[test]
    fn there_are_not_too_many() {
        let mut all = Flows::default();
        let names: Vec<String> = (0..PAIRS_MAX + 5).map(|at| at.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        told(&mut all, &[published(&names)]);
        assert_eq!(all.0.len(), PAIRS_MAX);
        assert!(told(&mut all, &[published(&["one more"])]).is_empty());
    }
}
