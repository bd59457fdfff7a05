//! Every key that RabbitMQ's settings files know: its type, and what becomes of it here.
//!
//! The table is `keys.txt`: sections headed `# acts`, or by the reason why their keys are accepted
//! without meaning; in them a key, its types, and what is checked besides, with tabs between.

use std::sync::LazyLock;

const TABLE: &str = include_str!("keys.txt");
/// The section of those that mean something here.
const ACTS: &str = "acts";
/// Suggestions for a key that there is not.
const SUGGESTIONS_MAX: usize = 3;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// With a `$` segment where any name may stand.
    pub name: &'static str,
    /// What its value may be: `a|b` in types and words.
    pub types: &'static str,
    /// Further checks by RabbitMQ's names.
    pub checks: &'static str,
    /// Why it means nothing here; `None` when it acts.
    pub idle: Option<&'static str>,
}

impl Key {
    /// Passwords may.
    pub(super) fn may_be_encrypted(&self) -> bool {
        self.types.split('|').any(|kind| kind == "Encrypted")
    }

    fn fits(&self, segments: &[String]) -> bool {
        let mut own = self.name.split('.');
        let all = segments.iter().all(|segment| {
            own.next()
                .is_some_and(|own| own.starts_with('$') || own == segment)
        });
        all && own.next().is_none()
    }
}

/// All rows.
pub fn all() -> impl Iterator<Item = Key> {
    static ROWS: LazyLock<Vec<Key>> = LazyLock::new(|| read(TABLE));
    ROWS.iter().copied()
}

fn read(table: &'static str) -> Vec<Key> {
    let mut section = ACTS;
    let rows = table.lines().filter_map(|line| {
        if let Some(name) = line.strip_prefix("# ") {
            section = name;
            return None;
        }
        let mut columns = line.split('\t');
        let name = columns.next().filter(|name| !name.is_empty())?;
        Some(Key {
            name,
            types: columns.next().unwrap_or_default(),
            checks: columns.next().unwrap_or_default(),
            idle: (section != ACTS).then_some(section),
        })
    });
    rows.collect()
}

/// The row for a key; one that is named wins over one with a placeholder.
pub fn find(segments: &[String]) -> Option<Key> {
    let fitting = all().filter(|key| key.fits(segments));
    fitting.min_by_key(|key| key.name.matches('$').count())
}

/// Keys that may have been meant.
pub fn similar(name: &str) -> Vec<&'static str> {
    let farthest = name.len() / 2;
    let mut near: Vec<(usize, &str)> = all()
        .filter(|key| key.name.len().abs_diff(name.len()) <= farthest)
        .map(|key| (distance(name, key.name), key.name))
        .filter(|(distance, _)| *distance <= farthest)
        .collect();
    near.sort_unstable();
    near.truncate(SUGGESTIONS_MAX);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many characters one must insert, delete or change to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, c) in from.chars().enumerate() {
        let mut next = vec![above + 1];
        for (column, (pair, other)) in row.windows(2).zip(&to).enumerate() {
            let [diagonal, up] = *pair else { continue };
            let left = next.get(column).copied().unwrap_or_default();
            let changed = diagonal + usize::from(c != *other);
            next.push(changed.min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(name: &str) -> Vec<String> {
        name.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_named_key_wins_over_a_placeholder() {
        let name = |text| find(&segments(text)).map(|key| key.name);
        assert_eq!(name("listeners.tcp.default"), Some("listeners.tcp.$name"));
        assert_eq!(name("listeners.tcp"), Some("listeners.tcp"));
        assert_eq!(name("listeners.tcp.a.b"), None);
        assert_eq!(name("no_such_key"), None);
    }

    #[test]
    fn similar_keys_come_nearest_first() {
        assert_eq!(similar("hearbeat").first(), Some(&"heartbeat"));
        assert_eq!(
            similar("default_password"),
            ["default_pass", "default_user", "default_vhost"]
        );
        assert_eq!(distance("kitten", "sitting"), 3);
        assert!(similar("x").is_empty());
    }

    #[test]
    fn no_key_stands_twice() {
        let mut names: Vec<&str> = all().map(|key| key.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
