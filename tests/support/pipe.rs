//! Sessions without sockets, runtime or clock: bytes are handed in, and what comes out is counted
//! and, where wanted, kept. For the budgets and the benches.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use leveret::broker::compat::Compat;
use leveret::broker::tick::{Tick, Ticked};
use leveret::broker::{Broker, BrokerSpec, Timer};
use leveret::session::egress::{Doorbell, Egress, Sink};
use leveret::session::{Endpoints, Now, Session, Verdict};
use leveret_proto::connection::Config;

use super::frames;

#[derive(Debug)]
struct NoTimer;

impl Timer for NoTimer {
    fn arm(&self, deadlines: &mut Vec<(Tick, Arc<dyn Ticked>)>) {
        deadlines.clear();
    }

    fn moved(&self) {}
}

/// A broker with nothing in it.
pub(crate) fn broker() -> Arc<Broker> {
    let spec = BrokerSpec {
        compat: Compat::default(),
        node: "rabbit@test".into(),
        seed: Some(1),
        ..BrokerSpec::default()
    };
    Arc::new(Broker::new(spec, Arc::new(NoTimer)))
}

/// A client's end: it accepts everything and counts it; one that [`Peer::keeping`] made keeps it.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) writes: AtomicU64,
    pub(crate) octets: AtomicU64,
    pub(crate) rings: AtomicU64,
    /// Where the last large slice began.
    pub(crate) large_slice: AtomicU64,
    /// Nothing is accepted any more.
    pub(crate) is_full: AtomicBool,
    kept: Mutex<Vec<u8>>,
    keeps: bool,
}

/// A slice of this size is a body that was not copied.
const LARGE_SLICE: usize = 4096;

impl Sink for Peer {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let octets = slices.iter().map(|slice| slice.len()).sum();
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.octets.fetch_add(octets as u64, Ordering::Relaxed);
        if let Some(large) = slices.iter().find(|slice| slice.len() >= LARGE_SLICE) {
            let address = large.as_ptr().addr() as u64;
            self.large_slice.store(address, Ordering::Relaxed);
        }
        if self.keeps {
            let mut kept = self.kept.lock().unwrap();
            slices
                .iter()
                .for_each(|slice| kept.extend_from_slice(slice));
        }
        Ok(octets)
    }
}

impl Doorbell for Peer {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Relaxed);
    }
}

impl Peer {
    /// One that keeps what it gets.
    pub(crate) fn keeping() -> Arc<Self> {
        Arc::new(Self {
            keeps: true,
            ..Self::default()
        })
    }

    /// Look at what was kept, and forget it.
    pub(crate) fn take<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        let mut kept = self.kept.lock().unwrap();
        let seen = look(&kept);
        kept.clear();
        seen
    }

    /// Writes, octets and rings so far.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.writes, &self.octets, &self.rings].map(|counter| counter.load(Ordering::Relaxed))
    }
}

/// A moment that does not pass.
pub(crate) fn now() -> Now {
    Now {
        instant: Instant::now(),
        tick: Tick::from_ms(1),
        wall_ms: 0,
    }
}

/// A client of guest's with channel 1 open.
pub(crate) fn connected(broker: &Arc<Broker>, peer: &Arc<Peer>) -> Client {
    let egress = Arc::new(Egress::new(Arc::clone(peer) as _, Arc::clone(peer) as _));
    let address: SocketAddr = "127.0.0.1:5672".parse().unwrap();
    let endpoints = Endpoints {
        peer: address,
        local: address,
    };
    let now = now();
    let session = Session::new(
        Arc::clone(broker),
        egress,
        endpoints,
        Config::default(),
        now,
    );
    let mut client = Client { session, now };
    for step in frames::log_in(0) {
        client.send(&step);
    }
    client.send(&frames::open_channel(1));
    client
}

/// A session and the time it believes in.
#[derive(Debug)]
pub(crate) struct Client {
    session: Session,
    now: Now,
}

impl Client {
    /// One read: whole frames, all of them taken.
    pub(crate) fn send(&mut self, read: &[u8]) {
        let taken = self.session.recv(read, self.now);
        assert_eq!(taken, (read.len(), Verdict::Open));
    }
}
