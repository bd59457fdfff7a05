//! What all lists understand: pages, filters by name, order, columns.

use std::cmp::Ordering;

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use fancy_regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::Answer;
use super::error::ApiError;
use super::row::{Columns, Row, write_value};

const PAGE_SIZE: usize = 100;
const PAGE_SIZE_MAX: usize = 500;

/// Query parameters of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Listing {
    page: Option<String>,
    page_size: Option<String>,
    name: Option<String>,
    use_regex: Option<String>,
    sort: Option<String>,
    sort_reverse: Option<String>,
    columns: Option<String>,
}

impl Listing {
    /// Whether a page was asked for, in a way that makes sense.
    pub(super) fn is_paged(&self) -> Result<bool, ApiError> {
        let page = self.page.as_deref();
        let numbers = page.map(|page| self.page_numbers(page)).transpose()?;
        Ok(numbers.is_some())
    }

    /// For a list that RabbitMQ shows whole, whatever columns are asked for.
    pub(super) fn without_columns(self) -> Self {
        Self {
            columns: None,
            ..self
        }
    }

    /// Answer with these rows, or the page of them that was asked for.
    pub(super) fn answer(&self, rows: Vec<Value>) -> Answer {
        self.list(rows)
    }

    /// Likewise with rows that are written when it is known which are wanted.
    pub(super) fn list<T: Listed>(&self, mut rows: Vec<T>) -> Answer {
        let total = rows.len();
        let page = self.page.as_deref().map(|page| self.page_numbers(page));
        let columns = self.columns();
        let mut out = Vec::new();
        let Some((page, size)) = page.transpose()? else {
            write_all(&mut out, &self.sorted(rows), columns.as_ref());
            return Ok(answered(out));
        };
        self.filter(&mut rows)?;
        let filtered = rows.len();
        let first = usize::try_from((page - 1).saturating_mul(size as i128)).unwrap_or(usize::MAX);
        if first >= filtered.max(1) {
            let text =
                format!("Page out of range, page: {page} page size: {size}, len: {filtered}");
            return Err(ApiError::Bad("page_out_of_range", text));
        }
        let items: Vec<T> = self
            .sorted(rows)
            .into_iter()
            .skip(first)
            .take(size)
            .collect();
        let mut shown = Vec::new();
        write_all(&mut shown, &items, columns.as_ref());
        Row::write(&mut out, None, |row| {
            row.set("filtered_count", filtered);
            row.set("item_count", items.len());
            row.set("page", u64::try_from(page).unwrap_or(u64::MAX));
            row.set("page_count", filtered.div_ceil(size));
            row.set("page_size", size);
            row.set("total_count", total);
            row.written("items", &shown);
        });
        Ok(answered(out))
    }

    /// One object, with the columns that were asked for.
    pub(super) fn one(&self, row: &Value) -> Answer {
        Ok(Json(self.pick(row)).into_response())
    }

    /// The page and its size; RabbitMQ's numbers have no end, so ours is far away.
    fn page_numbers(&self, page: &str) -> Result<(i128, usize), ApiError> {
        let not_numbers = |_| ApiError::bad_request("Pagination parameters are invalid");
        let number = |text: &str| text.parse::<i128>().map_err(not_numbers);
        let page = number(page)?;
        let asked = self.page_size.as_deref().map(number).transpose()?;
        let size = usize::try_from(asked.unwrap_or(PAGE_SIZE as i128));
        match size {
            Ok(size) if page > 0 && (1..=PAGE_SIZE_MAX).contains(&size) => Ok((page, size)),
            _ => {
                let size = asked.map_or_else(|| "undefined".to_owned(), |size| size.to_string());
                let text =
                    format!("Invalid pagination parameters: page number {page}, page size {size}");
                Err(ApiError::Bad("invalid_pagination_parameters", text))
            }
        }
    }

    fn filter<T: Listed>(&self, rows: &mut Vec<T>) -> Result<(), ApiError> {
        let Some(wanted) = self.name.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        if self.use_regex.as_deref() == Some("true") {
            let invalid = |_| ApiError::bad_request("Pagination parameters are invalid");
            let regex = Regex::new(&format!("(?i){wanted}")).map_err(invalid)?;
            rows.retain(|row| regex.is_match(row.name()).unwrap_or(false));
        } else {
            let wanted = wanted.to_lowercase();
            rows.retain(|row| row.name().to_lowercase().contains(&wanted));
        }
        Ok(())
    }

    /// Of each row only the column to sort by is made for it.
    fn sorted<T: Listed>(&self, rows: Vec<T>) -> Vec<T> {
        let Some(key) = self.sort.as_deref() else {
            return rows;
        };
        let column = Columns::parse(key);
        let with_key = |row: T| (row.column(&column, key), row);
        let mut rows: Vec<_> = rows.into_iter().map(with_key).collect();
        rows.sort_by(|(one, _), (other, _)| order(one.as_ref(), other.as_ref()));
        if self.sort_reverse.as_deref() == Some("true") {
            rows.reverse();
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Only the columns that were asked for.
    fn pick(&self, row: &Value) -> Value {
        match self.columns() {
            None => row.clone(),
            Some(columns) => columns.pick(row),
        }
    }

    pub(super) fn columns(&self) -> Option<Columns> {
        self.columns.as_deref().map(Columns::parse)
    }
}

/// A row of a list.
pub(super) trait Listed {
    /// What lists are filtered by.
    fn name(&self) -> &str;

    /// Write it, or the columns of it that were asked for.
    fn write(&self, out: &mut Vec<u8>, columns: Option<&Columns>);

    /// Its value in one column, which is at `path`.
    fn column(&self, column: &Columns, path: &str) -> Option<Value> {
        let mut out = Vec::new();
        self.write(&mut out, Some(column));
        let row: Value = serde_json::from_slice(&out).ok()?;
        at(&row, path).cloned()
    }
}

impl Listed for Value {
    fn name(&self) -> &str {
        self.get("name").and_then(Self::as_str).unwrap_or_default()
    }

    fn write(&self, out: &mut Vec<u8>, columns: Option<&Columns>) {
        match columns {
            None => write_value(out, self),
            Some(columns) => write_value(out, columns.pick(self)),
        }
    }

    fn column(&self, _: &Columns, path: &str) -> Option<Value> {
        at(self, path).cloned()
    }
}

fn write_all<T: Listed>(out: &mut Vec<u8>, rows: &[T], columns: Option<&Columns>) {
    out.push(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at == 1 {
            // They are much alike.
            out.reserve(out.len() * rows.len());
        }
        if at > 0 {
            out.push(b',');
        }
        row.write(out, columns);
    }
    out.push(b']');
}

/// JSON that is written already.
pub(super) fn answered(json: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(row, |value, key| value.get(key))
}

/// Numbers, then flags, then texts, as Erlang orders them; what is not there comes first.
fn order(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    let rank = |value: Option<&Value>| match value {
        None => 0,
        Some(Value::Number(_)) => 1,
        Some(Value::Bool(_) | Value::Null) => 2,
        Some(_) => 3,
    };
    match (one, other) {
        (Some(Value::String(one)), Some(Value::String(other))) => one.cmp(other),
        (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        }
        (one, other) => rank(one).cmp(&rank(other)),
    }
}
