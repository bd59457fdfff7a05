//! HTTP: the listeners, and the thread that serves them. It is one of its own, so that whoever lists
//! ten thousand queues holds up no message.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::serve::addresses;
use crate::config::{Listener, Prometheus};
use crate::management::{self, Api};
use crate::server::Shared;
use crate::server::tls::Acceptor;

/// Where only this machine comes, at a port that only the runtime file tells.
const PRIVATE: Listener = Listener {
    ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    port: 0,
};

/// How long answers may take that are under way when the broker ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is listened on.
#[derive(Debug)]
pub(super) struct Web {
    management: TcpListener,
    /// It is for the command line alone, as nobody wants the API without TLS.
    is_private: bool,
    prometheus: Option<TcpListener>,
    encrypted: Option<(TcpListener, Acceptor)>,
    encrypted_prometheus: Option<(TcpListener, Acceptor)>,
}

impl Web {
    /// Listen. A port for Prometheus that nobody asked for may be taken: then there is none.
    pub(super) fn bind(management: Option<Listener>, prometheus: &Prometheus) -> io::Result<Self> {
        let is_private = management.is_none();
        let management = bind(management.unwrap_or(PRIVATE))?;
        let metrics = match prometheus.plain().map(bind) {
            Some(Err(error)) if prometheus.port.is_none() => {
                tracing::warn!("no metrics for Prometheus: {error}");
                None
            }
            bound => bound.transpose()?,
        };
        Ok(Self {
            management,
            is_private,
            prometheus: metrics,
            encrypted: None,
            encrypted_prometheus: None,
        })
    }

    /// Have the management API over TLS too.
    pub(super) fn encrypt(&mut self, listener: Listener, acceptor: Acceptor) -> io::Result<()> {
        self.encrypted = Some((bind(listener)?, acceptor));
        Ok(())
    }

    /// And the metrics.
    pub(super) fn encrypt_prometheus(
        &mut self,
        listener: Listener,
        acceptor: Acceptor,
    ) -> io::Result<()> {
        self.encrypted_prometheus = Some((bind(listener)?, acceptor));
        Ok(())
    }

    pub(super) fn encrypted_prometheus(&self) -> Option<SocketAddr> {
        self.encrypted_prometheus.as_ref()?.0.local_addr().ok()
    }

    pub(super) fn encrypted(&self) -> Option<SocketAddr> {
        self.encrypted.as_ref()?.0.local_addr().ok()
    }

    /// Where anybody may use the API without TLS.
    pub(super) fn public(&self) -> Option<SocketAddr> {
        (!self.is_private).then(|| self.management().ok()).flatten()
    }

    /// Where this machine's command line uses it.
    pub(super) fn management(&self) -> io::Result<SocketAddr> {
        self.management.local_addr()
    }

    pub(super) fn prometheus(&self) -> Option<SocketAddr> {
        self.prometheus.as_ref()?.local_addr().ok()
    }

    /// Serve on a thread of its own, until the broker stops.
    pub(super) fn serve(self, api: Api, shared: &Arc<Shared>) -> io::Result<Serving> {
        let (done, ended) = oneshot::channel();
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .name("management".to_owned())
            .spawn(move || {
                if let Err(error) = self.run(&api, &shared) {
                    tracing::error!(%error, "the management API ends");
                }
                // Nobody may be waiting any more.
                let _ = done.send(());
            })?;
        Ok(Serving(ended))
    }

    fn run(self, api: &Api, shared: &Arc<Shared>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let management = async {
                let listener = tokio::net::TcpListener::from_std(self.management)?;
                management::serve(listener, api.clone(), stopped(shared)).await
            };
            let prometheus = metrics(self.prometheus, None, api, shared);
            let (listener, acceptor) = self.encrypted_prometheus.unzip();
            let encrypted_prometheus = metrics(listener, acceptor, api, shared);
            let encrypted = async {
                let Some((listener, acceptor)) = self.encrypted else {
                    return Ok(());
                };
                let listener = tokio::net::TcpListener::from_std(listener)?;
                management::serve_tls(listener, acceptor, api.clone(), stopped(shared)).await
            };
            let (one, two, three, four) =
                tokio::join!(management, prometheus, encrypted, encrypted_prometheus);
            one.and(two).and(three).and(four)
        })
    }
}

async fn metrics(
    listener: Option<TcpListener>,
    acceptor: Option<Acceptor>,
    api: &Api,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    let listener = tokio::net::TcpListener::from_std(listener)?;
    management::serve_metrics(listener, acceptor, api.clone(), stopped(shared)).await
}

/// The thread that serves.
#[derive(Debug)]
pub(super) struct Serving(oneshot::Receiver<()>);

impl Serving {
    /// The broker has stopped: let answers end that are under way.
    pub(super) async fn finish(self) {
        // Who takes longer is cut off.
        let _ = tokio::time::timeout(PATIENCE, self.0).await;
    }
}

fn stopped(shared: &Arc<Shared>) -> impl Future<Output = ()> + Send + 'static {
    let shared = Arc::clone(shared);
    async move { shared.stopped().await }
}

fn bind(listener: Listener) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses(listener) {
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true)?;
                return Ok(listener);
            }
            Err(error) => {
                let text = format!("cannot listen on {address}: {error}");
                last = io::Error::new(error.kind(), text);
            }
        }
    }
    Err(last)
}
