//! `management.path_prefix`: a path below which everything is, for who stands behind a proxy.

use std::sync::Arc;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use super::path::Malformed;

/// What else than letters and digits may stand in a path as it is.
const PLAIN: &[u8] = b"-._~!$&'()*+,;=:@/%";

/// It begins with a slash and ends without one; without a prefix it is empty.
#[derive(Clone, Debug, Default)]
pub struct PathPrefix(Arc<str>);

/// Where a path leads.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// To a route of this name.
    Inside(Uri),
    /// To the prefix itself.
    Top,
    /// To `/`, which is not below the prefix.
    Root,
    /// To nothing.
    Outside,
}

impl PathPrefix {
    /// However it is written.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let name = text.trim_matches('/');
        let mut prefix = String::new();
        for byte in name.bytes() {
            match byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
                true => prefix.push(char::from(byte)),
                false => prefix += &format!("%{byte:02X}"),
            }
        }
        if !prefix.is_empty() {
            prefix.insert(0, '/');
        }
        Self(prefix.into())
    }

    /// It in front of `path`.
    #[must_use]
    pub fn before(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// What a normalised address means.
    pub(super) fn place(&self, uri: Uri) -> Result<Place, Malformed> {
        if self.0.is_empty() {
            return Ok(Place::Inside(uri));
        }
        let Some(rest) = uri.path().strip_prefix(&*self.0) else {
            return Ok(match uri.path() {
                "/" => Place::Root,
                _ => Place::Outside,
            });
        };
        if rest.is_empty() {
            return Ok(Place::Top);
        }
        if !rest.starts_with('/') {
            return Ok(Place::Outside);
        }
        let text = match uri.query() {
            Some(query) => format!("{rest}?{query}"),
            None => rest.to_owned(),
        };
        let mut parts = uri.into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| Malformed)?);
        let inside = Uri::from_parts(parts).map_err(|_| Malformed)?;
        Ok(Place::Inside(inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(prefix: &str, path: &str) -> Place {
        let uri = path.parse().unwrap();
        PathPrefix::new(prefix).place(uri).unwrap()
    }

    fn inside(path: &str) -> Place {
        Place::Inside(path.parse().unwrap())
    }

    #[test]
    fn only_what_is_below_the_prefix_is_there() {
        for written in ["/a/b", "a/b", "/a/b/"] {
            assert_eq!(place(written, "/a/b/api/x?y=/a/b"), inside("/api/x?y=/a/b"));
            assert_eq!(place(written, "/a/b"), Place::Top);
            assert_eq!(place(written, "/"), Place::Root);
            for path in ["/a", "/a/bc/api/x", "/api/x", "/x/a/b"] {
                assert_eq!(place(written, path), Place::Outside, "{path}");
            }
        }
    }

    #[test]
    fn without_a_prefix_all_is_there() {
        for written in ["", "/"] {
            assert_eq!(place(written, "/api/x"), inside("/api/x"));
            assert_eq!(place(written, "/"), inside("/"));
        }
    }

    #[test]
    fn what_cannot_stand_in_a_path_is_escaped() {
        let prefix = PathPrefix::new("a b\r\n?ü%20");
        assert_eq!(prefix.before("/x"), "/a%20b%0D%0A%3F%C3%BC%20/x");
        assert_eq!(place("a b", "/a%20b/x"), inside("/x"));
    }
}
