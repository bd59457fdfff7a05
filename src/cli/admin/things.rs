//! What can be listed, made and deleted: where it is in the API, and what has to be said.

/// A list, or what can be shown.
#[derive(Debug)]
pub(super) struct List {
    pub(super) name: &'static str,
    /// Below `/api/`.
    pub(super) path: &'static str,
    /// Columns that are shown when none are named; without any, all.
    pub(super) columns: &'static [&'static str],
    /// Whether there is a list of each virtual host.
    pub(super) of_vhost: bool,
    /// The column that is shown as JSON.
    pub(super) json: &'static str,
}

const fn list(name: &'static str, columns: &'static [&'static str]) -> List {
    List {
        name,
        path: name,
        columns,
        of_vhost: false,
        json: "",
    }
}

const fn of_vhost(name: &'static str, columns: &'static [&'static str]) -> List {
    List {
        of_vhost: true,
        ..list(name, columns)
    }
}

const fn with_json(name: &'static str, path: &'static str, json: &'static str) -> List {
    List {
        path,
        json,
        ..list(name, &[])
    }
}

pub(super) static LISTS: &[List] = &[
    list("connections", &["name", "user", "channels"]),
    list("channels", &["name", "user"]),
    list("consumers", &[]),
    of_vhost("exchanges", &["name", "type"]),
    of_vhost("queues", &["name", "messages"]),
    of_vhost("bindings", &["source", "destination", "routing_key"]),
    list("users", &[]),
    list("vhosts", &["name", "messages"]),
    list("permissions", &[]),
    list("nodes", &["name", "type", "mem_used"]),
    with_json("parameters", "parameters", "value"),
    with_json("policies", "policies", "definition"),
    with_json("operator_policies", "operator-policies", "definition"),
    with_json("vhost_limits", "vhost-limits", "value"),
];

pub(super) static SHOWN: &[List] = &[list(
    "overview",
    &[
        "rabbitmq_version",
        "cluster_name",
        "queue_totals.messages",
        "object_totals.queues",
    ],
)];

/// A thing that a verb acts on.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    /// Below `/api/`, with `{argument}`s.
    pub(super) path: &'static str,
    /// Arguments that must be given; `a|b` is one of them.
    pub(super) mandatory: &'static [&'static str],
    /// Those that may be, with what holds otherwise; some then are not sent.
    pub(super) optional: &'static [(&'static str, Option<&'static str>)],
    /// Those whose values are JSON.
    pub(super) json: &'static [&'static str],
}

const fn thing(
    method: &'static str,
    name: &'static str,
    path: &'static str,
    mandatory: &'static [&'static str],
) -> Thing {
    Thing {
        name,
        method,
        path,
        mandatory,
        optional: &[],
        json: &[],
    }
}

const fn gone(name: &'static str, path: &'static str, mandatory: &'static [&'static str]) -> Thing {
    thing("DELETE", name, path, mandatory)
}

const POLICY: Thing = Thing {
    optional: &[("priority", Some("0")), ("apply-to", None)],
    json: &["definition", "priority"],
    ..thing(
        "PUT",
        "policy",
        "policies/{vhost}/{name}",
        &["name", "pattern", "definition"],
    )
};

