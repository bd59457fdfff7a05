//! Pages, filters, order and columns, as a real RabbitMQ 4.0.5 answered to them.

use serde_json::{Value, json};

use super::api::Api;

fn api() -> Api {
    let api = Api::start();
    for name in ["a1", "ar", "b1", "Ba"] {
        let durable = json!({ "durable": name != "b1", "arguments": { "x-max-priority": 2 } });
        let path = format!("/api/queues/%2F/{name}");
        assert_eq!(api.request("guest", "PUT", &path, &durable).0, 201);
    }
    api
}

fn get(api: &Api, query: &str) -> (u16, Value) {
    let path = format!("/api/queues?{query}");
    api.request("guest", "GET", &path, &Value::Null)
}

/// The names that are shown, wherever they stand.
fn names(answer: &Value) -> Vec<&str> {
    let rows = answer.get("items").unwrap_or(answer).as_array().unwrap();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap_or("-"))
        .collect()
}

#[test]
fn pages() {
    let api = api();
    let (_, page) = get(&api, "page=2&page_size=3&sort=name&columns=name");
    let want = json!({ "filtered_count": 4, "item_count": 1, "items": [{ "name": "b1" }], "page": 2,
        "page_count": 2, "page_size": 3, "total_count": 4 });
    assert_eq!(page, want);
    let (_, none) = get(&api, "page=1&name=zzz");
    let want = json!({ "filtered_count": 0, "item_count": 0, "items": [], "page": 1, "page_count": 0,
        "page_size": 100, "total_count": 4 });
    assert_eq!(none, want);
    let invalid = "Pagination parameters are invalid";
    for (query, error, reason) in [
        (
            "page=0",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 0, page size undefined",
        ),
        (
            "page=-1",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number -1, page size undefined",
        ),
        (
            "page=1&page_size=501",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 1, page size 501",
        ),
        (
            "page=2",
            "page_out_of_range",
            "Page out of range, page: 2 page size: 100, len: 4",
        ),
        (
            "page=99999999999999999999",
            "page_out_of_range",
            "Page out of range, page: 99999999999999999999 page size: 100, len: 4",
        ),
        ("page=", "bad_request", invalid),
        ("page=1.0", "bad_request", invalid),
        ("page=1&page_size=a", "bad_request", invalid),
        ("page=1&name=(&use_regex=true", "bad_request", invalid),
    ] {
        let want = json!({ "error": error, "reason": reason });
        assert_eq!(get(&api, query), (400, want), "{query}");
    }
}

#[test]
fn names_are_filtered_in_pages_only() {
    let api = api();
    for (query, want) in [
        ("page=1&name=A", vec!["Ba", "a1", "ar"]),
        ("page=1&name=%5Ea&use_regex=true", vec!["a1", "ar"]),
        ("page=1&name=%5Ea&use_regex=TRUE", vec![]),
        ("page=1&name=", vec!["Ba", "a1", "ar", "b1"]),
        ("name=a1", vec!["Ba", "a1", "ar", "b1"]),
    ] {
        assert_eq!(
            names(&get(&api, &format!("{query}&sort=name")).1),
            want,
            "{query}"
        );
    }
}

#[test]
fn order() {
    let api = api();
    for (query, want) in [
        ("sort=name", vec!["Ba", "a1", "ar", "b1"]),
        ("sort=name&sort_reverse=true", vec!["b1", "ar", "a1", "Ba"]),
        ("sort=name&sort_reverse=false", vec!["Ba", "a1", "ar", "b1"]),
    ] {
        assert_eq!(names(&get(&api, query).1), want, "{query}");
    }
    let (_, by_flag) = get(&api, "sort=durable");
    assert_eq!(names(&by_flag).first(), Some(&"b1"));
    assert_eq!(get(&api, "sort=nosuch").0, 200);
    assert_eq!(get(&api, "sort=message_stats.publish_details.rate").0, 200);
}

#[test]
fn columns() {
    let api = api();
    let arguments = json!({ "x-max-priority": 2, "x-queue-type": "classic" });
    for (columns, want) in [
        ("name", json!({ "name": "a1" })),
        ("name,nosuch", json!({ "name": "a1" })),
        ("name,,durable", json!({ "name": "a1", "durable": true })),
        ("name.x", json!({ "name": "a1" })),
        ("arguments.x-queue-type", json!({ "arguments": arguments })),
        ("nosuch", json!([])),
        ("", json!([])),
    ] {
        let path = format!("/api/queues/%2F/a1?columns={columns}");
        let (_, one) = api.request("guest", "GET", &path, &Value::Null);
        assert_eq!(one, want, "{columns}");
        let (_, all) = get(&api, &format!("page=1&name=a1&columns={columns}"));
        assert_eq!(all["items"], json!([want]), "{columns}");
    }
}
