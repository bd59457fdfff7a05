//! Erlang terms, as `advanced.config` and `enabled_plugins` are written in.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::place::{Fault, Place, SourceText};

/// How deep terms may be nested.
pub(super) const DEPTH_MAX: usize = 64;

/// A term with where it stands.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Where.
    pub place: Place,
}

/// What a term is.
#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// `word` or `'any characters'`
    Atom(String),
    /// `"text"`
    Text(String),
    /// `<<"text">>`
    Binary(String),
    /// `1`, `-1`, `16#ff`, `1.5`: as written
    Number(String),
    /// `[a, b]`
    List(Vec<Term>),
    /// `{a, b}`
    Tuple(Vec<Term>),
    /// `#{a => b}`, as pairs
    Map(Vec<(Term, Term)>),
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Term {
    /// An atom's or a string's text.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Atom(text) | TermKind::Text(text) | TermKind::Binary(text) => Some(text),
            _ => None,
        }
    }

    /// What a scalar says.
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Number(text) => Some(text),
            _ => self.word(),
        }
    }

    /// The elements of a list; an empty string is an empty list.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.kind {
            TermKind::List(terms) => Some(terms),
            TermKind::Text(text) if text.is_empty() => Some(&[]),
            _ => None,
        }
    }

    /// `{Key, Value}` with a word for a key.
    pub fn pair(&self) -> Option<(&str, &Self)> {
        match &self.kind {
            TermKind::Tuple(terms) => match terms.as_slice() {
                [key, value] => Some((key.word()?, value)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The pairs of a map or of a list of pairs; what is no pair is left out.
    pub fn pairs(&self) -> Vec<(&str, &Self)> {
        match &self.kind {
            TermKind::Map(pairs) => pairs
                .iter()
                .filter_map(|(key, value)| Some((key.word()?, value)))
                .collect(),
            _ => {
                let terms = self.list().unwrap_or_default();
                terms.iter().filter_map(Self::pair).collect()
            }
        }
    }
}

/// The first term of a file, which ends in a full stop.
pub fn parse(path: &Path, text: String) -> Result<Term, Fault> {
    let source = SourceText::of(path, text);
    let mut parser = Parser {
        source: &source,
        at: 0,
    };
    let term = parser.term(0)?;
    parser.expect(".", "a full stop at the end")?;
    Ok(term)
}

/// Terms in a row without full stops, as on a command line.
pub fn parse_row(path: &Path, text: String) -> Result<Vec<Term>, Fault> {
    let source = SourceText::of(path, text);
    let mut parser = Parser {
        source: &source,
        at: 0,
    };
    let mut terms = Vec::new();
    loop {
        parser.skip();
        if parser.rest().is_empty() {
            return Ok(terms);
        }
        terms.push(parser.term(0)?);
    }
}

struct Parser<'a> {
    source: &'a Arc<SourceText>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.source, span)
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('%') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn fault(&self, expected: &str) -> Fault {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        let place = self.place(self.at..self.at + width);
        let path = place.path().display().to_string();
        Fault::new(format!("Syntax error in {path} on line {}", place.line()))
            .at(place)
            .expecting(format!("expected {expected}"))
    }

    fn take(&mut self, mark: &str) -> bool {
        self.skip();
        let is_here = self.rest().starts_with(mark);
        if is_here {
            self.at += mark.len();
        }
        is_here
    }

    fn expect(&mut self, mark: &str, expected: &str) -> Result<(), Fault> {
        if self.take(mark) {
            return Ok(());
        }
        Err(self.fault(expected))
    }

    fn term(&mut self, depth: usize) -> Result<Term, Fault> {
        self.skip();
        if depth > DEPTH_MAX {
            return Err(self.fault("terms less deep than this"));
        }
        let start = self.at;
        let kind = self.kind(depth)?;
        Ok(Term {
            kind,
            place: self.place(start..self.at),
        })
    }

    fn kind(&mut self, depth: usize) -> Result<TermKind, Fault> {
        if self.take("[") {
            return self.items("]", depth).map(TermKind::List);
        }
        if self.take("#{") {
            return self.map(depth);
        }
        if self.take("{") {
            return self.items("}", depth).map(TermKind::Tuple);
        }
        if self.take("<<") {
            self.skip();
            let text = match self.rest().starts_with('"') {
                true => self.quoted('"')?,
                false => String::new(),
            };
            // Some write the encoding behind it.
            let _ = self.take("/utf8");
            return self.expect(">>", "'>>'").map(|()| TermKind::Binary(text));
        }
        match self.rest().chars().next() {
            Some('"') => self.strings().map(TermKind::Text),
            Some('\'') => self.quoted('\'').map(TermKind::Atom),
            Some(c) if c.is_ascii_lowercase() => Ok(TermKind::Atom(self.word())),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => self.number(),
            _ => Err(self.fault("a term: a list, a tuple, a string, a number or an atom")),
        }
    }

    fn items(&mut self, end: &str, depth: usize) -> Result<Vec<Term>, Fault> {
        let mut terms = Vec::new();
        if self.take(end) {
            return Ok(terms);
        }
        loop {
            terms.push(self.term(depth + 1)?);
            if self.take(end) {
                return Ok(terms);
            }
            self.expect(",", &format!("',' or '{end}'"))?;
        }
    }

    fn map(&mut self, depth: usize) -> Result<TermKind, Fault> {
        let mut pairs = Vec::new();
        if self.take("}") {
            return Ok(TermKind::Map(pairs));
        }
        loop {
            let key = self.term(depth + 1)?;
            self.expect("=>", "'=>'")?;
            pairs.push((key, self.term(depth + 1)?));
            if self.take("}") {
                return Ok(TermKind::Map(pairs));
            }
            self.expect(",", "',' or '}'")?;
        }
    }

    /// Strings beside each other are one.
    fn strings(&mut self) -> Result<String, Fault> {
        let mut text = self.quoted('"')?;
        loop {
            self.skip();
            if !self.rest().starts_with('"') {
                return Ok(text);
            }
            text += &self.quoted('"')?;
        }
    }

    fn quoted(&mut self, mark: char) -> Result<String, Fault> {
        let start = self.at;
        let mut text = String::new();
        let mut inner = self.rest().char_indices().skip(1);
        while let Some((at, c)) = inner.next() {
            match c {
                '\\' => match inner.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                c if c == mark => {
                    self.at = start + at + c.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(self.fault(&format!("a closing {mark}")))
    }

    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '@'));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        word.to_owned()
    }

    fn number(&mut self) -> Result<TermKind, Fault> {
        let rest = self.rest();
        let is_part = |(at, c): (usize, char)| {
            let next = rest.get(at + 1..).and_then(|rest| rest.chars().next());
            let is_point = c == '.' && next.is_some_and(|c| c.is_ascii_digit());
            c.is_ascii_alphanumeric() || matches!(c, '#' | '_') || is_point || (at == 0)
        };
        let end = rest
            .char_indices()
            .find(|at| !is_part(*at))
            .map(|(at, _)| at);
        let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let value = match text.split_once('#') {
            Some((base, digits)) => base
                .parse::<u32>()
                .ok()
                .filter(|base| (2..=36).contains(base))
                .and_then(|base| i128::from_str_radix(digits, base).ok())
                .map(|number| number.to_string()),
            None => {
                let plain = text.replace('_', "");
                let plain = plain.trim_start_matches('+').to_owned();
                plain.parse::<f64>().ok().map(|_| plain)
            }
        };
        let value = value.ok_or_else(|| self.fault("a number"))?;
        self.at += text.len();
        Ok(TermKind::Number(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Term, Fault> {
        parse(Path::new("a.config"), text.to_owned())
    }

    #[test]
    fn terms_of_every_kind() {
        let text = "%% all\n[{rabbit, [{a, \"x\" \"y\"}, {b, <<\"z\">>}, {'C d', -1}, {e, 0.4},\n {f, \
                    []}, {g, #{h => true}}, {i, 16#ff}]}].\n";
        let term = read(text).unwrap();
        let pairs = term.pairs();
        let [("rabbit", inner)] = pairs.as_slice() else {
            panic!("{pairs:?}")
        };
        let inner = inner.pairs();
        let scalars: Vec<_> = inner
            .iter()
            .map(|(key, value)| (*key, value.scalar()))
            .collect();
        assert_eq!(
            scalars,
            [
                ("a", Some("xy")),
                ("b", Some("z")),
                ("C d", Some("-1")),
                ("e", Some("0.4")),
                ("f", None),
                ("g", None),
                ("i", Some("255")),
            ]
        );
        assert_eq!(inner[5].1.pairs()[0].0, "h");
        assert_eq!(inner[1].1.place.line(), 2);
    }

    #[test]
    fn faults_stand_where_they_are() {
        for (text, line, column) in [
            ("[{a, 1}", 1, 8),
            ("[{a 1}].", 1, 5),
            ("[a]", 1, 4),
            ("[\n \"x].", 2, 2),
            ("", 1, 1),
            ("X.", 1, 1),
        ] {
            let place = read(text).unwrap_err().place.unwrap();
            assert_eq!((place.line(), place.column()), (line, column), "{text}");
        }
        assert!(read(&"[".repeat(1000)).is_err());
    }

    #[test]
    fn a_list_of_plugins() {
        let term = read("[rabbitmq_management,rabbitmq_prometheus].").unwrap();
        let words: Vec<_> = term.list().unwrap().iter().map(Term::word).collect();
        assert_eq!(
            words,
            [Some("rabbitmq_management"), Some("rabbitmq_prometheus")]
        );
    }
}
