//! Policies, parameters and definitions.

use rabbitmq_http_client::commons::PolicyTarget;
use rabbitmq_http_client::requests::{
    GlobalRuntimeParameterDefinition, PolicyDefinitionBuilder, PolicyParams,
    RuntimeParameterDefinition,
};
use serde_json::{Map, Value, json};

use crate::{Api, Court, HOST};

pub(crate) fn judge(court: &mut Court, api: &Api) {
    policies(court, api);
    operator_policies(court, api);
    parameters(court, api);
    global_parameters(court, api);
    definitions(court, api);
    plugins(court, api);
}

fn policy<'a>(name: &'a str) -> PolicyParams<'a> {
    let definition = PolicyDefinitionBuilder::new()
        .max_length(10)
        .message_ttl(1000)
        .build();
    PolicyParams::new(HOST, name, "^q", definition)
        .apply_to(PolicyTarget::ClassicQueues)
        .priority(3)
}

fn policies(court: &mut Court, api: &Api) {
    court.done(
        "declare_classic_queue",
        api.declare_classic_queue(HOST, "q"),
    );
    court.done("declare_policy", api.declare_policy(&policy("p/1")));
    court.done(
        "declare_policies",
        api.declare_policies(vec![&policy("p 2"), &policy("p3")]),
    );
    court.holds("get_policy", api.get_policy(HOST, "p/1"), |p| {
        p.pattern == "^q"
            && p.priority == 3
            && p.apply_to == PolicyTarget::ClassicQueues
            && p.definition.len() == 2
    });
    court.holds("list_policies", api.list_policies(), |p| p.len() >= 3);
    court.holds("list_policies_in", api.list_policies_in(HOST), |p| {
        p.len() == 3
    });
    let target = PolicyTarget::ClassicQueues;
    court.holds(
        "list_policies_for_target",
        api.list_policies_for_target(HOST, target.clone()),
        |p| p.len() == 3,
    );
    court.holds(
        "list_matching_policies",
        api.list_matching_policies(HOST, "q", target),
        |p| p.len() == 3,
    );
    court.holds(
        "get_queue_info: policy",
        api.get_queue_info(HOST, "q"),
        |q| {
            q.policy.is_some()
                && q.effective_policy_definition
                    .as_ref()
                    .is_some_and(|d| d.len() == 2)
        },
    );
    let wrong = Map::from_iter([("max-length".to_owned(), json!("ten"))]);
    court.refused(
        "declare_policy: wrong",
        400,
        api.declare_policy(&PolicyParams::new(HOST, "p4", "", wrong)),
    );
    court.done("delete_policy", api.delete_policy(HOST, "p/1", false));
    court.refused(
        "delete_policy: gone",
        404,
        api.delete_policy(HOST, "p/1", false),
    );
    court.done(
        "delete_policies_in",
        api.delete_policies_in(HOST, vec!["p 2", "p3"]),
    );
}

fn operator_policies(court: &mut Court, api: &Api) {
    court.done(
        "declare_operator_policy",
        api.declare_operator_policy(&policy("o1")),
    );
    court.done(
        "declare_operator_policies",
        api.declare_operator_policies(vec![&policy("o2"), &policy("o3")]),
    );
    court.holds(
        "get_operator_policy",
        api.get_operator_policy(HOST, "o1"),
        |p| p.name == "o1",
    );
    court.holds(
        "list_operator_policies",
        api.list_operator_policies(),
        |p| p.len() >= 3,
    );
    court.holds(
        "list_operator_policies_in",
        api.list_operator_policies_in(HOST),
        |p| p.len() == 3,
    );
    let target = PolicyTarget::ClassicQueues;
    let found = api.list_operator_policies_for_target(HOST, target.clone());
    court.holds("list_operator_policies_for_target", found, |p| p.len() == 3);
    let found = api.list_matching_operator_policies(HOST, "q", target);
    court.holds("list_matching_operator_policies", found, |p| p.len() == 3);
    court.holds(
        "get_queue_info: operator policy",
        api.get_queue_info(HOST, "q"),
        |q| q.operator_policy.is_some(),
    );
    court.done(
        "delete_operator_policy",
        api.delete_operator_policy(HOST, "o1", false),
    );
    court.done(
        "delete_operator_policies_in",
        api.delete_operator_policies_in(HOST, vec!["o2", "o3"]),
    );
}

fn parameters(court: &mut Court, api: &Api) {
    let definition = RuntimeParameterDefinition {
        name: "limits",
        vhost: HOST,
        component: "vhost-limits",
        value: Map::from_iter([("max-queues".to_owned(), json!(50))]),
    };
    court.done(
        "upsert_runtime_parameter",
        api.upsert_runtime_parameter(&definition),
    );
    court.holds(
        "get_runtime_parameter",
        api.get_runtime_parameter("vhost-limits", HOST, "limits"),
        |p| p.value.get("max-queues") == Some(&json!(50)),
    );
    court.holds(
        "list_runtime_parameters",
        api.list_runtime_parameters(),
        |p| p.iter().any(|p| p.vhost == HOST),
    );
    let found = api.list_runtime_parameters_of_component("vhost-limits");
    court.holds("list_runtime_parameters_of_component", found, |p| {
        p.len() == 1
    });
    let found = api.list_runtime_parameters_of_component_in("vhost-limits", HOST);
    court.holds("list_runtime_parameters_of_component_in", found, |p| {
        p.len() == 1
    });
    let cleared = api.clear_runtime_parameter("vhost-limits", HOST, "limits", false);
    court.done("clear_runtime_parameter", cleared);
    let gone = api.get_runtime_parameter("vhost-limits", HOST, "limits");
    court.refused("get_runtime_parameter: gone", 404, gone);
    court.done(
        "clear_all_runtime_parameters_of_component",
        api.clear_all_runtime_parameters_of_component("vhost-limits"),
    );
}

