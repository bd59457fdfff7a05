//! One table of all routes: what each allows, who may ask it, and what to tell people about it.
//!
//! The router's own list must be the same (a test compares them), so a route that is not described
//! does not pass. Who may ask is enforced from here.

/// A table of routes: the path, and what can be done there.
macro_rules! routes {
    ($($path:literal: $($operation:expr),+;)*) => {
        &[$($crate::management::http::routes::Route {
            path: $path,
            operations: &[$($operation),+],
        }),*]
    };
}

mod model;
mod node;
mod rights;
mod settings;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::{HeaderValue, Method};

/// A family of routes, in the order in which people read them.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    /// One sentence for people.
    pub(super) about: &'static str,
    pub(super) routes: &'static [Route],
}

/// A path, and what can be done there.
#[derive(Debug)]
pub(super) struct Route {
    /// As the router writes it: `{name}` is one segment.
    pub(super) path: &'static str,
    pub(super) operations: &'static [Operation],
}

/// What a method does at a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) method: Verb,
    pub(super) who: Who,
    /// One sentence for people.
    pub(super) summary: &'static str,
    /// Query parameters.
    pub(super) query: &'static [&'static str],
    /// Keys of the request's body, `name: type`; `name?` may be missing.
    pub(super) body: &'static [&'static str],
    pub(super) shows: Shows,
    /// Whether `HEAD` works too: RabbitMQ has routes where it does not.
    has_head: bool,
    /// Statuses of success.
    pub(super) success: &'static [u16],
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// What a body that is answered looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shows {
    Nothing,
    Object,
    List,
    /// A list, or with `page` one page of it.
    Pages,
    /// Something to read.
    Text,
    Html,
    Css,
    Script,
    /// A stream of events.
    Events,
}

/// Who may ask; administrators may always.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::management) enum Who {
    /// Without a password.
    Anyone,
    /// Users with any of the management tags. What they see depends on their virtual hosts.
    Management,
    /// Such users who may use the virtual host.
    Member,
    /// Users with the tag `policymaker` who may use the virtual host.
    Policymaker,
    /// Users with the tag `monitoring`.
    Monitoring,
    Administrator,
}

/// What lists understand.
const SORTED: &[&str] = &["sort", "sort_reverse", "columns"];
/// What lists that come in pages understand.
const PAGED: &[&str] = &[
    "page",
    "page_size",
    "name",
    "use_regex",
    "sort",
    "sort_reverse",
    "columns",
];
const COLUMNS: &[&str] = &["columns"];

impl Operation {
    const fn new(
        method: Verb,
        who: Who,
        summary: &'static str,
        shows: Shows,
        success: &'static [u16],
    ) -> Self {
        Self {
            method,
            who,
            summary,
            query: &[],
            body: &[],
            shows,
            has_head: true,
            success,
        }
    }

    const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    const fn body(self, body: &'static [&'static str]) -> Self {
        Self { body, ..self }
    }

    const fn success(self, success: &'static [u16]) -> Self {
        Self { success, ..self }
    }

    const fn without_head(self) -> Self {
        Self {
            has_head: false,
            ..self
        }
    }
}

/// An object.
const fn one(who: Who, summary: &'static str) -> Operation {
    Operation::new(Verb::Get, who, summary, Shows::Object, &[200]).query(COLUMNS)
}

/// A list.
const fn list(who: Who, summary: &'static str) -> Operation {
    Operation::new(Verb::Get, who, summary, Shows::List, &[200]).query(SORTED)
}

/// A list that comes in pages, if asked to.
const fn pages(who: Who, summary: &'static str) -> Operation {
    Operation::new(Verb::Get, who, summary, Shows::Pages, &[200]).query(PAGED)
}

/// Something to read.
const fn text(who: Who, summary: &'static str) -> Operation {
    Operation::new(Verb::Get, who, summary, Shows::Text, &[200])
}

