//! What a restart of RabbitMQ would forget, and what a reset does.

use std::sync::Arc;

use super::Broker;
use super::effects::Effects;
use super::queue::{CloseIf, Queue, QueueKind};
use super::tick::Tick;
use super::vhost::VirtualHost;

impl Broker {
    /// Queues and exchanges that are not durable go, and messages of classic queues that are not
    /// persistent. No lock is held on entry.
    pub fn forget_transient(&self, now: Tick) {
        for vhost in self.vhosts.snapshot() {
            self.change("", &vhost, now, |now, fx| {
                forget_in(&vhost, now, fx);
            });
        }
    }

    /// As on the first start: the default virtual host and user, and nothing else. No connection
    /// may be open. No lock is held on entry.
    pub fn reset(&self, now: Tick) {
        for user in self.users.snapshot() {
            self.delete_user(&user.name);
        }
        for vhost in self.vhosts.snapshot() {
            // It was there a moment ago; gone already is as good.
            let _ = self.delete_vhost(&vhost.name);
            self.change("", &vhost, now, |_, fx| {
                for queue in vhost.queues.snapshot() {
                    // Without a condition it cannot be refused.
                    let _ = vhost.delete_queue(&queue, CloseIf::default(), fx);
                }
            });
        }
        self.parameters.lock().clear();
        *self.imported.lock() = None;
        self.add_defaults();
    }
}

fn forget_in(vhost: &VirtualHost, now: Tick, fx: &mut Effects) {
    for queue in vhost.queues.snapshot() {
        match queue.spec.durable {
            true => forget_messages(&queue, now, fx),
            false => {
                // Without a condition it cannot be refused.
                let _ = vhost.delete_queue(&queue, CloseIf::default(), fx);
            }
        }
    }
    for exchange in vhost.exchanges.sorted() {
        if !exchange.spec.durable {
            // The broker's own are durable.
            let _ = vhost.delete_exchange(exchange.name(), false, fx);
        }
    }
}

fn forget_messages(queue: &Arc<Queue>, now: Tick, fx: &mut Effects) {
    if queue.kind != QueueKind::Classic {
        return;
    }
    let lifted = queue.lift_transient(now, fx);
    if !lifted.is_empty() {
        queue.let_go(&lifted, fx);
    }
}
