//! Routes about the node, and about the API.

use super::{
    Family, Shows,
    Who::{Administrator, Anyone, Management, Member, Monitoring},
    act, ask, at, delete, file, list, one, put, text,
};

pub(super) static OVERVIEW: Family = Family {
    name: "Overview",
    about: "The broker as a whole, and who is asking.",
    routes: &[
        at(
            "/api/overview",
            &[one(Management, "Versions, totals, listeners")],
        ),
        at(
            "/api/whoami",
            &[one(Management, "Name and tags of the user who asks")],
        ),
        at(
            "/api/version",
            &[one(Anyone, "The version of RabbitMQ that is spoken")],
        ),
        at(
            "/api/auth",
            &[one(Anyone, "How to log in: there is no OAuth")],
        ),
        at(
            "/api/login",
            &[ask(
                Anyone,
                "Check a name and a password",
                &[],
                Shows::Object,
            )],
        ),
        at(
            "/api/cluster-name",
            &[
                one(Management, "The name of the cluster"),
                put(Administrator, "Name the cluster", &["name: string"]).success(&[204]),
            ],
        ),
        at(
            "/api/extensions",
            &[list(Management, "Pages that plugins bring")],
        ),
        at(
            "/api/config/effective",
            &[text(Administrator, "The settings, as RabbitMQ writes them")],
        ),
    ],
};

pub(super) static NODES: Family = Family {
    name: "Nodes",
    about: "There is one node.",
    routes: &[
        at("/api/nodes", &[list(Monitoring, "The nodes")]),
        at(
            "/api/nodes/{node}",
            &[one(Monitoring, "One node, with its limits")],
        ),
        at(
            "/api/nodes/{node}/memory",
            &[one(Monitoring, "What the memory is used for")],
        ),
        at(
            "/api/nodes/{node}/memory/relative",
            &[one(Monitoring, "The same in percent")],
        ),
        at(
            "/api/nodes/{node}/memory/ets",
            &[one(Monitoring, "Erlang's tables: there are none")],
        ),
        at(
            "/api/nodes/{node}/memory/ets/relative",
            &[one(Monitoring, "The same in percent")],
        ),
        at(
            "/api/nodes/{node}/memory/ets/{filter}",
            &[one(Monitoring, "Erlang's tables of one part")],
        ),
        at(
            "/api/nodes/{node}/memory/ets/{filter}/relative",
            &[one(Monitoring, "The same in percent")],
        ),
        at(
            "/api/top/{node}",
            &[one(Administrator, "Erlang's processes: there are none")],
        ),
        at(
            "/api/top/ets/{node}",
            &[one(
                Administrator,
                "Erlang's largest tables: there are none",
            )],
        ),
        at(
            "/api/auth/attempts/{node}",
            &[
                list(Monitoring, "Logins by protocol"),
                delete(Monitoring, "Count them anew"),
            ],
        ),
        at(
            "/api/auth/attempts/{node}/source",
            &[
                list(Monitoring, "Logins by address: not counted"),
                delete(Monitoring, "Count them anew"),
            ],
        ),
        at(
            "/api/rebalance/queues",
            &[act(Administrator, "Spread leaders over the nodes", &[])],
        ),
        at("/api/reset", &[delete(Administrator, "Forget statistics")]),
        at(
            "/api/reset/{node}",
            &[delete(Administrator, "Forget the statistics of one node")],
        ),
        at(
            "/api/shovels",
            &[list(Monitoring, "Shovels: there are none")],
        ),
        at(
            "/api/shovels/{vhost}",
            &[list(
                Monitoring,
                "Shovels of a virtual host: there are none",
            )],
        ),
    ],
};

