//! `auth_cache`: what a service answered holds for a while, for all connections together.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::config::auth::Cached;
use crate::sync::{LEAF, Ranked};

/// Answers that are kept; beyond that those of no use go, and if there are none, all.
const ANSWERS_MAX: usize = 10_000;
/// Longer ones are not kept.
const ANSWER_BYTES_MAX: usize = 1024;

/// Questions may hold passwords, so only their digests are kept.
type Key = [u8; 32];

/// Answers, and until when they hold.
#[derive(Debug)]
pub(super) struct Cache {
    settings: Cached,
    answers: Ranked<HashMap<Key, (u64, String)>, LEAF>,
}

impl Cache {
    pub(super) fn new(settings: Cached) -> Self {
        Self {
            settings,
            answers: Ranked::new(HashMap::new()),
        }
    }

    /// What was answered to this question, if that still holds.
    pub(super) fn get(&self, question: &str, now_ms: u64) -> Option<String> {
        let answers = self.answers.lock();
        let (until_ms, text) = answers.get(&key(question))?;
        (now_ms < *until_ms).then(|| text.clone())
    }

    /// Keep an answer, if it is of a kind that is kept.
    pub(super) fn put(&self, question: &str, text: &str, now_ms: u64) {
        let is_kept = self.settings.keeps_refusals || is_yes(text);
        if !is_kept || text.len() > ANSWER_BYTES_MAX {
            return;
        }
        let mut answers = self.answers.lock();
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (until_ms, _)| now_ms < *until_ms);
        }
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        let until_ms = now_ms.saturating_add(self.settings.ttl_ms);
        answers.insert(key(question), (until_ms, text.to_owned()));
    }
}

fn key(question: &str) -> Key {
    Sha256::digest(question).into()
}

fn is_yes(text: &str) -> bool {
    let first = text.get(..5).unwrap_or_default();
    first.eq_ignore_ascii_case("allow")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(keeps_refusals: bool) -> Cache {
        Cache::new(Cached {
            ttl_ms: 100,
            keeps_refusals,
        })
    }

    #[test]
    fn answers_hold_for_their_time() {
        let cache = cache(false);
        assert_eq!(cache.get("a", 0), None);
        cache.put("a", "allow x", 50);
        cache.put("b", "deny", 50);
        assert_eq!(cache.get("a", 149).as_deref(), Some("allow x"));
        assert_eq!(cache.get("a", 150), None);
        assert_eq!(cache.get("b", 51), None);
    }

    #[test]
    fn refusals_are_kept_where_that_is_wanted() {
        let cache = cache(true);
        cache.put("b", "deny", 50);
        assert_eq!(cache.get("b", 51).as_deref(), Some("deny"));
        cache.put("b", &"x".repeat(ANSWER_BYTES_MAX + 1), 60);
        assert_eq!(cache.get("b", 61).as_deref(), Some("deny"));
    }

    #[test]
    fn it_never_grows_without_end() {
        let cache = cache(false);
        for number in 0..=ANSWERS_MAX {
            cache.put(&number.to_string(), "allow", 0);
        }
        assert_eq!(cache.answers.lock().len(), 1);
        for number in 0..ANSWERS_MAX {
            cache.put(&number.to_string(), "allow", number as u64);
        }
        assert!(cache.answers.lock().len() <= ANSWERS_MAX);
    }
}
