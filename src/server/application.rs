//! The application stops, starts and is reset while the process goes on: `rabbitmqctl stop_app`.

use std::io;

use super::{SHUTDOWN_TEXT, STOP_PATIENCE, Shared};

impl Shared {
    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.gate.is_running()
    }

    /// Whether its listeners are suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.gate.is_suspended()
    }

    /// Clients get 320 and nobody is let in. What a restart would lose is gone then.
    pub(crate) async fn stop_application(&self) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        tracing::info!("RabbitMQ is asked to stop...");
        let closed = self.gate.set_running(false).await;
        self.broker.close_connections(SHUTDOWN_TEXT, |_| true);
        self.connections_gone().await;
        self.broker.forget_transient(self.clock.now().tick);
        tracing::info!("Successfully stopped RabbitMQ and its dependencies");
        closed
    }

    /// Clients are let in again.
    pub(crate) async fn start_application(&self) -> io::Result<()> {
        self.gate.set_running(true).await
    }

    /// Close the listeners, but no connection; or open them again.
    pub(crate) async fn suspend_listeners(&self, suspended: bool) -> io::Result<()> {
        self.gate.set_suspended(suspended).await
    }

    /// Wait until all connections have ended; not for ever, as some clients do not answer.
    pub(super) async fn connections_gone(&self) {
        let all_gone = async {
            while !self.broker.connections.is_empty() {
                self.timekeeper.connection_gone().await;
            }
        };
        // Who does not answer in time is cut off by its own deadline.
        let _ = tokio::time::timeout(STOP_PATIENCE, all_gone).await;
    }
}