pub(super) static HEALTH: Family = Family {
    name: "Health",
    about: "For probes: 200 when all is well, 503 when it is not.",
    routes: &[
        at(
            "/api/health/checks/alarms",
            &[one(Management, "No alarm is raised")],
        ),
        at(
            "/api/health/checks/local-alarms",
            &[one(Management, "No alarm of this node is raised")],
        ),
        at(
            "/api/health/checks/virtual-hosts",
            &[one(Management, "All virtual hosts are up")],
        ),
        at(
            "/api/health/checks/port-listener/{port}",
            &[one(Management, "A port is listened on")],
        ),
        at(
            "/api/health/checks/protocol-listener/{protocol}",
            &[one(Management, "A protocol is listened for")],
        ),
        at(
            "/api/health/checks/ready-to-serve-clients",
            &[one(Management, "Clients can connect")],
        ),
        at(
            "/api/health/checks/is-in-service",
            &[one(Management, "The node is not being drained")],
        ),
        at(
            "/api/health/checks/below-node-connection-limit",
            &[one(Management, "Another client can connect")],
        ),
        at(
            "/api/health/checks/reached-target-cluster-size",
            &[one(Management, "All nodes are there")],
        ),
        at(
            "/api/health/checks/node-is-quorum-critical",
            &[one(Management, "No queue needs this node to go on")],
        ),
        at(
            "/api/health/checks/node-is-mirror-sync-critical",
            &[one(Management, "No mirror needs this node")],
        ),
        at(
            "/api/health/checks/metadata-store/initialized",
            &[one(Management, "The store of definitions is ready")],
        ),
        at(
            "/api/health/checks/metadata-store/initialized/with-data",
            &[one(Management, "It has definitions")],
        ),
        at(
            "/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts",
            &[one(Management, "All quorum queues have a leader")],
        ),
        at(
            "/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/{pattern}",
            &[one(Management, "Those whose name fits have a leader")],
        ),
        at(
            "/api/health/checks/quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}",
            &[one(
                Management,
                "Those of a virtual host whose name fits have a leader",
            )],
        ),
        at(
            "/api/health/checks/certificate-expiration/{within}/{unit}",
            &[one(Management, "No certificate ends so soon")],
        ),
        at(
            "/api/healthchecks/node",
            &[one(Management, "The old check of the node")],
        ),
        at(
            "/api/healthchecks/node/{node}",
            &[one(Management, "The old check of a node by its name")],
        ),
        at(
            "/api/aliveness-test/{vhost}",
            &[one(Member, "A virtual host works")],
        ),
    ],
};

pub(super) static FEATURES: Family = Family {
    name: "Features",
    about: "What the release line that is spoken has, and what of it is old.",
    routes: &[
        at("/api/feature-flags", &[list(Management, "Feature flags")]),
        at(
            "/api/feature-flags/{name}/enable",
            &[put(Administrator, "Enable a feature flag", &[]).success(&[204])],
        ),
        at(
            "/api/deprecated-features",
            &[list(
                Management,
                "Deprecated features, and whether they are permitted",
            )],
        ),
        at(
            "/api/deprecated-features/used",
            &[list(Management, "Those that are in use")],
        ),
    ],
};

pub(super) static DESCRIPTION: Family = Family {
    name: "This description",
    about: "The management page, what you are reading, and the same for programs.",
    routes: &[
        at("/", &[file("The management page", Shows::Html)]),
        at(
            "/ui/{*path}",
            &[file("Its scripts, looks and icons", Shows::Script)],
        ),
        at("/api/index.html", &[file("This page", Shows::Html)]),
        at("/dev/reference.css", &[file("Its looks", Shows::Css)]),
        at("/dev/reference.js", &[file("Its filter", Shows::Script)]),
        at(
            "/dev/openapi.json",
            &[file("All routes as an OpenAPI 3.1 document", Shows::Object)],
        ),
    ],
};

