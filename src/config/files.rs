//! Which files are read, in which order.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::conf::{self, Item};
use super::place::Fault;
use super::written::{Origin, Setting, Written};

/// Where RabbitMQ's packages keep settings.
const BASE: &str = "/etc/rabbitmq";
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How deep files may include others.
const INCLUDE_DEPTH_MAX: usize = 10;
/// Files that one set of settings may have.
const FILES_MAX: usize = 1000;

/// A file's text; bytes that are no UTF-8 are replaced.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The files that variables name, or the usual ones.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// `rabbitmq.conf` and what comes after it.
    pub(super) conf: Vec<PathBuf>,
    /// `advanced.config`, or the one settings file of old.
    pub(super) terms: Vec<PathBuf>,
    /// `enabled_plugins`
    pub(super) plugins: PathBuf,
    /// Named, but not there.
    pub(super) missing: Vec<PathBuf>,
}

impl Files {
    /// This file alone; its name tells of which kind it is.
    pub(super) fn only(path: PathBuf) -> Self {
        let mut files = Self::default();
        match path.extension().is_some_and(|end| end == "config") {
            true => files.terms.push(path),
            false => files.conf.push(path),
        }
        files
    }

    pub(super) fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut files = Self {
            plugins: named(
                &variable,
                "RABBITMQ_ENABLED_PLUGINS_FILE",
                "enabled_plugins",
            )
            .0,
            ..Self::default()
        };
        let (main, is_named) = named(&variable, "RABBITMQ_CONFIG_FILE", "rabbitmq");
        files.add_main(&main, is_named);
        let more =
            variable("RABBITMQ_CONFIG_FILES").unwrap_or_else(|| format!("{BASE}/conf.d/*.conf"));
        let pattern = match Path::new(&more).is_dir() {
            true => format!("{}/*.conf", more.trim_end_matches('/')),
            false => more,
        };
        files.conf.extend(matching(Path::new(&pattern)));
        let (advanced, is_named) = named(
            &variable,
            "RABBITMQ_ADVANCED_CONFIG_FILE",
            "advanced.config",
        );
        files.add_terms(advanced, is_named);
        files
    }

    /// The extension may be left out, and tells what kind of file it is.
    fn add_main(&mut self, path: &Path, is_named: bool) {
        let with = |end: &str| PathBuf::from(format!("{}.{end}", path.display()));
        let is_terms = |path: &Path| path.extension().is_some_and(|end| end == "config");
        let candidates = [with("conf"), with("config"), path.to_owned()];
        match candidates.into_iter().find(|path| path.is_file()) {
            Some(found) if is_terms(&found) => self.terms.push(found),
            Some(found) => self.conf.push(found),
            // A pipe or a device is a file too, when somebody names it.
            None if is_named && path.exists() => self.conf.push(path.to_owned()),
            None if is_named => self.missing.push(path.to_owned()),
            None => {}
        }
    }

    fn add_terms(&mut self, path: PathBuf, is_named: bool) {
        let with_end = PathBuf::from(format!("{}.config", path.display()));
        match [path.clone(), with_end]
            .into_iter()
            .find(|path| path.is_file())
        {
            Some(found) => self.terms.push(found),
            None if is_named => self.missing.push(path),
            None => {}
        }
    }
}

/// The path in a variable, or the usual one, and which it is.
fn named(variable: &impl Fn(&str) -> Option<String>, name: &str, usual: &str) -> (PathBuf, bool) {
    match variable(name) {
        Some(path) => (path.into(), true),
        None => (Path::new(BASE).join(usual), false),
    }
}

/// Files whose names match the last part of `pattern`, where `*` is anything; in order.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|name| name.contains('*')) else {
        return Some(pattern.to_owned())
            .filter(|path| path.is_file())
            .into_iter()
            .collect();
    };
    let folder = pattern.parent().filter(|path| !path.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")));
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let own = path.file_name().and_then(|own| own.to_str());
            own.is_some_and(|own| !own.starts_with('.') && is_match(name, own)) && path.is_file()
        })
        .take(FILES_MAX)
        .collect();
    found.sort();
    found
}

/// Whether `name` is as `pattern`, whose stars stand for anything.
fn is_match(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Add what `path` says, and what it includes.
pub(super) fn add(written: &mut Written, path: &Path) -> Result<(), Fault> {
    let mut left = FILES_MAX;
    add_at(written, path, 0, &mut left)
}

fn add_at(written: &mut Written, path: &Path, depth: usize, left: &mut usize) -> Result<(), Fault> {
    let text = read_text(path)
        .map_err(|error| Fault::new(format!("Cannot read {}: {error}", path.display())))?;
    for item in conf::parse(path, text)? {
        match item {
            Item::Setting {
                key,
                value,
                key_place,
                value_place,
            } => written.push(Setting {
                key,
                text: value,
                origin: Origin::File {
                    key: key_place,
                    value: value_place,
                },
            }),
            Item::Include(pattern) => {
                let folder = path.parent().unwrap_or(Path::new("."));
                for other in matching(&folder.join(pattern)) {
                    *left = left.saturating_sub(1);
                    if depth == INCLUDE_DEPTH_MAX || *left == 0 {
                        let text = format!("{} is included without end", other.display());
                        return Err(Fault::new(text));
                    }
                    add_at(written, &other, depth + 1, left)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, want) in [
            ("*.conf", "10-a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a*b*c", "axbyc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
        ] {
            assert_eq!(is_match(pattern, name), want, "{pattern} {name}");
        }
    }
}
