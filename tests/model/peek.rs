//! A look into a queue shows what would be delivered, in that order, and changes nothing.

use leveret::broker::queue::{Page, Queue, Settlement};
use leveret_proto::value::FieldValue;

use super::{expiring, prioritised};
use crate::support::World;

fn seqs(queue: &Queue, offset: u64, limit: usize) -> Vec<u64> {
    let page = Page { offset, limit };
    queue.peek(page).iter().map(|entry| entry.seq).collect()
}

/// A queue with messages of all priorities, of which some came back.
fn filled(world: &mut World, seed: u64, arguments: &[(&str, FieldValue)]) -> std::sync::Arc<Queue> {
    let queue = world.queue("q", arguments);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..60 {
        let priority = random.u8(0..12);
        world.publish_with("", "q", "m", &prioritised(priority));
        if random.u8(0..3) == 0 {
            let count = random.usize(1..6);
            let mut taken: Vec<_> = (0..count).filter_map(|_| world.take(&queue)).collect();
            random.shuffle(&mut taken);
            world.settle_taken(taken, Settlement::Return);
        }
    }
    queue
}

#[test]
fn what_is_shown_is_what_comes_next_on_every_page() {
    let quorum = ("x-queue-type", FieldValue::from("quorum"));
    let priority = ("x-max-priority", FieldValue::I32(10));
    let kinds = [vec![], vec![priority], vec![quorum]];
    for (line, arguments) in ["3.10", "4.0", "4.3"]
        .iter()
        .flat_map(|line| kinds.iter().map(move |kind| (*line, kind)))
    {
        for seed in 0..20 {
            let mut world = World::of_line(line);
            let queue = filled(&mut world, seed, arguments);
            let whole = seqs(&queue, 0, 1000);
            let pages = (0..9).flat_map(|page| seqs(&queue, page * 7, 7));
            assert_eq!(
                whole,
                pages.collect::<Vec<_>>(),
                "{line} {arguments:?} {seed}"
            );
            let next = std::iter::from_fn(|| world.get_entry(&queue));
            let delivered: Vec<u64> = next.map(|entry| entry.seq).collect();
            assert_eq!(whole, delivered, "{line} {arguments:?} {seed}");
            assert!(!whole.is_empty());
        }
    }
}

#[test]
fn a_look_changes_nothing() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-expires", FieldValue::I32(1000))]);
    for body in ["a", "b"] {
        world.publish_with("", "q", body, &expiring("600"));
    }
    let before = format!("{:?}", queue.view());
    world.pass_ms(500);
    assert_eq!(seqs(&queue, 0, 10), [1, 2]);
    assert_eq!(before, format!("{:?}", queue.view()));
    let entry = world.get_entry(&queue).unwrap();
    assert!(!entry.redelivered && entry.returns == 0);
    world.pass_ms(400);
    assert_eq!(queue.view().ready, 0, "it expired in its time");
}

#[test]
fn a_look_does_not_keep_an_idle_queue() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-expires", FieldValue::I32(1000))]);
    world.pass_ms(900);
    assert!(seqs(&queue, 0, 10).is_empty());
    world.pass_ms(200);
    assert!(world.vhost.queues.get("q").is_none());
}

#[test]
fn a_stream_is_read_from_an_offset_on() {
    let mut world = World::new();
    let queue = world.queue("s", &[("x-queue-type", FieldValue::from("stream"))]);
    (0..5).for_each(|_| assert!(world.publish("", "s", "m").routed));
    assert_eq!(seqs(&queue, 2, 2), [2, 3]);
    assert_eq!(seqs(&queue, 4, 2), [4]);
    assert!(seqs(&queue, 5, 2).is_empty());
}

#[test]
fn what_waits_for_its_next_try_is_shown_with_its_time() {
    let mut world = World::new();
    let queue = world.queue(
        "q",
        &[
            ("x-queue-type", FieldValue::from("quorum")),
            ("x-delayed-retry-type", FieldValue::from("all")),
            ("x-delayed-retry-min", FieldValue::I32(500)),
        ],
    );
    world.publish("", "q", "a");
    let taken = world.take(&queue).unwrap();
    world.settle_taken(vec![taken], Settlement::Return);
    let page = Page {
        offset: 0,
        limit: 9,
    };
    let delayed = queue.peek_delayed(page);
    let [(due, entry)] = &delayed[..] else {
        panic!("{delayed:?}")
    };
    assert_eq!((world.now.until(*due).as_millis(), entry.seq), (500, 1));
}
