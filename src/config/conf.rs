//! The syntax of `rabbitmq.conf`: a key, `=`, a value; one to a line.
//!
//! Values may stand in single quotes (then `#` is no comment) or, over several lines, in three.
//! `include PATTERN` reads other files in its place.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::place::{Fault, Place, SourceText};

/// One line that says something.
#[derive(Clone, Debug)]
pub enum Item {
    /// `key = value`
    Setting {
        /// Its segments; a dot within one was written `\.`.
        key: Vec<String>,
        /// Without quotes and comment.
        value: String,
        /// Where the key stands.
        key_place: Place,
        /// Where the value stands.
        value_place: Place,
    },
    /// `include PATTERN`
    Include(String),
}

/// What a file says, in order.
pub fn parse(path: &Path, text: String) -> Result<Vec<Item>, Fault> {
    let source = SourceText::of(path, text);
    let mut parser = Parser {
        source: &source,
        at: 0,
    };
    parser.skip_mark();
    let mut items = Vec::new();
    while !parser.rest().is_empty() {
        items.extend(parser.line()?);
    }
    Ok(items)
}

struct Parser<'a> {
    source: &'a Arc<SourceText>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    /// Some editors begin a file with a byte order mark.
    fn skip_mark(&mut self) {
        if self.rest().starts_with('\u{feff}') {
            self.at += '\u{feff}'.len_utf8();
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.source, span)
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    /// Up to the end of the line, which is left.
    fn line_rest(&self) -> &'a str {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or(rest);
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn line(&mut self) -> Result<Option<Item>, Fault> {
        self.skip_blanks();
        let line = self.line_rest();
        let item = if line.is_empty() || line.starts_with('#') {
            None
        } else if let Some(pattern) = include(line) {
            self.at += line.len();
            Some(Item::Include(pattern.to_owned()))
        } else {
            Some(self.setting()?)
        };
        self.end_line(item.is_some())?;
        Ok(item)
    }

    /// Past a comment and the line's end.
    fn end_line(&mut self, after_item: bool) -> Result<(), Fault> {
        self.skip_blanks();
        let line = self.line_rest();
        if after_item && !line.is_empty() && !line.starts_with('#') {
            return Err(self.fault(line.len(), "only a comment can follow here"));
        }
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        Ok(())
    }

    fn fault(&self, width: usize, expected: &str) -> Fault {
        let place = self.place(self.at..self.at + width);
        let text = format!(
            "Syntax error in {} after line {} column 1, parsing incomplete",
            place.path().display(),
            place.line()
        );
        Fault::new(text).at(place).expecting(expected)
    }

    fn setting(&mut self) -> Result<Item, Fault> {
        let start = self.at;
        let key = self.key()?;
        let key_place = self.place(start..self.at);
        self.skip_blanks();
        if !self.rest().starts_with('=') {
            let width = self.line_rest().chars().next().map_or(0, char::len_utf8);
            return Err(self.fault(width, "expected '=': a line is 'key = value'"));
        }
        self.at += 1;
        self.skip_blanks();
        let (value, span) = self.value()?;
        Ok(Item::Setting {
            key,
            value,
            key_place,
            value_place: self.place(span),
        })
    }

    fn key(&mut self) -> Result<Vec<String>, Fault> {
        let mut segments = Vec::new();
        loop {
            segments.push(self.word()?);
            if !self.rest().starts_with('.') {
                return Ok(segments);
            }
            self.at += 1;
        }
    }

    fn word(&mut self) -> Result<String, Fault> {
        let mut word = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with("\\.") {
                word.push('.');
                self.at += 2;
                continue;
            }
            match rest.chars().next() {
                Some(c) if c.is_ascii_alphanumeric() || c == '_' || c == '-' => {
                    word.push(c);
                    self.at += 1;
                }
                _ if word.is_empty() => {
                    let width = self.line_rest().chars().next().map_or(0, char::len_utf8);
                    return Err(self.fault(width, "expected a key: letters, digits, '_', '-'"));
                }
                _ => return Ok(word),
            }
        }
    }

    /// The value, and where it stands without its quotes.
    fn value(&mut self) -> Result<(String, Range<usize>), Fault> {
        if let Some(quoted) = self.quoted("'''", true).or_else(|| self.quoted("'", false)) {
            return Ok(quoted);
        }
        let line = self.line_rest();
        let value = line.split('#').next().unwrap_or(line).trim_end();
        if value.is_empty() {
            return Err(self.fault(1, "expected a value (an empty one is written '')"));
        }
        let start = self.at;
        self.at += value.len();
        Ok((value.to_owned(), start..self.at))
    }

    /// What stands between two of `mark`. A mark that is never closed is a character like others.
    fn quoted(&mut self, mark: &str, over_lines: bool) -> Option<(String, Range<usize>)> {
        let inner = self.rest().strip_prefix(mark)?;
        let end = inner.find(mark)?;
        let value = inner.get(..end)?;
        if !over_lines && value.contains('\n') {
            return None;
        }
        let start = self.at + mark.len();
        self.at = start + end + mark.len();
        Some((value.to_owned(), start..start + end))
    }
}

