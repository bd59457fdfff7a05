//! Connections of the management API: how many there may be, and how long they may take.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::ACCEPT;
use axum::http::{HeaderValue, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::conventions::moved_to;
use super::path::normalised;
use super::prefix::{PathPrefix, Place};
use crate::management::error::ApiError;
use crate::management::rates::keep_sampling;
use crate::management::{Api, router};
use crate::server::tls::Acceptor;

/// Connections served at once; the next ones wait in the kernel.
const CONNECTIONS_MAX: usize = 1024;
/// For the head of a request, and for the next request of a client that keeps its connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a request's head; more is 431.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Lines of a request's head; more is 431.
const HEADERS_MAX: usize = 100;
/// How long a stopping API waits for the answers that are on their way.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// After a failed accept: it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serve until `stopped`; answers on their way are finished.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // It ends with this call.
    let _sampling = JoinSet::from_iter([keep_sampling(api.clone())]);
    accept(listener, None, move || Site::of(&api), stopped).await
}

/// Likewise over TLS, beside [`serve`].
pub async fn serve_tls(
    listener: TcpListener,
    acceptor: Acceptor,
    api: Api,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    accept(listener, Some(acceptor), move || Site::of(&api), stopped).await
}

/// What is served, and below which path.
#[derive(Clone, Debug)]
pub(in crate::management) struct Site {
    pub(in crate::management) router: Router,
    pub(in crate::management) prefix: PathPrefix,
    /// Who comes to `/`, or without the slash that links need, is sent on.
    pub(in crate::management) sends_on: bool,
}

impl Site {
    fn of(api: &Api) -> Self {
        Self {
            router: router(api.clone()),
            prefix: api.path_prefix.clone(),
            sends_on: true,
        }
    }
}

/// Serve what `build` makes. It is made for the first connection: a broker that is never asked over
/// HTTP, as most that serve one test are, neither waits for it nor holds its code in memory.
pub(in crate::management) async fn accept(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    build: impl Fn() -> Site,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut built = None;
    let (stop, stopping) = watch::channel(());
    let accepting = async {
        loop {
            // It is never closed.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Small answers must not wait for a full packet.
            let _ = stream.set_nodelay(true);
            let site = built.get_or_insert_with(&build).clone();
            let (acceptor, stopping) = (acceptor.clone(), stopping.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => connection(stream, peer, site, stopping).await,
                    Some(acceptor) => encrypted(&acceptor, stream, peer, site, stopping).await,
                }
                drop(permit);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stopped => {}
    }
    drop(listener);
    stop.send_replace(());
    drop(stopping);
    // Who is slower than that is cut off.
    let _ = tokio::time::timeout(STOP_PATIENCE, stop.closed()).await;
    Ok(())
}

/// Serve one connection, over whatever carries it.
pub async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    api: Api,
) {
    let (_never, stopping) = watch::channel(());
    connection(stream, peer, Site::of(&api), stopping).await;
}

async fn encrypted(
    acceptor: &Acceptor,
    stream: TcpStream,
    peer: SocketAddr,
    site: Site,
    stopping: watch::Receiver<()>,
) {
    match acceptor.accept(stream).await {
        Ok(stream) => connection(stream, peer, site, stopping).await,
        Err(error) => tracing::error!(%peer, %error, "TLS handshake failed"),
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    site: Site,
    mut stopping: watch::Receiver<()>,
) {
    let service = service_fn(move |request| answer(site.clone(), peer, request));
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    let serving = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    // How a connection ends concerns only its client, who is told or is gone.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopping.changed() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

async fn answer(
    site: Site,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let place = normalised(request.uri()).and_then(|uri| site.prefix.place(uri));
    let uri = match place {
        Ok(Place::Inside(uri)) => uri,
        // What the page links to is relative.
        Ok(Place::Top) if site.sends_on && is_browser_without_slash(&request) => {
            return Ok(moved_to(site.prefix.before("/")));
        }
        Ok(Place::Top) => Uri::from_static("/"),
        Ok(Place::Root) if site.sends_on => return Ok(moved_to(site.prefix.before("/"))),
        Ok(Place::Root | Place::Outside) => return Ok(ApiError::NotFound.into_response()),
        Err(_) => return Ok(StatusCode::BAD_REQUEST.into_response()),
    };
    *request.uri_mut() = uri;
    request.extensions_mut().insert(ConnectInfo(peer));
    TowerToHyperService::new(site.router)
        .call(request.map(Body::new))
        .await
}

fn is_browser_without_slash(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT).map(HeaderValue::as_bytes);
    accept.is_some_and(|accept| accept.starts_with(b"text/html"))
        && !request.uri().path().ends_with('/')
}
