//! Routes about the node, and about the API.

use super::{
    Family, Shows,
    Who::{Administrator, Anyone, Management, Member, Monitoring},
    act, ask, delete, file, list, one, put, text,
};

pub(super) static OVERVIEW: Family = Family {
    name: "Overview",
    about: "The broker as a whole, and who is asking.",
    routes: routes! {
        "/api/overview": one(Management, "Versions, totals, listeners");
        "/api/whoami": one(Management, "Name and tags of the user who asks");
        "/api/version": one(Anyone, "The version of RabbitMQ that is spoken");
        "/api/auth": one(Anyone, "How to log in: there is no OAuth");
        "/api/login": ask(Anyone, "Check a name and a password", &[], Shows::Object);
        "/api/cluster-name":
            one(Management, "The name of the cluster"),
            put(Administrator, "Name the cluster", &["name: string"]).success(&[204]);
        "/api/extensions": list(Management, "Pages that plugins bring");
        "/api/config/effective": text(Administrator, "The settings, as RabbitMQ writes them");
    },
};

pub(super) static NODES: Family = Family {
    name: "Nodes",
    about: "There is one node.",
    routes: routes! {
        "/api/nodes": list(Monitoring, "The nodes");
        "/api/nodes/{node}": one(Monitoring, "One node, with its limits");
        "/api/nodes/{node}/memory": one(Monitoring, "What the memory is used for");
        "/api/nodes/{node}/memory/relative": one(Monitoring, "The same in percent");
        "/api/nodes/{node}/memory/ets": one(Monitoring, "Erlang's tables: there are none");
        "/api/nodes/{node}/memory/ets/relative": one(Monitoring, "The same in percent");
        "/api/nodes/{node}/memory/ets/{filter}": one(Monitoring, "Erlang's tables of one part");
        "/api/nodes/{node}/memory/ets/{filter}/relative": one(Monitoring, "The same in percent");
        "/api/top/{node}": one(Administrator, "Erlang's processes: there are none");
        "/api/top/ets/{node}": one(Administrator, "Erlang's largest tables: there are none");
        "/api/auth/attempts/{node}":
            list(Monitoring, "Logins by protocol"),
            delete(Monitoring, "Count them anew");
        "/api/auth/attempts/{node}/source":
            list(Monitoring, "Logins by address: not counted"),
            delete(Monitoring, "Count them anew");
        "/api/rebalance/queues": act(Administrator, "Spread leaders over the nodes", &[]);
        "/api/reset": delete(Administrator, "Forget statistics");
        "/api/reset/{node}": delete(Administrator, "Forget the statistics of one node");
        "/api/shovels": list(Monitoring, "Shovels: there are none");
        "/api/shovels/{vhost}": list(Monitoring, "Shovels of a virtual host: there are none");
    },
};

pub(super) static HEALTH: Family = Family {
    name: "Health",
    about: "For probes: 200 when all is well, 503 when it is not.",
    routes: routes! {
        "/api/health/checks/alarms": one(Management, "No alarm is raised");
        "/api/health/checks/local-alarms": one(Management, "No alarm of this node is raised");
        "/api/health/checks/virtual-hosts": one(Management, "All virtual hosts are up");
        "/api/health/checks/port-listener/{port}": one(Management, "A port is listened on");
        "/api/health/checks/protocol-listener/{protocol}":
            one(Management, "A protocol is listened for");
        "/api/health/checks/ready-to-serve-clients": one(Management, "Clients can connect");
        "/api/health/checks/is-in-service": one(Management, "The node is not being drained");
        "/api/health/checks/below-node-connection-limit":
            one(Management, "Another client can connect");
        "/api/health/checks/reached-target-cluster-size": one(Management, "All nodes are there");
        "/api/health/checks/node-is-quorum-critical":
            one(Management, "No queue needs this node to go on");
        "/api/health/checks/node-is-mirror-sync-critical":
            one(Management, "No mirror needs this node");
        "/api/health/checks/metadata-store/initialized":
            one(Management, "The store of definitions is ready");
        "/api/health/checks/metadata-store/initialized/with-data":
            one(Management, "It has definitions");
        "/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts":
            one(Management, "All quorum queues have a leader");
        "/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/{pattern}":
            one(Management, "Those whose name fits have a leader");
        "/api/health/checks/quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}":
            one(Management, "Those of a virtual host whose name fits have a leader");
        "/api/health/checks/certificate-expiration/{within}/{unit}":
            one(Management, "No certificate ends so soon");
        "/api/healthchecks/node": one(Management, "The old check of the node");
        "/api/healthchecks/node/{node}": one(Management, "The old check of a node by its name");
        "/api/aliveness-test/{vhost}": one(Member, "A virtual host works");
    },
};