pub(super) static LEVERET: Family = Family {
    name: "Only in Leveret",
    about: "What tests need and no RabbitMQ offers.",
    routes: &[
        at(
            "/dev/clock",
            &[act(
                Administrator,
                "Move the clock of a virtual host, or of all: what is due by then happens at once",
                &["advance_ms: integer", "vhost?: string"],
            )],
        ),
        at(
            "/dev/alarm",
            &[act(
                Administrator,
                "Raise the memory alarm or set its limit",
                &[
                    "memory?: boolean",
                    "limit_bytes?: integer",
                    "limit_fraction?: number",
                ],
            )],
        ),
        at(
            "/dev/log-level",
            &[act(
                Administrator,
                "Change how much is logged, of one category or of all",
                &["level: string", "category?: string"],
            )],
        ),
        at(
            "/dev/authenticate",
            &[ask(
                Administrator,
                "Check a password",
                &["username: string", "password: string"],
                Shows::Object,
            )],
        ),
        at(
            "/dev/exchanges/{vhost}/{name}/delayed",
            &[one(Member, "What waits in a delayed exchange").query(&[
                "offset",
                "limit",
                "payload_bytes",
            ])],
        ),
        at(
            "/dev/exchanges/{vhost}/{name}/deliver",
            &[ask(
                Member,
                "Route messages now that wait in a delayed exchange",
                &["seq: any"],
                Shows::Object,
            )],
        ),
        at(
            "/dev/exchanges/{vhost}/{name}/discard",
            &[ask(
                Member,
                "Drop messages that wait in a delayed exchange, by their seq",
                &["seq: any"],
                Shows::Object,
            )],
        ),
        at(
            "/dev/queues/{vhost}/{name}/peek",
            &[one(
                Member,
                "Messages of a queue, wherever they are: nothing changes by it",
            )
            .query(&["state", "offset", "limit", "payload_bytes"])],
        ),
        at(
            "/dev/queues/{vhost}/{name}/move",
            &[ask(
                Member,
                "Move or copy messages that wait: to a queue, or to an exchange; what is refused stays",
                &[
                    "to: object",
                    "which: any",
                    "copy?: boolean",
                    "remove_death_headers?: boolean",
                ],
                Shows::Object,
            )],
        ),
        at(
            "/dev/queues/{vhost}/{name}/discard",
            &[ask(
                Member,
                "Drop messages that wait, by their seq",
                &["seq: any"],
                Shows::Object,
            )],
        ),
        at(
            "/dev/queues/{vhost}/{name}/deliver",
            &[ask(
                Member,
                "Let messages that wait for their next try have it now",
                &["seq: any"],
                Shows::Object,
            )],
        ),
        at(
            "/dev/explain/publish",
            &[ask(
                Management,
                "Where a message would go, and what would become of it there",
                &[
                    "vhost: string",
                    "exchange: string",
                    "routing_key: string",
                    "headers?: object",
                    "properties?: object",
                    "payload?: string",
                    "user?: string",
                ],
                Shows::Object,
            )],
        ),
        at(
            "/dev/explain/queue/{vhost}/{name}",
            &[one(Member, "Why what waits is not consumed")],
        ),
        at(
            "/dev/events",
            &[file(
                "What happens, as Server-Sent Events, with a password or a ticket; topics: overview, \
                 queues, exchanges, connections, channels, topology, flows, log",
                Shows::Events,
            )
            .query(&["topics", "vhost", "level", "ticket", "last_event_id"])],
        ),
        at(
            "/dev/ticket",
            &[ask(
                Management,
                "A ticket that opens one stream of events within half a minute",
                &[],
                Shows::Object,
            )],
        ),
        at(
            "/dev/log",
            &[one(Monitoring, "The latest lines of the log").query(&["level", "limit"])],
        ),
        at(
            "/dev/definitions/preview",
            &[ask(
                Administrator,
                "What an import of these definitions would change",
                &[],
                Shows::Object,
            )
            .query(&["vhost"])],
        ),
        at("/dev/stop", &[act(Administrator, "Stop the broker", &[])]),
        at(
            "/dev/app",
            &[one(
                Management,
                "Whether the application runs, and whether listeners are suspended",
            )],
        ),
        at(
            "/dev/app/{action}",
            &[act(
                Administrator,
                "stop, start, reset, suspend or resume: what rabbitmqctl calls stop_app, start_app, \
                 reset, suspend_listeners, resume_listeners",
                &[],
            )],
        ),
    ],
};
