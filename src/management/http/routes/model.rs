//! Routes about exchanges, queues, bindings and who is connected.

use super::{
    Family, Shows,
    Who::{Administrator, Management, Member},
    act, ask, delete, list, one, pages, put,
};

pub(super) static EXCHANGES: Family = Family {
    name: "Exchanges",
    about: "In a path the nameless exchange is called amq.default.",
    routes: routes! {
        "/api/exchanges": pages(Management, "The exchanges of all virtual hosts");
        "/api/exchanges/{vhost}": pages(Member, "The exchanges of a virtual host");
        "/api/exchanges/{vhost}/{name}":
            one(Member, "One exchange"),
            put(Member, "Declare an exchange", &[
                "type?: string", "durable?: boolean", "auto_delete?: boolean",
                "internal?: boolean", "arguments?: object"
            ]),
            delete(Member, "Delete an exchange").query(&["if-unused"]);
        "/api/exchanges/{vhost}/{name}/publish":
            ask(Member, "Publish one message; tells whether it was routed", &[
                "routing_key: string", "payload: string", "payload_encoding: string or base64",
                "properties: object"
            ], Shows::Object);
        "/api/exchanges/{vhost}/{name}/bindings/source": list(Member, "Bindings from an exchange");
        "/api/exchanges/{vhost}/{name}/bindings/destination":
            list(Member, "Bindings to an exchange");
    },
};

pub(super) static QUEUES: Family = Family {
    name: "Queues",
    about: "Classic queues, quorum queues and streams.",
    routes: routes! {
        "/api/queues": pages(Management, "The queues of all virtual hosts");
        "/api/queues/detailed":
            pages(Management, "The queues of all virtual hosts with all that is known of them");
        "/api/queues/{vhost}": pages(Member, "The queues of a virtual host");
        "/api/queues/{vhost}/{name}":
            one(Member, "One queue, with its consumers"),
            put(Member, "Declare a queue", &[
                "durable?: boolean", "auto_delete?: boolean", "arguments?: object",
                "node?: string"
            ]),
            delete(Member, "Delete a queue").query(&["if-empty", "if-unused"]);
        "/api/queues/{vhost}/{name}/contents": delete(Member, "Drop the messages that are ready");
        "/api/queues/{vhost}/{name}/bindings": list(Member, "Bindings to a queue");
        "/api/queues/{vhost}/{name}/actions":
            act(Member, "There is no action any more: mirrors were synchronised this way", &[
                "action: string"
            ]);
        "/api/queues/quorum/{vhost}/{name}/status":
            list(Member, "The replicas of a quorum queue: one").without_head();
        "/api/queues/quorum/{vhost}/{name}/replicas/add":
            act(Administrator, "Add a replica", &["node: string"]);
        "/api/queues/quorum/{vhost}/{name}/replicas/delete":
            delete(Administrator, "Delete a replica").body(&["node: string"]).success(&[202]);
        "/api/queues/quorum/replicas/on/{node}/grow":
            act(Administrator, "Add replicas on a node", &["strategy: string"]);
        "/api/queues/quorum/replicas/on/{node}/shrink":
            delete(Administrator, "Delete the replicas on a node").success(&[202]);
        "/api/queues/{vhost}/{name}/get":
            ask(Member, "Take messages out, or look at them", &[
                "count: integer",
                "ackmode: ack_requeue_true, ack_requeue_false, reject_requeue_true or reject_requeue_false",
                "encoding: auto or base64", "truncate?: integer"
            ], Shows::List);
    },
};

const BINDING: &[&str] = &["routing_key?: string", "arguments?: object"];

pub(super) static BINDINGS: Family = Family {
    name: "Bindings",
    about: "{kind} is q for a queue and e for an exchange.",
    routes: routes! {
        "/api/bindings": list(Management, "The bindings of all virtual hosts");
        "/api/bindings/{vhost}": list(Member, "The bindings of a virtual host");
        "/api/bindings/{vhost}/e/{source}/{kind}/{destination}":
            list(Member, "The bindings between two"),
            act(Member, "Bind; Location tells its properties_key", BINDING).success(&[201]);
        "/api/bindings/{vhost}/e/{source}/{kind}/{destination}/{properties_key}":
            one(Member, "One binding"),
            delete(Member, "Unbind");
    },
};

pub(super) static CONNECTIONS: Family = Family {
    name: "Connections, channels, consumers",
    about: "Who is connected. Users see their own, monitors see all.",
    routes: routes! {
        "/api/connections": pages(Management, "All connections");
        "/api/connections/{name}":
            one(Management, "One connection"),
            delete(Management, "Close a connection");
        "/api/connections/{name}/channels": list(Management, "The channels of a connection");
        "/api/connections/{name}/sessions":
            list(Management, "Sessions of AMQP 1.0: there are none");
        "/api/connections/username/{user}":
            list(Management, "The connections of a user"),
            delete(Management, "Close the connections of a user");
        "/api/channels": pages(Management, "All channels");
        "/api/channels/{name}": one(Management, "One channel, with its consumers");
        "/api/consumers": list(Management, "All consumers");
        "/api/consumers/{vhost}": list(Management, "The consumers of a virtual host");
    },
};
