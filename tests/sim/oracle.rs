//! The reference model: what queues must hold, told only what clients did and which events the
//! broker reported. It is slow, simple, and shares no code with the broker.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use leveret::broker::event::Event;

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
}

/// One message in one queue.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    id: u64,
    seq: u64,
    lane: u8,
    expires_ms: u64,
    redelivered: bool,
}

impl Copy {
    fn order(&self) -> (u8, u64) {
        (u8::MAX - self.lane, self.seq)
    }
}

#[derive(Debug, Default)]
struct Queue {
    rules: Rules,
    there: bool,
    incarnation: u64,
    next_seq: u64,
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
    dead: VecDeque<(u64, String)>,
    acked: HashSet<(String, u64)>,
    requeued: HashMap<(String, u64), Copy>,
    rejected: HashMap<(String, u64), Copy>,
    getting: Option<(Place, bool)>,
    /// A client whose socket was cut: its channels end one after the other.
    ending: Option<usize>,
    pub(crate) tally: Tally,
}

impl Oracle {
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
            refused |= !self.enter(name, id, priority, ttl_ms);
        }
        let channel = self.channel(at);
        channel.published += 1;
        channel.unconfirmed.insert(channel.published, !refused);
    }

    /// Whether the queue takes it.
    fn enter(&mut self, name: &str, id: u64, priority: u8, ttl_ms: Option<u64>) -> bool {
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
                self.dead.push_back((id, name.to_owned()));
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
            redelivered: false,
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

    fn settle_one(&mut self, out: Out, what: Settled) {
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
            Settled::Requeued => drop(self.requeued.insert(key, out.copy)),
            Settled::Rejected => drop(self.rejected.insert(key, out.copy)),
        }
    }

    /// What the broker says happened, in its order.
    pub(crate) fn events(&mut self, events: &[Event]) -> Verdict {
        for event in events {
            self.event(event)
                .map_err(|text| format!("{text}\n  at {event:?}"))?;
        }
        self.bury_all();
        self.finish_ending()?;
        ensure!(
            self.acked.is_empty() && self.requeued.is_empty() && self.rejected.is_empty(),
            "settled without an event: {:?} {:?} {:?}",
            self.acked,
            self.requeued,
            self.rejected
        );
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Verdict {
        match event {
            Event::Delivered {
                queue,
                seq,
                consumer_tag,
                redelivered,
                ..
            } => self.on_delivered(queue, *seq, consumer_tag, *redelivered),
            Event::Got { queue, seq, .. } => self.on_got(queue, *seq),
            Event::Acked { queue, seq, .. } => {
                ensure!(
                    self.acked.remove(&(queue.to_string(), *seq)),
                    "nobody acked this"
                );
                self.tally.acked += 1;
                Ok(())
            }
            Event::Requeued { queue, seq, .. } => {
                let key = (queue.to_string(), *seq);
                let given = self
                    .requeued
                    .remove(&key)
                    .or_else(|| self.take_back(queue, *seq));
                let mut copy = given.ok_or("not requeued")?;
                copy.redelivered = true;
                self.queue(queue)?.ready.insert(copy.order(), copy);
                Ok(())
            }
            Event::Rejected { queue, seq, .. } => {
                let copy = self
                    .rejected
                    .remove(&(queue.to_string(), *seq))
                    .ok_or("not rejected")?;
                self.tally.rejected += 1;
                self.bury(copy.id, queue)
            }
            Event::Expired { queue, seq, .. } => self.on_expired(queue, *seq),
            Event::Dropped { queue, seq, .. } => self.on_dropped(queue, *seq),
            Event::Purged {
                queue, messages, ..
            } => {
                let waiting = std::mem::take(&mut self.queue(queue)?.ready).len() as u64;
                ensure!(waiting == *messages, "purged {messages} of {waiting}");
                self.tally.purged += waiting;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_delivered(&mut self, name: &str, seq: u64, tag: &str, redelivered: bool) -> Verdict {
        let copy = self.take_head(name, seq)?;
        let consumer = self
            .consumers
            .get_mut(tag)
            .ok_or("delivered to no consumer")?;
        ensure!(
            consumer.queue == name,
            "it consumes from {}",
            consumer.queue
        );
        ensure!(
            copy.redelivered == redelivered,
            "redelivered must be {}",
            copy.redelivered
        );
        let (at, no_ack) = (consumer.at, consumer.no_ack);
        if !no_ack {
            consumer.in_flight += 1;
            let within = consumer.prefetch == 0 || consumer.in_flight <= consumer.prefetch;
            ensure!(
                within,
                "{} in flight of {}",
                consumer.in_flight,
                consumer.prefetch
            );
        }
        let channel = self.channel(at);
        let in_flight = channel
            .unacked
            .iter()
            .filter(|out| out.consumer.is_some())
            .count();
        let limit = channel.global_prefetch;
        ensure!(
            limit == 0 || in_flight < limit,
            "{in_flight} on the channel of {limit}"
        );
        self.hand_out(name, copy, at, Some(tag.to_owned()), no_ack);
        Ok(())
    }

    fn on_got(&mut self, name: &str, seq: u64) -> Verdict {
        let (at, no_ack) = self.getting.take().ok_or("nobody asked")?;
        let copy = self.take_head(name, seq)?;
        self.hand_out(name, copy, at, None, no_ack);
        Ok(())
    }

    fn hand_out(
        &mut self,
        name: &str,
        copy: Copy,
        at: Place,
        consumer: Option<String>,
        no_ack: bool,
    ) {
        let (id, redelivered) = (copy.id, copy.redelivered);
        let queue = self.queues.get_mut(name);
        let incarnation = queue.map_or(0, |queue| {
            queue.unacked += usize::from(!no_ack);
            queue.incarnation
        });
        self.tally.taken += u64::from(no_ack);
        let channel = self.channel(at);
        channel.last_tag += 1;
        let tag = channel.last_tag;
        if !no_ack {
            let (queue, consumer) = (name.to_owned(), consumer.clone());
            channel.unacked.push(Out {
                tag,
                queue,
                incarnation,
                consumer,
                copy,
            });
        }
        let expected = Expected {
            channel: at.1,
            consumer,
            tag,
            redelivered,
            id,
        };
        self.expected.entry(at.0).or_default().push_back(expected);
    }

    /// The next of its queue, and not one that should have expired.
    fn take_head(&mut self, name: &str, seq: u64) -> Result<Copy, String> {
        self.bury_until(name, seq);
        let queue = self.queue(name)?;
        let (order, copy) = queue.ready.first_key_value().ok_or("nothing waits")?;
        ensure_eq(copy.seq, seq, "the next is")?;
        let order = *order;
        queue.ready.remove(&order).ok_or_else(String::new)
    }

    fn on_expired(&mut self, name: &str, seq: u64) -> Verdict {
        self.bury_until(name, seq);
        let now_ms = self.now_ms;
        let copy = self.remove(name, seq)?;
        ensure!(
            copy.expires_ms <= now_ms,
            "it lives until {} and it is {now_ms}",
            copy.expires_ms
        );
        let lane = copy.order().0;
        let older = self
            .queue(name)?
            .ready
            .range((lane, 0)..(lane, seq))
            .next()
            .map(|(order, _)| *order);
        ensure!(
            older.is_none(),
            "only a head expires, before it waits {older:?}"
        );
        self.tally.expired += 1;
        self.bury(copy.id, name)
    }

    fn on_dropped(&mut self, name: &str, seq: u64) -> Verdict {
        self.bury_until(name, seq);
        let queue = self.queue(name)?;
        let is_over = queue
            .rules
            .length_max
            .is_some_and(|max| queue.ready.len() > max);
        ensure!(is_over, "{} wait, that is not too many", queue.ready.len());
        let lowest = queue
            .ready
            .keys()
            .map(|(lane, _)| *lane)
            .max()
            .ok_or("empty")?;
        let oldest = queue
            .ready
            .range((lowest, 0)..)
            .next()
            .map(|(_, copy)| copy.seq);
        ensure!(
            oldest == Some(seq),
            "the oldest of the lowest is {oldest:?}"
        );
        let copy = self.remove(name, seq)?;
        self.tally.dropped += 1;
        self.bury(copy.id, name)
    }

    fn remove(&mut self, name: &str, seq: u64) -> Result<Copy, String> {
        let queue = self.queue(name)?;
        let order = queue
            .ready
            .iter()
            .find(|(_, copy)| copy.seq == seq)
            .map(|(order, _)| *order);
        let order = order.ok_or("it does not wait here")?;
        queue.ready.remove(&order).ok_or_else(String::new)
    }

    fn queue(&mut self, name: &str) -> Result<&mut Queue, String> {
        self.queues
            .get_mut(name)
            .ok_or_else(|| format!("no queue {name}"))
    }

    fn bury(&mut self, id: u64, name: &str) -> Verdict {
        if self.queue(name)?.rules.buries {
            self.dead.push_back((id, name.to_owned()));
        }
        Ok(())
    }

    /// The broker publishes dead letters once it is done with the rest: those before `seq` of
    /// this queue must be there by now.
    fn bury_until(&mut self, name: &str, seq: u64) {
        while self
            .queues
            .get(name)
            .is_some_and(|queue| queue.next_seq < seq)
        {
            let Some((id, _)) = self.dead.pop_front() else {
                return;
            };
            self.enter(DEAD, id, 0, None);
        }
    }

    fn bury_all(&mut self) {
        while let Some((id, _)) = self.dead.pop_front() {
            self.enter(DEAD, id, 0, None);
        }
    }

    /// A message that a client heard: it must be the one expected next.
    pub(crate) fn heard(&mut self, client: usize, heard: &Expected) -> Verdict {
        let next = self.expected.entry(client).or_default().pop_front();
        ensure!(
            next.as_ref() == Some(heard),
            "client {client} heard {heard:?}, not {next:?}"
        );
        Ok(())
    }

    /// A confirm that a client heard.
    pub(crate) fn confirmed(
        &mut self,
        at: Place,
        tag: u64,
        multiple: bool,
        positive: bool,
    ) -> Verdict {
        let channel = self.channel(at);
        let low = if multiple { 0 } else { tag };
        let tags: Vec<u64> = channel
            .unconfirmed
            .range(low..=tag)
            .map(|(tag, _)| *tag)
            .collect();
        ensure!(!tags.is_empty(), "a confirm of {tag} for nothing");
        for one in tags {
            let taken = channel.unconfirmed.remove(&one);
            ensure!(
                taken == Some(positive),
                "publish {one}: taken {taken:?}, told {positive}"
            );
        }
        Ok(())
    }

    /// Nothing more is expected of a client that reads all.
    pub(crate) fn heard_all(&self, client: usize) -> Verdict {
        let missing = self
            .expected
            .get(&client)
            .filter(|missing| !missing.is_empty());
        ensure!(
            missing.is_none(),
            "client {client} did not hear {missing:?}"
        );
        for (at, channel) in self.channels.iter().filter(|(at, _)| at.0 == client) {
            ensure!(
                channel.unconfirmed.is_empty(),
                "{at:?} unconfirmed {:?}",
                channel.unconfirmed
            );
        }
        Ok(())
    }

    /// What a listing must show of a queue: ready, unacked.
    pub(crate) fn counts(&self, name: &str) -> (u64, u64) {
        self.queues.get(name).map_or((0, 0), |queue| {
            (queue.ready.len() as u64, queue.unacked as u64)
        })
    }

    /// No head is past its time once the clock has been served.
    fn nothing_is_overdue(&self) -> Verdict {
        for (name, queue) in &self.queues {
            let mut lanes = HashSet::new();
            for head in queue.ready.values().filter(|copy| lanes.insert(copy.lane)) {
                let is_due = head.expires_ms <= self.now_ms;
                ensure!(!is_due, "{head:?} of {name} is overdue at {}", self.now_ms);
            }
        }
        Ok(())
    }

    /// No message waits while a consumer that listens has room. `stalled` clients may be full.
    pub(crate) fn nobody_is_kept_waiting(&self, stalled: &HashSet<usize>) -> Verdict {
        for (name, queue) in self
            .queues
            .iter()
            .filter(|(_, queue)| !queue.ready.is_empty())
        {
            if queue.rules.single_active {
                continue;
            }
            let hungry = self.consumers.iter().find(|(_, consumer)| {
                consumer.queue == *name
                    && !stalled.contains(&consumer.at.0)
                    && self.has_room(consumer)
            });
            ensure!(
                hungry.is_none(),
                "{} wait in {name} beside {hungry:?}",
                queue.ready.len()
            );
        }
        Ok(())
    }

    fn has_room(&self, consumer: &Consumer) -> bool {
        let is_free = consumer.prefetch == 0 || consumer.in_flight < consumer.prefetch;
        let channel = self.channels.get(&consumer.at);
        let is_free_here = channel.is_none_or(|channel| {
            let in_flight = channel
                .unacked
                .iter()
                .filter(|out| out.consumer.is_some())
                .count();
            channel.global_prefetch == 0 || in_flight < channel.global_prefetch
        });
        (consumer.no_ack || is_free) && is_free_here
    }

    /// Every copy that entered is in exactly one place, and none waits past its time.
    pub(crate) fn adds_up(&self) -> Verdict {
        self.nothing_is_overdue()?;
        let inside: usize = self
            .queues
            .values()
            .map(|queue| queue.ready.len() + queue.unacked)
            .sum();
        let t = &self.tally;
        let left = t.acked + t.taken + t.expired + t.dropped + t.rejected + t.purged + t.deleted;
        ensure!(
            t.entered == left + inside as u64,
            "{t:?} and {inside} inside do not add up"
        );
        Ok(())
    }
}

/// Where dead letters go.
pub(crate) const DEAD: &str = "dead";

/// How a delivery is settled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Settled {
    Acked,
    Requeued,
    Rejected,
}

fn ensure_eq(there: u64, told: u64, what: &str) -> Verdict {
    ensure!(there == told, "{what} {there}");
    Ok(())
}
