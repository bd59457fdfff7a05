//! The management page: static files below `/`, one per page, without a build step (`src/management/ui/`).
//!
//! Release builds carry them, debug builds read them from disk, so that a reload shows a change. The page knows
//! only `/api` and `/dev`; what the browser has is checked by content hash, never by age.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, response::Builder};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{Embed, EmbeddedFile};

use super::Api;

#[derive(Embed)]
#[folder = "src/management/ui/"]
struct Files;

/// Nothing inline, nothing from elsewhere, in no frame: a message's content can never become script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What holds for every file.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::VARY, "accept-encoding"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Compressed files by content hash: each is compressed once, at the first request.
static COMPRESSED: LazyLock<Mutex<HashMap<[u8; 32], Bytes>>> = LazyLock::new(Mutex::default);

/// Versions of files kept compressed; only edits in a debug build make more than there are files.
const COMPRESSED_MAX: usize = 256;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(
            "/",
            get(async |headers: HeaderMap| answer("index.html", &headers)),
        )
        .route(
            "/ui/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| answer(&path, &headers)),
        )
}

fn answer(path: &str, request: &HeaderMap) -> Response {
    let Some((file, media_type)) = Files::get(path).zip(media_type(path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash = file.metadata.sha256_hash();
    let tag = etag(&hash);
    let response = HEADERS
        .iter()
        .fold(Response::builder(), |all, (name, value)| {
            all.header(name, *value)
        })
        .header(header::ETAG, &tag);
    let response = if has(request, header::IF_NONE_MATCH, |known| {
        known == "*" || known.trim_start_matches("W/") == tag
    }) {
        response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty())
    } else {
        body(
            response.header(header::CONTENT_TYPE, media_type),
            file,
            hash,
            request,
        )
    };
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn body(
    response: Builder,
    file: EmbeddedFile,
    hash: [u8; 32],
    request: &HeaderMap,
) -> axum::http::Result<Response> {
    let takes_gzip = has(request, header::ACCEPT_ENCODING, |coding| {
        let (coding, quality) = coding.split_once(';').unwrap_or((coding, ""));
        coding.trim() == "gzip" && quality.trim() != "q=0"
    });
    match takes_gzip.then(|| compressed(hash, &file.data)).flatten() {
        Some(bytes) => response
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Body::from(bytes)),
        None => response.body(match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        }),
    }
}

/// Whether one of a header's comma-separated values is wanted.
fn has(request: &HeaderMap, name: HeaderName, is_wanted: impl Fn(&str) -> bool) -> bool {
    let value = request.get(name).map(HeaderValue::to_str);
    let mut values = value.and_then(Result::ok).unwrap_or_default().split(',');
    values.any(|value| is_wanted(value.trim()))
}

fn compressed(hash: [u8; 32], content: &[u8]) -> Option<Bytes> {
    let mut kept = COMPRESSED.lock().ok()?;
    if let Some(known) = kept.get(&hash) {
        return Some(known.clone());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    let bytes = Bytes::from(encoder.finish().ok()?);
    if kept.len() < COMPRESSED_MAX {
        kept.insert(hash, bytes.clone());
    }
    Some(bytes)
}

fn etag(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in hash.iter().take(12) {
        // Writing to a text cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

fn media_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All files compressed, as they go over the wire.
    const TOTAL_BYTES_MAX: usize = 150_000;

    fn asked(path: &str, name: HeaderName, value: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        answer(path, &headers)
    }

    #[test]
    fn is_small() {
        let total: usize = Files::iter()
            .map(|path| {
                let file = Files::get(&path).unwrap();
                assert!(media_type(&path).is_some(), "what is {path}?");
                compressed(file.metadata.sha256_hash(), &file.data)
                    .unwrap()
                    .len()
            })
            .sum();
        assert!(total < TOTAL_BYTES_MAX, "{total} bytes");
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let first = answer("index.html", &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert!(!first.headers().contains_key(header::CONTENT_ENCODING));
        let tag = first.headers()[header::ETAG].to_str().unwrap();
        let again = asked("index.html", header::IF_NONE_MATCH, tag);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = asked("index.html", header::IF_NONE_MATCH, "\"other\"");
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn compressed_for_who_takes_it() {
        let gzip = |accepted| {
            let response = asked("app.js", header::ACCEPT_ENCODING, accepted);
            response.headers().contains_key(header::CONTENT_ENCODING)
        };
        assert!(gzip("br, gzip;q=0.8"));
        assert!(!gzip("br, gzip;q=0"));
        assert!(!gzip("identity"));
    }

    #[test]
    fn only_what_is_there() {
        for path in ["nothing.js", "../page.rs", "/etc/passwd", ""] {
            let response = answer(path, &HeaderMap::new());
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn scripts_come_from_here_only() {
        let response = answer("index.html", &HeaderMap::new());
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(!policy.contains("unsafe"));
        let page = String::from_utf8(Files::get("index.html").unwrap().data.into_owned()).unwrap();
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onclick"));
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=").count()
                + page.matches("<script type=\"module\" src=").count()
        );
    }
}
