//! Counters and their rates in the answers, without waiting for a sample.

use serde_json::{Value, json};

use super::Api;

fn get(api: &Api, path: &str) -> Value {
    let (status, answer) = api.request("guest", "GET", path, &Value::Null);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn publish(api: &Api, queue: &str) {
    let message = json!({ "routing_key": queue, "payload": "a", "payload_encoding": "string", "properties": {} });
    let path = "/api/exchanges/%2F/amq.default/publish";
    assert_eq!(api.request("guest", "POST", path, &message).0, 200);
}

#[test]
fn counters_are_never_stale() {
    let api = Api::start();
    api.request(
        "guest",
        "PUT",
        "/api/queues/%2F/q",
        &json!({ "durable": true }),
    );
    publish(&api, "q");
    let queue = get(&api, "/api/queues/%2F/q");
    assert_eq!(queue["message_stats"]["publish"], 1);
    assert!(queue["message_stats"]["publish_details"]["rate"].as_f64() > Some(0.0));
    assert_eq!(
        queue["message_stats"]["ack_details"],
        json!({ "rate": 0.0 })
    );
    assert!(queue["messages_ready_details"]["rate"].as_f64() > Some(0.0));
    let exchange = &get(&api, "/api/exchanges/%2F/amq.default")["message_stats"];
    assert_eq!(
        (&exchange["publish_in"], &exchange["publish_out"]),
        (&json!(1), &json!(1))
    );
    let overview = get(&api, "/api/overview");
    assert_eq!(
        overview["message_stats"]["publish"], 1,
        "though no channel is open"
    );
    assert_eq!(overview["queue_totals"]["messages"], 1);
    let vhost = get(&api, "/api/vhosts/%2F");
    assert_eq!(vhost["message_stats"]["confirm"], 1);
    assert!(vhost["recv_oct_details"]["rate"].is_number());
    let node = get(&api, "/api/nodes");
    assert!(node[0]["mem_used_details"]["rate"].is_number());
}

#[test]
fn a_range_brings_samples_and_a_wrong_one_is_refused() {
    let api = Api::start();
    api.request(
        "guest",
        "PUT",
        "/api/queues/%2F/q",
        &json!({ "durable": true }),
    );
    let range = "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5";
    let queue = get(&api, &format!("/api/queues/%2F/q?{range}"));
    for details in [
        &queue["messages_details"],
        &queue["message_stats"]["publish_details"],
    ] {
        assert_eq!(details["samples"].as_array().unwrap().len(), 13);
        assert_eq!(
            (&details["avg_rate"], &details["avg"]),
            (&json!(0.0), &json!(0.0))
        );
    }
    let wrong = |path: &str| {
        let path = format!("{path}?lengths_age=60&lengths_incr=0");
        api.request("guest", "GET", &path, &Value::Null)
    };
    let reason = "Invalid range parameters: age 60, incr 0";
    let refused = |error: &str| (400, json!({ "error": error, "reason": reason }));
    assert_eq!(wrong("/api/overview"), refused("bad_request"));
    assert_eq!(wrong("/api/queues"), refused("invalid_range_parameters"));
}

#[test]
fn statistics_can_be_left_out() {
    let api = Api::start();
    api.request(
        "guest",
        "PUT",
        "/api/queues/%2F/q",
        &json!({ "durable": true }),
    );
    publish(&api, "q");
    let row = get(&api, "/api/queues?disable_stats=true");
    let declared = json!({
        "arguments": { "x-queue-type": "classic" }, "auto_delete": false, "durable": true,
        "exclusive": false, "name": "q", "node": "rabbit@localhost", "state": "running",
        "type": "classic", "vhost": "/",
    });
    assert_eq!(row, json!([declared]));
    let row = get(
        &api,
        "/api/queues?disable_stats=true&enable_queue_totals=true",
    );
    assert_eq!(
        (&row[0]["messages"], &row[0]["online"]),
        (&json!(1), &Value::Null)
    );
    let overview = get(
        &api,
        "/api/overview?disable_stats=true&enable_queue_totals=true",
    );
    assert_eq!(
        overview["object_totals"],
        json!({ "connections": 0, "exchanges": 7, "queues": 1 })
    );
    assert!(overview.get("message_stats").is_none() && overview.get("listeners").is_none());
}

#[test]
fn lists_sort_and_pick_by_columns() {
    let api = Api::start();
    for queue in ["a", "b", "c"] {
        let path = format!("/api/queues/%2F/{queue}");
        api.request("guest", "PUT", &path, &json!({ "durable": true }));
    }
    publish(&api, "b");
    let path = "/api/queues?page=1&page_size=2&sort=message_stats.publish&sort_reverse=true&columns=name,message_stats.publish";
    let page = get(&api, path);
    let names = ["b", "c"]
        .map(|name| json!({ "name": name, "message_stats": { "publish": u8::from(name == "b") } }));
    assert_eq!(page["items"], json!(names));
    let numbers = json!([3, 2, 3, 2]);
    let keys = ["total_count", "item_count", "filtered_count", "page_count"];
    assert_eq!(
        keys.map(|key| page[key].clone())[..],
        numbers.as_array().unwrap()[..]
    );
}

#[test]
fn without_rates_only_lengths_are_told() {
    let api = Api::without_rates("4.3");
    let durable = json!({ "durable": true });
    api.request("guest", "PUT", "/api/queues/%2F/q", &durable);
    publish(&api, "q");
    let overview = get(&api, "/api/overview");
    assert_eq!(overview["rates_mode"], "none");
    let stats: Vec<&String> = overview["message_stats"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let disk = [
        "disk_reads",
        "disk_reads_details",
        "disk_writes",
        "disk_writes_details",
    ];
    assert_eq!(stats, disk);
    assert_eq!(overview["queue_totals"]["messages"], 1);
    for path in ["queues/%2F/q", "exchanges/%2F/amq.direct", "vhosts/%2F"] {
        let one = get(&api, &format!("/api/{path}"));
        assert_eq!(one.get("message_stats"), None, "{path}");
    }
    let queue = get(&api, "/api/queues?columns=message_stats,messages_details");
    let lengths = queue[0].as_object().unwrap();
    assert_eq!(lengths.keys().collect::<Vec<_>>(), ["messages_details"]);
}
