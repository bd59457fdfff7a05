//! `leveret serve`: the options of the broker itself.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use super::output::print_error;

/// What may be said on the command line of the broker. What is not said stays open, for the
/// configuration file and the environment to say.
#[derive(Debug, Clone, Default, Parser)]
#[command(
    name = "leveret serve",
    about = "Starts the broker",
    disable_version_flag = true
)]
pub struct ServeOptions {
    /// Port of AMQP 0-9-1 [default: 5672; 0: any free one]
    #[arg(long, short, value_name = "PORT")]
    pub port: Option<u16>,

    /// Port of the management API and page [default: 15672; 0: any free one]
    #[arg(long, value_name = "PORT")]
    pub management_port: Option<u16>,

    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, visible_alias = "host", value_name = "ADDRESS")]
    pub bind: Option<IpAddr>,

    /// Threads that serve connections [default: one per core]
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,

    /// Release of RabbitMQ to behave as [default: 4.3]
    #[arg(long, value_name = "RELEASE")]
    pub compat: Option<Compat>,

    /// Refuse what that release deprecates
    #[arg(long)]
    pub strict: bool,

    /// Name of the node [default: rabbit@<this machine>]
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,

    /// Configuration file in the format of rabbitmq.conf
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Definitions to import at the start, as JSON
    #[arg(long, value_name = "FILE")]
    pub definitions: Option<PathBuf>,

    /// What to log: error, warning, info, debug or none [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,

    /// Write the ports in use to this file, as JSON, once they accept connections
    #[arg(long, value_name = "FILE")]
    pub ports_file: Option<PathBuf>,
}

/// A release line of RabbitMQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// 3.10
    #[value(name = "3.10")]
    V3_10,
    /// 4.0
    #[value(name = "4.0")]
    V4_0,
    /// 4.3
    #[value(name = "4.3")]
    V4_3,
}

/// What starts the broker; returns when it has ended.
pub type Serve = fn(ServeOptions) -> ExitCode;

/// Stands in for the broker.
#[must_use]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the type is that of what really serves"
)]
pub fn not_linked(_options: ServeOptions) -> ExitCode {
    print_error("leveret: this build has no broker in it\n");
    ExitCode::from(super::failure::EX_UNAVAILABLE)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn options_are_consistent() {
        ServeOptions::command().debug_assert();
    }

    #[test]
    fn what_is_said_is_known() {
        let line = "x --port 0 --host ::1 --compat 4.0 --strict --ports-file p.json";
        let options = ServeOptions::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(
            (options.port, options.compat),
            (Some(0), Some(Compat::V4_0))
        );
        assert!(options.strict && options.bind.is_some_and(|address| address.is_ipv6()));
        assert!(options.management_port.is_none());
    }
}
