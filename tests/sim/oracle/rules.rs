//! What must hold after every operation, and what clients must hear.

use std::collections::HashSet;

use super::{Consumer, Expected, Oracle, Place, Verdict, ensure};

impl Oracle {
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
            for head in queue
                .ready
                .values()
                .filter(|copy| lanes.insert(copy.order().0))
            {
                let is_due = head.expires_ms <= self.now_ms;
                ensure!(!is_due, "{head:?} of {name} is overdue at {}", self.now_ms);
            }
        }
        Ok(())
    }

    fn nothing_failed_too_often(&self) -> Verdict {
        for (name, queue) in &self.queues {
            let limit = queue.rules.delivery_limit.unwrap_or(u32::MAX);
            let worn = queue.ready.values().find(|copy| copy.failures > limit);
            ensure!(worn.is_none(), "{name} still has {worn:?}");
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
        self.nothing_failed_too_often()?;
        let inside: usize = self
            .queues
            .values()
            .map(|queue| queue.ready.len() + queue.unacked)
            .sum();
        let t = &self.tally;
        let left = t.acked
            + t.taken
            + t.expired
            + t.exhausted
            + t.dropped
            + t.rejected
            + t.purged
            + t.deleted;
        ensure!(
            t.entered == left + inside as u64,
            "{t:?} and {inside} inside do not add up"
        );
        Ok(())
    }
}
