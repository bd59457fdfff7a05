//! What the broker reports, held against what may happen.

use leveret::broker::event::Event;

use super::{Copy, DEAD, Expected, Oracle, Out, Place, Queue, Verdict, ensure};

impl Queue {
    fn put_back(&mut self, mut copy: Copy) {
        if self.rules.delivery_limit.is_some() {
            self.came_back += 1;
            copy.came_back = Some(self.came_back);
        }
        self.ready.insert(copy.order(), copy);
    }
}

impl Oracle {
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
                self.queue(queue)?.put_back(copy);
                Ok(())
            }
            Event::Rejected { queue, seq, .. } => {
                let copy = self
                    .rejected
                    .remove(&(queue.to_string(), *seq))
                    .ok_or("not rejected")?;
                self.tally.rejected += 1;
                self.bury(&copy, queue)
            }
            Event::Expired { queue, seq, .. } => self.on_expired(queue, *seq),
            Event::Exhausted { queue, seq, .. } => self.on_exhausted(queue, *seq),
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
        let (lane, turn) = copy.order();
        let older = self
            .queue(name)?
            .ready
            .range((lane, 0)..(lane, turn))
            .next()
            .map(|(order, _)| *order);
        ensure!(
            older.is_none(),
            "only a head expires, before it waits {older:?}"
        );
        self.tally.expired += 1;
        self.bury(&copy, name)
    }

    fn on_exhausted(&mut self, name: &str, seq: u64) -> Verdict {
        let copy = self.remove(name, seq)?;
        let limit = self.queue(name)?.rules.delivery_limit;
        ensure!(
            limit.is_some_and(|limit| copy.failures > limit),
            "it failed {} times only",
            copy.failures
        );
        self.tally.exhausted += 1;
        self.bury(&copy, name)
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
        self.bury(&copy, name)
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

    fn bury(&mut self, copy: &Copy, name: &str) -> Verdict {
        if self.queue(name)?.rules.buries {
            self.dead
                .push_back((copy.id, name.to_owned(), copy.failures));
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
            let Some((id, _, failures)) = self.dead.pop_front() else {
                return;
            };
            self.enter(DEAD, id, 0, None, failures);
        }
    }

    fn bury_all(&mut self) {
        while let Some((id, _, failures)) = self.dead.pop_front() {
            self.enter(DEAD, id, 0, None, failures);
        }
    }
}

fn ensure_eq(there: u64, told: u64, what: &str) -> Verdict {
    ensure!(there == told, "{what} {there}");
    Ok(())
}
