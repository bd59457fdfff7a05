//! TLS as the command line asks for it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::output::print;
use super::serve::addresses;
use super::web::Web;
use crate::config::written::Origin;
use crate::config::{Config, HttpTls, Listener, Loaded};
use crate::server::tls::{Acceptor, CertLogin, TlsOptions, auto};
use crate::server::{Builder, Server};

/// Where AMQP is usually spoken over TLS.
const AMQPS_PORT: u16 = 5671;
/// And HTTP.
const HTTPS_PORT: u16 = 15671;

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
    /// Port for AMQP over TLS; 0 picks a free one (default: 5671, if there is a certificate)
    #[arg(long, value_name = "PORT", env = "LEVERET_TLS_PORT")]
    tls_port: Option<u16>,
    /// Port of the management API over TLS; 0 picks a free one (default: 15671, if there is a
    /// certificate)
    #[arg(long, value_name = "PORT", env = "LEVERET_MANAGEMENT_TLS_PORT")]
    management_tls_port: Option<u16>,
    /// The server's certificate (PEM); with it TLS is spoken
    #[arg(long, value_name = "FILE")]
    tls_certfile: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE")]
    tls_keyfile: Option<PathBuf>,
    /// Who may sign clients' certificates (PEM); with it clients are asked for one
    #[arg(long, value_name = "FILE")]
    tls_cacertfile: Option<PathBuf>,
    /// Turn away clients without a certificate
    #[arg(long)]
    tls_require_client_cert: bool,
}

/// What speaks TLS, and with what.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) options: TlsOptions,
    amqp: Vec<SocketAddr>,
    /// Where the management API is.
    https: Option<(Listener, TlsOptions)>,
    /// Where the metrics are.
    prometheus: Option<(Listener, TlsOptions)>,
    /// Where made certificates are.
    dir: Option<PathBuf>,
}

impl TlsFlags {
    /// The settings that they stand for: the key, the option, the value. `host` is where to listen,
    /// if that is said.
    pub(super) fn settings(
        &self,
        host: Option<IpAddr>,
    ) -> Vec<(&'static str, &'static str, Option<String>)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let verify = self
            .tls_cacertfile
            .as_ref()
            .map(|_| "verify_peer".to_owned());
        let required = self.tls_require_client_cert.then(|| "true".to_owned());
        let port = |port: Option<u16>| port.map(|port| port.to_string());
        let amqps = self.tls_port.map(|port| match host {
            Some(host) => SocketAddr::new(host, port).to_string(),
            None => port.to_string(),
        });
        vec![
            (
                "ssl_options.certfile",
                "tls_certfile",
                path(&self.tls_certfile),
            ),
            (
                "ssl_options.keyfile",
                "tls_keyfile",
                path(&self.tls_keyfile),
            ),
            (
                "ssl_options.cacertfile",
                "tls_cacertfile",
                path(&self.tls_cacertfile),
            ),
            ("ssl_options.verify", "tls_cacertfile", verify),
            (
                "ssl_options.fail_if_no_peer_cert",
                "tls_require_client_cert",
                required,
            ),
            ("listeners.ssl.default", "tls_port", amqps),
            (
                "management.ssl.port",
                "management_tls_port",
                port(self.management_tls_port),
            ),
        ]
    }

    /// A certificate that an option names is for both listeners, wherever they are, and what there
    /// is without TLS stays.
    pub(super) fn add_listeners(&self, loaded: &mut Loaded) {
        let id = match (&self.tls_auto, &self.tls_certfile) {
            (Some(_), _) => "--tls-auto",
            (None, Some(_)) => "--tls-certfile",
            (None, None) => return,
        };
        let Loaded {
            config, written, ..
        } = loaded;
        let origin = || Origin::Flag(id.to_owned());
        if config.tls.listeners.is_none() {
            let listener = Listener {
                ip: config.node_ip,
                port: AMQPS_PORT,
            };
            config.tls.listeners = Some(vec![("default".to_owned(), listener)]);
            written.set("listeners.ssl.default", AMQPS_PORT.to_string(), origin());
        }
        let management = &mut config.management;
        management.has_plain = true;
        let ip = management.listener.ip;
        let https = management.tls.get_or_insert_with(|| HttpTls {
            ip,
            ..HttpTls::default()
        });
        if https.port.is_none() {
            https.port = Some(HTTPS_PORT);
            written.set("management.ssl.port", HTTPS_PORT.to_string(), origin());
        }
    }

    /// What speaks TLS; certificates that are wanted are made.
    pub(super) fn resolve(&self, config: &Config, node: &str) -> io::Result<Tls> {
        let mut options = config.tls.options();
        if let Some(dir) = &self.tls_auto {
            let machine = node.split_once('@').map_or(node, |(_, machine)| machine);
            options.verify_peer = true;
            options.login_from = CertLogin::CommonName;
            options = auto::make(dir, machine, &options)?;
        }
        let listeners = config.tls.listeners.iter().flatten();
        let https = config.management.encrypted(&options);
        let prometheus = config.prometheus.encrypted(&options);
        Ok(Tls {
            amqp: listeners.flat_map(|(_, one)| addresses(*one)).collect(),
            options,
            https,
            prometheus,
            dir: self.tls_auto.clone(),
        })
    }
}

impl Tls {
    /// Tell the terminal.
    pub(super) fn announce(&self, server: &Server, https: Option<SocketAddr>) {
        if let Some(amqps) = server.tls_addresses().first().map(SocketAddr::port) {
            print(&format!(
                "  AMQP, TLS   amqps://guest:guest@localhost:{amqps}/%2F\n"
            ));
        }
        if let Some(https) = https.map(|address| address.port()) {
            print(&format!(
                "  management  https://guest:guest@localhost:{https}\n"
            ));
        }
        if let Some(dir) = &self.dir {
            print(&format!("  certificates in {}\n", dir.display()));
        }
    }

    /// AMQP over TLS.
    pub(super) fn listen(&self, builder: Builder) -> Builder {
        match self.amqp.is_empty() {
            true => builder,
            false => builder.listen_tls(self.options.clone(), self.amqp.clone()),
        }
    }

    /// HTTP over TLS.
    pub(super) fn encrypt(&self, web: &mut Web) -> io::Result<()> {
        if let Some((listener, options)) = &self.https {
            web.encrypt(*listener, Acceptor::new(options)?)?;
        }
        if let Some((listener, options)) = &self.prometheus {
            web.encrypt_prometheus(*listener, Acceptor::new(options)?)?;
        }
        Ok(())
    }
}
