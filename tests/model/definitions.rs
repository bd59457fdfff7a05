//! Definitions: whole or not at all, and there and back.

use fastrand::Rng;
use leveret::broker::Broker;
use leveret::broker::definitions::{Fault, Outcome, Plan, Scope};
use leveret::broker::tick::Tick;
use leveret_proto::value::FieldValue;
use serde_json::{Value, json};

use crate::support::World;

const SECTIONS: [&str; 10] = leveret::broker::definitions::SECTIONS;

fn import(broker: &Broker, definitions: &Value) -> Result<(), Fault> {
    import_to(broker, definitions, Scope::Broker)
}

fn import_to(broker: &Broker, definitions: &Value, scope: Scope<'_>) -> Result<(), Fault> {
    let plan = Plan::new(broker, definitions, scope, "guest")?;
    broker.apply(plan, Tick(0));
    Ok(())
}

fn export(broker: &Broker) -> Value {
    broker.export(Scope::Broker).unwrap()
}

/// Entries of a real broker's test, in an order of their own and with what may be left out.
fn normal(definitions: &Value) -> Vec<Vec<String>> {
    let is_ours = |row: &Value| {
        let name = row.get("vhost").unwrap_or(&row["name"]).as_str().unwrap();
        name.starts_with("defs")
    };
    let text = |row: &Value| {
        let mut row = row.clone();
        if row.get("internal") == Some(&json!(false)) {
            row.as_object_mut().unwrap().remove("internal");
        }
        // RabbitMQ has one way to write what is empty, where its lines have two.
        row.to_string().replace("[]", "{}")
    };
    let section = |name: &&str| {
        let rows = definitions[name].as_array().unwrap().iter();
        let mut rows: Vec<String> = rows.filter(|row| is_ours(row)).map(text).collect();
        rows.sort();
        rows
    };
    SECTIONS.iter().map(section).collect()
}

