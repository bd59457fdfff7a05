//! `x-delayed-message`: messages wait here until they are due, then are routed as the type in
//! `x-delayed-type` does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::value::{FieldTable, FieldValue};

use super::super::alarm;
use super::super::effects::Effects;
use super::super::message::{Message, Parts};
use super::super::name::Name;
use super::super::publish::Post;
use super::super::queue::{Page, Which};
use super::super::tick::Tick;
use super::{Destination, Exchange};
use crate::sync::{LEAF, Ranked};

/// Messages that may wait in one exchange; further ones are refused (`basic.nack`).
pub const DELAYED_MAX: usize = 1_000_000;
/// The longest delay, ms; what asks for more is not delayed at all.
const DELAY_MS_MAX: i64 = u32::MAX as i64;

/// What waits in one exchange.
#[derive(Debug, Default)]
pub(super) struct Held(Ranked<Waiting, LEAF>);

#[derive(Debug)]
struct Waiting {
    by_time: BTreeMap<(Tick, u64), Delayed>,
    /// Of the bodies.
    bytes: u64,
    last_seq: u64,
    armed_at: Tick,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            by_time: BTreeMap::new(),
            bytes: 0,
            last_seq: 0,
            armed_at: Tick::NEVER,
        }
    }
}

/// A message that waits.
#[derive(Clone, Debug)]
pub struct Delayed {
    /// The message as it was published.
    pub message: Arc<Message>,
    /// Further routing keys, from `CC` and `BCC`.
    pub extra_keys: Vec<Name>,
    /// When it is routed.
    pub due: Tick,
}

/// How long the headers ask for: a number, or one written as text.
pub(super) fn delay_ms(headers: &FieldTable) -> Option<u64> {
    let asked = asked(headers)?;
    u64::try_from(asked)
        .ok()
        .filter(|ms| (1..=DELAY_MS_MAX.cast_unsigned()).contains(ms))
}

fn asked(headers: &FieldTable) -> Option<i64> {
    match headers.get("x-delay")? {
        // Cast as a client would expect: what has no such integer is out of bounds anyhow.
        FieldValue::F32(ms) => Some(*ms as i64),
        FieldValue::F64(ms) => Some(*ms as i64),
        value => value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok())),
    }
}

impl Held {
    /// Keep a message until it is due; `false` when too many wait.
    pub(super) fn hold(
        &self,
        delayed: Delayed,
        exchange: &Arc<Exchange>,
        fx: &mut Effects,
    ) -> bool {
        let mut waiting = self.0.lock();
        if waiting.by_time.len() >= DELAYED_MAX {
            return false;
        }
        waiting.last_seq += 1;
        let place = (delayed.due, waiting.last_seq);
        let bytes = delayed.message.bytes();
        waiting.bytes += bytes;
        fx.arrived_bytes += alarm::held(1, bytes);
        waiting.by_time.insert(place, delayed);
        waiting.arm(exchange, fx);
        true
    }

    /// The time asked for has come: what is due is routed once no lock is held.
    pub(super) fn release(&self, exchange: &Arc<Exchange>, now: Tick, fx: &mut Effects) {
        let due = self.0.lock().take_due(exchange, now, fx);
        for delayed in due.into_values() {
            post(exchange, delayed, now, fx);
        }
    }

    /// Take out at most `max` of those meant, the next one first.
    pub(super) fn take(&self, which: &Which, max: usize) -> Vec<Delayed> {
        let mut waiting = self.0.lock();
        let meant = waiting.by_time.keys().filter(|(_, seq)| which.has(*seq));
        let places: Vec<_> = meant.take(max).copied().collect();
        let taken = places.iter().filter_map(|at| waiting.by_time.remove(at));
        let taken: Vec<Delayed> = taken.collect();
        waiting.forget_bytes(taken.iter());
        taken
    }

    /// The number of what came last.
    pub(super) fn last_seq(&self) -> u64 {
        self.0.lock().last_seq
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().by_time.len()
    }

    /// Bytes of memory, for the alarm.
    pub(super) fn held_bytes(&self) -> u64 {
        let waiting = self.0.lock();
        alarm::held(waiting.by_time.len() as u64, waiting.bytes)
    }

    /// What waits, each with its number, the next one first.
    pub(super) fn list(&self, page: Page) -> Vec<(u64, Delayed)> {
        let waiting = self.0.lock();
        let pass = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let shown = waiting.by_time.iter().skip(pass).take(page.limit);
        shown.map(|((_, seq), one)| (*seq, one.clone())).collect()
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = Waiting::default();
    }
}

impl Waiting {
    fn take_due(
        &mut self,
        exchange: &Arc<Exchange>,
        now: Tick,
        fx: &mut Effects,
    ) -> BTreeMap<(Tick, u64), Delayed> {
        self.armed_at = Tick::NEVER;
        let later = self.by_time.split_off(&(Tick(now.0.saturating_add(1)), 0));
        let due = std::mem::replace(&mut self.by_time, later);
        self.forget_bytes(due.values());
        self.arm(exchange, fx);
        due
    }

    fn forget_bytes<'a>(&mut self, gone: impl Iterator<Item = &'a Delayed>) {
        let bytes: u64 = gone.map(|one| one.message.bytes()).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn arm(&mut self, exchange: &Arc<Exchange>, fx: &mut Effects) {
        let Some(((due, _), _)) = self.by_time.first_key_value() else {
            return;
        };
        if *due < self.armed_at {
            self.armed_at = *due;
            fx.deadlines.push((*due, Arc::clone(exchange) as _));
        }
    }
}

/// Its time has come: it is routed once no lock is held.
pub(super) fn post(exchange: &Arc<Exchange>, delayed: Delayed, now: Tick, fx: &mut Effects) {
    let message = negated(&delayed.message, now, fx);
    fx.posts.push_back(Post {
        to: Destination::Exchange(Arc::clone(exchange)),
        message: Arc::new(message),
        extra_keys: delayed.extra_keys,
    });
}

/// The message with its delay below zero: it waits no second time, and its receiver sees that it
/// was delayed.
fn negated(message: &Message, now: Tick, fx: &mut Effects) -> Message {
    let mut properties = message.decoded().unwrap_or_default();
    let mut headers = properties.headers.take().unwrap_or_default();
    let delay = asked(&headers).unwrap_or_default().saturating_neg();
    let value = i32::try_from(delay).map_or(FieldValue::I64(delay), FieldValue::I32);
    headers.insert("x-delay", value);
    properties.headers = Some(headers);
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    let parts = Parts {
        exchange: message.exchange(),
        routing_key: message.routing_key(),
        properties: &raw,
    };
    let mut released = message.rewritten(&mut fx.packer, parts, now);
    released.left_its_keys = message.left_its_keys;
    match &message.deaths {
        Some(deaths) => released.with_deaths(deaths.clone(), message.failures),
        None => released,
    }
}
