//! [`ReplyCode`]: why a channel or a connection is closed (AMQP 0-9-1, 1.1).

/// How far an exception reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The channel is closed.
    Channel,
    /// The connection is closed.
    Connection,
}

/// A reply code with its name and scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyCode(u16);

macro_rules! reply_codes {
    ($($name:ident = $number:literal, $scope:ident;)*) => {
        impl ReplyCode {
            $(#[doc = concat!("Reply code ", stringify!($number), ".")]
            pub const $name: Self = Self($number);)*

            /// The name, as reply texts begin with it.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)*
                    _ => "UNKNOWN",
                }
            }

            /// What it closes.
            pub const fn scope(self) -> Scope {
                match self.0 {
                    $($number => Scope::$scope,)*
                    _ => Scope::Connection,
                }
            }

            /// The code of that number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

reply_codes! {
    CONTENT_TOO_LARGE = 311, Channel;
    NO_ROUTE = 312, Channel;
    NO_CONSUMERS = 313, Channel;
    CONNECTION_FORCED = 320, Connection;
    INVALID_PATH = 402, Connection;
    ACCESS_REFUSED = 403, Channel;
    NOT_FOUND = 404, Channel;
    RESOURCE_LOCKED = 405, Channel;
    PRECONDITION_FAILED = 406, Channel;
    FRAME_ERROR = 501, Connection;
    SYNTAX_ERROR = 502, Connection;
    COMMAND_INVALID = 503, Connection;
    CHANNEL_ERROR = 504, Connection;
    UNEXPECTED_FRAME = 505, Connection;
    RESOURCE_ERROR = 506, Connection;
    NOT_ALLOWED = 530, Connection;
    NOT_IMPLEMENTED = 540, Connection;
    INTERNAL_ERROR = 541, Connection;
}

impl ReplyCode {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self.0
    }
}
