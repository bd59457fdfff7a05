//! Virtual hosts, exchanges, queues, streams, bindings and messages.

use rabbitmq_http_client::commons::{
    BindingDestinationType, ExchangeType, PaginationParams, QueueType,
};
use rabbitmq_http_client::requests::{
    BindingDeletionParams, ExchangeParams, QueueParams, StreamParams, VirtualHostParams,
    XArgumentsBuilder,
};
use serde_json::{Map, json};

use crate::{Api, Court, HOST};

pub(crate) fn judge(court: &mut Court, api: &Api) {
    hosts(court, api);
    exchanges(court, api);
    queues(court, api);
    bindings(court, api);
    messages(court, api);
    emptied(court, api);
}

fn hosts(court: &mut Court, api: &Api) {
    let params = VirtualHostParams::named(HOST)
        .with_description("of the judge")
        .with_tags(vec!["a", "b"])
        .with_default_queue_type(QueueType::Quorum);
    court.done("create_vhost", api.create_vhost(&params));
    court.done("update_vhost", api.update_vhost(&params));
    court.holds("get_vhost", api.get_vhost(HOST), |v| {
        v.name == HOST
            && v.description.as_deref() == Some("of the judge")
            && v.tags.as_ref().is_some_and(|t| t.0 == ["a", "b"])
            && v.default_queue_type.as_deref() == Some("quorum")
    });
    court.holds("list_vhosts", api.list_vhosts(), |v| {
        v.iter().any(|v| v.name == HOST)
    });
    // RabbitMQ 4 answers 500.
    court.refused(
        "list_vhosts_paged",
        400,
        api.list_vhosts_paged(&PaginationParams::first_page(1)),
    );
    court.done(
        "enable_vhost_deletion_protection",
        api.enable_vhost_deletion_protection(HOST),
    );
    court.refused(
        "delete_vhost: protected",
        412,
        api.delete_vhost(HOST, false),
    );
    court.holds("get_vhost: protected", api.get_vhost(HOST), |v| {
        v.protected_from_deletion == Some(true)
    });
    court.done(
        "disable_vhost_deletion_protection",
        api.disable_vhost_deletion_protection(HOST),
    );
    court.refused("get_vhost: none", 404, api.get_vhost("nowhere"));
    court.done(
        "delete_vhost: idempotent",
        api.delete_vhost("nowhere", true),
    );
}

fn exchanges(court: &mut Court, api: &Api) {
    let kinds = [
        ("x.fanout", ExchangeType::Fanout),
        ("x.topic", ExchangeType::Topic),
        ("x.direct", ExchangeType::Direct),
        ("x.headers", ExchangeType::Headers),
        ("x.hash", ExchangeType::ConsistentHashing),
        ("x.random", ExchangeType::LocalRandom),
    ];
    for (name, kind) in kinds {
        let params = ExchangeParams::durable(name, kind.clone(), None);
        court.done(
            &format!("declare_exchange: {name}"),
            api.declare_exchange(HOST, &params),
        );
        court.holds(
            &format!("get_exchange_info: {name}"),
            api.get_exchange_info(HOST, name),
            |e| e.durable && !e.auto_delete && e.exchange_type == String::from(kind.clone()),
        );
    }
    let other = ExchangeParams::durable_topic("x.fanout", None);
    court.refused(
        "declare_exchange: another kind",
        400,
        api.declare_exchange(HOST, &other),
    );
    court.holds("list_exchanges", api.list_exchanges(), |e| {
        e.iter().any(|e| e.name == "x.topic")
    });
    court.holds("list_exchanges_in", api.list_exchanges_in(HOST), |e| {
        e.len() == 7 + 6
    });
    let page = PaginationParams::new(2, 10);
    court.done("list_exchanges_paged", api.list_exchanges_paged(&page));
    court.holds(
        "list_exchanges_in_paged",
        api.list_exchanges_in_paged(HOST, &page),
        |e| e.len() == 3,
    );
}

