//! Topic matching: a trie of words, where `*` stands for one word and `#` for any number.

use std::collections::HashMap;

use super::destination::{Destination, DestinationId, remove_one};

/// Bindings of a topic exchange, by the words of their keys.
#[derive(Debug, Default)]
pub(super) struct TopicTrie {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    here: Vec<Destination>,
    words: HashMap<Box<str>, Self>,
}

impl TopicTrie {
    pub(super) fn insert(&mut self, binding_key: &str, to: Destination) {
        let mut node = &mut self.root;
        for word in words(binding_key) {
            node = node.words.entry(word.into()).or_default();
        }
        node.here.push(to);
    }

    pub(super) fn remove(&mut self, binding_key: &str, gone: &DestinationId) {
        let words: Vec<&str> = words(binding_key).collect();
        self.root.remove(&words, gone);
    }

    pub(super) fn matches(&self, routing_key: &str, found: &mut dyn FnMut(&Destination)) {
        let words: Vec<&str> = words(routing_key).collect();
        self.root.matches(&words, found);
    }
}

/// The words of a key; an empty key has none.
fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

impl Node {
    /// Whether it is empty afterwards, and may be dropped.
    fn remove(&mut self, words: &[&str], gone: &DestinationId) -> bool {
        match words.split_first() {
            None => remove_one(&mut self.here, gone),
            Some((word, rest)) => {
                if self
                    .words
                    .get_mut(*word)
                    .is_some_and(|next| next.remove(rest, gone))
                {
                    self.words.remove(*word);
                }
            }
        }
        self.here.is_empty() && self.words.is_empty()
    }

    /// The depth is bounded by the words of a binding key, at most 128.
    fn matches(&self, words: &[&str], found: &mut dyn FnMut(&Destination)) {
        if let Some(any) = self.words.get("#") {
            any.matches_after_hash(words, found);
        }
        let Some((word, rest)) = words.split_first() else {
            self.here.iter().for_each(found);
            return;
        };
        if let Some(one) = self.words.get("*") {
            one.matches(rest, found);
        }
        // A routing key may hold the wildcards as plain words; they were followed above.
        if let Some(next) = self
            .words
            .get(*word)
            .filter(|_| *word != "#" && *word != "*")
        {
            next.matches(rest, found);
        }
    }

    /// `#` may have eaten none of the words, or some, or all.
    fn matches_after_hash(&self, words: &[&str], found: &mut dyn FnMut(&Destination)) {
        if self.words.is_empty() {
            // The pattern ends here: one match, however many ways there are.
            return self.here.iter().for_each(found);
        }
        for eaten in 0..=words.len() {
            self.matches(words.get(eaten..).unwrap_or_default(), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::broker::compat::Compat;
    use crate::broker::exchange::topic::TopicTrie;
    use crate::broker::exchange::{Destination, Exchange, ExchangeKind, ExchangeSpec};
    use std::sync::Arc;

    fn destination(name: &str) -> Destination {
        let spec = ExchangeSpec {
            name: name.into(),
            vhost: "/".into(),
            kind: ExchangeKind::Fanout,
            durable: false,
            auto_delete: false,
            internal: false,
            arguments: Default::default(),
            created_by: "guest".into(),
        };
        Destination::Exchange(Arc::new(Exchange::new(spec, &Compat::default())))
    }

    #[track_caller]
    fn check(patterns: &[&str], routing_key: &str, expect: &[&str]) {
        let mut trie = TopicTrie::default();
        for pattern in patterns {
            trie.insert(pattern, destination(pattern));
        }
        let mut found = Vec::new();
        trie.matches(routing_key, &mut |to| {
            found.push(to.id().name().to_string())
        });
        found.sort();
        found.dedup();
        assert_eq!(found, expect, "{routing_key}");
    }

    #[test]
    fn words_and_wildcards() {
        let all = [
            "a.b.c", "a.*.c", "a.#", "#", "*", "#.c", "a.#.c", "*.*.*", "a.b", "",
        ];
        check(
            &all,
            "a.b.c",
            &["#", "#.c", "*.*.*", "a.#", "a.#.c", "a.*.c", "a.b.c"],
        );
        check(&all, "a", &["#", "*", "a.#"]);
        check(&all, "a.c", &["#", "#.c", "a.#", "a.#.c"]);
        check(&all, "", &["", "#"]);
        check(
            &all,
            "a..c",
            &["#", "#.c", "*.*.*", "a.#", "a.#.c", "a.*.c"],
        );
        check(&["#.#", "#.*.#"], "", &["#.#"]);
    }

    #[test]
    fn removed_patterns_match_no_more() {
        let mut trie = TopicTrie::default();
        trie.insert("a.*", destination("x"));
        trie.remove("a.*", &destination("x").id());
        trie.matches("a.b", &mut |_| panic!("nothing is bound"));
        assert!(trie.root.words.is_empty());
    }
}
