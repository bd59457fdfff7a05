//! Comparing secrets.

/// Whether they are the same, and not empty; the time it takes tells nothing of where they differ.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    !other.is_empty() && one.len() == other.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_and_equal_is_the_same() {
        assert!(is_same(b"secret", b"secret"));
        for (one, other) in [("secret", "secreT"), ("secret", "secre"), ("", "")] {
            assert!(!is_same(one.as_bytes(), other.as_bytes()));
            assert!(!is_same(other.as_bytes(), one.as_bytes()));
        }
    }
}
