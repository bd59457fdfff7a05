//! [`Gate`]: whether clients are let in. Listeners close their sockets while it is shut, so that
//! whoever tries then is refused by the kernel, as with RabbitMQ.

use std::io;
use std::time::Duration;

use tokio::sync::watch;

/// How long listeners may take to close or to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why it may be shut; it is open when neither holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shut {
    /// The application is stopped: `rabbitmqctl stop_app`.
    stopped: bool,
    /// Listeners are suspended: `rabbitmqctl suspend_listeners`.
    suspended: bool,
}

/// What all listeners of a server look at.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    shut: watch::Sender<Shut>,
    listeners: watch::Sender<Listeners>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Listeners {
    all: usize,
    open: usize,
}

impl Gate {
    /// Whether the application runs.
    pub(crate) fn is_running(&self) -> bool {
        !self.shut.borrow().stopped
    }

    /// Whether listeners are suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.shut.borrow().suspended
    }

    /// The application stops or starts. When this returns, its listeners are gone or back.
    pub(crate) async fn set_running(&self, running: bool) -> io::Result<()> {
        self.change(|shut| shut.stopped = !running).await
    }

    /// Listeners are suspended or resumed. When this returns, they are gone or back.
    pub(crate) async fn set_suspended(&self, suspended: bool) -> io::Result<()> {
        self.change(|shut| shut.suspended = suspended).await
    }

    async fn change(&self, change: impl FnOnce(&mut Shut)) -> io::Result<()> {
        self.shut.send_modify(change);
        let is_open = self.is_open();
        let mut listeners = self.listeners.subscribe();
        let done = listeners.wait_for(|it| it.open == if is_open { it.all } else { 0 });
        match tokio::time::timeout(PATIENCE, done).await {
            // The sender lives as long as `self`, so waiting cannot fail.
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "not all listeners could be opened or closed",
            )),
        }
    }

    fn is_open(&self) -> bool {
        *self.shut.borrow() == Shut::default()
    }

    /// A listener is there, and open.
    pub(super) fn add(&self) {
        self.listeners.send_modify(|it| {
            it.all += 1;
            it.open += 1;
        });
    }

    /// A listener has closed its socket.
    pub(super) fn closed(&self) {
        self.listeners.send_modify(|it| it.open -= 1);
    }

    /// A listener has its socket back.
    pub(super) fn opened(&self) {
        self.listeners.send_modify(|it| it.open += 1);
    }

    /// Wait until it is open, or shut.
    pub(super) async fn becomes(&self, open: bool) {
        let mut shut = self.shut.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = shut.wait_for(|it| (*it == Shut::default()) == open).await;
    }
}
