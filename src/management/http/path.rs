//! What a path means before it is routed, as RabbitMQ's router reads it.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// A path or query with a `%` that no two hexadecimal digits follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Malformed;

/// The address with `.` and `..` followed and without a slash at the end.
pub(super) fn normalised(uri: &Uri) -> Result<Uri, Malformed> {
    let (path, query) = (uri.path(), uri.query());
    let is_whole = |part: &str| has_whole_escapes(part.as_bytes());
    if !is_whole(path) || !query.is_none_or(is_whole) {
        return Err(Malformed);
    }
    let Some(followed) = follow_dots(path) else {
        return Ok(uri.clone());
    };
    let text = match query {
        Some(query) => format!("{followed}?{query}"),
        None => followed,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| Malformed)?);
    Uri::from_parts(parts).map_err(|_| Malformed)
}

fn has_whole_escapes(text: &[u8]) -> bool {
    let mut escapes = text.split(|byte| *byte == b'%').skip(1);
    escapes.all(|rest| {
        rest.get(..2)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The path without what RabbitMQ does not look at, if it has any of that.
fn follow_dots(path: &str) -> Option<String> {
    let segments = || path.split('/').skip(1);
    let has_end = path.len() > 1 && path.ends_with('/');
    if !has_end && !segments().any(|segment| dots(segment) > 0) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in segments() {
        match dots(segment) {
            0 => kept.push(segment),
            1 => {}
            _ => drop(kept.pop()),
        }
    }
    if has_end && kept.last() == Some(&"") {
        kept.pop();
    }
    Some(format!("/{}", kept.join("/")))
}

/// 1 for `.`, 2 for `..`, however they are written; 0 for a name.
fn dots(segment: &str) -> usize {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        let escaped = rest.get(..3).filter(|it| it.eq_ignore_ascii_case("%2e"));
        let dot = escaped.or_else(|| rest.get(..1).filter(|it| *it == "."));
        let Some(dot) = dot else { return 0 };
        rest = rest.get(dot.len()..).unwrap_or_default();
        count += 1;
    }
    if count > 2 { 0 } else { count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<String, Malformed> {
        normalised(&path.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn dots_are_followed_and_a_last_slash_means_nothing() {
        for (path, want) in [
            ("/api/whoami", "/api/whoami"),
            ("/api/whoami/", "/api/whoami"),
            (
                "/api/./x/../whoami?columns=a%2Fb",
                "/api/whoami?columns=a%2Fb",
            ),
            ("/api/%2e%2E/api/whoami", "/api/whoami"),
            ("/../../api/whoami", "/api/whoami"),
            ("/..", "/"),
            ("/", "/"),
            ("/api//whoami", "/api//whoami"),
            ("/api/queues/%2F/..a", "/api/queues/%2F/..a"),
            ("/api/queues/%2F/...", "/api/queues/%2F/..."),
            (
                "http://host:1/api/queues/%252F/",
                "http://host:1/api/queues/%252F",
            ),
        ] {
            assert_eq!(read(path).as_deref(), Ok(want), "{path}");
        }
    }

    #[test]
    fn half_an_escape_is_refused() {
        for path in ["/api/%zz", "/api/%2", "/api/x?name=%", "/%"] {
            assert_eq!(read(path), Err(Malformed), "{path}");
        }
    }
}
