//! [`Ring`]: the latest of what is told, for everybody who watches. Nobody waits for a slow one:
//! what it does not fetch in time is lost to it, and it is told how much that was.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::name::Name;

/// Frames kept, and their bytes.
pub(super) const FRAMES_MAX: usize = 4096;
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Frames fetched at once.
const FETCH_MAX: usize = 64;

/// One thing to tell.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Frame {
    pub(in super::super) topic: Topic,
    pub(in super::super) scope: Scope,
    /// JSON; empty where everybody makes their own of it.
    pub(in super::super) data: String,
}

/// What may be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Topic {
    /// Numbers of the broker as a whole changed.
    Overview,
    Queues,
    Exchanges,
    Connections,
    Channels,
    /// Something was made, changed or deleted.
    Topology,
    /// Which way messages went.
    Flows,
    /// A line of the log, with its weight.
    Log(u8),
    /// Too much happened: the lists are to be loaded anew.
    Reset,
}

impl Topic {
    /// As the stream and its query name it.
    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Queues => "queues",
            Self::Exchanges => "exchanges",
            Self::Connections => "connections",
            Self::Channels => "channels",
            Self::Topology => "topology",
            Self::Flows => "flows",
            Self::Log(_) => "log",
            Self::Reset => "reset",
        }
    }
}

/// Who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Scope {
    Everybody,
    /// Who sees the virtual host.
    Vhost(Name),
    /// The user, who still sees the virtual host, and who monitors.
    Owner(Name, Name),
    Monitors,
    Administrators,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ring {
    frames: VecDeque<Arc<Frame>>,
    /// Number of the oldest frame.
    first: u64,
    bytes: usize,
}

/// What somebody fetched.
#[derive(Debug, Default)]
pub(in super::super) struct Fetched {
    /// Frames that were gone already.
    pub(in super::super) lost: u64,
    /// The rest, or some of it, each with its number.
    pub(in super::super) frames: Vec<(u64, Arc<Frame>)>,
}

impl Ring {
    pub(super) fn push(&mut self, frame: Frame) {
        self.bytes += frame.data.len();
        self.frames.push_back(Arc::new(frame));
        while self.frames.len() > FRAMES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.frames.pop_front() else {
                return;
            };
            self.bytes -= oldest.data.len();
            self.first += 1;
        }
    }

    /// The number that the next frame will have.
    pub(super) fn next(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// Whether nothing from that number on is lost.
    pub(super) fn holds(&self, from: u64) -> bool {
        (self.first..=self.next()).contains(&from)
    }

    /// Frames from that number on.
    pub(super) fn fetch(&self, from: u64) -> Fetched {
        let begin = from.max(self.first);
        let at = usize::try_from(begin - self.first).unwrap_or(usize::MAX);
        let there = self.frames.iter().skip(at).take(FETCH_MAX).cloned();
        Fetched {
            lost: begin - from,
            frames: (begin..).zip(there).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(data: String) -> Frame {
        let (topic, scope) = (Topic::Queues, Scope::Everybody);
        Frame { topic, scope, data }
    }

    #[test]
    fn who_is_slow_is_told_what_is_lost() {
        let mut ring = Ring::default();
        (0..FRAMES_MAX + 10).for_each(|at| ring.push(frame(at.to_string())));
        let fetched = ring.fetch(3);
        assert_eq!(fetched.lost, 7);
        let (number, first) = &fetched.frames[0];
        assert_eq!((*number, first.data.as_str()), (10, "10"));
        assert!(ring.holds(10) && !ring.holds(9));
        let last = ring.next() - 1;
        assert_eq!(ring.fetch(last).frames.len(), 1);
        assert_eq!(ring.fetch(last).lost, 0);
        assert!(ring.fetch(last + 1).frames.is_empty());
    }

    #[test]
    fn its_bytes_are_bounded() {
        let mut ring = Ring::default();
        (0..20).for_each(|_| ring.push(frame("x".repeat(BYTES_MAX / 10))));
        assert!(ring.bytes <= BYTES_MAX);
        assert_eq!(ring.next(), 20);
        assert_eq!(ring.fetch(0).lost, 10);
    }
}
