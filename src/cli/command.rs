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
    /// What must be there before the banner is printed.
    pub(crate) needs: Needs,
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

/// What a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A broker that answers.
    Node,
    /// One whose application runs.
    Application,
    /// One whose application is stopped.
    StoppedApplication,
}

/// Which tools know the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tools(u8);

impl Tools {
    pub(crate) const CTL: Self = Self(1);
    pub(crate) const DIAGNOSTICS: Self = Self(2);
    pub(crate) const QUEUES: Self = Self(4);
    pub(crate) const PLUGINS: Self = Self(8);
    pub(crate) const UPGRADE: Self = Self(16);
    /// `rabbitmqctl` and `rabbitmq-diagnostics`.
    pub(crate) const BOTH: Self = Self::CTL.and(Self::DIAGNOSTICS);
    /// Those that look at queues.
    pub(crate) const REPLICAS: Self = Self::QUEUES.and(Self::DIAGNOSTICS);
    pub(crate) const EXCEPT_UPGRADE: Self = Self(15);
    pub(crate) const ALL: Self = Self::EXCEPT_UPGRADE.and(Self::UPGRADE);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The headings of the help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Help,
    Nodes,
    Cluster,
    Replication,
    Users,
    AccessControl,
    Observability,
    Parameters,
    Policies,
    VirtualHosts,
    Queues,
    Operations,
    FeatureFlags,
    Configuration,
    Definitions,
    Plugins,
    Upgrade,
    Other,
    Deprecated,
}

/// What a command cannot be run with: the text after the heading, and the exit code.
#[derive(Debug)]
pub(crate) struct Invalid {
    pub(crate) heading: &'static str,
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
            tools: Tools::CTL,
            arity: (0, 0),
            options: &[],
            columns: &[],
            default_columns: &[],
            check: |_| Ok(()),
            banner: None,
            needs: Needs::Application,
            titled: true,
            run,
        }
    }

    /// A command that something is asked of that there is not, or that is so already.
    pub(crate) const fn idle(name: &'static str, group: Group, summary: &'static str) -> Self {
        Self::new(name, group, summary, |_| Ok(Output::Nothing))
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
            tools: Tools::BOTH,
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
        self.needs(Needs::Nothing)
    }

    pub(crate) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
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

const ARGUMENTS: &str = "Error (argument validation)";

impl Invalid {
    /// Wrong in number or kind.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            heading: ARGUMENTS,
            text: text.into(),
            exit: super::failure::EX_USAGE,
        }
    }

    /// Nothing is wrong with the arguments, but the broker's state does not suit them.
    pub(crate) fn state(text: impl Into<String>) -> Self {
        Self {
            heading: "Error",
            ..Self::usage(text)
        }
    }

    /// Right in number, but with a value that cannot be.
    pub(crate) fn value(text: impl std::fmt::Display) -> Self {
        Self::bad(format!("Bad argument: {text}"))
    }

    /// Likewise, in other words.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self {
            exit: super::failure::EX_DATAERR,
            ..Self::usage(text)
        }
    }
}

impl Group {
    pub(crate) const ALL: [Self; 19] = [
        Self::Help,
        Self::Nodes,
        Self::Cluster,
        Self::Replication,
        Self::Users,
        Self::AccessControl,
        Self::Observability,
        Self::Parameters,
        Self::Policies,
        Self::VirtualHosts,
        Self::Queues,
        Self::Operations,
        Self::FeatureFlags,
        Self::Configuration,
        Self::Definitions,
        Self::Plugins,
        Self::Upgrade,
        Self::Other,
        Self::Deprecated,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Help => "Help",
            Self::Nodes => "Nodes",
            Self::Cluster => "Cluster",
            Self::Replication => "Replication",
            Self::Users => "Users",
            Self::AccessControl => "Access Control",
            Self::Observability => "Monitoring, observability and health checks",
            Self::Parameters => "Parameters",
            Self::Policies => "Policies",
            Self::VirtualHosts => "Virtual hosts",
            Self::Queues => "Queues",
            Self::Operations => "Operations",
            Self::FeatureFlags => "Feature flags",
            Self::Configuration => "Configuration and Environment",
            Self::Definitions => "Definitions",
            Self::Plugins => "Plugin Management",
            Self::Upgrade => "Upgrade",
            Self::Other => "Other",
            Self::Deprecated => "Deprecated",
        }
    }
}
