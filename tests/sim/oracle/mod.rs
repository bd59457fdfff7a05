//! The reference model: what queues must hold, told only what clients did and which events the
//! broker reported. It is slow, simple, and shares no code with the broker.

mod events;
mod rules;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// What breaks a rule; the text says which.
pub(crate) type Verdict = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($text:tt)*) => {
        if !$holds {
            return Err(format!($($text)*));
        }
    };
}
pub(crate) use ensure;

/// How a queue is declared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    pub(crate) lanes: u8,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) length_max: Option<usize>,
    pub(crate) rejects: bool,
    pub(crate) buries: bool,
    pub(crate) buries_refused: bool,
    pub(crate) single_active: bool,
    pub(crate) delivery_limit: Option<u32>,
}

/// One message in one queue.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    id: u64,
    seq: u64,
    lane: u8,
    expires_ms: u64,
    redelivered: bool,
    /// How often a delivery of it failed; it counts on as a dead letter.
    failures: u32,
    /// A quorum queue puts what comes back before all else, in that order.
    came_back: Option<u64>,
}

impl Copy {
    fn order(&self) -> (u8, u64) {
        self.came_back
            .map_or((u8::MAX - self.lane, self.seq), |turn| (0, turn))
    }
}

#[derive(Debug, Default)]
struct Queue {
    rules: Rules,
    there: bool,
    incarnation: u64,
    next_seq: u64,
    came_back: u64,
    ready: BTreeMap<(u8, u64), Copy>,
    unacked: usize,
}

/// A consumer: where it is and how much it may have.
#[derive(Clone, Debug)]
struct Consumer {
    queue: String,
    at: Place,
    no_ack: bool,
    prefetch: usize,
    in_flight: usize,
}

/// A channel of a client.
pub(crate) type Place = (usize, u16);

/// A delivery that is out.
#[derive(Clone, Debug)]
struct Out {
    tag: u64,
    queue: String,
    incarnation: u64,
    consumer: Option<String>,
    copy: Copy,
}

#[derive(Debug, Default)]
struct Channel {
    last_tag: u64,
    unacked: Vec<Out>,
    global_prefetch: usize,
    published: u64,
    unconfirmed: BTreeMap<u64, bool>,
}

/// What a client must hear next: a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) channel: u16,
    pub(crate) consumer: Option<String>,
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) id: u64,
}

/// What became of copies, by how they left.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) entered: u64,
    pub(crate) refused: u64,
    pub(crate) acked: u64,
    pub(crate) taken: u64,
    pub(crate) expired: u64,
    pub(crate) exhausted: u64,
    pub(crate) dropped: u64,
    pub(crate) rejected: u64,
    pub(crate) purged: u64,
    pub(crate) deleted: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    now_ms: u64,
    queues: HashMap<String, Queue>,
    consumers: HashMap<String, Consumer>,
    channels: HashMap<Place, Channel>,
    expected: HashMap<usize, VecDeque<Expected>>,
    /// Dead letters that the broker has yet to publish again.
    dead: VecDeque<(u64, String, u32)>,
    acked: HashSet<(String, u64)>,
    requeued: HashMap<(String, u64), Copy>,
    rejected: HashMap<(String, u64), Copy>,
    getting: Option<(Place, bool)>,
    /// A client whose socket was cut: its channels end one after the other.
    ending: Option<usize>,
    pub(crate) tally: Tally,
}

