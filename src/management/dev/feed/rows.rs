//! From what was marked to what is told: rows with the numbers that lists show.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::super::super::{Api, json as as_json, queues};
use super::marks::Marks;
use super::numbers;
use super::ring::{Frame, Scope, Topic};
use crate::broker::event::Change;
use crate::broker::name::Name;

/// Rows of one frame.
const ROWS_MAX: usize = 200;

/// What a change is told with.
const FACTS: [&str; 33] = [
    "name",
    "vhost",
    "user",
    "source_name",
    "destination_name",
    "destination_kind",
    "routing_key",
    "queue",
    "consumer_tag",
    "channel",
    "connection",
    "type",
    "durable",
    "auto_delete",
    "exclusive",
    "internal",
    "arguments",
    "pattern",
    "apply-to",
    "priority",
    "definition",
    "tags",
    "configure",
    "write",
    "read",
    "peer_host",
    "peer_port",
    "protocol",
    "ssl",
    "auth_mechanism",
    "ack_required",
    "prefetch_count",
    "user_who_performed_action",
];

/// Rows and names of one scope.
#[derive(Debug, Default)]
pub(super) struct Delta {
    pub(super) rows: Vec<Value>,
    gone: Vec<Value>,
}

impl Delta {
    pub(super) fn frames(self, topic: Topic, scope: &Scope, into: &mut Vec<Frame>) {
        let (rows, gone) = (self.rows.chunks(ROWS_MAX), self.gone.chunks(ROWS_MAX));
        let data = rows
            .map(|rows| json!({ "rows": rows, "gone": [] }))
            .chain(gone.map(|gone| json!({ "rows": [], "gone": gone })));
        into.extend(data.map(|data| Frame {
            topic,
            scope: scope.clone(),
            data: data.to_string(),
        }));
    }
}

/// The frames of what was marked.
pub(super) fn of_marks(api: &Api, marks: &Marks) -> Vec<Frame> {
    let mut frames = Vec::new();
    if marks.has_overflowed {
        frames.push(Frame {
            topic: Topic::Reset,
            scope: Scope::Everybody,
            data: json!({ "reason": "too much changed at once" }).to_string(),
        });
        return frames;
    }
    changes(api, &marks.changes, &mut frames);
    let new = new_queues(&marks.changes);
    for (name, marked) in &marks.queues {
        let vhost = api.broker().vhosts.get(name);
        let row = |queue: &Name| {
            let queue = vhost.as_ref()?.queues.get(queue)?;
            let is_new = new.contains(&(name.as_str(), queue.name().as_str()));
            match is_new {
                true => queues::listed(api, queue),
                false => Some(numbers::of_queue(&queue)),
            }
        };
        delta(name, marked, row).frames(Topic::Queues, &Scope::Vhost(name.clone()), &mut frames);
    }
    for (name, all) in &marks.exchanges {
        let vhost = api.broker().vhosts.get(name);
        let row = |one: &Name| Some(numbers::of_exchange(&*vhost.as_ref()?.exchanges.get(one)?));
        delta(name, all, row).frames(Topic::Exchanges, &Scope::Vhost(name.clone()), &mut frames);
    }
    frames
}

/// Queues that came to be, by virtual host and name: of these everything is told that lists show,
/// so that nobody has to ask for them.
fn new_queues(changes: &[Change]) -> HashSet<(&str, &str)> {
    let made = changes.iter().filter(|it| it.name == "queue.created");
    made.filter_map(|it| it.text("vhost").zip(it.text("name")))
        .collect()
}

fn delta<'a>(
    vhost: &Name,
    names: impl IntoIterator<Item = &'a Name>,
    row: impl Fn(&Name) -> Option<Value>,
) -> Delta {
    let mut delta = Delta::default();
    for name in names {
        match row(name) {
            Some(row) => delta.rows.push(row),
            None => delta
                .gone
                .push(json!({ "vhost": vhost.as_str(), "name": name.as_str() })),
        }
    }
    delta
}

fn changes(api: &Api, all: &[Change], into: &mut Vec<Frame>) {
    let now_ms = api.shared.clock.now().wall_ms;
    let mut by_scope: Vec<(Scope, Vec<Value>)> = Vec::new();
    for change in all {
        let scope = scope_of(change);
        match by_scope.last_mut().filter(|(last, _)| *last == scope) {
            Some((_, rows)) => rows.push(change_row(change, now_ms)),
            None => by_scope.push((scope, vec![change_row(change, now_ms)])),
        }
    }
    for (scope, rows) in by_scope {
        let gone = Vec::new();
        Delta { rows, gone }.frames(Topic::Topology, &scope, into);
    }
}

fn change_row(change: &Change, now_ms: u64) -> Value {
    let mut row = json!({ "event": change.name, "timestamp_in_ms": now_ms });
    for fact in FACTS {
        if let Some(value) = change.facts.get(fact) {
            row[fact] = as_json::value(value);
        }
    }
    row
}

fn scope_of(change: &Change) -> Scope {
    let family = change.name.split('.').next().unwrap_or_default();
    match (family, change.text("vhost"), change.text("user")) {
        ("connection" | "channel", Some(vhost), Some(user)) => {
            Scope::Owner(vhost.into(), user.into())
        }
        ("connection" | "channel", ..) => Scope::Monitors,
        ("user" | "permission" | "topic", ..) => Scope::Administrators,
        ("vhost", ..) => match change
            .text("name")
            .filter(|_| change.name != "vhost.deleted")
        {
            Some(vhost) => Scope::Vhost(vhost.into()),
            None => Scope::Everybody,
        },
        (_, Some(vhost), _) => Scope::Vhost(vhost.into()),
        _ => Scope::Administrators,
    }
}

/// Connections and channels as they were told last: what is the same is not told again.
#[derive(Debug, Default)]
pub(super) struct Told {
    connections: HashMap<String, (Scope, Value)>,
    channels: HashMap<String, (Scope, Value)>,
}

impl Told {
    /// What changed since; the first time nothing, since nobody knows anything yet.
    pub(super) fn changes(&mut self, api: &Api) -> Vec<Frame> {
        let (mut connections, mut channels) = (HashMap::new(), HashMap::new());
        for connection in api.broker().connections.snapshot() {
            let user = connection.user.name.clone();
            let scope = Scope::Owner(connection.vhost.clone(), user);
            let mut count = 0;
            for info in connection.channel_infos() {
                count += 1;
                let row = numbers::of_channel(&connection, &info);
                let name = format!("{} ({})", connection.name, info.number);
                channels.insert(name, (scope.clone(), row));
            }
            let row = numbers::of_connection(api, &connection, count);
            connections.insert(connection.name.to_string(), (scope, row));
        }
        let mut frames = difference(Topic::Connections, &self.connections, &connections);
        frames.extend(difference(Topic::Channels, &self.channels, &channels));
        *self = Self {
            connections,
            channels,
        };
        frames
    }
}

type Rows = HashMap<String, (Scope, Value)>;

fn difference(topic: Topic, before: &Rows, now: &Rows) -> Vec<Frame> {
    let mut by_scope: HashMap<&Scope, Delta> = HashMap::new();
    for (name, (scope, row)) in now {
        if before.get(name).is_none_or(|(_, there)| there != row) {
            by_scope.entry(scope).or_default().rows.push(row.clone());
        }
    }
    for (name, (scope, _)) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
        by_scope
            .entry(scope)
            .or_default()
            .gone
            .push(json!({ "name": name }));
    }
    let mut frames = Vec::new();
    for (scope, delta) in by_scope {
        delta.frames(topic, scope, &mut frames);
    }
    frames
}
