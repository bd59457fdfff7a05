//! Where something stands in a file, and how a fault there is shown.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file's name and text.
pub struct SourceText {
    /// As it was opened.
    pub path: Box<Path>,
    /// What stands in it.
    pub text: String,
}

impl SourceText {
    /// To be shared by all places in it.
    pub(super) fn of(path: &Path, text: String) -> Arc<Self> {
        let path = path.into();
        Arc::new(Self { path, text })
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// A part of a file.
#[derive(Clone, Debug)]
pub struct Place {
    source: Arc<SourceText>,
    span: Range<usize>,
}

impl Place {
    /// The bytes `span` of `source`; what would lie outside of it is cut to its end.
    pub fn new(source: &Arc<SourceText>, span: Range<usize>) -> Self {
        let text = &source.text;
        let floor = |at: usize| {
            let at = at.min(text.len());
            (0..=at).rev().find(|at| text.is_char_boundary(*at))
        };
        let start = floor(span.start).unwrap_or(0);
        let end = floor(span.end).unwrap_or(0).max(start);
        Self {
            source: Arc::clone(source),
            span: start..end,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// The bytes of the file that are meant.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What comes before it in the file.
    fn before(&self) -> &str {
        self.source.text.get(..self.span.start).unwrap_or_default()
    }

    /// Counted from one.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// In characters, counted from one.
    pub fn column(&self) -> usize {
        self.before()
            .rsplit('\n')
            .next()
            .map_or(0, |head| head.chars().count())
            + 1
    }

    /// The line it begins in.
    fn line_text(&self) -> &str {
        self.source
            .text
            .lines()
            .nth(self.line() - 1)
            .unwrap_or_default()
    }

    /// How many characters of its line it takes, one at least.
    fn width(&self) -> usize {
        let part = self.source.text.get(self.span.clone()).unwrap_or_default();
        let first = part.lines().next().unwrap_or_default();
        first.chars().count().max(1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path().display(), self.line())
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug)]
pub struct Fault {
    /// RabbitMQ's words, or ours where it has none.
    pub text: String,
    /// Where it stands, when it stands in a file.
    pub place: Option<Place>,
    /// What would have been right, in a few words.
    pub expected: String,
}

impl Fault {
    /// Without a place.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: None,
            expected: String::new(),
        }
    }

    /// In a file.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// Say what would have been right.
    #[must_use]
    pub fn expecting(self, expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            ..self
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        let Some(place) = &self.place else {
            return match self.expected.as_str() {
                "" => Ok(()),
                expected => writeln!(f, "  {expected}"),
            };
        };
        let (number, column) = (place.line().to_string(), place.column());
        let margin = " ".repeat(number.len());
        // Tabs are kept, so that the caret stands below what it means.
        let indent: String = place
            .line_text()
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{margin} --> {place}:{column}")?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", place.line_text())?;
        let carets = "^".repeat(place.width());
        writeln!(f, "{margin} | {indent}{carets} {}", self.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_below_what_is_meant() {
        let source = Arc::new(SourceText {
            path: Path::new("a.conf").into(),
            text: "# é\n\theartbeat = abc\n".to_owned(),
        });
        let start = source.text.find("abc").unwrap();
        let place = Place::new(&source, start..start + 3);
        let fault = Fault::new("wrong").at(place).expecting("an integer");
        let want = "wrong\n  --> a.conf:2:14\n  |\n2 | \theartbeat = abc\n  | \t            ^^^ an integer\n";
        assert_eq!(fault.to_string(), want);
    }

    #[test]
    fn a_place_is_always_inside_its_file() {
        let source = Arc::new(SourceText {
            path: Path::new("a.conf").into(),
            text: "é".to_owned(),
        });
        assert_eq!(Place::new(&source, 1..9).span(), 0..2);
        assert_eq!(Place::new(&source, 7..9).span(), 2..2);
    }
}