pub(super) static FEATURES: Family = Family {
    name: "Features",
    about: "What the release line that is spoken has, and what of it is old.",
    routes: routes! {
        "/api/feature-flags": list(Management, "Feature flags");
        "/api/feature-flags/{name}/enable":
            put(Administrator, "Enable a feature flag", &[]).success(&[204]);
        "/api/deprecated-features":
            list(Management, "Deprecated features, and whether they are permitted");
        "/api/deprecated-features/used": list(Management, "Those that are in use");
    },
};

pub(super) static METRICS: Family = Family {
    name: "Metrics",
    about: "What Prometheus reads, also on a port of its own.",
    routes: routes! {
        "/metrics": file("Everything, summed up", Shows::Text);
        "/metrics/{registry}":
            file("per-object, detailed (with the families that are wanted) or memory-breakdown", Shows::Text)
                .query(&["family", "vhost", "queue"]);
    },
};

pub(super) static DESCRIPTION: Family = Family {
    name: "This description",
    about: "The management page, what you are reading, and the same for programs.",
    routes: routes! {
        "/": file("The management page", Shows::Html);
        "/ui/{*path}": file("Its scripts, looks and icons", Shows::Script);
        "/api/index.html": file("This page", Shows::Html);
        "/dev/reference.css": file("Its looks", Shows::Css);
        "/dev/reference.js": file("Its filter", Shows::Script);
        "/dev/openapi.json": file("All routes as an OpenAPI 3.1 document", Shows::Object);
    },
};

pub(super) static LEVERET: Family = Family {
    name: "Only in Leveret",
    about: "What tests need and no RabbitMQ offers.",
    routes: routes! {
        "/dev/clock":
            act(Administrator,
                "Move the clock of a virtual host, or of all: what is due by then happens at once", &[
                "advance_ms: integer", "vhost?: string"
            ]);
        "/dev/alarm":
            act(Administrator, "Raise the memory alarm or set its limit", &[
                "memory?: boolean", "limit_bytes?: integer", "limit_fraction?: number"
            ]);
        "/dev/log-level":
            act(Administrator, "Change how much is logged, of one category or of all", &[
                "level: string", "category?: string"
            ]);
        "/dev/authenticate":
            ask(Administrator, "Check a password", &[
                "username: string", "password: string"
            ], Shows::Object);
        "/dev/exchanges/{vhost}/{name}/delayed":
            one(Member, "What waits in a delayed exchange").query(&["offset", "limit", "payload_bytes"]);
        "/dev/exchanges/{vhost}/{name}/deliver":
            ask(Member, "Route messages now that wait in a delayed exchange", &[
                "seq: any"
            ], Shows::Object);
        "/dev/exchanges/{vhost}/{name}/discard":
            ask(Member, "Drop messages that wait in a delayed exchange, by their seq", &[
                "seq: any"
            ], Shows::Object);
        "/dev/queues/{vhost}/{name}/peek":
            one(Member, "Messages of a queue, wherever they are: nothing changes by it")
                .query(&["state", "offset", "limit", "payload_bytes"]);
        "/dev/queues/{vhost}/{name}/move":
            ask(Member,
                "Move or copy messages that wait: to a queue, or to an exchange; what is refused stays",
                &[
                "to: object", "which: any", "copy?: boolean", "remove_death_headers?: boolean"
            ], Shows::Object);
        "/dev/queues/{vhost}/{name}/discard":
            ask(Member, "Drop messages that wait, by their seq", &["seq: any"], Shows::Object);
        "/dev/queues/{vhost}/{name}/deliver":
            ask(Member, "Let messages that wait for their next try have it now", &[
                "seq: any"
            ], Shows::Object);
        "/dev/explain/publish":
            ask(Management, "Where a message would go, and what would become of it there", &[
                "vhost: string", "exchange: string", "routing_key: string", "headers?: object",
                "properties?: object", "payload?: string", "user?: string"
            ], Shows::Object);
        "/dev/explain/queue/{vhost}/{name}": one(Member, "Why what waits is not consumed");
        "/dev/events":
            file("What happens, as Server-Sent Events, with a password or a ticket; topics: \
                overview, queues, exchanges, connections, channels, topology, flows, log",
                Shows::Events,
            )
            .query(&["topics", "vhost", "level", "ticket", "last_event_id"]);
        "/dev/ticket":
            ask(Management, "A ticket that opens one stream of events within half a minute", &[],
                Shows::Object);
        "/dev/log": one(Monitoring, "The latest lines of the log").query(&["level", "limit"]);
        "/dev/definitions/preview":
            ask(Administrator, "What an import of these definitions would change", &[], Shows::Object)
                .query(&["vhost"]);
        "/dev/stop": act(Administrator, "Stop the broker", &[]);
        "/dev/app":
            one(Management, "Whether the application runs, and whether listeners are suspended");
        "/dev/app/{action}":
            act(Administrator, "stop, start, reset, suspend or resume: what rabbitmqctl calls \
                stop_app, start_app, reset, suspend_listeners, resume_listeners", &[]);
    },
};