fn queues(court: &mut Court, api: &Api) {
    let limits = XArgumentsBuilder::new()
        .message_ttl(60_000)
        .max_length(100)
        .overflow_reject_publish()
        .build();
    court.done(
        "declare_queue",
        api.declare_queue(
            HOST,
            &QueueParams::new_durable_classic_queue("q.limits", limits),
        ),
    );
    court.done(
        "declare_classic_queue",
        api.declare_classic_queue(HOST, "q.classic"),
    );
    court.done(
        "declare_quorum_queue",
        api.declare_quorum_queue(HOST, "q.quorum"),
    );
    let stream = StreamParams::with_expiration_and_length_limit("q.stream", "1D", 1_000_000);
    court.done("declare_stream", api.declare_stream(HOST, &stream));
    court.refused(
        "declare_queue: another kind",
        400,
        api.declare_quorum_queue(HOST, "q.classic"),
    );
    court.holds(
        "get_queue_info",
        api.get_queue_info(HOST, "q.limits"),
        |q| {
            q.queue_type == "classic"
                && q.arguments.0.get("x-max-length") == Some(&json!(100))
                && q.state == "running"
        },
    );
    court.holds(
        "get_queue_info: quorum",
        api.get_queue_info(HOST, "q.quorum"),
        |q| {
            q.queue_type == "quorum"
                && q.leader.is_some()
                && q.members.as_ref().is_some_and(|m| m.len() == 1)
        },
    );
    court.holds(
        "get_stream_info",
        api.get_stream_info(HOST, "q.stream"),
        |q| q.queue_type == "stream" && q.arguments.0.get("x-max-age") == Some(&json!("1D")),
    );
    lists(court, api);
}

fn lists(court: &mut Court, api: &Api) {
    let page = PaginationParams::first_page(2);
    court.holds("list_queues", api.list_queues(), |q| q.len() >= 4);
    court.holds("list_queues_paged", api.list_queues_paged(&page), |q| {
        q.len() == 2
    });
    court.holds("list_queues_in", api.list_queues_in(HOST), |q| q.len() == 4);
    court.holds(
        "list_queues_in_paged",
        api.list_queues_in_paged(HOST, &page),
        |q| q.len() == 2,
    );
    court.holds(
        "list_queues_with_details",
        api.list_queues_with_details(),
        |q| q.len() >= 4,
    );
    court.holds(
        "list_quorum_queues_in",
        api.list_quorum_queues_in(HOST),
        |q| q.len() == 1,
    );
    court.holds(
        "list_classic_queues_in",
        api.list_classic_queues_in(HOST),
        |q| q.len() == 2,
    );
    court.holds("list_streams_in", api.list_streams_in(HOST), |q| {
        q.len() == 1
    });
    court.done("list_quorum_queues", api.list_quorum_queues());
    court.done("list_classic_queues", api.list_classic_queues());
    court.done("list_streams", api.list_streams());
    court.done("list_streams_paged", api.list_streams_paged(&page));
    court.done(
        "list_streams_in_paged",
        api.list_streams_in_paged(HOST, &page),
    );
}

