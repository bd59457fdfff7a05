//! How the management API speaks HTTP: what holds for every route, whatever it is about.
//!
//! - [`routes`]: one table of all routes. What a route allows, who may ask it, and its description
//!   come from there.
//! - [`conventions`]: the one middleware: `OPTIONS`, 405, who may ask, errors, headers.
//! - [`path`], [`prefix`]: what a path means before it is routed; [`cors`]: pages of other origins.
//! - [`serve`]: connections, their number and their patience.
//! - [`openapi`] and [`page`]: the table for programs, and for people.

pub(super) mod conventions;
pub(super) mod cors;
mod openapi;
pub(super) mod page;
mod path;
pub(super) mod prefix;
mod routes;
pub(super) mod serve;

pub(super) use self::routes::Who;

/// All paths of the table.
#[cfg(test)]
pub(super) fn paths() -> std::collections::BTreeSet<String> {
    let routes = routes::FAMILIES.iter().flat_map(|family| family.routes);
    routes.map(|route| route.path.to_owned()).collect()
}

/// What the table says that a path allows.
#[cfg(test)]
pub(super) fn allow(path: &str) -> String {
    let known = routes::find(path).expect("a path of the table");
    known.allow.to_str().unwrap_or_default().to_owned()
}
