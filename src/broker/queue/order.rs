//! [`Order`]: which of the waiting messages is delivered next.

/// How priorities order a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// First in, first out.
    #[default]
    Arrival,
    /// Lanes from 0, which is also for messages that say nothing, to this one.
    UpTo(u8),
    /// Quorum queues of RabbitMQ 4.3: lanes from 0 to 31, 4 for messages that say nothing.
    Levels,
    /// Quorum queues of RabbitMQ 4.0: high from 5 on, and normal; of three deliveries one is for
    /// a normal message.
    TwoClasses,
}

/// The highest lane of [`Order::Levels`].
const LEVEL_MAX: u8 = 31;
/// Priority of a message that says nothing, in quorum queues.
const NORMAL: u8 = 4;

impl Order {
    /// The lane of a message with this priority.
    pub(super) fn lane(self, priority: Option<u8>) -> u8 {
        match self {
            Self::Arrival => 0,
            Self::UpTo(highest) => priority.unwrap_or(0).min(highest),
            Self::Levels => priority.unwrap_or(NORMAL).min(LEVEL_MAX),
            Self::TwoClasses => u8::from(priority.is_some_and(|priority| priority > NORMAL)),
        }
    }

    /// The highest lane, where there are several.
    pub(super) fn highest(self) -> Option<u8> {
        match self {
            Self::Arrival => None,
            Self::UpTo(highest) => Some(highest),
            Self::Levels => Some(LEVEL_MAX),
            Self::TwoClasses => Some(1),
        }
    }
}
