//! Limits and defaults that the settings give the whole node and its new virtual hosts.

use leveret::broker::settings::Settings;
use leveret::broker::user::HashingAlgorithm;
use leveret::broker::vhost::VhostMetadata;
use leveret::broker::vhost_defaults::{DefaultLimits, DefaultMember, DefaultPolicy, VhostDefaults};
use leveret::server::Server;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::frames;
use crate::support::memory::{Client, reason};

fn server(settings: Settings) -> Server {
    Server::builder().settings(settings).start().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_node_has_so_many_channels() {
    let server = server(Settings {
        channel_max_per_node: Some(1),
        ..Settings::default()
    });
    let _first = Client::logged_in(&server, 0).await;
    let mut other = Client::connect(&server).await;
    other.log_in(0).await;
    other.expect(10, 41).await;
    let close = other.call(&frames::open_channel(1), 10, 50).await;
    let text = "NOT_ALLOWED - number of channels opened on node 'rabbit@localhost' has reached the \
                maximum allowed limit of 1";
    assert_eq!(reason(&close), (530, text.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_channel_has_so_many_consumers() {
    let server = server(Settings {
        consumer_max_per_channel: Some(1),
        ..Settings::default()
    });
    let mut client = Client::logged_in(&server, 0).await;
    client
        .call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    client.call(&frames::consume("q", true), 60, 21).await;
    // Without a tag, so that it gets one of its own.
    let nameless = frames::method(1, 60, 20, &[b"\0\0\x01q\0\x02\0\0\0\0"]);
    let close = client.call(&nameless, 10, 50).await;
    let text = "NOT_ALLOWED - reached maximum (1) of consumers per channel";
    assert_eq!(reason(&close), (530, text.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn all_virtual_hosts_have_so_many_queues() {
    let server = server(Settings {
        cluster_queue_limit: Some(1),
        ..Settings::default()
    });
    let mut client = Client::logged_in(&server, 0).await;
    for _ in 0..2 {
        client
            .call(&frames::declare("q", &FieldTable::new()), 50, 11)
            .await;
    }
    let close = client
        .call(&frames::declare("r", &FieldTable::new()), 20, 40)
        .await;
    let text =
        "PRECONDITION_FAILED - cannot declare queue 'r': queue limit in cluster (1) is reached";
    assert_eq!(reason(&close), (406, text.to_owned()));
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn table(pairs: &[(&str, i64)]) -> FieldTable {
    let mut table = FieldTable::new();
    for (key, value) in pairs {
        table.insert(key, FieldValue::from(*value));
    }
    table
}

#[tokio::test(start_paused = true)]
async fn new_virtual_hosts_begin_with_what_is_set() {
    let defaults = VhostDefaults {
        limits: vec![
            DefaultLimits {
                id: "test".to_owned(),
                pattern: some("^test"),
                limits: table(&[("max-queues", 2)]),
            },
            DefaultLimits {
                id: "all".to_owned(),
                pattern: None,
                limits: table(&[("max-queues", 9)]),
            },
        ],
        policies: vec![DefaultPolicy {
            name: "short".to_owned(),
            pattern: some("^test"),
            queues: some("^s"),
            apply_to: some("classic_queues"),
            definition: table(&[("max-length", 3)]),
        }],
        users: vec![DefaultMember {
            name: "tester".to_owned(),
            pattern: some("^test"),
            password: some("pw"),
            tags: vec!["monitoring".to_owned()],
            permissions: [some("^x"), None, None],
        }],
    };
    let server = server(Settings {
        vhost_defaults: defaults,
        vhost_max: Some(2),
        ..Settings::default()
    });
    let broker = &server.shared().broker;
    assert!(broker.users.get("tester").is_none());
    assert!(broker.check_vhosts("test-1", 1).is_ok());
    broker.add_vhost("test-1".into(), VhostMetadata::default());
    let limit = |vhost: &str| {
        let vhost = broker.vhost(vhost).unwrap();
        let limits = vhost.limits.lock();
        limits.iter().collect::<Vec<_>>()
    };
    assert_eq!(limit("test-1"), [("max-queues", 2)]);
    assert_eq!(limit("/"), [("max-queues", 9)]);
    let user = broker.authenticate("tester", "pw").unwrap();
    assert!(user.has_tag("monitoring"));
    let permission = user.permission("test-1").unwrap();
    assert_eq!(
        [permission.configure.as_str(), permission.write.as_str()],
        ["^x", ".*"]
    );
    assert!(user.permission("/").is_none());
    let policies = |vhost: &str| {
        let vhost = broker.vhost(vhost).unwrap();
        let policies = vhost.policies.lock();
        let all = policies
            .of(leveret::broker::policy::Layer::Operator)
            .values();
        all.map(|policy| format!("{} {}", policy.name, policy.pattern.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(policies("test-1"), ["short ^s"]);
    assert!(policies("/").is_empty());
    let refused = broker.check_vhosts("more", 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot create vhost 'more': vhost limit of 2 is reached"
    );
}

/// A durable direct exchange.
fn declare_exchange(name: &str) -> Vec<u8> {
    let (name, kind) = (frames::short(name), frames::short("direct"));
    frames::method(1, 40, 10, &[b"\0\0", &name, &kind, b"\x02\0\0\0\0"])
}

#[tokio::test(start_paused = true)]
async fn all_virtual_hosts_have_so_many_exchanges() {
    // Those that are there at first count.
    let server = server(Settings {
        cluster_exchange_limit: Some(8),
        ..Settings::default()
    });
    let there = server
        .shared()
        .broker
        .vhosts
        .get("/")
        .unwrap()
        .exchanges
        .len();
    assert_eq!(there, 7);
    let mut client = Client::logged_in(&server, 0).await;
    for _ in 0..2 {
        client.call(&declare_exchange("a"), 40, 11).await;
    }
    let close = client.call(&declare_exchange("b"), 20, 40).await;
    let text = "PRECONDITION_FAILED - cannot declare exchange 'b' in vhost '/': exchange limit of 8 is reached";
    assert_eq!(reason(&close), (406, text.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_has_so_many_publishes() {
    let server = server(Settings {
        channel_tx_message_max: Some(1),
        ..Settings::default()
    });
    let mut client = Client::logged_in(&server, 0).await;
    client.call(&frames::method(1, 90, 10, &[]), 90, 11).await;
    let publish = frames::publish("", "q", frames::PERSISTENT, b"x");
    for _ in 0..2 {
        client.send(&publish).await;
        client.call(&frames::method(1, 90, 20, &[]), 90, 21).await;
    }
    let close = client
        .call(&[publish.clone(), publish].concat(), 20, 40)
        .await;
    let text =
        "PRECONDITION_FAILED - transaction has reached the maximum of 1 uncommitted publishes";
    assert_eq!(reason(&close), (406, text.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_queue_may_be_declared_again_as_a_classic_one() {
    let server = server(Settings {
        relaxes_redeclaration: true,
        ..Settings::default()
    });
    let mut client = Client::logged_in(&server, 0).await;
    let mut quorum = FieldTable::new();
    quorum.insert("x-queue-type", "quorum");
    let none = FieldTable::new();
    client.call(&frames::declare("q", &quorum), 50, 11).await;
    client.call(&frames::declare("q", &none), 50, 11).await;
    // Neither durable, nor for others, and with the connection's end.
    let bits = frames::method(1, 50, 10, &[b"\0\0\x01q\x0c\0\0\0\0"]);
    client.call(&bits, 50, 11).await;
    client.call(&frames::declare("c", &none), 50, 11).await;
    let close = client.call(&frames::declare("c", &quorum), 20, 40).await;
    assert_eq!(reason(&close).0, 406);
}

#[tokio::test(start_paused = true)]
async fn passwords_are_kept_as_is_set() {
    let server = server(Settings {
        hashing: HashingAlgorithm::Sha512,
        ..Settings::default()
    });
    let broker = &server.shared().broker;
    assert_eq!(broker.hash("x").algorithm, HashingAlgorithm::Sha512);
    assert!(broker.authenticate("guest", "guest").is_some());
}