fn global_parameters(court: &mut Court, api: &Api) {
    let value: Map<String, Value> = Map::from_iter([("a".to_owned(), json!({"b": [1, 2.5, "c"]}))]);
    let definition = GlobalRuntimeParameterDefinition {
        name: "judge",
        value,
    };
    court.done(
        "upsert_global_runtime_parameter",
        api.upsert_global_runtime_parameter(&definition),
    );
    court.holds(
        "get_global_runtime_parameter",
        api.get_global_runtime_parameter("judge"),
        |p| p.value.0 == json!({"a": {"b": [1, 2.5, "c"]}}),
    );
    court.holds(
        "list_global_runtime_parameters",
        api.list_global_runtime_parameters(),
        |p| p.iter().any(|p| p.name == "judge"),
    );
    court.done(
        "clear_global_runtime_parameter",
        api.clear_global_runtime_parameter("judge"),
    );
}

fn definitions(court: &mut Court, api: &Api) {
    court.done(
        "declare_policy: to be exported",
        api.declare_policy(&policy("kept")),
    );
    court.holds(
        "export_cluster_wide_definitions_as_data",
        api.export_cluster_wide_definitions_as_data(),
        |d| {
            d.find_queue(HOST, "q").is_some()
                && d.find_policy(HOST, "kept").is_some()
                && !d.users.is_empty()
        },
    );
    court.holds(
        "export_vhost_definitions_as_data",
        api.export_vhost_definitions_as_data(HOST),
        |d| d.queues.len() == 1 && d.policies.len() == 1,
    );
    let whole = court.done(
        "export_cluster_wide_definitions",
        api.export_cluster_wide_definitions(),
    );
    let host = court.done(
        "export_vhost_definitions",
        api.export_vhost_definitions(HOST),
    );
    court.done("delete_queue", api.delete_queue(HOST, "q", false));
    court.done("delete_policy", api.delete_policy(HOST, "kept", false));
    import(court, host, |d| api.import_vhost_definitions(HOST, d));
    court.done("get_queue_info: imported", api.get_queue_info(HOST, "q"));
    court.done("get_policy: imported", api.get_policy(HOST, "kept"));
    court.done("delete_queue", api.delete_queue(HOST, "q", false));
    import(court, whole.clone(), |d| api.import_definitions(d));
    court.done(
        "get_queue_info: imported again",
        api.get_queue_info(HOST, "q"),
    );
    court.holds(
        "an import changes no export",
        api.export_cluster_wide_definitions(),
        |d| sorted(d) == whole.as_ref().map_or(Value::Null, |w| sorted(w)),
    );
    let wrong = json!({"queues": [{"name": "half", "vhost": HOST, "durable": true, "auto_delete": false, "arguments": {}},
        {"name": "x", "vhost": "nowhere", "durable": true, "auto_delete": false, "arguments": {}}]});
    court.refused(
        "import_definitions: wrong",
        400,
        api.import_definitions(wrong),
    );
    court.refused(
        "get_queue_info: nothing half imported",
        404,
        api.get_queue_info(HOST, "half"),
    );
}

fn import(court: &mut Court, text: Option<String>, call: impl Fn(Value) -> crate::Answer<()>) {
    match text.as_deref().map(serde_json::from_str) {
        Some(Ok(definitions)) => drop(court.done("import", call(definitions))),
        other => court.holds(
            "exported definitions are JSON",
            Ok(format!("{other:?}")),
            |_| false,
        ),
    }
}

/// Definitions with each list in one order: nobody promises one.
fn sorted(text: &str) -> Value {
    let mut all: Value = serde_json::from_str(text).unwrap_or_default();
    for list in all
        .as_object_mut()
        .into_iter()
        .flat_map(|o| o.values_mut())
        .filter_map(Value::as_array_mut)
    {
        list.sort_by_key(Value::to_string);
    }
    all
}

/// What runs nothing here must still be listed truly.
fn plugins(court: &mut Court, api: &Api) {
    court.holds("list_shovels", api.list_shovels(), Vec::is_empty);
    court.holds("list_shovels_in", api.list_shovels_in(HOST), Vec::is_empty);
    court.holds(
        "list_federation_upstreams",
        api.list_federation_upstreams(),
        Vec::is_empty,
    );
    court.refused(
        "list_federation_links: no such plugin",
        404,
        api.list_federation_links(),
    );
    court.refused(
        "list_stream_connections: no such plugin",
        404,
        api.list_stream_connections(),
    );
}
