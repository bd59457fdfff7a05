//! Accepting connections.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use super::tls::Acceptor;
use super::{Shared, connection, proxy};
use crate::session::Endpoints;

/// Connections the kernel holds for us before they are accepted.
const BACKLOG: u32 = 1024;
/// Clients that have not finished their handshake, which they have ten seconds for. The next ones
/// wait in the kernel: none is turned away, and strangers who say nothing cannot pile up.
pub(super) const HANDSHAKES_MAX: usize = 1024;
/// After a failed accept: it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Before an address that somebody else has taken meanwhile is tried again.
const COME_BACK_PAUSE: Duration = Duration::from_millis(200);

/// What a client passes before it speaks AMQP.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    /// A balancer in front says who the client is.
    pub(super) proxy: bool,
    /// It speaks TLS.
    pub(super) tls: Option<Acceptor>,
}

/// Bind all addresses. With port 0 the first free port serves them all; where IPv6's any-address
/// takes IPv4 too, or there is no IPv6, one listener is enough.
pub(super) fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<(TcpListener, SocketAddr)>> {
    let mut bound: Vec<(TcpListener, SocketAddr)> = Vec::new();
    for address in addresses {
        let mut address = *address;
        if let (0, Some((_, first))) = (address.port(), bound.first()) {
            address.set_port(first.port());
        }
        match bind_one(address) {
            Ok(one) => bound.push(one),
            Err(_) if has_dual_stack(&bound) || is_optional(address) => {}
            Err(error) => {
                let text = format!("cannot listen on {address}: {error}");
                return Err(io::Error::new(error.kind(), text));
            }
        }
    }
    Ok(bound)
}

/// A machine without IPv6 serves IPv4.
fn is_optional(address: SocketAddr) -> bool {
    address.ip() == Ipv6Addr::UNSPECIFIED
}

fn has_dual_stack(bound: &[(TcpListener, SocketAddr)]) -> bool {
    bound
        .iter()
        .any(|(_, address)| address.ip() == Ipv6Addr::UNSPECIFIED)
}

fn bind_one(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// Accept while the gate is open, until the server stops.
pub(super) async fn serve(
    shared: Arc<Shared>,
    mut listener: TcpListener,
    local: SocketAddr,
    door: Door,
) {
    loop {
        tokio::select! {
            () = accept(&shared, &listener, local, &door) => {}
            () = shared.gate.becomes(false) => {}
            () = shared.stopped() => return,
        }
        drop(listener);
        shared.gate.closed();
        tracing::info!("stopped TCP listener on {local}");
        tokio::select! {
            back = come_back(&shared, local) => listener = back,
            () = shared.stopped() => return,
        }
        shared.gate.opened();
        tracing::info!("started TCP listener on {local}");
    }
}

/// Listen again once the gate is open.
async fn come_back(shared: &Shared, local: SocketAddr) -> TcpListener {
    loop {
        shared.gate.becomes(true).await;
        match bind_one(local) {
            Ok((listener, _)) => return listener,
            Err(error) => tracing::error!("cannot listen on {local} again: {error}"),
        }
        tokio::time::sleep(COME_BACK_PAUSE).await;
    }
}

async fn accept(shared: &Arc<Shared>, listener: &TcpListener, local: SocketAddr, door: &Door) {
    loop {
        let accepted = listener.accept().await;
        match accepted {
            Ok((stream, peer)) => {
                let local = stream.local_addr().unwrap_or(local);
                let endpoints = Endpoints { peer, local };
                let (permit, shared) = (shared.admit().await, Arc::clone(shared));
                match door.proxy || door.tls.is_some() {
                    // A task of its own kind, as a task is as large as all that it may do.
                    false => tokio::spawn(connection::run(shared, stream, endpoints, permit)),
                    true => tokio::spawn(pass(door.clone(), shared, stream, endpoints, permit)),
                };
            }
            // Out of descriptors, or a client gone already: others must still be served.
            Err(error) => {
                tracing::warn!(target: "connection", %error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn pass(
    door: Door,
    shared: Arc<Shared>,
    mut stream: TcpStream,
    mut endpoints: Endpoints,
    permit: OwnedSemaphorePermit,
) {
    if door.proxy {
        match proxy::read(&mut stream).await {
            Ok(client) => endpoints.peer = client.unwrap_or(endpoints.peer),
            Err(error) => {
                tracing::error!(target: "connection", peer = %endpoints.peer, %error, "PROXY protocol failed");
                return;
            }
        }
    }
    let Some(acceptor) = door.tls else {
        return connection::run(shared, stream, endpoints, permit).await;
    };
    match acceptor.accept_amqp(stream).await {
        Ok(stream) => connection::run(shared, stream, endpoints, permit).await,
        Err(error) => {
            tracing::error!(target: "connection", peer = %endpoints.peer, %error, "TLS handshake failed")
        }
    }
}
