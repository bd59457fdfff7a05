//! The table of routes as an OpenAPI document, for programs.

use serde_json::{Map, Value, json};

use super::routes::{FAMILIES, Family, Operation, Route, Shows, Who};

/// The document; `version` is the one of RabbitMQ that is spoken.
pub(super) fn document(version: &str) -> Value {
    let tag = |family: &&Family| json!({ "name": family.name, "description": family.about });
    let mut paths = Map::new();
    for family in FAMILIES {
        for route in family.routes {
            paths.insert(route.path.to_owned(), path_item(family, route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Leveret management API",
            "summary": "RabbitMQ's management API, and what only Leveret has",
            "version": version,
        },
        "tags": FAMILIES.iter().map(tag).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "schemas": { "Error": {
                "type": "object",
                "required": ["error", "reason"],
                "properties": { "error": { "type": "string" }, "reason": {} },
            } },
            "responses": { "Refused": {
                "description": "Refused; the reason says why",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Error" },
                } },
            } },
        },
    })
}

fn path_item(family: &Family, route: &Route) -> Value {
    let parameters: Vec<Value> = route.parameters().map(path_parameter).collect();
    let mut item = Map::new();
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), parameters.into());
    }
    for operation in route.operations {
        let method = operation.method.as_str().to_lowercase();
        item.insert(method, described(family, route, operation));
    }
    Value::Object(item)
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn query_parameter(name: &&str) -> Value {
    let schema = match *name {
        "page" => json!({ "type": "integer", "minimum": 1 }),
        "page_size" => json!({ "type": "integer", "minimum": 1, "maximum": 500 }),
        "use_regex" | "sort_reverse" | "if-empty" | "if-unused" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "query", "schema": schema })
}

fn described(family: &Family, route: &Route, operation: &Operation) -> Value {
    let mut object = json!({
        "tags": [family.name],
        "operationId": operation_id(route, operation),
        "summary": operation.summary,
        "description": may_ask(operation.who),
        "responses": responses(route, operation),
        "security": if operation.who == Who::Anyone { json!([]) } else { json!([{ "basic": [] }]) },
    });
    if !operation.query.is_empty() {
        let all: Vec<Value> = operation.query.iter().map(query_parameter).collect();
        object["parameters"] = all.into();
    }
    if !operation.body.is_empty() {
        object["requestBody"] = request_body(operation.body);
    }
    object
}

fn operation_id(route: &Route, operation: &Operation) -> String {
    let words = route.path.split(|it: char| !it.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty() && *word != "api");
    let words: Vec<&str> = words.collect();
    format!(
        "{}_{}",
        operation.method.as_str().to_lowercase(),
        words.join("_")
    )
}

fn may_ask(who: Who) -> String {
    match who {
        Who::Anyone => "Needs no password.".to_owned(),
        Who::Management => "For users with any of the management tags.".to_owned(),
        Who::Member => {
            "For users with any of the management tags who may use the virtual host.".to_owned()
        }
        who => format!("For users with the tag {}.", who.as_str()),
    }
}

fn responses(route: &Route, operation: &Operation) -> Value {
    let refused = || json!({ "$ref": "#/components/responses/Refused" });
    let mut all = Map::new();
    for status in operation.success {
        all.insert(status.to_string(), success(*status, operation.shows));
    }
    if !operation.body.is_empty() || operation.query.contains(&"page") {
        all.insert("400".to_owned(), refused());
    }
    if operation.who != Who::Anyone {
        all.insert("401".to_owned(), refused());
    }
    if route.parameters().next().is_some() {
        all.insert("404".to_owned(), refused());
    }
    Value::Object(all)
}

fn success(status: u16, shows: Shows) -> Value {
    let description = match status {
        201 => "Made",
        204 => "Done",
        _ => "Here it is",
    };
    let schema = match shows {
        Shows::Object => json!({ "type": "object" }),
        Shows::List => json!({ "type": "array", "items": { "type": "object" } }),
        Shows::Pages => json!({ "type": ["array", "object"] }),
        _ => json!({ "type": "string" }),
    };
    match shows.media_type() {
        Some(media) => json!({
            "description": description,
            "content": { media: { "schema": schema } },
        }),
        None => json!({ "description": description }),
    }
}

/// `name: type`; a name with `?` may be missing.
pub(super) fn key(text: &str) -> (&str, bool, &str) {
    let (name, kind) = text.split_once(": ").unwrap_or((text, "any"));
    match name.strip_suffix('?') {
        Some(name) => (name, false, kind),
        None => (name, true, kind),
    }
}

fn request_body(keys: &[&str]) -> Value {
    let keys = || keys.iter().map(|text| key(text));
    let properties: Map<String, Value> = keys()
        .map(|(name, _, kind)| (name.to_owned(), schema(kind)))
        .collect();
    let required: Vec<&str> = keys()
        .filter_map(|(name, is_required, _)| is_required.then_some(name))
        .collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    json!({
        "required": !required.is_empty(),
        "content": { "application/json": { "schema": schema } },
    })
}

/// Types, or the words that are allowed.
fn schema(kind: &str) -> Value {
    let words: Vec<&str> = kind.split(" or ").flat_map(|it| it.split(", ")).collect();
    let named: Option<Vec<&str>> = words.iter().map(|word| type_of(word)).collect();
    match named.as_deref() {
        _ if kind == "any" => json!({}),
        Some([one]) => json!({ "type": one }),
        Some(several) => json!({ "type": several }),
        None => json!({ "type": "string", "enum": words }),
    }
}

fn type_of(word: &str) -> Option<&str> {
    match word {
        "list" => Some("array"),
        "string" | "boolean" | "integer" | "number" | "object" => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_is_described_under_a_name_of_its_own() {
        let document = document("4.0.5");
        let mut names = HashSet::new();
        let paths = document["paths"].as_object().unwrap();
        for item in paths.values() {
            let operations = item.as_object().unwrap();
            for (_, operation) in operations.iter().filter(|(key, _)| *key != "parameters") {
                assert!(
                    names.insert(operation["operationId"].as_str().unwrap()),
                    "{operation}"
                );
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                assert!(!operation["responses"].as_object().unwrap().is_empty());
            }
        }
        let rows: usize = FAMILIES
            .iter()
            .flat_map(|it| it.routes)
            .map(|it| it.operations.len())
            .sum();
        assert_eq!(names.len(), rows);
    }

    #[test]
    fn keys_become_a_schema() {
        let body = request_body(&["value: any", "mode: a, b or c", "tags?: string or list"]);
        let schema = &body["content"]["application/json"]["schema"];
        assert_eq!(schema["required"], json!(["value", "mode"]));
        assert_eq!(schema["properties"]["mode"]["enum"], json!(["a", "b", "c"]));
        assert_eq!(
            schema["properties"]["tags"]["type"],
            json!(["string", "array"])
        );
    }
}