#[test]
fn exports_of_real_brokers_come_out_as_they_went_in() {
    let exports = [
        ("3.10", include_str!("../http/golden/exports/3.10.json")),
        ("4.0", include_str!("../http/golden/exports/4.0.json")),
        ("4.3", include_str!("../http/golden/exports/4.3.json")),
    ];
    for (line, text) in exports {
        let real: Value = serde_json::from_str(text).unwrap();
        let world = World::of_line(line);
        import(&world.broker, &real).unwrap();
        let ours = export(&world.broker);
        assert_eq!(normal(&ours), normal(&real), "{line}");
        let keys =
            |it: &Value| -> Vec<String> { it.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(keys(&ours), keys(&real), "{line}");
        for (other, _) in exports {
            import(&World::of_line(other).broker, &real).unwrap();
        }
    }
}

/// A definitions file by chance, with everything in it.
#[allow(clippy::too_many_lines, reason = "a file, written down")]
fn populated(random: &mut Rng) -> Value {
    let pick = |random: &mut Rng, all: &[&str]| (*random.choice(all).unwrap()).to_owned();
    let names = ["a", "b c", "d/é", "e.f", "{g}"];
    let vhosts = ["/", "v", "w x"];
    let mut all = json!({});
    for section in SECTIONS {
        all[section] = json!([]);
    }
    let add = |all: &mut Value, section: &str, row: Value| {
        all[section].as_array_mut().unwrap().push(row);
    };
    for vhost in vhosts {
        let kind = pick(random, &["classic", "quorum", "stream"]);
        let metadata = json!({ "description": vhost, "tags": [vhost], "default_queue_type": kind });
        add(
            &mut all,
            "vhosts",
            json!({ "name": vhost, "metadata": metadata }),
        );
        let limits = json!({ "max-queues": random.i64(100..200) });
        add(
            &mut all,
            "parameters",
            json!({ "vhost": vhost, "component": "vhost-limits",
            "name": "limits", "value": limits }),
        );
    }
    for name in names {
        let tags: Vec<String> = (0..random.usize(0..3)).map(|n| format!("t{n}")).collect();
        let limits = json!({ "max-channels": random.i64(-1..9) });
        add(
            &mut all,
            "users",
            json!({ "name": name, "password": name, "tags": tags,
            "limits": limits }),
        );
        add(
            &mut all,
            "global_parameters",
            json!({ "name": name, "value": [name, { "n": 1.5 }] }),
        );
        let vhost = pick(random, &vhosts);
        add(
            &mut all,
            "permissions",
            json!({ "user": name, "vhost": vhost, "configure": "^x",
            "write": ".*", "read": name.replace(['{', '}'], "") }),
        );
        add(
            &mut all,
            "topic_permissions",
            json!({ "user": name, "vhost": vhost,
            "exchange": "amq.topic", "write": ".*", "read": "a" }),
        );
        let definition = json!({ "max-length": random.i64(1..100), "expires": 5_000 });
        add(
            &mut all,
            "policies",
            json!({ "vhost": vhost, "name": name, "pattern": "^a",
            "apply-to": pick(random, &["all", "queues", "exchanges"]),
            "priority": random.i64(-5..5), "definition": definition }),
        );
        add(
            &mut all,
            "parameters",
            json!({ "vhost": vhost, "component": "operator_policy",
            "name": name, "value": { "pattern": ".", "definition": { "max-length": 9 },
            "priority": 1, "apply-to": "queues" } }),
        );
        let kind = pick(random, &["classic", "quorum", "stream"]);
        add(
            &mut all,
            "queues",
            json!({ "vhost": vhost, "name": name, "durable": true,
            "auto_delete": false, "arguments": { "x-queue-type": kind, "x-max-length-bytes": 99 } }),
        );
        let kind = pick(
            random,
            &["direct", "topic", "headers", "fanout", "x-random"],
        );
        add(
            &mut all,
            "exchanges",
            json!({ "vhost": vhost, "name": name, "type": kind,
            "durable": random.bool(), "auto_delete": false, "internal": random.bool(),
            "arguments": { "alternate-exchange": "amq.fanout" } }),
        );
        for source in [name, "amq.topic"] {
            add(
                &mut all,
                "bindings",
                json!({ "vhost": vhost, "source": source,
                "destination": name, "destination_type": pick(random, &["queue", "exchange"]),
                "routing_key": pick(random, &["", "a.#", "k"]), "arguments": { "n": 1 } }),
            );
        }
    }
    all
}

#[test]
fn what_was_exported_is_exported_again() {
    for seed in 0..15 {
        let mut random = Rng::with_seed(seed);
        let line = *random.choice(["3.10", "4.0", "4.3"].iter()).unwrap();
        let (one, other) = (World::of_line(line), World::of_line(line));
        import(&one.broker, &populated(&mut random)).unwrap();
        let exported = export(&one.broker);
        import(&other.broker, &exported).unwrap();
        assert_eq!(export(&other.broker), exported, "seed {seed}, line {line}");
        let again = Plan::new(&other.broker, &exported, Scope::Broker, "guest").unwrap();
        assert!(again.is_empty(), "seed {seed}, line {line}");
        let vhost = one.broker.export(Scope::Vhost("w x")).unwrap();
        other.broker.delete_vhost("w x").unwrap();
        let plain = json!({ "vhosts": [exported["vhosts"].as_array().unwrap().last().unwrap()] });
        import(&other.broker, &plain).unwrap();
        import_to(&other.broker, &vhost, Scope::Vhost("w x")).unwrap();
        assert_eq!(other.broker.export(Scope::Vhost("w x")).unwrap(), vhost);
    }
}

/// Of which kind, the entry, where the fault is, how it is told.
type Wrong = (&'static str, Value, &'static str, &'static str);

/// Entries that are wrong.
#[rustfmt::skip]
fn wrong() -> Vec<Wrong> {
    vec![
        ("users", json!(5), "", "must be an object"),
        ("users", json!({ "tags": "" }), ".name", "{badkey,name}"),
        ("users", json!({ "name": "x" }), ".tags", "tags_not_present"),
        ("users", json!({ "name": "x", "tags": 5 }), ".tags", "function_clause"),
        ("users", json!({ "name": "x", "tags": "", "password_hash": "%" }), ".password_hash", "{not_base64,<<\"%\">>}"),
        ("users", json!({ "name": "x", "tags": "", "password": "a", "password_hash": "" }), ".password",
         "both_password_and_password_hash_are_provided"),
        ("users", json!({ "name": "x", "tags": "", "password_hash": "", "hashing_algorithm": "rot13" }),
         ".hashing_algorithm", "there is no hashing algorithm 'rot13'"),
        ("users", json!({ "name": "x", "tags": "", "limits": { "no": 1 } }), ".limits",
         "Unrecognised terms [{<<\"no\">>,1}] in user-limits"),
        ("vhosts", json!({}), ".name", "function_clause"),
        ("vhosts", json!({ "name": "x", "metadata": { "default_queue_type": "no" } }),
         ".metadata.default_queue_type", "no is not a valid queue type"),
        ("permissions", json!({ "vhost": "/" }), ".user", "badarg"),
        ("permissions", json!({ "vhost": "/", "user": "no", "configure": "", "write": "", "read": "" }), ".user",
         "{no_such_user,<<\"no\">>}"),
        ("permissions", json!({ "vhost": "no", "user": "guest", "configure": "", "write": "", "read": "" }), ".vhost",
         "Please create virtual host \"no\" prior to importing definitions."),
        ("permissions", json!({ "vhost": "/", "user": "guest", "configure": "[", "write": "", "read": "" }), "",
         "{invalid_regexp,\"[\",{\"missing terminating ] for character class\",1}}"),
        ("topic_permissions", json!({ "vhost": "/", "user": "guest", "exchange": "x", "write": "[", "read": "" }), "",
         "{invalid_regexp,<<\"[\">>,{\"missing terminating ] for character class\",1}}"),
    ]
}

/// The rest of them.
#[rustfmt::skip]
fn wrong_in_vhosts() -> Vec<Wrong> {
    let policy = |definition: Value| json!({ "vhost": "/", "name": "p", "pattern": ".", "definition": definition });
    let binding = |source: &str, to: &str, key: &str| json!({ "vhost": "/", "source": source, "destination": to,
        "destination_type": "queue", "routing_key": key });
    vec![
        ("parameters", json!({ "vhost": "/", "component": "no", "name": "a", "value": 1 }), ".component",
         "Validation failed\n\ncomponent no not found\n (vhost: \"/\" / component: \"no\" / key: \"a\")"),
        ("parameters", json!({ "vhost": "/", "component": "vhost-limits", "name": "limits", "value": 5 }), ".value",
         "Validation failed\n\nlimits not a list 5\n (vhost: \"/\" / component: \"vhost-limits\" / key: \"limits\")"),
        ("parameters", json!({ "vhost": "/", "component": "policy", "name": "a", "value": {} }), ".component",
         "policies may not be set using this method (vhost: \"/\" / component: \"policy\" / key: \"a\")"),
        ("parameters", json!({ "vhost": "no", "component": "operator_policy", "name": "a" }), ".vhost",
         "Please create virtual host \"no\" prior to importing definitions."),
        ("global_parameters", json!({ "name": "x" }), ".value", "badarg"),
        ("policies", json!({ "vhost": "/" }), ".name", "\"policy in virtual host '/' has undefined name\""),
        ("policies", policy(json!({ "no": 1 })), "",
         "Validation failed\n\n[{<<\"no\">>,1}] are not recognised policy settings\n (vhost: \"/\" key: \"p\")"),
        ("queues", json!({ "vhost": "/" }), ".name", "must be there, and text"),
        ("queues", json!({ "vhost": "no", "name": "x" }), ".vhost",
         "Please create virtual host \"no\" prior to importing definitions."),
        ("queues", json!({ "vhost": "/", "name": "x", "durable": "true" }), ".durable", "badarg"),
        ("queues", json!({ "vhost": "/", "name": "x", "arguments": { "x-queue-type": "classic", "x-expires": 0 } }), ".arguments.x-expires",
         "precondition_failed: invalid arg 'x-expires' for queue 'x' in vhost '/': {value_zero,0}"),
        ("exchanges", json!({ "vhost": "/", "name": "x", "type": "no" }), ".type",
         "precondition_failed: unknown exchange type 'no'"),
        ("bindings", binding("no", "nor", ""), "",
         "{resources_missing,[{not_found,{resource,<<\"/\">>,exchange,<<\"no\">>}},\n                    \
          {not_found,{resource,<<\"/\">>,queue,<<\"nor\">>}}]}"),
        ("bindings", binding("hash", "e.f", "no number"), "",
         "{binding_invalid,\"The binding key must be an integer: <<\"no number\">>\",[]}"),
        ("bindings", json!({ "vhost": "/", "source": "amq.topic", "destination": "x", "destination_type": "no" }),
         ".destination_type", "function_clause"),
    ]
}

#[test]
fn a_wrong_entry_leaves_everything_as_it_was() {
    for (section, entry, at, reason) in wrong().into_iter().chain(wrong_in_vhosts()) {
        let world = World::new();
        let broker = &world.broker;
        let start = json!({
            "queues": [{ "vhost": "/", "name": "e.f" }],
            "exchanges": [{ "vhost": "/", "name": "hash", "type": "x-consistent-hash" }],
        });
        import(broker, &start).unwrap();
        let before = export(broker);
        let mut all = populated(&mut Rng::with_seed(7));
        let rows = all[section].as_array_mut().unwrap();
        let index = rows.len();
        rows.push(entry.clone());
        let fault = import(broker, &all).unwrap_err();
        assert_eq!(
            fault.at.to_string(),
            format!("{section}[{index}]{at}"),
            "{entry}"
        );
        assert_eq!(fault.reason, reason, "{entry}");
        assert_eq!(export(broker), before, "{entry}");
    }
}

#[test]
fn what_is_no_list_is_refused() {
    for section in SECTIONS {
        let fault = import(&World::new().broker, &json!({ section: "x" })).unwrap_err();
        assert!(fault.crash, "{section}");
        assert_eq!(fault.at.to_string(), section);
    }
    assert!(import(&World::new().broker, &json!([])).is_err());
}

#[test]
fn a_queue_that_is_other_is_kept_with_its_messages() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-length", FieldValue::I32(5))]);
    world.publish("", "q", "a");
    let same = json!({ "vhost": "/", "name": "q", "durable": queue.spec.durable,
        "arguments": { "x-max-length": 5 } });
    let other = json!({ "vhost": "/", "name": "q", "arguments": {} });
    let outcome = |row: &Value| {
        let definitions = json!({ "queues": [row] });
        let plan = Plan::new(&world.broker, &definitions, Scope::Broker, "guest").unwrap();
        plan.entries[0].outcome.clone()
    };
    assert_eq!(
        outcome(&same),
        Outcome::Unchanged,
        "whatever the width of numbers"
    );
    assert!(matches!(outcome(&other), Outcome::Skipped(_)));
    import(&world.broker, &json!({ "queues": [other] })).unwrap();
    assert_eq!(world.drain(&queue), ["a"]);
}

#[test]
fn an_imported_policy_applies_at_once() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    let policy = json!({ "vhost": "/", "name": "p", "pattern": "^q", "priority": 0,
        "apply-to": "queues", "definition": { "max-length": 1 } });
    import(&world.broker, &json!({ "policies": [policy] })).unwrap();
    assert_eq!(world.drain(&queue), ["c"]);
}