fn include(line: &str) -> Option<&str> {
    let pattern = line.strip_prefix("include")?;
    let name = pattern.trim_start_matches([' ', '\t']);
    let name = name.split('#').next().unwrap_or(name).trim_end();
    (name.len() < pattern.len() && !name.is_empty() && !name.starts_with('=')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<(String, String)> {
        let items = parse(Path::new("a.conf"), text.to_owned()).unwrap();
        let setting = |item| match item {
            Item::Setting { key, value, .. } => (key.join("/"), value),
            Item::Include(pattern) => ("include".to_owned(), pattern),
        };
        items.into_iter().map(setting).collect()
    }

    #[track_caller]
    fn reads(text: &str, key: &str, value: &str) {
        assert_eq!(settings(text), [(key.to_owned(), value.to_owned())]);
    }

    #[track_caller]
    fn fails(text: &str, line: usize, column: usize) {
        let fault = parse(Path::new("a.conf"), text.to_owned()).unwrap_err();
        let place = fault.place.unwrap();
        assert_eq!((place.line(), place.column()), (line, column));
        let want = format!("Syntax error in a.conf after line {line} column 1, parsing incomplete");
        assert_eq!(fault.text, want);
    }

    #[test]
    fn values_are_read_as_rabbitmq_reads_them() {
        reads("  heartbeat  =  5   \n", "heartbeat", "5");
        reads("heartbeat = 5", "heartbeat", "5");
        reads("\u{feff}heartbeat = 5 \t# c\n \n\t\n#\n", "heartbeat", "5");
        reads("heartbeat = 5\r\n", "heartbeat", "5");
        reads("default_user = a b # c\n", "default_user", "a b");
        reads("default_user=a#b\n", "default_user", "a");
        reads("default_user = 'a b # c' # d\n", "default_user", "a b # c");
        reads("default_user = '''a\nb'''\n", "default_user", "a\nb");
        reads("default_user = ''\n", "default_user", "");
        reads("default_user = 'open\n", "default_user", "'open");
        reads("cluster_name = a=b\n", "cluster_name", "a=b");
        reads(
            "default_users.a\\.b.password = x\n",
            "default_users/a.b/password",
            "x",
        );
        reads("include conf.d/*.conf # all\n", "include", "conf.d/*.conf");
    }

    #[test]
    fn what_is_no_setting_is_refused_where_it_goes_wrong() {
        fails("# c\n\nheartbeat 5\n", 3, 11);
        fails("heartbeat =\n", 1, 12);
        fails("a..b = 5\n", 1, 3);
        fails("a.b\\ = 5\n", 1, 4);
        fails("heartbeat = 5\n = 7\n", 2, 2);
        fails("heartbeat = 5\n[section]\n", 2, 1);
        fails("default_user = 'a' b\n", 1, 20);
        fails("default_user = 'it''s'\n", 1, 20);
        fails("include\n", 1, 8);
    }
}
