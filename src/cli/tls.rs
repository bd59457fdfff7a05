//! TLS as the command line asks for it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::output::print;
use super::serve::addresses;
use crate::config::{Config, Listener};
use crate::server::tls::{Acceptor, CertLogin, TlsOptions, auto};
use crate::server::{Builder, Server};

/// The options.
#[derive(Args, Clone, Debug)]
pub(super) struct TlsFlags {
    /// Make a certificate authority, a server's and a client's certificate, write them to DIR and
    /// speak TLS with them
    #[arg(
        long,
        value_name = "DIR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "leveret-tls",
        env = "LEVERET_TLS_AUTO"
    )]
    tls_auto: Option<PathBuf>,
    /// Port for AMQP over TLS; 0 picks a free one
    #[arg(
        long,
        default_value_t = 5671,
        value_name = "PORT",
        env = "LEVERET_TLS_PORT"
    )]
    tls_port: u16,
    /// Port of the management API over TLS; 0 picks a free one
    #[arg(
        long,
        default_value_t = 15671,
        value_name = "PORT",
        env = "LEVERET_MANAGEMENT_TLS_PORT"
    )]
    management_tls_port: u16,
    /// The server's certificate (PEM); with it TLS is spoken
    #[arg(long, value_name = "FILE", env = "RABBITMQ_SSL_CERTFILE")]
    tls_certfile: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", env = "RABBITMQ_SSL_KEYFILE")]
    tls_keyfile: Option<PathBuf>,
    /// Who may sign clients' certificates (PEM); with it clients are asked for one
    #[arg(long, value_name = "FILE", env = "RABBITMQ_SSL_CACERTFILE")]
    tls_cacertfile: Option<PathBuf>,
    /// Turn away clients without a certificate
    #[arg(long)]
    tls_require_client_cert: bool,
}

/// What speaks TLS, and with what.
#[derive(Debug)]
pub(super) struct Tls {
    options: TlsOptions,
    amqp: Vec<SocketAddr>,
    /// Where the management API is.
    pub(super) https: Listener,
    /// Where made certificates are.
    dir: Option<PathBuf>,
}

impl TlsFlags {
    /// Nothing, unless there is a certificate or one is to be made.
    pub(super) fn resolve(&self, config: &Config, node: &str) -> io::Result<Option<Tls>> {
        if self.tls_auto.is_none() && self.tls_certfile.is_none() && self.tls_keyfile.is_none() {
            return Ok(None);
        }
        let mut options = TlsOptions {
            cacertfile: self.tls_cacertfile.clone(),
            certfile: self.tls_certfile.clone(),
            keyfile: self.tls_keyfile.clone(),
            verify_peer: self.tls_cacertfile.is_some() || self.tls_auto.is_some(),
            fail_if_no_peer_cert: self.tls_require_client_cert,
            ..TlsOptions::default()
        };
        if let Some(dir) = &self.tls_auto {
            let machine = node.split_once('@').map_or(node, |(_, machine)| machine);
            options.login_from = CertLogin::CommonName;
            options = auto::make(dir, machine, &options)?;
        }
        Ok(Some(Tls {
            options,
            amqp: addresses(Listener {
                ip: config.node_ip,
                port: self.tls_port,
            }),
            https: Listener {
                ip: config.management.listener.ip,
                port: self.management_tls_port,
            },
            dir: self.tls_auto.clone(),
        }))
    }
}

impl Tls {
    /// Tell the terminal.
    pub(super) fn announce(&self, server: &Server, https: u16) {
        let amqps = server.tls_addresses().first().map_or(0, SocketAddr::port);
        print(&format!(
            "  AMQP, TLS   amqps://guest:guest@localhost:{amqps}/%2F\n  management  \
             https://guest:guest@localhost:{https}\n"
        ));
        if let Some(dir) = &self.dir {
            print(&format!("  certificates in {}\n", dir.display()));
        }
    }

    /// AMQP over TLS.
    pub(super) fn listen(&self, builder: Builder) -> Builder {
        builder.listen_tls(self.options.clone(), self.amqp.clone())
    }

    /// What shakes hands for HTTP.
    pub(super) fn acceptor(&self) -> io::Result<Acceptor> {
        Acceptor::new(&self.options)
    }
}
