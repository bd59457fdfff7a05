//! Where an answer is not RabbitMQ's, and why; and values that are never compared.

/// A difference that stays.
#[derive(Debug)]
pub(super) struct Known {
    /// Beginning of method and path.
    request: &'static str,
    /// Beginning of the difference, or what it ends in after a `*`.
    place: &'static str,
    _why: &'static str,
}

impl Known {
    pub(super) fn is(&self, request: &str, difference: &str) -> bool {
        let is_there = match self.place.strip_prefix('*') {
            Some(part) => difference.contains(part),
            None => difference.starts_with(self.place),
        };
        request.starts_with(self.request) && is_there
    }
}

const fn known(request: &'static str, place: &'static str, why: &'static str) -> Known {
    Known {
        request,
        place,
        _why: why,
    }
}

/// RabbitMQ's plugins that are not built in, and what they add.
const NO_PLUGIN: &str = "there is no such plugin here";
const OURS: &str = "built in on every line";
const TRAFFIC: &str = "the recorded broker had more traffic";
const NO_ERLANG: &str = "no Erlang, no processes or tables of it";
const AT_ONCE: &str = "RabbitMQ has statistics of a new queue after seconds, we at once";
const IDLE: &str = "nothing has been idle long enough here";
const NO_FILES: &str = "no files";
const TEXT_ONLY: &str = "RabbitMQ binds with a number for a key, and then cannot find the binding";
const OWNER: &str = "lists tell the owner too: the command line shows it";
const SHOVELS: &str = "the recorded broker had two shovels";

pub(super) const KNOWN: &[Known] = &[
    known("GET", "*.idle_since: missing", IDLE),
    known("GET /api/channels/", ".publishes[]: ", TRAFFIC),
    known("GET /api/queues/", ".deliveries[]: ", TRAFFIC),
    known("GET /api/queues/", ".incoming[]: ", TRAFFIC),
    known("GET /api/exchanges/", ".incoming[]: ", TRAFFIC),
    known("GET /api/exchanges/", ".outgoing[]: ", TRAFFIC),
    known(
        "POST /api/bindings/%2F/e/ex.direct/q/q.idle",
        "location: Some(\"q.idle/~\")",
        TEXT_ONLY,
    ),
    known(
        "GET /api/bindings/%2F/e/ex.direct/q/q.idle",
        "[]: 0 missing",
        TEXT_ONLY,
    ),
    known("GET /api/connections?page", ".total_count", SHOVELS),
    known(
        "GET /api/health/checks/port-listener",
        ".ports[]",
        NO_PLUGIN,
    ),
    known(
        "GET /api/health/checks/protocol-listener",
        ".protocols[]",
        NO_PLUGIN,
    ),
    known("GET /api/top", ".processes[]", NO_ERLANG),
    known(
        "GET /api/nodes/rabbit@localhost/memory/ets",
        ".ets_tables_memory",
        NO_ERLANG,
    ),
    known("GET /api/nodes", "*.config_files[]", NO_FILES),
    known("GET /api/nodes", "*.log_files[]", NO_FILES),
    known("GET /api/nodes", "*.contexts[]: 1 missing", NO_PLUGIN),
    known("GET /api/nodes", "*.enabled_plugins[]", NO_PLUGIN),
    known("GET /api", "*.exchange_types[]: too much: \"x-", OURS),
    known("GET /api/overview", ".contexts[]: 1 missing", NO_PLUGIN),
    known("GET /api/overview", ".listeners[]: ", NO_PLUGIN),
    known("GET /api/extensions", "[]: ", NO_PLUGIN),
    known("GET /api/queues", "*.owner_pid_details: too much", OWNER),
    known("GET /api/queues/%2F/new.q", "*: too much", AT_ONCE),
];

/// Keys whose values depend on the machine, the time or the traffic: only their kind is compared.
const VARYING: &[&str] = &[
    "auth_attempts",
    "backlog",
    "auth_attempts_failed",
    "auth_attempts_succeeded",
    "channel_closed",
    "channel_created",
    "connected_at",
    "connection_closed",
    "connection_created",
    "connections",
    "consumers",
    "channels",
    "context_switches",
    "db_dir",
    "disk_free",
    "erlang_full_version",
    "erlang_version",
    "fd_total",
    "fd_used",
    "gc_bytes_reclaimed",
    "gc_num",
    "host",
    "ip",
    "ip_address",
    "log_files",
    "mem_limit",
    "mem_used",
    "memory",
    "os_pid",
    "peer_port",
    "port",
    "ports",
    "proc_used",
    "processors",
    "queue_created",
    "queue_declared",
    "queue_deleted",
    "recv_cnt",
    "recv_oct",
    "reductions",
    "run_queue",
    "segments",
    "send_cnt",
    "send_oct",
    "sockets_used",
    "uptime",
    "doc_url",
    "Last Log Index",
    "Last Written",
    "Last Applied",
    "Commit Index",
];

/// Whether what stands there is not compared.
pub(super) fn varies(place: &str) -> bool {
    let key = place.rsplit('.').next().unwrap_or_default();
    let key = key.trim_end_matches("[]");
    let is_part =
        place.contains(".stats.") || place.contains("memory.") || place.contains("binary.");
    is_part || key.starts_with("message") || VARYING.contains(&key)
}
