//! `/dev/log`: the latest lines of the log.

use std::collections::VecDeque;

use axum::extract::{Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::{Answer, Api};
use crate::sync::{LEAF, Ranked};

/// Lines kept, and the most of one.
const LINES_MAX: usize = 1000;
const LINE_BYTES_MAX: usize = 4096;

/// Levels, the lightest first.
const LEVELS: [&str; 4] = ["debug", "info", "warning", "error"];

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/log", get(list))
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) level: u8,
    category: &'static str,
    text: String,
}

impl Line {
    pub(super) fn as_json(&self) -> Value {
        let level = LEVELS.get(usize::from(self.level));
        json!({ "seq": self.seq, "level": level, "category": self.category, "line": self.text })
    }
}

/// The weight of a level, if it is one.
pub(super) fn weight(level: &str) -> Option<u8> {
    let at = LEVELS.iter().position(|there| *there == level)?;
    u8::try_from(at).ok()
}

/// The latest lines.
#[derive(Debug, Default)]
pub(super) struct Lines(Ranked<Kept, LEAF>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    next: u64,
}

impl Lines {
    pub(super) fn push(&self, level: &str, category: &'static str, text: &str) {
        let text = text.trim_end();
        let is_end = |at: &usize| text.is_char_boundary(*at);
        let cut = (0..=LINE_BYTES_MAX).rev().find(is_end).unwrap_or_default();
        let mut kept = self.0.lock();
        let line = Line {
            seq: kept.next,
            level: weight(level).unwrap_or_default(),
            category,
            text: text.get(..cut).unwrap_or(text).to_owned(),
        };
        kept.next += 1;
        kept.lines.push_back(line);
        if kept.lines.len() > LINES_MAX {
            kept.lines.pop_front();
        }
    }

    /// The number that the next line will have.
    pub(super) fn next(&self) -> u64 {
        self.0.lock().next
    }

    /// The latest lines from a number on, of this weight at least.
    pub(super) fn after(&self, seq: u64, weight: Option<u8>, limit: usize) -> Vec<Line> {
        let kept = self.0.lock();
        let weight = weight.unwrap_or_default();
        let latest = kept.lines.iter().rev().take_while(|line| line.seq >= seq);
        let latest = latest.filter(|line| line.level >= weight).take(limit);
        let mut lines: Vec<Line> = latest.cloned().collect();
        lines.reverse();
        lines
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    level: Option<String>,
    limit: Option<String>,
}

async fn list(State(api): State<Api>, caller: Caller, Query(asked): Query<Asked>) -> Answer {
    caller.monitor()?;
    let level = asked.level.as_deref().map(checked_weight).transpose()?;
    let limit = asked.limit.as_deref().map(str::parse).transpose();
    let limit = limit.map_err(|_| ApiError::bad_request("limit must be a number"))?;
    let lines = api.feed.log.after(0, level, limit.unwrap_or(LINES_MAX));
    let rows: Vec<Value> = lines.iter().map(Line::as_json).collect();
    Ok(Json(json!({ "lines": rows })).into_response())
}

/// Likewise, or what is wrong.
pub(super) fn checked_weight(level: &str) -> Result<u8, ApiError> {
    weight(level)
        .ok_or_else(|| ApiError::bad_request("level must be debug, info, warning or error"))
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, LINES_MAX, Lines, weight};

    #[test]
    fn the_latest_lines_are_kept_and_can_be_filtered() {
        let lines = Lines::default();
        for at in 0..LINES_MAX + 5 {
            let level = if at % 2 == 0 { "info" } else { "error" };
            lines.push(level, "default", &format!("{at}\n"));
        }
        let all = lines.after(0, None, usize::MAX);
        assert_eq!((all.len(), all[0].seq), (LINES_MAX, 5));
        let errors = lines.after(0, weight("error"), 2);
        let shown: Vec<_> = errors.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(shown, ["1001", "1003"]);
        assert_eq!(lines.after(1004, None, 9).len(), 1);
    }

    #[test]
    fn a_long_line_is_cut() {
        let lines = Lines::default();
        lines.push("info", "queue", &"ü".repeat(LINE_BYTES_MAX));
        let line = &lines.after(0, None, 1)[0];
        assert_eq!(line.text.len(), LINE_BYTES_MAX);
    }
}
