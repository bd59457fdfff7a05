//! What was written, by whom: the settings before they are understood.

use std::fmt;

use super::place::{Fault, Place};

/// Longest value that substitution may make.
const SUBSTITUTED_BYTES_MAX: usize = 64 * 1024;
/// How often a substituted value may name another.
const SUBSTITUTION_DEPTH_MAX: usize = 10;

/// Who wrote a setting.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A line of a file: where its key stands and its value.
    File {
        /// The key.
        key: Place,
        /// The value.
        value: Place,
    },
    /// A term of `advanced.config`.
    Term(Place),
    /// An environment variable.
    Environment(String),
    /// An option of the command line.
    Flag(String),
}

impl Origin {
    /// Where the key stands, if in a file.
    pub fn key_place(&self) -> Option<&Place> {
        match self {
            Self::File { key, .. } | Self::Term(key) => Some(key),
            Self::Environment(_) | Self::Flag(_) => None,
        }
    }

    /// Where the value stands, if in a file.
    pub fn value_place(&self) -> Option<&Place> {
        match self {
            Self::File { value, .. } | Self::Term(value) => Some(value),
            Self::Environment(_) | Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { key: place, .. } | Self::Term(place) => write!(f, "{place}"),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A setting as it was written.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The segments of its key.
    pub key: Vec<String>,
    /// Its value.
    pub text: String,
    /// Who wrote it.
    pub origin: Origin,
}

impl Setting {
    /// Its key as one writes it.
    pub fn name(&self) -> String {
        self.key.join(".")
    }

    /// A fault of its value, or of its origin where that is no file.
    pub fn fault(&self, text: impl Into<String>, expected: impl Into<String>) -> Fault {
        self.fault_at(self.origin.value_place(), text.into(), expected.into())
    }

    /// A fault of its key.
    pub fn key_fault(&self, text: impl Into<String>, expected: impl Into<String>) -> Fault {
        self.fault_at(self.origin.key_place(), text.into(), expected.into())
    }

    fn fault_at(&self, place: Option<&Place>, text: String, expected: String) -> Fault {
        match place {
            Some(place) => Fault::new(text).expecting(expected).at(place.clone()),
            None => Fault::new(format!("{text}\n  set by {}", self.origin)).expecting(expected),
        }
    }
}

/// Settings, each key once: later ones replace earlier ones in their place.
#[derive(Clone, Debug, Default)]
pub struct Written(Vec<Setting>);

impl Written {
    /// All, in the order in which their keys came first.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// Who wrote `name`.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.0
            .iter()
            .find(|setting| setting.name() == name)
            .map(|setting| &setting.origin)
    }

    /// Write `name`, whose dots separate segments.
    pub fn set(&mut self, name: &str, text: impl Into<String>, origin: Origin) {
        self.push(Setting {
            key: name.split('.').map(str::to_owned).collect(),
            text: text.into(),
            origin,
        });
    }

    /// Write a setting.
    pub fn push(&mut self, setting: Setting) {
        match self.0.iter_mut().find(|old| old.key == setting.key) {
            Some(old) => *old = setting,
            None => self.0.push(setting),
        }
    }

    /// Forget `name` and all below it: a whole list is about to be replaced.
    pub fn clear(&mut self, name: &str) {
        let prefix: Vec<&str> = name.split('.').collect();
        self.0.retain(|setting| {
            let mut own = setting.key.iter();
            !prefix
                .iter()
                .all(|segment| own.next().is_some_and(|own| own == segment))
        });
    }

    /// Put in what `$(NAME)` stands for in values: an environment variable or another setting.
    pub fn substitute(
        &mut self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<(), Fault> {
        let known = self.clone();
        let look_up = |name: &str| {
            let other = known.0.iter().find(|setting| setting.name() == name);
            other
                .map(|setting| setting.text.clone())
                .or_else(|| environment(name))
        };
        for setting in &mut self.0 {
            let in_file = matches!(setting.origin, Origin::File { .. });
            for depth in 0.. {
                if !in_file || !setting.text.contains("$(") {
                    break;
                }
                let text = substituted(setting, &look_up)?;
                if text == setting.text {
                    break;
                }
                if depth == SUBSTITUTION_DEPTH_MAX || text.len() > SUBSTITUTED_BYTES_MAX {
                    let text = format!("'{}' is substituted without end", setting.name());
                    return Err(setting.fault(text, "a value that does not name itself"));
                }
                setting.text = text;
            }
        }
        Ok(())
    }
}

/// A value with each `$(NAME)` in it replaced once.
fn substituted(
    setting: &Setting,
    look_up: &impl Fn(&str) -> Option<String>,
) -> Result<String, Fault> {
    let (mut text, mut rest) = (String::new(), setting.text.as_str());
    while let Some((before, after)) = rest.split_once("$(") {
        let Some((name, after)) = after.split_once(')') else {
            break;
        };
        let Some(value) = look_up(name.trim()) else {
            let text = format!(
                "'{}' substitution requires a config variable '{name}' to be set",
                setting.name()
            );
            return Err(setting.fault(text, "neither a variable nor a setting has this name"));
        };
        text.push_str(before);
        text.push_str(&value);
        rest = after;
        // What is too long is refused by who called, before it grows further.
        if text.len() > SUBSTITUTED_BYTES_MAX {
            break;
        }
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::place::SourceText;

    fn written(pairs: &[(&str, &str)]) -> Written {
        let source = Arc::new(SourceText {
            path: Path::new("a.conf").into(),
            text: String::new(),
        });
        let place = Place::new(&source, 0..0);
        let mut written = Written::default();
        for (name, text) in pairs {
            let origin = Origin::File {
                key: place.clone(),
                value: place.clone(),
            };
            written.set(name, *text, origin);
        }
        written
    }

    fn substitute(pairs: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut written = written(pairs);
        let home = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        written.substitute(home).map_err(|fault| fault.text)?;
        Ok(written.iter().map(|setting| setting.text.clone()).collect())
    }

    #[test]
    fn later_settings_replace_earlier_ones() {
        let mut written = written(&[("a.b", "1"), ("c", "2"), ("a.b", "3")]);
        let texts: Vec<&str> = written
            .iter()
            .map(|setting| setting.text.as_str())
            .collect();
        assert_eq!(texts, ["3", "2"]);
        written.clear("a");
        assert_eq!(written.iter().count(), 1);
    }

    #[test]
    fn variables_and_settings_are_put_in() {
        let pairs = [
            ("default_user", "x$(default_vhost)y"),
            ("default_vhost", "$(HOME)"),
        ];
        assert_eq!(substitute(&pairs).unwrap(), ["x/rooty", "/root"]);
        assert_eq!(substitute(&[("a", "a$(HOME")]).unwrap(), ["a$(HOME"]);
        assert_eq!(
            substitute(&[("default_user", "x$(NOPE)y")]).unwrap_err(),
            "'default_user' substitution requires a config variable 'NOPE' to be set"
        );
    }

    #[test]
    fn what_names_itself_ends() {
        for text in ["$(a)x", "$(a)$(a)", "$(b)"] {
            let refused = substitute(&[("a", text), ("b", "$(a)$(a)$(a)")]).unwrap_err();
            assert!(refused.ends_with("is substituted without end"), "{refused}");
        }
    }
}
