//! The metrics against those of a real 4.0.5: names, types and labels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Api;

/// Type of a metric, and the names of its labels, as often as they differ.
type Shapes = BTreeMap<String, (String, BTreeSet<String>)>;

fn shapes(text: &str) -> Shapes {
    let mut shapes = Shapes::new();
    for line in text.lines() {
        if let Some(of_type) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of_type.split_once(' ').unwrap();
            let old = shapes.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            assert_eq!(old, None, "{name} comes twice");
        } else if !line.starts_with('#') {
            let (name, labels) = sample(line);
            // Samples of a histogram have names of their own.
            let parts = ["_bucket", "_count", "_sum"];
            let whole = parts.iter().find_map(|part| name.strip_suffix(part));
            let whole = whole.filter(|_| !shapes.contains_key(name));
            let name = whole.unwrap_or(name);
            let shape = shapes
                .get_mut(name)
                .unwrap_or_else(|| panic!("{name} has no type"));
            shape.1.insert(labels);
        }
    }
    shapes
}

/// Its name, and the names of its labels. No value here has a quotation mark in it.
fn sample(line: &str) -> (&str, String) {
    let Some((name, rest)) = line.split_once('{') else {
        return (line.split(' ').next().unwrap(), String::new());
    };
    let labels = rest
        .split('"')
        .step_by(2)
        .map(|part| part.trim_matches([',', '=', '}']));
    let labels: Vec<_> = labels
        .filter(|part| part.starts_with(char::is_alphabetic))
        .collect();
    (name, labels.join(","))
}

/// What is not there, each with its reason.
fn missing() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("golden/metrics-missing.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(" - ").unwrap()).collect()
}

fn is_missing(name: &str, path: &str) -> bool {
    missing().iter().any(|(what, _)| {
        let (pattern, only) = what.split_once(" on ").unwrap_or((what, path));
        let fits = match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        };
        fits && only == path
    })
}

fn populated(line: &'static str) -> Api {
    let api = Api::detailed(line);
    for kind in ["classic", "quorum", "stream"] {
        let queue = json!({ "durable": true, "arguments": { "x-queue-type": kind } });
        api.request("guest", "PUT", &format!("/api/queues/%2F/q.{kind}"), &queue);
    }
    let message = json!({ "routing_key": "q.classic", "payload": "a", "payload_encoding": "string", "properties": {} });
    api.request(
        "guest",
        "POST",
        "/api/exchanges/%2F/amq.default/publish",
        &message,
    );
    api
}

/// Of channels and connections there are none here, so they have no samples; and some had none on
/// the real one.
fn fits(got: &(String, BTreeSet<String>), want: &(String, BTreeSet<String>)) -> bool {
    let of_channels = want.1.iter().all(|labels| labels.starts_with("channel"));
    let has_none = of_channels && got.1.is_empty() || want.1.is_empty();
    got.0 == want.0 && (got.1 == want.1 || has_none)
}

#[track_caller]
fn check(path: &str, golden: &str) {
    check_line("4.0", path, golden);
}

#[track_caller]
fn check_line(line: &'static str, path: &str, golden: &str) {
    let api = populated(line);
    let (status, text) = api.text(path);
    assert_eq!(status, 200);
    let (got, golden) = (shapes(&text), shapes(golden));
    let mut wrong = String::new();
    for (name, want) in &golden {
        let is_right = got.get(name).is_some_and(|got| fits(got, want));
        if !is_missing(name, path) && !is_right {
            wrong += &format!("{name}: {:?}, not {want:?}\n", got.get(name));
        }
    }
    for name in got.keys().filter(|name| !golden.contains_key(*name)) {
        wrong += &format!("{name}: RabbitMQ has none\n");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn summed_up() {
    check("/metrics", include_str!("golden/metrics.txt"));
}

#[test]
fn one_by_one() {
    check(
        "/metrics/per-object",
        include_str!("golden/metrics-per-object.txt"),
    );
}

#[test]
fn by_family() {
    let golden = include_str!("golden/metrics-detailed.txt");
    let query = golden.lines().next().unwrap().trim_start_matches("# ");
    check(&format!("/metrics/detailed?{query}"), golden);
}

#[test]
fn of_the_newest_line() {
    let golden = include_str!("golden/metrics-4.3.txt");
    for section in golden.split("== ").skip(1) {
        let (path, golden) = section.split_once('\n').unwrap();
        check_line("4.3", path, golden);
    }
    let (_, text) = populated("4.3").text("/metrics");
    let size = "rabbitmq_message_size_bytes_bucket{protocol=\"amqp091\",le=\"100\"} 1\n";
    assert!(text.contains(size));
}

#[test]
fn values_are_those_of_this_moment() {
    let api = populated("4.0");
    let (_, text) = api.text("/metrics");
    let has = |line: &str| assert!(text.lines().any(|there| there == line), "{line}");
    has("rabbitmq_queues 3");
    has("rabbitmq_queue_messages_ready 1");
    has("rabbitmq_global_messages_received_total{protocol=\"amqp091\"} 1");
    has("rabbitmq_global_messages_confirmed_total{protocol=\"amqp091\"} 1");
    has("rabbitmq_alarms_memory_used_watermark 0");
    let (_, text) =
        api.text("/metrics/detailed?family=queue_coarse_metrics&vhost=%2F&queue=q.classic");
    let ready: Vec<_> = text
        .lines()
        .filter(|line| line.contains("_ready{"))
        .collect();
    assert_eq!(
        ready,
        ["rabbitmq_detailed_queue_messages_ready{vhost=\"/\",queue=\"q.classic\"} 1"]
    );
    api.request("guest", "DELETE", "/api/queues/%2F/q.classic", &Value::Null);
    let (_, text) = api.text("/metrics");
    let total = "rabbitmq_global_messages_routed_total{protocol=\"amqp091\"} 1";
    assert!(text.contains(total), "what is deleted still counts");
}

#[test]
fn what_is_no_registry_is_not_found() {
    let api = Api::start();
    let (status, text) = api.text("/metrics/nosuch");
    assert!(status >= 400 && text.contains("Unknown Registry"), "{text}");
    let (status, text) = api.text("/metrics/memory-breakdown");
    assert_eq!(status, 200);
    assert!(text.contains("\nrabbitmq_memory_binary_heap_bytes 0\n"));
}
