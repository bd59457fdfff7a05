//! [`Filter`]: what a reader of a stream wants to see, and [`Labels`], what a chunk holds.
//!
//! RabbitMQ looks at chunks, not at messages: a reader gets the whole chunk if one message in it
//! matches, and has to look again itself. So do we.

/// Values of `x-stream-filter`; the empty one stands for messages without a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<Box<str>>);

impl Filter {
    /// Messages with one of these labels; with `unfiltered` also those without any.
    pub fn new<'a>(values: impl Iterator<Item = &'a str>, unfiltered: bool) -> Self {
        Self(
            values
                .chain(unfiltered.then_some(""))
                .map(Box::from)
                .collect(),
        )
    }

    pub(super) fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().any(|value| match &**value {
            "" => labels.some_without,
            value => labels.values.iter().any(|label| &**label == value),
        })
    }
}

/// The different `x-stream-filter-value`s of a chunk's messages.
#[derive(Debug, Default)]
pub(super) struct Labels {
    values: Vec<Box<str>>,
    some_without: bool,
}

impl Labels {
    /// A message with this label, or with none, is in the chunk.
    pub(super) fn add(&mut self, label: Option<&str>) {
        match label.unwrap_or_default() {
            "" => self.some_without = true,
            label if self.values.iter().any(|there| &**there == label) => {}
            label => self.values.push(label.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Labels};

    fn labels(all: &[Option<&str>]) -> Labels {
        let mut labels = Labels::default();
        all.iter().for_each(|label| labels.add(*label));
        labels
    }

    #[test]
    fn one_match_is_enough_and_unlabelled_ones_are_asked_for() {
        let mixed = labels(&[Some("a"), Some("b"), None]);
        let plain = labels(&[None]);
        let a = Filter::new(["a", "z"].into_iter(), false);
        assert!(a.matches(&mixed) && !a.matches(&plain));
        let z = Filter::new(["z"].into_iter(), false);
        assert!(!z.matches(&mixed));
        let z_or_none = Filter::new(["z"].into_iter(), true);
        assert!(z_or_none.matches(&mixed) && z_or_none.matches(&plain));
        assert!(!z_or_none.matches(&labels(&[Some("a")])));
    }
}