/// Something that is no JSON.
const fn file(summary: &'static str, shows: Shows) -> Operation {
    Operation::new(Verb::Get, Who::Anyone, summary, shows, &[200])
}

/// Makes or changes something.
const fn put(who: Who, summary: &'static str, body: &'static [&'static str]) -> Operation {
    Operation::new(Verb::Put, who, summary, Shows::Nothing, &[201, 204]).body(body)
}

/// Deletes something.
const fn delete(who: Who, summary: &'static str) -> Operation {
    Operation::new(Verb::Delete, who, summary, Shows::Nothing, &[204])
}

/// Does something and has nothing to tell.
const fn act(who: Who, summary: &'static str, body: &'static [&'static str]) -> Operation {
    Operation::new(Verb::Post, who, summary, Shows::Nothing, &[204]).body(body)
}

/// Does something and tells what came of it.
const fn ask(
    who: Who,
    summary: &'static str,
    body: &'static [&'static str],
    shows: Shows,
) -> Operation {
    Operation::new(Verb::Post, who, summary, shows, &[200]).body(body)
}

/// All routes.
pub(super) static FAMILIES: &[&Family] = &[
    &node::OVERVIEW,
    &node::NODES,
    &node::HEALTH,
    &model::EXCHANGES,
    &model::QUEUES,
    &model::BINDINGS,
    &model::CONNECTIONS,
    &rights::VHOSTS,
    &rights::USERS,
    &rights::PERMISSIONS,
    &settings::POLICIES,
    &settings::PARAMETERS,
    &settings::LIMITS,
    &settings::DEFINED,
    &node::METRICS,
    &node::FEATURES,
    &node::DESCRIPTION,
    &node::LEVERET,
];

/// A route as the middleware looks it up.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) route: &'static Route,
    /// The `Allow` header.
    pub(super) allow: HeaderValue,
}

static BY_PATH: LazyLock<HashMap<&'static str, Known>> = LazyLock::new(|| {
    let routes = FAMILIES.iter().flat_map(|family| family.routes);
    let known = |route: &'static Route| {
        let allow = HeaderValue::from_str(&route.allow());
        // The words are ours.
        let allow = allow.unwrap_or(HeaderValue::from_static("OPTIONS"));
        (route.path, Known { route, allow })
    };
    routes.map(known).collect()
});

/// The row of a path as the router writes it.
pub(super) fn find(path: &str) -> Option<&'static Known> {
    BY_PATH.get(path)
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Who {
    /// In a word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Management | Self::Member => "management",
            Self::Policymaker => "policymaker",
            Self::Monitoring => "monitoring",
            Self::Administrator => "administrator",
        }
    }
}

impl Shows {
    /// The media type.
    pub(super) fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Object | Self::List | Self::Pages => Some("application/json"),
            Self::Text => Some("text/plain"),
            Self::Html => Some("text/html"),
            Self::Events => Some("text/event-stream"),
            Self::Css => Some("text/css"),
            Self::Script => Some("text/javascript"),
        }
    }
}

impl Route {
    /// The methods, in RabbitMQ's order.
    fn allow(&self) -> String {
        let mut words: Vec<&str> = self
            .operations
            .iter()
            .map(|it| it.method.as_str())
            .collect();
        if self.operations.iter().any(Operation::has_head) {
            words.insert(0, "HEAD");
        }
        words.push("OPTIONS");
        words.join(", ")
    }

    /// What a method does here; `HEAD` is a `GET`.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let mut all = self.operations.iter();
        match *method {
            Method::HEAD => all.find(|it| it.has_head()),
            _ => all.find(|it| it.method.as_str() == method.as_str()),
        }
    }

    /// Names of the segments that vary.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let segments = self.path.split('/');
        segments.filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
    }
}

impl Operation {
    fn has_head(&self) -> bool {
        self.method == Verb::Get && self.has_head
    }
}
