//! The one task of a connection: read, hand in, write.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use leveret_proto::connection::Config;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Sleep;

use super::Shared;
use super::nagle::Nagle;
use super::stream::{Stream, Writer as _};
use crate::broker::Broker;
use crate::broker::outlet::{Outlet as _, Parked};
use crate::session::egress::{Doorbell, Egress, FULL_BYTES, Pending};
use crate::session::inquiry::Answer;
use crate::session::{Endpoints, Now, Session, Verdict};

/// A fresh read buffer: most connections never need more.
const READ_BYTES_MIN: usize = 8 * 1024;
/// A busy one's.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Longest handshake: a day is as good as none.
const PATIENCE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Wakes the connection's task.
impl Doorbell for Notify {
    fn ring(&self) {
        self.notify_one();
    }
}

/// What the protocol machine is to offer and demand on this release line.
pub(crate) fn config(broker: &Broker) -> Config {
    let (compat, settings) = (&broker.compat, &broker.settings);
    let patience = match settings.handshake_timeout_ms {
        0 => PATIENCE_MAX,
        ms => Duration::from_millis(ms).min(PATIENCE_MAX),
    };
    Config {
        channel_max: settings.channel_max,
        frame_max: settings.frame_max,
        heartbeat: settings.heartbeat,
        handshake_timeout: patience,
        frame_max_min: compat.frame_max_min,
        handshake_frame_max: settings
            .initial_frame_max
            .unwrap_or(compat.handshake_frame_max),
        header_answer: compat.header_answer,
        message_bytes_max: broker.message_bytes_max(),
        long_body_is_frame_error: compat.long_body_is_frame_error,
    }
}

/// Serve one connection to its end. The permit is for the handshake, and given back after it.
pub(super) async fn run<S: Stream>(
    shared: Arc<Shared>,
    stream: S,
    endpoints: Endpoints,
    handshake: OwnedSemaphorePermit,
) {
    let _counted = shared.broker.sockets.enter();
    let tls = stream.tls();
    let (reader, writer) = stream.into_halves();
    let (writer, bell) = (Arc::new(writer), Arc::new(Notify::new()));
    let egress = Arc::new(Egress::new(
        Arc::clone(&writer) as _,
        Arc::clone(&bell) as _,
    ));
    let broker = Arc::clone(&shared.broker);
    let config = config(&broker);
    let mut session = Session::new(
        broker,
        Arc::clone(&egress),
        endpoints,
        config,
        shared.clock.now(),
    );
    session.encrypted_by(tls);
    let task = Task::<S> {
        shared: Arc::clone(&shared),
        session,
        egress,
        reader,
        writer,
        bell,
        handshake: Some(handshake),
        input: BytesMut::with_capacity(READ_BYTES_MIN),
        read_bytes: READ_BYTES_MIN,
        parked: Vec::new(),
        sent: 0,
        asking: None,
        alarm: Alarm::default(),
        nagle: Nagle::default(),
    };
    task.serve().await;
    shared.timekeeper.note_gone();
}

struct Task<S: Stream> {
    shared: Arc<Shared>,
    session: Session,
    egress: Arc<Egress>,
    reader: S::Reader,
    writer: Arc<S::Writer>,
    bell: Arc<Notify>,
    handshake: Option<OwnedSemaphorePermit>,
    input: BytesMut,
    /// How much is read at once; it grows with what comes.
    read_bytes: usize,
    parked: Vec<Parked>,
    sent: u64,
    /// Others are being asked something.
    asking: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    alarm: Alarm,
    nagle: Nagle,
}

/// The timer of the connection's next deadline. Traffic puts heartbeats off with every read; the
/// timer stays where it is, and whoever is woken too early looks when it has to be woken again.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Wait until the deadline, or not as long.
    async fn wait(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline.map(tokio::time::Instant::from) else {
            return std::future::pending().await;
        };
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.is_elapsed() || sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.await;
    }
}

/// Why the task woke.
enum Woken {
    Read(io::Result<usize>),
    Rung,
    Writable,
    Deadline,
    Answered(Answer),
}

impl<S: Stream> Task<S> {
    async fn serve(mut self) {
        let mut pending = Pending::Nothing;
        loop {
            let woken = self.wait(pending).await;
            // The only look at the clock until the next wait.
            let now = self.shared.clock.now();
            let is_read = matches!(woken, Woken::Read(_));
            let verdict = self.act(woken, now);
            self.ask(now);
            let sent = self.sent;
            pending = self.flush(now);
            if is_read {
                self.acknowledge(self.sent != sent, now);
            }
            if verdict == Verdict::Hangup || matches!(pending, Pending::Failed(_)) {
                break self.session.end(now);
            }
        }
        // Whatever the farewell left: an orderly close waits for no one.
        self.egress.flush_now(&mut self.parked);
    }

