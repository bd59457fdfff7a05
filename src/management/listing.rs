//! What all lists understand: pages, filters by name, order, columns.

use std::cmp::Ordering;

use axum::Json;
use axum::response::IntoResponse;
use fancy_regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Answer;
use super::error::ApiError;

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
    /// Whether a page was asked for.
    pub(super) fn is_paged(&self) -> bool {
        self.page.is_some()
    }

    /// For a list that RabbitMQ shows whole, whatever columns are asked for.
    pub(super) fn without_columns(self) -> Self {
        Self {
            columns: None,
            ..self
        }
    }

    /// Answer with these rows, or the page of them that was asked for.
    pub(super) fn answer(&self, mut rows: Vec<Value>) -> Answer {
        let total = rows.len();
        let Some(page) = &self.page else {
            self.sort(&mut rows);
            let rows: Vec<Value> = rows.iter().map(|row| self.pick(row)).collect();
            return Ok(Json(rows).into_response());
        };
        let (page, size) = self.page_numbers(page)?;
        self.filter(&mut rows)?;
        self.sort(&mut rows);
        let filtered = rows.len();
        let first = (page - 1) * size;
        if first >= filtered.max(1) {
            let text =
                format!("Page out of range, page: {page} page size: {size}, len: {filtered}");
            return Err(ApiError::Bad("page_out_of_range", text));
        }
        let items: Vec<Value> = rows
            .iter()
            .skip(first)
            .take(size)
            .map(|row| self.pick(row))
            .collect();
        Ok(Json(json!({
            "filtered_count": filtered,
            "item_count": items.len(),
            "items": items,
            "page": page,
            "page_count": filtered.div_ceil(size).max(1),
            "page_size": size,
            "total_count": total,
        }))
        .into_response())
    }

    /// One object, with the columns that were asked for.
    pub(super) fn one(&self, row: &Value) -> Answer {
        Ok(Json(self.pick(row)).into_response())
    }

    fn page_numbers(&self, page: &str) -> Result<(usize, usize), ApiError> {
        let not_numbers = || ApiError::bad_request("Pagination parameters are invalid");
        let number = |text: &str| text.parse::<i64>().map_err(|_| not_numbers());
        let asked = number(page)?;
        let size = self.page_size.as_deref().map(number).transpose()?;
        let is_size_ok = size.is_none_or(|size| (1..=PAGE_SIZE_MAX as i64).contains(&size));
        match usize::try_from(asked) {
            Ok(page) if page > 0 && is_size_ok => Ok((
                page,
                size.and_then(|size| usize::try_from(size).ok())
                    .unwrap_or(PAGE_SIZE),
            )),
            _ => {
                let size = size.map_or_else(|| "undefined".to_owned(), |size| size.to_string());
                let text =
                    format!("Invalid pagination parameters: page number {asked}, page size {size}");
                Err(ApiError::Bad("invalid_pagination_parameters", text))
            }
        }
    }

    fn filter(&self, rows: &mut Vec<Value>) -> Result<(), ApiError> {
        let Some(wanted) = self.name.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        let name = |row: &Value| {
            row.get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        if self.use_regex.as_deref() == Some("true") {
            let invalid = |_| ApiError::bad_request("Pagination parameters are invalid");
            let regex = Regex::new(&format!("(?i){wanted}")).map_err(invalid)?;
            rows.retain(|row| regex.is_match(&name(row)).unwrap_or(false));
        } else {
            let wanted = wanted.to_lowercase();
            rows.retain(|row| name(row).to_lowercase().contains(&wanted));
        }
        Ok(())
    }

    fn sort(&self, rows: &mut [Value]) {
        let Some(key) = self.sort.as_deref() else {
            return;
        };
        rows.sort_by(|one, other| order(at(one, key), at(other, key)));
        if self.sort_reverse.as_deref() == Some("true") {
            rows.reverse();
        }
    }

    /// Only the columns that were asked for; `a.b` is a column of an inner object.
    fn pick(&self, row: &Value) -> Value {
        let Some(columns) = &self.columns else {
            return row.clone();
        };
        let mut picked = Map::new();
        for column in columns.split(',') {
            let path: Vec<&str> = column.split('.').collect();
            copy_path(row, &path, &mut picked);
        }
        Value::Object(picked)
    }
}

fn copy_path(from: &Value, path: &[&str], into: &mut Map<String, Value>) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let Some(value) = from.get(key) else { return };
    if rest.is_empty() {
        into.insert((*key).to_owned(), value.clone());
    } else if let Value::Object(inner) = into
        .entry((*key).to_owned())
        .or_insert_with(|| Value::Object(Map::new()))
    {
        copy_path(value, rest, inner);
    }
}

fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(row, |value, key| value.get(key))
}

fn order(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::String(one)), Some(Value::String(other))) => one.cmp(other),
        (Some(one), Some(other)) => one
            .as_f64()
            .partial_cmp(&other.as_f64())
            .unwrap_or(Ordering::Equal),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}
