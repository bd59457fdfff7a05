//! The task that looks what was marked and tells it, while anybody watches.

use std::mem;
use std::time::Duration;

use super::super::super::Api;
use super::flows::Flows;
use super::ring::{Frame, Scope, Topic};
use super::rows::{self, Told};
use crate::broker::tick::Tick;

/// Least time between two looks at what was marked.
const BETWEEN_MS: u64 = 100;
/// Least time between two looks at all connections and the overview.
const BETWEEN_SLOW_MS: u64 = 500;
/// How many times as long as a look takes nothing is looked at.
const SHARE: u32 = 25;
/// But not longer than this: what took long may have waited for a processor.
const REST_MS_MAX: u64 = 1000;
/// How long the watch goes on when nobody watches: a page that is loaded anew is back at once.
const LINGER_MS: u64 = 10_000;

/// Keep the feed until nobody watches any more, or the broker stops.
pub(super) async fn run(api: Api, listener: u64) {
    let mut keeper = Keeper::new(&api);
    loop {
        let wait = keeper.wait(api.shared.clock.now().tick);
        tokio::select! {
            () = api.feed.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = api.shared.stopped() => break,
        }
        let now = api.shared.clock.now().tick;
        keeper.look(now);
        if keeper.is_over(now) {
            break;
        }
        // What happens meanwhile is told together.
        let took = now.until(api.shared.clock.now().tick);
        tokio::time::sleep(rest(BETWEEN_MS, took)).await;
    }
    api.broker().events.unlisten(listener);
}

/// How long nothing is looked at after a look that took so long: telling never is what loads the broker.
fn rest(least_ms: u64, took: Duration) -> Duration {
    let rest = (took * SHARE).min(Duration::from_millis(REST_MS_MAX));
    rest.max(Duration::from_millis(least_ms))
}

#[derive(Debug)]
struct Keeper<'a> {
    api: &'a Api,
    told: Told,
    /// When connections are looked at next, if they may have changed.
    slow_at: Option<Tick>,
    /// Not before that.
    next_slow: Tick,
    /// Since when nobody watches.
    alone_since: Option<Tick>,
    last_line: u64,
    flows: Flows,
}

impl<'a> Keeper<'a> {
    fn new(api: &'a Api) -> Self {
        let mut told = Told::default();
        // Whoever begins to watch loads the lists itself.
        told.changes(api);
        Self {
            api,
            told,
            slow_at: None,
            next_slow: Tick::default(),
            alone_since: (!api.feed.is_watched()).then(|| api.shared.clock.now().tick),
            last_line: api.feed.log.next(),
            flows: Flows::default(),
        }
    }

    /// Tell what changed.
    fn look(&mut self, now: Tick) {
        let mut marks = self.api.feed.take_marks();
        let mut frames = match &marks {
            Some(marks) => rows::of_marks(self.api, marks),
            None => Vec::new(),
        };
        if let Some(marks) = &mut marks {
            self.flows.add(mem::take(&mut marks.flows), &mut frames);
        }
        if !self.api.feed.counts_flows() {
            self.flows = Flows::default();
        }
        for line in self.api.feed.log.after(self.last_line, None, usize::MAX) {
            self.last_line = line.seq + 1;
            frames.push(Frame {
                topic: Topic::Log(line.level),
                scope: Scope::Monitors,
                data: line.as_json().to_string(),
            });
        }
        if marks.is_some() {
            self.slow_at.get_or_insert(now.max(self.next_slow));
        }
        if self.slow_at.is_some_and(|at| at <= now) {
            self.slow_look(now, &mut frames);
        }
        self.api.feed.push(frames);
    }

    /// Traffic tells nobody of itself: look again until nothing changes.
    fn slow_look(&mut self, now: Tick, frames: &mut Vec<Frame>) {
        let changed = self.told.changes(self.api);
        let took = now.until(self.api.shared.clock.now().tick);
        let wait = rest(BETWEEN_SLOW_MS, took).as_millis();
        self.next_slow = now.plus_ms(u64::try_from(wait).unwrap_or(u64::MAX));
        self.slow_at = (!changed.is_empty()).then_some(self.next_slow);
        frames.extend(changed);
        frames.push(Frame {
            topic: Topic::Overview,
            scope: Scope::Everybody,
            data: String::new(),
        });
    }

    fn is_over(&mut self, now: Tick) -> bool {
        if self.api.feed.is_watched() {
            self.alone_since = None;
            return false;
        }
        let since = *self.alone_since.get_or_insert(now);
        since.plus_ms(LINGER_MS) <= now && self.api.feed.end()
    }

    fn wait(&self, now: Tick) -> Duration {
        let end = self.alone_since.map(|since| since.plus_ms(LINGER_MS));
        let next = self.slow_at.into_iter().chain(end).min();
        now.until(next.unwrap_or(Tick::NEVER))
            .min(Duration::from_secs(3600))
    }
}