pub(super) static DECLARED: &[Thing] = &[
    Thing {
        optional: &[
            ("auto_delete", Some("false")),
            ("durable", Some("true")),
            ("internal", Some("false")),
            ("arguments", Some("{}")),
        ],
        json: &["arguments"],
        ..thing(
            "PUT",
            "exchange",
            "exchanges/{vhost}/{name}",
            &["name", "type"],
        )
    },
    Thing {
        optional: &[
            ("auto_delete", Some("false")),
            ("durable", Some("true")),
            ("arguments", Some("{}")),
            ("node", None),
            ("queue_type", None),
        ],
        json: &["arguments"],
        ..thing("PUT", "queue", "queues/{vhost}/{name}", &["name"])
    },
    Thing {
        optional: &[
            ("destination_type", Some("queue")),
            ("routing_key", Some("")),
            ("arguments", Some("{}")),
        ],
        json: &["arguments"],
        ..thing(
            "POST",
            "binding",
            "bindings/{vhost}/e/{source}/{destination_char}/{destination}",
            &["source", "destination"],
        )
    },
    Thing {
        optional: &[("tracing", None), ("default_queue_type", None)],
        ..thing("PUT", "vhost", "vhosts/{name}", &["name"])
    },
    Thing {
        optional: &[("hashing_algorithm", None)],
        ..thing(
            "PUT",
            "user",
            "users/{name}",
            &["name", "password|password_hash", "tags"],
        )
    },
    thing(
        "PUT",
        "permission",
        "permissions/{vhost}/{user}",
        &["vhost", "user", "configure", "write", "read"],
    ),
    Thing {
        json: &["value"],
        ..thing(
            "PUT",
            "parameter",
            "parameters/{component}/{vhost}/{name}",
            &["component", "name", "value"],
        )
    },
    POLICY,
    Thing {
        name: "operator_policy",
        path: "operator-policies/{vhost}/{name}",
        ..POLICY
    },
    Thing {
        json: &["value"],
        ..thing(
            "PUT",
            "vhost_limit",
            "vhost-limits/{vhost}/{name}",
            &["vhost", "name", "value"],
        )
    },
];

pub(super) static DELETED: &[Thing] = &[
    gone("exchange", "exchanges/{vhost}/{name}", &["name"]),
    gone("queue", "queues/{vhost}/{name}", &["name"]),
    Thing {
        optional: &[("properties_key", Some("~"))],
        ..gone(
            "binding",
            "bindings/{vhost}/e/{source}/{destination_char}/{destination}/{properties_key}",
            &["source", "destination_type", "destination"],
        )
    },
    gone("vhost", "vhosts/{name}", &["name"]),
    gone("user", "users/{name}", &["name"]),
    gone(
        "permission",
        "permissions/{vhost}/{user}",
        &["vhost", "user"],
    ),
    gone(
        "parameter",
        "parameters/{component}/{vhost}/{name}",
        &["component", "name"],
    ),
    gone("policy", "policies/{vhost}/{name}", &["name"]),
    gone(
        "operator_policy",
        "operator-policies/{vhost}/{name}",
        &["name"],
    ),
    gone(
        "vhost_limit",
        "vhost-limits/{vhost}/{name}",
        &["vhost", "name"],
    ),
];

pub(super) static CLOSED: &[Thing] = &[gone("connection", "connections/{name}", &["name"])];

pub(super) static PURGED: &[Thing] = &[gone("queue", "queues/{vhost}/{name}/contents", &["name"])];

/// What `publish` takes.
pub(super) static PUBLISH: Thing = Thing {
    optional: &[
        ("payload", None),
        ("properties", Some("{}")),
        ("exchange", Some("amq.default")),
        ("payload_encoding", Some("string")),
    ],
    json: &["properties"],
    ..thing(
        "POST",
        "publish",
        "exchanges/{vhost}/{exchange}/publish",
        &["routing_key"],
    )
};

/// What `get` takes.
pub(super) static GET: Thing = Thing {
    optional: &[
        ("count", Some("1")),
        ("ackmode", Some("ack_requeue_true")),
        ("payload_file", None),
        ("encoding", Some("auto")),
    ],
    ..thing("POST", "get", "queues/{vhost}/{queue}/get", &["queue"])
};

impl Thing {
    /// `name=... type=... [durable=...]`
    pub(super) fn usage(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for argument in self.mandatory {
            let either: Vec<String> = argument
                .split('|')
                .map(|name| format!("{name}=..."))
                .collect();
            words.push(either.join(" OR "));
        }
        let optional: Vec<String> = self
            .optional
            .iter()
            .map(|(name, _)| format!("{name}=..."))
            .collect();
        if !optional.is_empty() {
            words.push(format!("[{}]", optional.join(" ")));
        }
        words.join(" ")
    }
}
