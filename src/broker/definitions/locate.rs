//! Where in the text of definitions something stands.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::fault::{At, Segment};

/// A place in a text, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// Where the value at `at` begins; of what is not there, where that what it should be in begins.
pub fn locate(text: &str, at: &At) -> Place {
    let mut rest = text;
    for segment in &at.0 {
        let Some(inner) = step(rest, segment) else {
            break;
        };
        rest = inner;
    }
    // Every part is a part of the text.
    let rest = rest.trim_start();
    let offset = (rest.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    place(text, offset)
}

fn step<'a>(text: &'a str, segment: &Segment) -> Option<&'a str> {
    let raw: &RawValue = match segment {
        Segment::Key(key) => {
            let object: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(text).ok()?;
            object.get(key.as_str()).copied()?
        }
        Segment::Index(index) => {
            let list: Vec<&'a RawValue> = serde_json::from_str(text).ok()?;
            list.get(*index).copied()?
        }
    };
    Some(raw.get())
}

fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::At;
    use super::{Place, locate};

    #[test]
    fn places_are_those_of_the_values() {
        let text = "{\n \"queues\": [{},\n  {\"na\\u006de\": \"ä\", \"arguments\": {\"x\": 1}}]}";
        let at = At::default().key("queues").index(1);
        let of = |at: &At| {
            let Place { line, column } = locate(text, at);
            (line, column)
        };
        assert_eq!(of(&at), (3, 3));
        assert_eq!(of(&at.key("name")), (3, 17));
        assert_eq!(of(&at.key("arguments").key("x")), (3, 41));
        assert_eq!(of(&at.key("vhost")), (3, 3), "that is where it should be");
        assert_eq!(of(&At::default()), (1, 1));
    }
}
