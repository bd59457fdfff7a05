//! Messages moved by hand: none is lost, none is doubled, and the order stays.

use std::collections::BTreeSet;

use leveret::broker::exchange::ExchangeKind;
use leveret::broker::queue::{Page, Queue, Settlement, Which};
use leveret::broker::transfer::{Obstacle, Target, Transfer, Transferred};
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};
use std::sync::Arc;

use super::prioritised;
use crate::support::World;

const ALL: Which = Which::UpTo(u64::MAX);

fn to_queue(from: &Arc<Queue>, to: &Arc<Queue>) -> Transfer {
    Transfer {
        from: Arc::clone(from),
        to: Target::Queue(Arc::clone(to)),
        forgets_deaths: false,
    }
}

fn bodies(queue: &Queue) -> Vec<String> {
    let (offset, limit) = (0, 10_000);
    let all = queue.peek(Page { offset, limit });
    all.iter()
        .map(|entry| String::from_utf8_lossy(entry.message.body()).into_owned())
        .collect()
}

fn arrived(count: u64) -> Transferred {
    Transferred {
        count,
        obstacle: None,
    }
}

#[test]
fn messages_move_in_order_and_only_those_that_are_meant() {
    let mut world = World::new();
    let (from, to) = (world.queue("from", &[]), world.queue("to", &[]));
    for body in ["a", "b", "c", "d", "e"] {
        world.publish("", "from", body);
    }
    let chosen = Which::These(BTreeSet::from([2, 4, 9]));
    let transfer = to_queue(&from, &to);
    assert_eq!(world.transfer(&transfer, &chosen, 100), arrived(2));
    assert_eq!(
        (bodies(&from), bodies(&to)),
        (
            vec!["a".into(), "c".into(), "e".into()],
            vec!["b".to_owned(), "d".into()]
        )
    );
    assert_eq!(world.transfer(&transfer, &ALL, 1), arrived(1));
    assert_eq!(world.transfer(&transfer, &ALL, 100), arrived(2));
    assert_eq!(bodies(&to), ["b", "d", "a", "c", "e"]);
    assert_eq!(from.view().messages(), 0);
}

#[test]
fn what_is_refused_stays_where_it_was() {
    let mut world = World::new();
    let full = [
        ("x-max-length", FieldValue::I32(2)),
        ("x-overflow", FieldValue::from("reject-publish")),
    ];
    let (from, to) = (world.queue("from", &[]), world.queue("to", &full));
    for body in ["a", "b", "c", "d"] {
        world.publish("", "from", body);
    }
    let refused = Transferred {
        count: 2,
        obstacle: Some(Obstacle::Refused),
    };
    assert_eq!(world.transfer(&to_queue(&from, &to), &ALL, 100), refused);
    assert_eq!(
        (bodies(&from), bodies(&to)),
        (
            vec!["c".to_owned(), "d".into()],
            vec!["a".to_owned(), "b".into()]
        )
    );
    let entry = world.get_entry(&from).unwrap();
    assert!(!entry.redelivered && entry.returns == 0);
    // Nor does one of two queues get it.
    world.exchange("x", ExchangeKind::Fanout);
    let other = world.queue("other", &[]);
    world.bind("x", &to, "");
    world.bind("x", &other, "");
    let transfer = Transfer {
        to: Target::Exchange(world.vhost.exchange("x").unwrap(), None),
        ..to_queue(&from, &to)
    };
    assert_eq!(
        world.transfer(&transfer, &ALL, 100).obstacle,
        Some(Obstacle::Refused)
    );
    assert!(bodies(&other).is_empty());
    world.exchange("nowhere", ExchangeKind::Fanout);
    let transfer = Transfer {
        to: Target::Exchange(world.vhost.exchange("nowhere").unwrap(), None),
        ..transfer
    };
    assert_eq!(
        world.transfer(&transfer, &ALL, 100).obstacle,
        Some(Obstacle::Unroutable)
    );
    assert_eq!(bodies(&from), ["d"]);
    assert_eq!(from.view().unacked, 0);
}

#[test]
fn properties_stay_and_deaths_only_if_they_may() {
    let mut world = World::new();
    let dying = [
        ("x-message-ttl", FieldValue::I32(10)),
        ("x-dead-letter-exchange", FieldValue::from("")),
        ("x-dead-letter-routing-key", FieldValue::from("dead")),
    ];
    world.queue("live", &dying);
    let (dead, again) = (world.queue("dead", &[]), world.queue("again", &[]));
    let properties = Properties {
        headers: Some([("k", "v")].into_iter().collect::<FieldTable>()),
        message_id: Some("id".into()),
        ..Properties::default()
    };
    for body in ["a", "b"] {
        world.publish_with("", "live", body, &properties);
    }
    world.pass_ms(20);
    let transfer = to_queue(&dead, &again);
    assert_eq!(world.transfer(&transfer, &ALL, 1), arrived(1));
    let forgets = Transfer {
        forgets_deaths: true,
        ..transfer
    };
    assert_eq!(world.transfer(&forgets, &ALL, 1), arrived(1));
    let kept = world.get(&again).unwrap().decoded().unwrap();
    let headers = kept.headers.unwrap();
    assert!(headers.get("x-death").is_some() && headers.get("k").is_some());
    let forgotten = world.get(&again).unwrap().decoded().unwrap();
    assert_eq!(forgotten, properties);
}

#[test]
fn nothing_is_lost_whatever_happens_between() {
    let quorum = ("x-queue-type", FieldValue::from("quorum"));
    let priority = ("x-max-priority", FieldValue::I32(4));
    let limited = [
        ("x-max-length", FieldValue::I32(20)),
        ("x-overflow", FieldValue::from("reject-publish")),
    ];
    for (seed, kind) in (0..60).zip([vec![], vec![priority], vec![quorum]].iter().cycle()) {
        let line = ["3.10", "4.0", "4.3"][seed as usize / 3 % 3];
        let mut world = World::of_line(line);
        let mut random = fastrand::Rng::with_seed(seed);
        let (from, to) = (world.queue("from", kind), world.queue("to", &limited));
        let (mut published, mut consumed) = (BTreeSet::new(), Vec::new());
        for step in 0..200 {
            match random.u8(0..8) {
                0..=3 => {
                    let body = step.to_string();
                    world.publish_with("", "from", &body, &prioritised(random.u8(0..5)));
                    published.insert(body);
                }
                4 => {
                    let taken: Vec<_> = (0..3).filter_map(|_| world.take(&from)).collect();
                    world.settle_taken(taken, Settlement::Return);
                }
                5 => consumed.extend(
                    world
                        .get(&to)
                        .map(|it| String::from_utf8_lossy(it.body()).into_owned()),
                ),
                6 => {
                    let seqs = (0..4).map(|_| random.u64(0..200)).collect();
                    world.transfer(&to_queue(&from, &to), &Which::These(seqs), 10);
                }
                _ => {
                    let before = bodies(&from);
                    let done = world.transfer(&to_queue(&from, &to), &ALL, random.usize(1..9));
                    let count = usize::try_from(done.count).unwrap();
                    assert_eq!(before[count..], bodies(&from), "{line} {seed}");
                }
            }
        }
        consumed.extend(bodies(&from));
        consumed.extend(bodies(&to));
        assert_eq!(consumed.len(), published.len(), "{line} {seed}");
        assert_eq!(consumed.into_iter().collect::<BTreeSet<_>>(), published);
        assert_eq!(from.view().unacked, 0);
    }
}
