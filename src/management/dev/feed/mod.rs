//! [`Feed`]: what happens in the broker, for those who watch.
//!
//! The model's events mark what changed; a task looks at what was marked and puts rows into a ring,
//! from which every stream takes at its own pace. While nobody watches, nobody listens.

mod flows;
mod keeper;
mod marks;
mod numbers;
mod ring;
mod rows;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

use self::marks::Marks;
pub(super) use self::numbers::of_all;
use self::ring::Ring;
pub(super) use self::ring::{Fetched, Frame, Scope, Topic};
use super::super::Api;
use super::log::Lines;
use super::ticket::Tickets;
use crate::broker::event::Event;
use crate::sync::{LEAF, Ranked};

/// Streams at a time.
pub(super) const STREAMS_MAX: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub(in super::super) struct Feed {
    state: Ranked<State, LEAF>,
    marks: Ranked<Option<Marks>, LEAF>,
    /// Something was marked, or somebody left.
    bell: Notify,
    /// Streams that tell which way messages go.
    flow_streams: AtomicUsize,
    pushed: watch::Sender<()>,
    pub(super) log: Lines,
    pub(super) tickets: Tickets,
}

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    /// Names the time since the task began: numbers of another one mean nothing.
    epoch: u64,
    is_kept: bool,
    streams: usize,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) epoch: u64,
    /// Of the frame to come.
    pub(super) next: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.next)
    }
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    pub(super) at: Position,
    /// What it knew is too old: it has to load the lists anew.
    pub(super) is_reset: bool,
}

impl Feed {
    /// Somebody watches from now on, or from where it was; `None` when too many do already.
    pub(super) fn join(&self, api: &Api, last: Option<Position>) -> Option<Begin> {
        let mut state = self.state.lock();
        if state.streams >= STREAMS_MAX {
            return None;
        }
        state.streams += 1;
        drop(state);
        let now = self.keep(api);
        let state = self.state.lock();
        let known = last.filter(|it| it.epoch == state.epoch && state.ring.holds(it.next));
        Some(Begin {
            at: known.unwrap_or(now),
            is_reset: last.is_some() && known.is_none(),
        })
    }

    /// From now on what happens is kept, for a while also when nobody comes to watch.
    pub(super) fn keep(&self, api: &Api) -> Position {
        let mut state = self.state.lock();
        let begins = !std::mem::replace(&mut state.is_kept, true);
        if begins {
            state.epoch = (state.epoch + 1).max(api.shared.clock.now().wall_ms);
            state.ring = Ring::default();
        }
        let now = Position {
            epoch: state.epoch,
            next: state.ring.next(),
        };
        drop(state);
        if begins {
            let hearing = Arc::clone(&api.feed);
            let listener = Arc::new(move |events: &[Event]| hearing.hear(events));
            let id = api.broker().events.listen(listener);
            tokio::spawn(keeper::run(api.clone(), id));
        }
        now
    }

    /// Somebody watches no longer.
    pub(super) fn leave(&self) {
        self.state.lock().streams -= 1;
        self.bell.notify_one();
    }

    /// What is new for somebody.
    pub(super) fn fetch(&self, next: u64) -> Fetched {
        self.state.lock().ring.fetch(next)
    }

    /// Tells when there is something to fetch.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.pushed.subscribe()
    }

    /// A line was logged. No lock may be held.
    pub(in super::super) fn log_line(
        &self,
        level: &'static str,
        category: &'static str,
        text: &str,
    ) {
        self.log.push(level, category, text);
        if self.state.lock().is_kept {
            self.bell.notify_one();
        }
    }

    fn hear(&self, events: &[Event]) {
        let mut marks = self.marks.lock();
        let is_first = marks.is_none();
        let noted = marks.get_or_insert_default();
        let counts_flows = self.counts_flows();
        let hear = |event| noted.hear(event, counts_flows);
        events.iter().for_each(hear);
        drop(marks);
        if is_first {
            self.bell.notify_one();
        }
    }

    /// Whether anybody wants to know which way messages go.
    fn counts_flows(&self) -> bool {
        self.flow_streams.load(Ordering::Relaxed) > 0
    }

    fn take_marks(&self) -> Option<Marks> {
        self.marks.lock().take()
    }

    /// Tell it.
    pub(super) fn push(&self, frames: Vec<Frame>) {
        if frames.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        frames.into_iter().for_each(|frame| state.ring.push(frame));
        drop(state);
        self.pushed.send_replace(());
    }

    fn is_watched(&self) -> bool {
        self.state.lock().streams > 0
    }

    /// Whether nobody came meanwhile: then the task ends.
    fn end(&self) -> bool {
        let mut state = self.state.lock();
        state.is_kept = state.streams > 0;
        !state.is_kept
    }
}

/// A place among the streams, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) feed: Arc<Feed>,
    with_flows: bool,
}

impl Seat {
    /// Of a stream that has joined.
    pub(super) fn new(feed: &Arc<Feed>, with_flows: bool) -> Self {
        let count = usize::from(with_flows);
        feed.flow_streams.fetch_add(count, Ordering::Relaxed);
        Self {
            feed: Arc::clone(feed),
            with_flows,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let count = usize::from(self.with_flows);
        self.feed.flow_streams.fetch_sub(count, Ordering::Relaxed);
        self.feed.leave();
    }
}
