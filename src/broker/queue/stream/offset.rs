//! [`Offset`]: where a reader of a stream begins.

use super::super::super::tick::Tick;

/// What `x-stream-offset` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offset {
    /// With the oldest message there is.
    First,
    /// With the last chunk: what arrived together last.
    Last,
    /// With what is yet to come.
    #[default]
    Next,
    /// With this one, or the oldest if that is gone already.
    Number(u64),
    /// With the first chunk that arrived at this time or later.
    Since(Tick),
}