fn bindings(court: &mut Court, api: &Api) {
    let arguments = Map::from_iter([
        ("x-match".to_owned(), json!("all")),
        ("grade".to_owned(), json!(3)),
    ]);
    court.done(
        "bind_queue",
        api.bind_queue(HOST, "q.classic", "x.topic", Some("a.*.c/d e"), None),
    );
    court.done(
        "bind_queue: headers",
        api.bind_queue(
            HOST,
            "q.classic",
            "x.headers",
            None,
            Some(arguments.clone()),
        ),
    );
    court.done(
        "bind_exchange",
        api.bind_exchange(HOST, "x.fanout", "x.topic", Some("#"), None),
    );
    court.refused(
        "bind_queue: none",
        404,
        api.bind_queue(HOST, "q.none", "x.topic", None, None),
    );
    court.done("list_bindings", api.list_bindings());
    // Every queue is bound to the default exchange besides.
    court.holds("list_bindings_in", api.list_bindings_in(HOST), |b| {
        b.len() == 3 + 4
    });
    court.holds(
        "list_queue_bindings",
        api.list_queue_bindings(HOST, "q.classic"),
        |b| b.len() == 3,
    );
    let of_topic = api.list_exchange_bindings_with_source(HOST, "x.topic");
    court.holds("list_exchange_bindings_with_source", of_topic, |b| {
        b.len() == 2
    });
    let to_fanout = api.list_exchange_bindings_with_destination(HOST, "x.fanout");
    if let Some(found) = court.done("list_exchange_bindings_with_destination", to_fanout) {
        for binding in &found {
            court.done("recreate_binding", api.recreate_binding(binding));
            let params = BindingDeletionParams::from_binding_info(binding);
            court.done(
                "delete_binding: exchange",
                api.delete_binding(&params, false),
            );
        }
        court.holds("one binding", Ok(found.len()), |n| *n == 1);
    }
    let headers = BindingDeletionParams {
        virtual_host: HOST,
        source: "x.headers",
        destination: "q.classic",
        destination_type: BindingDestinationType::Queue,
        routing_key: "",
        arguments: Some(arguments),
    };
    court.done(
        "delete_binding: with arguments",
        api.delete_binding(&headers, false),
    );
    court.done(
        "delete_binding: idempotent",
        api.delete_binding(&headers, true),
    );
}

fn messages(court: &mut Court, api: &Api) {
    let properties = Map::from_iter([
        ("delivery_mode".to_owned(), json!(2)),
        ("headers".to_owned(), json!({"n": 1, "list": ["a", true]})),
    ]);
    let published = api.publish_message(HOST, "x.topic", "a.b.c/d e", "grüße", properties);
    court.holds("publish_message", published, |m| m.routed);
    let published = api.publish_message(HOST, "x.topic", "x", "y", Map::new());
    court.holds("publish_message: unroutable", published, |m| !m.routed);
    let got = api.get_messages(HOST, "q.classic", 5, "ack_requeue_true");
    court.holds("get_messages", got, |m| {
        m.len() == 1
            && m.iter()
                .all(|m| m.payload == "grüße" && m.exchange == "x.topic" && !m.redelivered)
    });
    let got = api.get_messages(HOST, "q.classic", 5, "ack_requeue_true");
    court.holds("get_messages: again", got, |m| {
        m.len() == 1 && m.iter().all(|m| m.redelivered)
    });
    court.holds(
        "get_queue_info: messages",
        api.get_queue_info(HOST, "q.classic"),
        |q| q.message_count == 1,
    );
    court.done("purge_queue", api.purge_queue(HOST, "q.classic"));
    court.holds(
        "get_messages: purged",
        api.get_messages(HOST, "q.classic", 5, "ack_requeue_false"),
        Vec::is_empty,
    );
}

fn emptied(court: &mut Court, api: &Api) {
    court.done("delete_queue", api.delete_queue(HOST, "q.limits", false));
    court.refused(
        "delete_queue: gone",
        404,
        api.delete_queue(HOST, "q.limits", false),
    );
    court.done(
        "delete_queue: idempotent",
        api.delete_queue(HOST, "q.limits", true),
    );
    court.done(
        "delete_queues",
        api.delete_queues(HOST, &["q.classic", "q.quorum"], false),
    );
    court.done("delete_stream", api.delete_stream(HOST, "q.stream", false));
    court.done(
        "delete_exchange",
        api.delete_exchange(HOST, "x.fanout", false),
    );
    court.done(
        "delete_exchanges",
        api.delete_exchanges(HOST, &["x.topic", "x.direct"], false),
    );
    court.refused(
        "delete_exchange: gone",
        404,
        api.delete_exchange(HOST, "x.fanout", false),
    );
}
