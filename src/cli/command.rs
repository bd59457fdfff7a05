//! What a command is: one row of the tables that the resource files hold.

use super::failure::Failure;
use super::output::Output;
use super::session::Session;

/// One command of `rabbitmqctl` or `rabbitmq-diagnostics`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Under which heading the help lists it.
    pub(crate) group: Group,
    /// What follows the name in the usage line.
    pub(crate) usage: &'static str,
    pub(crate) summary: &'static str,
    /// Arguments and options, with their meaning.
    pub(crate) help: &'static [(&'static str, &'static str)],
    pub(crate) tools: Tools,
    /// How few and how many arguments there may be.
    pub(crate) arity: (usize, usize),
    pub(crate) options: &'static [Opt],
    /// Arguments are names of these columns; without any, `default_columns` are shown.
    pub(crate) columns: &'static [&'static str],
    pub(crate) default_columns: &'static [&'static str],
    /// Checks arguments beyond their number, before anything is asked of the broker.
    pub(crate) check: fn(&Session<'_>) -> Result<(), Invalid>,
    /// What is said before the work starts.
    pub(crate) banner: Option<fn(&Session<'_>) -> String>,
    /// Whether a broker must be reachable before the banner is printed.
    pub(crate) needs_broker: bool,
    /// Whether its table has a row of column names; one listing of the original has none.
    pub(crate) titled: bool,
    pub(crate) run: fn(&Session<'_>) -> Result<Output, Failure>,
}

/// An option of one command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Flag,
    Text,
    Integer,
}

/// Which tools know the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    Ctl,
    Diagnostics,
    Both,
}

/// The headings of the help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Help,
    Nodes,
    Cluster,
    Users,
    AccessControl,
    Observability,
    Parameters,
    Policies,
    VirtualHosts,
    Queues,
    Operations,
    Definitions,
    Other,
}

/// An argument that cannot be: the text after `Error (argument validation): `, and the exit code.
#[derive(Debug)]
pub(crate) struct Invalid {
    pub(crate) text: String,
    pub(crate) exit: u8,
}

impl Command {
    /// A command without arguments that only `rabbitmqctl` knows and that needs a broker.
    pub(crate) const fn new(
        name: &'static str,
        group: Group,
        summary: &'static str,
        run: fn(&Session<'_>) -> Result<Output, Failure>,
    ) -> Self {
        Self {
            name,
            group,
            usage: "",
            summary,
            help: &[],
            tools: Tools::Ctl,
            arity: (0, 0),
            options: &[],
            columns: &[],
            default_columns: &[],
            check: |_| Ok(()),
            banner: None,
            needs_broker: true,
            titled: true,
            run,
        }
    }

    pub(crate) const fn usage(self, arity: (usize, usize), usage: &'static str) -> Self {
        Self {
            arity,
            usage,
            ..self
        }
    }

    pub(crate) const fn help(self, help: &'static [(&'static str, &'static str)]) -> Self {
        Self { help, ..self }
    }

    pub(crate) const fn tools(self, tools: Tools) -> Self {
        Self { tools, ..self }
    }

    pub(crate) const fn options(self, options: &'static [Opt]) -> Self {
        Self { options, ..self }
    }

    /// Makes it a listing whose arguments choose among `columns`.
    pub(crate) const fn columns(
        self,
        columns: &'static [&'static str],
        default_columns: &'static [&'static str],
    ) -> Self {
        Self {
            columns,
            default_columns,
            arity: (0, usize::MAX),
            tools: Tools::Both,
            ..self
        }
    }

    pub(crate) const fn check(self, check: fn(&Session<'_>) -> Result<(), Invalid>) -> Self {
        Self { check, ..self }
    }

    pub(crate) const fn banner(self, banner: fn(&Session<'_>) -> String) -> Self {
        Self {
            banner: Some(banner),
            ..self
        }
    }

    pub(crate) const fn untitled(self) -> Self {
        Self {
            titled: false,
            ..self
        }
    }

    /// Lets it start without a broker: it waits for one, or works without.
    pub(crate) const fn offline(self) -> Self {
        Self {
            needs_broker: false,
            ..self
        }
    }
}

impl Opt {
    pub(crate) const fn flag(name: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind: Kind::Flag,
        }
    }

    pub(crate) const fn text(name: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind: Kind::Text,
        }
    }

    pub(crate) const fn integer(name: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind: Kind::Integer,
        }
    }

    pub(crate) const fn short(self, short: char) -> Self {
        Self {
            short: Some(short),
            ..self
        }
    }
}

impl Invalid {
    /// Wrong in number or kind.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            exit: super::failure::EX_USAGE,
        }
    }

    /// Right in number, but with a value that cannot be.
    pub(crate) fn value(text: impl std::fmt::Display) -> Self {
        Self {
            text: format!("Bad argument: {text}"),
            exit: super::failure::EX_DATAERR,
        }
    }
}

impl Group {
    pub(crate) const ALL: [Self; 13] = [
        Self::Help,
        Self::Nodes,
        Self::Cluster,
        Self::Users,
        Self::AccessControl,
        Self::Observability,
        Self::Parameters,
        Self::Policies,
        Self::VirtualHosts,
        Self::Queues,
        Self::Operations,
        Self::Definitions,
        Self::Other,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Help => "Help",
            Self::Nodes => "Nodes",
            Self::Cluster => "Cluster",
            Self::Users => "Users",
            Self::AccessControl => "Access Control",
            Self::Observability => "Monitoring, observability and health checks",
            Self::Parameters => "Parameters",
            Self::Policies => "Policies",
            Self::VirtualHosts => "Virtual hosts",
            Self::Queues => "Queues",
            Self::Operations => "Operations",
            Self::Definitions => "Definitions",
            Self::Other => "Other",
        }
    }
}
