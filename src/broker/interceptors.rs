//! `message_interceptors.incoming`: what is added to every message that comes in.

use leveret_proto::content::Properties;

use super::name::Name;

/// When a message came, in milliseconds.
const TIMESTAMP_IN_MS: &str = "timestamp_in_ms";
/// To which node it came.
const ROUTED_BY: &str = "x-routed-by";

/// What is added; `true` takes the place of what the publisher said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interceptors {
    /// The time, as a property and a header.
    pub timestamp: Option<bool>,
    /// The node, as a header.
    pub routing_node: Option<bool>,
}

impl Interceptors {
    /// Whether anything is added.
    pub fn are_set(&self) -> bool {
        self.timestamp.is_some() || self.routing_node.is_some()
    }

    /// Add it. Headers are not in order then.
    pub fn add(&self, properties: &mut Properties, wall_ms: u64, node: &Name) {
        if let Some(overwrite) = self.timestamp {
            let ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
            if overwrite || properties.timestamp.is_none() {
                properties.timestamp = Some(wall_ms / 1000);
            }
            put(properties, TIMESTAMP_IN_MS, ms, overwrite);
        }
        if let Some(overwrite) = self.routing_node {
            put(properties, ROUTED_BY, node.as_str(), overwrite);
        }
    }
}

fn put(
    properties: &mut Properties,
    name: &str,
    value: impl Into<leveret_proto::value::FieldValue>,
    overwrite: bool,
) {
    let headers = properties.headers.get_or_insert_default();
    if overwrite || headers.get(name).is_none() {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use leveret_proto::value::{FieldTable, FieldValue};

    use super::*;

    /// Timestamp, its header and the node's header of a message that says nothing, and of one that
    /// says all.
    fn added(overwrite: bool) -> [(u64, FieldValue, FieldValue); 2] {
        let interceptors = Interceptors {
            timestamp: Some(overwrite),
            routing_node: Some(overwrite),
        };
        let mut headers = FieldTable::new();
        headers.insert(TIMESTAMP_IN_MS, "x");
        headers.insert(ROUTED_BY, 3);
        let full = Properties {
            timestamp: Some(5),
            headers: Some(headers),
            ..Properties::default()
        };
        [Properties::default(), full].map(|mut properties| {
            interceptors.add(&mut properties, 1_234_567, &Name::from("rabbit@a"));
            let headers = properties.headers.unwrap();
            let header = |name| headers.get(name).unwrap().clone();
            (
                properties.timestamp.unwrap(),
                header(TIMESTAMP_IN_MS),
                header(ROUTED_BY),
            )
        })
    }

    #[test]
    fn what_the_publisher_said_stays_unless_it_is_overwritten() {
        let ours = (
            1234,
            FieldValue::I64(1_234_567),
            FieldValue::from("rabbit@a"),
        );
        let theirs = (5, FieldValue::from("x"), FieldValue::from(3));
        assert_eq!(added(false), [ours.clone(), theirs]);
        assert_eq!(added(true), [ours.clone(), ours]);
    }
}
