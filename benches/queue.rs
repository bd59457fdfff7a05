//! One queue of the model: messages in and out, by way of what it was declared with.
#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should say where"
)]

#[allow(dead_code, reason = "shared with the other benches")]
mod support;

use std::sync::{Arc, Mutex};

use criterion::{Criterion, Throughput};
use leveret::broker::effects::Effects;
use leveret::broker::outlet::{
    ConsumerOrigin, Delivered, Delivery, Notice, Out, Outlet, Parked, Place, Room,
};
use leveret::broker::queue::{ConsumerSpec, Entry, Reading, Settlement, Unacked, settle};
use leveret_proto::value::{FieldTable, FieldValue};
use support::{BATCH, World, criterion, message};

/// Takes everything, and keeps it until it is settled.
#[derive(Debug, Default)]
struct Keeper(Mutex<Vec<Unacked>>);

impl Outlet for Keeper {
    fn deliver(&self, delivery: Delivery<'_>, entry: Entry) -> Delivered {
        self.0.lock().unwrap().push(Unacked {
            tag: 0,
            queue: Arc::clone(delivery.queue),
            consumer: delivery.consumer,
            entry,
        });
        Delivered::Sent { first: false }
    }

    fn notice(&self, _notice: Notice) {}

    fn room(&self, _channel: u16) -> Room {
        Room::Free
    }

    fn unacked(&self, _place: Place, _look: &mut dyn FnMut(Out<'_>)) -> Option<Place> {
        None
    }

    fn traffic(&self) -> (u64, u64) {
        (0, 0)
    }

    fn flush(&self, _resume: &mut Vec<Parked>) {}
}

/// Messages wait, and are fetched one by one.
fn publish_and_get(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue/publish and get");
    group.throughput(Throughput::Elements(BATCH));
    let cases = [
        ("plain", None),
        ("ttl", Some(("x-message-ttl", FieldValue::I32(60_000)))),
        ("priority", Some(("x-max-priority", FieldValue::I32(10)))),
        (
            "length limit",
            Some(("x-max-length", FieldValue::I32(1_000_000))),
        ),
    ];
    for (name, argument) in cases {
        let mut world = World::new();
        let queue = world.queue("q", argument.as_slice());
        let message = message("", "q", &[b'x'; 128]);
        let mut fx = Effects::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCH {
                    queue.publish(&message, world.now, &mut fx);
                }
                for _ in 0..BATCH {
                    assert!(queue.get(true, world.now, &mut fx).is_some());
                }
                fx.deadlines.clear();
            });
        });
    }
    group.finish();
}

/// A consumer gets them at once, and settles them all together.
fn deliver_and_settle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue/deliver and settle");
    group.throughput(Throughput::Elements(BATCH));
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    let keeper = Arc::new(Keeper::default());
    let mut fx = Effects::default();
    let key = queue.consume(consumer(&keeper)).unwrap();
    queue.resume(key, world.now, &mut fx);
    let message = message("", "q", &[b'x'; 128]);
    let mut batch = Vec::new();
    group.bench_function("ack", |bencher| {
        bencher.iter(|| {
            for _ in 0..BATCH {
                queue.publish(&message, world.now, &mut fx);
            }
            batch.append(&mut keeper.0.lock().unwrap());
            settle(&mut batch, Settlement::Ack, world.now, &mut fx);
        });
    });
    for _ in 0..BATCH {
        queue.publish(&message, world.now, &mut fx);
    }
    // What goes back is delivered again at once.
    group.bench_function("requeue", |bencher| {
        bencher.iter(|| {
            batch.append(&mut keeper.0.lock().unwrap());
            settle(&mut batch, Settlement::Requeue, world.now, &mut fx);
        });
    });
    group.finish();
}

fn consumer(keeper: &Arc<Keeper>) -> ConsumerSpec {
    let origin = ConsumerOrigin {
        connection: "bench".into(),
        channel: 1,
        user: "guest".into(),
        arguments: FieldTable::new(),
    };
    ConsumerSpec {
        tag: "c".into(),
        outlet: Arc::clone(keeper) as _,
        channel: 1,
        no_ack: false,
        exclusive: false,
        prefetch: 0,
        priority: 0,
        reading: Reading::default(),
        origin: Arc::new(origin),
    }
}

fn main() {
    let mut criterion = criterion();
    publish_and_get(&mut criterion);
    deliver_and_settle(&mut criterion);
    criterion.final_summary();
}
