//! The table of routes as a page, for people, and the document for programs.
//!
//! All of it is made once from the table; nothing is loaded from elsewhere, no style or script is
//! inline, so the strictest content policy holds.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::openapi::{document, key};
use super::routes::{FAMILIES, Family, Operation, Route, Shows, Verb};
use crate::management::Api;

const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

static PAGE: LazyLock<String> = LazyLock::new(page);

pub(in crate::management) fn routes() -> Router<Api> {
    Router::new()
        .route(
            "/api/index.html",
            get(async |headers: HeaderMap| asset(&headers, "text/html; charset=utf-8", &PAGE)),
        )
        .route(
            "/dev/reference.css",
            get(async |headers: HeaderMap| asset(&headers, "text/css; charset=utf-8", CSS)),
        )
        .route(
            "/dev/reference.js",
            get(async |headers: HeaderMap| {
                asset(&headers, "text/javascript; charset=utf-8", SCRIPT)
            }),
        )
        .route(
            "/dev/openapi.json",
            get(async |State(api): State<Api>| Json(document(api.broker().compat.version))),
        )
}

/// Something that is always the same: who has it already is told so.
fn asset(request: &HeaderMap, media_type: &'static str, content: &'static str) -> Response {
    let tag = etag(content);
    let is_known = |known: &HeaderValue| {
        let mut tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    };
    let headers = [(ETAG, tag.as_str())];
    if request.get(IF_NONE_MATCH).is_some_and(is_known) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, kind, content).into_response()
}

/// FNV-1a of the content.
fn etag(content: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!(
        "\"{:016x}\"",
        content.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn page() -> String {
    let mut contents = String::new();
    let mut sections = String::new();
    for family in FAMILIES {
        let id = family.name.to_lowercase().replace([' ', ','], "-");
        // Writing to a text cannot fail.
        let _ = write!(
            contents,
            "<li><a href=\"#{id}\">{}</a></li>",
            escaped(family.name)
        );
        section(&mut sections, &id, family);
    }
    let template = include_str!("page.html");
    template
        .replace("<!-- contents -->", &contents)
        .replace("<!-- sections -->", &sections)
}

fn section(out: &mut String, id: &str, family: &Family) {
    let (name, about) = (escaped(family.name), escaped(family.about));
    let _ = write!(
        out,
        "<section id=\"{id}\"><h2>{name}</h2><p class=\"about\">{about}</p>"
    );
    for route in family.routes {
        for operation in route.operations {
            entry(out, route, operation);
        }
    }
    out.push_str("</section>");
}

fn entry(out: &mut String, route: &Route, operation: &Operation) {
    let verb = operation.method.as_str();
    let who = operation.who.as_str();
    let _ = write!(
        out,
        "<article><p class=\"call\"><span class=\"verb {}\">{verb}</span> <code class=\"path\">{}</code> \
         <span class=\"who {who}\">{who}</span></p><p class=\"summary\">{}</p>",
        verb.to_lowercase(),
        path(route),
        escaped(operation.summary),
    );
    let details = details(operation);
    if !details.is_empty() {
        let _ = write!(out, "<dl>{details}</dl>");
    }
    out.push_str("</article>");
}

/// The path, with the places that vary set off; a long one may break after a slash.
fn path(route: &Route) -> String {
    let shown = |segment: &str| match segment
        .strip_prefix('{')
        .and_then(|it| it.strip_suffix('}'))
    {
        Some(name) => format!("<var>{}</var>", escaped(name)),
        None => escaped(segment),
    };
    let segments: Vec<String> = route.path.split('/').skip(1).map(shown).collect();
    format!("/{}", segments.join("/<wbr>"))
}

fn details(operation: &Operation) -> String {
    let mut out = String::new();
    if let Some(query) = query(operation) {
        let _ = write!(out, "<dt>Query</dt><dd>{query}</dd>");
    }
    if !operation.body.is_empty() {
        let keys: Vec<String> = operation.body.iter().map(|it| body_key(it)).collect();
        let _ = write!(out, "<dt>Body</dt><dd><ul>{}</ul></dd>", keys.join(""));
    }
    if operation.method != Verb::Get {
        let statuses: Vec<String> = operation.success.iter().map(u16::to_string).collect();
        let _ = write!(out, "<dt>Answers</dt><dd>{}</dd>", statuses.join(" or "));
    }
    out
}

/// What every list understands is told once, and `columns` of objects too.
fn query(operation: &Operation) -> Option<String> {
    let about = |words| format!("<a href=\"#conventions\">{words}</a>");
    match (operation.shows, operation.query) {
        (Shows::Pages, _) => Some(about("pages, name filter, sort, columns")),
        (_, ["sort", ..]) => Some(about("sort, columns")),
        (_, [] | ["columns"]) => None,
        (_, names) => {
            let names: Vec<String> = names
                .iter()
                .map(|it| format!("<code>{it}</code>"))
                .collect();
            Some(names.join(" "))
        }
    }
}

fn body_key(text: &str) -> String {
    let (name, is_required, kind) = key(text);
    let optional = if is_required {
        ""
    } else {
        " <em>optional</em>"
    };
    format!(
        "<li><code>{}</code> {}{optional}</li>",
        escaped(name),
        escaped(kind)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_route_and_nothing_inline() {
        let page = page();
        let rows: usize = FAMILIES
            .iter()
            .flat_map(|it| it.routes)
            .map(|it| it.operations.len())
            .sum();
        assert_eq!(page.matches("<article>").count(), rows);
        for forbidden in [
            "<style", "style=", "onclick", "http://", "https://", "<!-- ",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("/api/<wbr>queues/<wbr><var>vhost</var>/<wbr><var>name</var>"));
    }
}
