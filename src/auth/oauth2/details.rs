//! Rich authorization requests (RFC 9396): claims that say by places and actions what scopes say in
//! words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scopes::fits;
use crate::config::oauth2::ResourceServer;

/// Actions that are tags of a user.
const TAGS: [&str; 4] = ["administrator", "monitoring", "management", "policymaker"];
/// And those that are permissions.
const PERMISSIONS: [&str; 3] = ["read", "write", "configure"];

/// The scopes, without what stands in front of them, that details of the server's type stand for;
/// not many more than `max`.
pub(super) fn scopes(server: &ResourceServer, details: Option<&Value>, max: usize) -> Vec<String> {
    let mut found = Vec::new();
    let Some(kind) = &server.kind else {
        return found;
    };
    for one in details.and_then(Value::as_array).into_iter().flatten() {
        if one["type"].as_str() != Some(kind.as_str()) {
            continue;
        }
        let mut actions = texts(&one["actions"]);
        actions.sort_unstable();
        actions.dedup();
        let places = texts(&one["locations"]);
        for resource in places.iter().filter_map(|place| resource(server, place)) {
            found.extend(granted(&actions, &resource));
            if found.len() > max {
                return found;
            }
        }
    }
    found
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn granted(actions: &[&str], resource: &str) -> Vec<String> {
    let scope = |action: &&str| {
        if TAGS.contains(action) {
            return Some(format!("tag:{action}"));
        }
        let is_permission = PERMISSIONS.contains(action);
        is_permission.then(|| format!("{action}:{resource}"))
    };
    actions.iter().filter_map(scope).collect()
}

/// Of a place such as `cluster:finance/vhost:dev/queue:q*` what scopes have, if it is in this cluster.
/// Parts that are not known are passed over; it is a queue or an exchange, not both.
fn resource(server: &ResourceServer, place: &str) -> Option<String> {
    let parts = place.split('/').filter_map(|part| part.split_once(':'));
    let parts: BTreeMap<&str, &str> = parts.collect();
    let part = |name: &str| parts.get(name).copied();
    if !fits(part("cluster")?, &server.id) {
        return None;
    }
    let name = match (part("queue"), part("exchange")) {
        (Some(_), Some(_)) => return None,
        (queue, exchange) => queue.or(exchange).unwrap_or("*"),
    };
    let (vhost, key) = (part("vhost"), part("routing-key"));
    Some(format!(
        "{}/{name}/{}",
        vhost.unwrap_or("*"),
        key.unwrap_or("*")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Which of them a real 4.3.6 takes, seen by what it then allows.
    #[test]
    fn places_and_actions_become_scopes() {
        let server = ResourceServer {
            id: "rmq".to_owned(),
            kind: Some("rabbitmq".to_owned()),
            ..ResourceServer::default()
        };
        let of = |places: Value, actions: Value| {
            let one = json!({ "type": "rabbitmq", "locations": places, "actions": actions });
            scopes(&server, Some(&json!([one])), 100)
        };
        for (place, want) in [
            ("cluster:rmq", Some("read:*/*/*")),
            ("cluster:rmq/vhost:%2F", Some("read:%2F/*/*")),
            ("queue:q*/vhost:dev/cluster:r*", Some("read:dev/q*/*")),
            (
                "cluster:rmq/exchange:amq.topic/routing-key:z*",
                Some("read:*/amq.topic/z*"),
            ),
            ("cluster:rmq/foo:bar/baz", Some("read:*/*/*")),
            ("cluster:rmq/queue:q/exchange:e", None),
            ("cluster:other", None),
            ("vhost:*", None),
        ] {
            let want: Vec<&str> = want.into_iter().collect();
            assert_eq!(of(json!(place), json!("read")), want, "{place}");
        }
        assert_eq!(
            of(
                json!(["cluster:other", "cluster:rmq/vhost:v"]),
                json!(["administrator", "write", "Monitoring", "delete"])
            ),
            ["tag:administrator", "write:v/*/*"]
        );
        assert!(of(Value::Null, json!("read")).is_empty());
        assert!(of(json!("cluster:rmq"), Value::Null).is_empty());
        let foreign = json!([{ "type": "x", "locations": "cluster:rmq", "actions": "read" }]);
        assert!(scopes(&server, Some(&foreign), 100).is_empty());
        let ours = json!({ "type": "rabbitmq", "locations": "cluster:rmq", "actions": "read" });
        assert!(
            scopes(&server, Some(&ours), 100).is_empty(),
            "it is no list"
        );
        let all = json!([ours]);
        assert!(scopes(&ResourceServer::default(), Some(&all), 100).is_empty());
    }
}
