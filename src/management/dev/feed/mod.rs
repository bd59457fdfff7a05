//! [`Feed`]: what happens in the broker, for those who watch.
//!
//! The model's events mark what changed; a task looks at what was marked and puts rows into a ring,
//! from which every stream takes at its own pace. While nobody watches, nobody listens.

mod keeper;
mod marks;
mod numbers;
mod ring;
mod rows;

use std::sync::Arc;

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
        let begins = !std::mem::replace(&mut state.is_kept, true);
        if begins {
            state.epoch = (state.epoch + 1).max(api.shared.clock.now().wall_ms);
            state.ring = Ring::default();
        }
        let known = last.filter(|it| it.epoch == state.epoch && state.ring.holds(it.next));
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
        Some(Begin {
            at: known.unwrap_or(now),
            is_reset: last.is_some() && known.is_none(),
        })
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
    pub(in super::super) fn log_line(&self, level: &'static str, text: &str) {
        self.log.push(level, text);
        if self.state.lock().is_kept {
            self.bell.notify_one();
        }
    }

    fn hear(&self, events: &[Event]) {
        let mut marks = self.marks.lock();
        let is_first = marks.is_none();
        let noted = marks.get_or_insert_default();
        events.iter().for_each(|event| noted.hear(event));
        drop(marks);
        if is_first {
            self.bell.notify_one();
        }
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
pub(super) struct Seat(pub(super) Arc<Feed>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.leave();
    }
}
