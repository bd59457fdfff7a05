//! What the benches share: the world and the clients of the tests, and how long to measure.

#[path = "../../tests/support/pipe.rs"]
#[allow(dead_code, reason = "shared with the tests")]
pub(crate) mod pipe;
#[path = "../../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use leveret::broker::effects::Effects;
use leveret::broker::message::{Facts, Message, Parts};
use leveret::broker::tick::Tick;

#[allow(unused_imports, reason = "not every bench needs both")]
pub(crate) use self::tests::{World, frames};

/// Messages of one read, or of one turn.
pub(crate) const BATCH: u64 = 64;

/// Short: who wants certainty asks for more on the command line.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args()
}

/// A persistent message.
pub(crate) fn message(exchange: &str, routing_key: &str, body: &[u8]) -> Arc<Message> {
    let properties = frames::PERSISTENT;
    let facts = Facts::read(properties).unwrap();
    let parts = Parts {
        exchange,
        routing_key,
        properties,
    };
    let mut fx = Effects::default();
    let now = Tick::from_ms(1);
    Arc::new(Message::pack(&mut fx.packer, parts, facts, body, now))
}