#[test]
fn queues_that_cannot_be_are_passed_over() {
    let world = World::strict();
    let queue = |name: &str, kind: &str, durable: bool| {
        json!({ "vhost": "/", "name": name, "durable": durable,
            "arguments": { "x-queue-type": kind } })
    };
    let long = "l".repeat(256);
    let names = ["transient", "quorum", "amq.q", "", &long];
    let rows: Vec<Value> = names
        .iter()
        .map(|name| {
            queue(
                name,
                if *name == "quorum" {
                    "quorum"
                } else {
                    "classic"
                },
                false,
            )
        })
        .collect();
    import(&world.broker, &json!({ "queues": rows })).unwrap();
    assert!(world.vhost.queues.is_empty());
}

#[test]
fn a_limit_holds_for_all_new_queues_at_once() {
    let world = World::new();
    let parameter = |value: Value| json!([{ "vhost": "/", "component": "vhost-limits", "name": "limits", "value": value }]);
    let rows = |count: usize| -> Vec<Value> {
        let row = |n| json!({ "vhost": "/", "name": format!("q{n}") });
        (0..count).map(row).collect()
    };
    let limits = json!({ "parameters": parameter(json!({ "max-queues": 2 })), "queues": rows(1) });
    import(&world.broker, &limits).unwrap();
    let fault = import(&world.broker, &json!({ "queues": rows(3) })).unwrap_err();
    let text = "Adding 2 queue(s) to virtual host \"/\" would exceed the limit of 2 queue(s).\n\nThis \
                virtual host currently has 1 queue(s) defined.\n\nImport aborted!";
    assert_eq!(fault.reason, text);
    import(&world.broker, &json!({ "queues": rows(2) })).unwrap();
    assert_eq!(world.vhost.queues.len(), 2);
}

#[test]
fn old_definitions_have_old_hashes_and_plain_passwords_are_taken() {
    let world = World::new();
    let broker = &world.broker;
    // MD5 of the salt `salt` and the password `old`.
    let hash = "c2FsdN/Y2Q2jcCdHwVItHbZl9ys=";
    let user = |name: &str, key: &str, value: &str| json!({ "name": name, key: value, "tags": [] });
    let old = json!({ "rabbit_version": "3.5.7", "users": [user("o", "password_hash", hash)] });
    import(broker, &old).unwrap();
    let algorithm = |name: &str| {
        let user = broker.users.get(name).unwrap();
        user.read(|state| state.password.algorithm.as_str())
    };
    assert_eq!(algorithm("o"), "rabbit_password_hashing_md5");
    let plain = json!({ "users": [user("p", "password", "secret")] });
    import(broker, &plain).unwrap();
    assert!(broker.authenticate("p", "secret").is_some());
    let again = Plan::new(broker, &plain, Scope::Broker, "guest").unwrap();
    assert!(again.is_empty(), "the password is the same");
}