    /// A client that does not read is not read from: its requests wait with its replies.
    async fn wait(&mut self, pending: Pending) -> Woken {
        let is_stalled = pending == Pending::Socket;
        let has_room = !is_stalled || self.egress.waiting() < FULL_BYTES;
        let is_asking = self.asking.is_some();
        let may_read = has_room && !self.session.is_blocked() && !is_asking;
        let deadlines = [self.session.poll_timeout(), self.nagle.deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        tokio::select! {
            read = self.reader.read_buf(&mut self.input), if may_read => Woken::Read(read),
            () = self.bell.notified() => Woken::Rung,
            writable = self.writer.writable(), if is_stalled => match writable {
                Ok(()) => Woken::Writable,
                Err(error) => Woken::Read(Err(error)),
            },
            () = self.alarm.wait(deadline) => Woken::Deadline,
            answer = answered(&mut self.asking), if is_asking => Woken::Answered(answer),
        }
    }

    /// What the session wants to know before it goes on.
    fn ask(&mut self, now: Now) {
        let Some(inquiry) = self.session.inquiry() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let ip = self.session.peer().ip();
        self.asking = Some(Box::pin(async move {
            let auth = &shared.auth;
            auth.answer(&shared.broker, inquiry, ip, now.wall_ms).await
        }));
    }

    fn act(&mut self, woken: Woken, now: Now) -> Verdict {
        match woken {
            Woken::Read(Ok(0) | Err(_)) => Verdict::Hangup,
            Woken::Read(Ok(bytes)) => self.on_bytes(bytes, now),
            Woken::Answered(answer) => {
                self.asking = None;
                self.session.answer(answer, now);
                self.take_input(false, now)
            }
            Woken::Rung => self.on_notices(now),
            Woken::Writable => Verdict::Open,
            Woken::Deadline => {
                if self.nagle.is_found(now.instant) {
                    self.writer.acknowledge();
                }
                self.session.on_timeout(now.instant)
            }
        }
    }

    /// See [`Nagle`]. Who waits for the answer of others is not silent.
    fn acknowledge(&mut self, is_answered: bool, now: Now) {
        let is_answered = is_answered || self.asking.is_some();
        let is_open = self.session.is_open();
        if self.nagle.on_read(is_open, is_answered, now.instant) {
            self.writer.acknowledge();
        }
    }

    /// What was read before a pause goes on where it stopped.
    fn on_notices(&mut self, now: Now) -> Verdict {
        let was_blocked = self.session.is_blocked();
        let verdict = self.session.on_notices(now);
        let is_free = !self.session.is_blocked() && !self.session.is_asking();
        match was_blocked && is_free && verdict == Verdict::Open {
            true => self.take_input(false, now),
            false => verdict,
        }
    }

    fn on_bytes(&mut self, bytes: usize, now: Now) -> Verdict {
        let was_full = self.input.len() == self.input.capacity();
        self.session.count_read(bytes);
        self.take_input(was_full, now)
    }

    fn take_input(&mut self, was_full: bool, now: Now) -> Verdict {
        let (taken, verdict) = self.session.recv(&self.input, now);
        if self.handshake.is_some() && self.session.is_open() {
            self.handshake = None;
        }
        bytes::Buf::advance(&mut self.input, taken);
        self.make_room(was_full);
        verdict
    }

    /// Room for the frame that is coming in, and for more at once where much comes.
    fn make_room(&mut self, was_full: bool) {
        if was_full {
            self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
        }
        let wanted = self.session.wanted(&self.input).max(self.read_bytes);
        let room = wanted.saturating_sub(self.input.len());
        self.input.reserve(room.max(READ_BYTES_MIN / 2));
    }

    fn flush(&mut self, now: Now) -> Pending {
        let pending = self.egress.flush_now(&mut self.parked);
        let (sent, _) = self.egress.traffic();
        if sent != self.sent {
            self.sent = sent;
            self.session.on_bytes_sent(now.instant);
        }
        if !self.parked.is_empty() {
            self.session.resume(&mut self.parked, now);
        }
        pending
    }
}

async fn answered(asking: &mut Option<Pin<Box<dyn Future<Output = Answer> + Send>>>) -> Answer {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}