impl Oracle {
    /// A policy limits the length of a queue, or no longer does.
    pub(crate) fn limit(&mut self, name: &str, length_max: Option<usize>) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.rules.length_max = length_max;
        }
    }

    pub(crate) fn set_now(&mut self, ms: u64) {
        self.now_ms = ms;
    }

    pub(crate) fn is_there(&self, name: &str) -> bool {
        self.queues.get(name).is_some_and(|queue| queue.there)
    }

    pub(crate) fn declare(&mut self, rules: Rules) {
        let queue = self.queues.entry(rules.name.to_owned()).or_default();
        if !queue.there {
            let incarnation = queue.incarnation + 1;
            *queue = Queue {
                rules,
                there: true,
                incarnation,
                ..Queue::default()
            };
        }
    }

    /// All that is in it is gone; its consumers too, and their clients are told.
    pub(crate) fn delete(&mut self, name: &str) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        self.tally.deleted += (queue.ready.len() + queue.unacked) as u64;
        queue.there = false;
        queue.ready.clear();
        queue.unacked = 0;
        self.consumers.retain(|_, consumer| consumer.queue != name);
    }

    pub(crate) fn consume(
        &mut self,
        tag: &str,
        queue: &str,
        at: Place,
        no_ack: bool,
        prefetch: u16,
    ) {
        let consumer = Consumer {
            queue: queue.to_owned(),
            at,
            no_ack,
            prefetch: prefetch.into(),
            in_flight: 0,
        };
        self.consumers.insert(tag.to_owned(), consumer);
    }

    pub(crate) fn cancel(&mut self, tag: &str) {
        self.consumers.remove(tag);
    }

    pub(crate) fn has_consumer(&self, tag: &str) -> bool {
        self.consumers.contains_key(tag)
    }

    pub(crate) fn set_global_prefetch(&mut self, at: Place, count: u16) {
        self.channel(at).global_prefetch = count.into();
    }

    pub(crate) fn has_global_prefetch(&self, at: Place) -> bool {
        let channel = self.channels.get(&at);
        channel.is_some_and(|channel| channel.global_prefetch > 0)
    }

    pub(crate) fn unacked_tags(&self, at: Place) -> Vec<u64> {
        let channel = self.channels.get(&at);
        channel.map_or_else(Vec::new, |channel| {
            channel.unacked.iter().map(|out| out.tag).collect()
        })
    }

    fn channel(&mut self, at: Place) -> &mut Channel {
        self.channels.entry(at).or_default()
    }

    /// A message is published to these queues; on a confirming channel it will be confirmed.
    pub(crate) fn publish(
        &mut self,
        at: Place,
        id: u64,
        priority: u8,
        ttl_ms: Option<u64>,
        to: &[&str],
    ) {
        let mut refused = false;
        for name in to {
            refused |= !self.enter(name, id, priority, ttl_ms, 0);
        }
        let channel = self.channel(at);
        channel.published += 1;
        channel.unconfirmed.insert(channel.published, !refused);
    }

    /// Whether the queue takes it.
    fn enter(
        &mut self,
        name: &str,
        id: u64,
        priority: u8,
        ttl_ms: Option<u64>,
        failures: u32,
    ) -> bool {
        let now_ms = self.now_ms;
        let Some(queue) = self.queues.get_mut(name).filter(|queue| queue.there) else {
            return true;
        };
        let rules = queue.rules;
        if rules.rejects
            && rules
                .length_max
                .is_some_and(|max| queue.ready.len() + 1 > max)
        {
            self.tally.refused += 1;
            if rules.buries_refused {
                queue.next_seq += 1;
                self.dead.push_back((id, name.to_owned(), failures));
            }
            return false;
        }
        queue.next_seq += 1;
        let ttl = [rules.ttl_ms, ttl_ms].into_iter().flatten().min();
        let copy = Copy {
            id,
            seq: queue.next_seq,
            lane: priority.min(rules.lanes),
            expires_ms: ttl.map_or(u64::MAX, |ttl| now_ms + ttl),
            redelivered: failures > 0,
            failures,
            came_back: None,
        };
        queue.ready.insert(copy.order(), copy);
        self.tally.entered += 1;
        true
    }

    /// `basic.get` was sent; an event must follow, or nothing if nothing is there.
    pub(crate) fn get(&mut self, at: Place, no_ack: bool) {
        self.getting = Some((at, no_ack));
    }

    /// Acknowledge; `what` is done to each delivery.
    pub(crate) fn settle(&mut self, at: Place, tag: u64, multiple: bool, what: Settled) {
        let channel = self.channel(at);
        let is_meant = |out: &Out| match multiple {
            true => tag == 0 || out.tag <= tag,
            false => out.tag == tag,
        };
        let (meant, left) = channel.unacked.drain(..).partition::<Vec<_>, _>(is_meant);
        channel.unacked = left;
        meant.into_iter().for_each(|out| self.settle_one(out, what));
    }

    /// The channel is over: its consumers end, all that is out goes back.
    pub(crate) fn close_channel(&mut self, at: Place) {
        self.consumers.retain(|_, consumer| consumer.at != at);
        self.settle(at, 0, true, Settled::Requeued);
        self.channels.remove(&at);
    }

    /// The client's socket is cut. What its first channels give back may still go to a consumer
    /// of its last.
    pub(crate) fn end_client(&mut self, client: usize) {
        self.ending = Some(client);
    }

    fn finish_ending(&mut self) -> Verdict {
        let Some(client) = self.ending.take() else {
            return Ok(());
        };
        self.expected.remove(&client);
        self.consumers.retain(|_, consumer| consumer.at.0 != client);
        let places: Vec<Place> = self
            .channels
            .keys()
            .filter(|at| at.0 == client)
            .copied()
            .collect();
        for at in places {
            self.settle(at, 0, true, Settled::Requeued);
            ensure!(
                self.requeued.is_empty(),
                "not given back: {:?}",
                self.requeued
            );
            self.channels.remove(&at);
        }
        Ok(())
    }

    /// Take back what an ending client has of this queue.
    fn take_back(&mut self, name: &str, seq: u64) -> Option<Copy> {
        let client = self.ending?;
        let (at, tag) = self
            .channels
            .iter()
            .filter(|(at, _)| at.0 == client)
            .find_map(|(at, channel)| {
                let out = channel
                    .unacked
                    .iter()
                    .find(|out| out.queue == name && out.copy.seq == seq)?;
                Some((*at, out.tag))
            })?;
        self.settle(at, tag, false, Settled::Requeued);
        self.requeued.remove(&(name.to_owned(), seq))
    }

    fn settle_one(&mut self, mut out: Out, what: Settled) {
        let failed = matches!(what, Settled::Requeued | Settled::Rejected);
        out.copy.failures += u32::from(failed);
        if let Some(consumer) = out.consumer.and_then(|tag| self.consumers.get_mut(&tag)) {
            consumer.in_flight -= 1;
        }
        let Some(queue) = self.queues.get_mut(&out.queue) else {
            return;
        };
        if !queue.there || queue.incarnation != out.incarnation {
            return;
        }
        queue.unacked -= 1;
        let key = (out.queue, out.copy.seq);
        match what {
            Settled::Acked => drop(self.acked.insert(key)),
            Settled::Returned | Settled::Requeued => drop(self.requeued.insert(key, out.copy)),
            Settled::Discarded | Settled::Rejected => drop(self.rejected.insert(key, out.copy)),
        }
    }
}

/// Where dead letters go.
pub(crate) const DEAD: &str = "dead";

/// How a delivery is settled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Settled {
    Acked,
    /// `basic.nack` with requeue.
    Returned,
    /// `basic.reject` with requeue, or the channel is gone.
    Requeued,
    /// `basic.nack` without requeue.
    Discarded,
    /// `basic.reject` without requeue.
    Rejected,
}
