//! What an import of definitions would change.

use axum::extract::{Query, Request, State};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::auth::Caller;
use super::super::definitions::{Upload, refusal};
use super::super::{Answer, Api};
use crate::broker::definitions::{Outcome, Plan, Planned, SECTIONS, Scope};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/definitions/preview", post(preview))
}

/// Where the import would be.
#[derive(Clone, Debug, Default, Deserialize)]
struct Wishes {
    /// Into this virtual host only.
    vhost: Option<String>,
}

/// What an import would change. It changes nothing.
async fn preview(
    State(api): State<Api>,
    caller: Caller,
    Query(wishes): Query<Wishes>,
    request: Request,
) -> Answer {
    let scope = wishes.vhost.as_deref().map_or(Scope::Broker, Scope::Vhost);
    if let Scope::Vhost(vhost) = scope {
        api.broker().vhost(vhost)?;
    }
    let upload = match Upload::read(request, &api).await {
        Ok(upload) => upload,
        Err(refused) => return Ok(refused),
    };
    let plan = Plan::new(api.broker(), &upload.json()?, scope, caller.name());
    Ok(match plan {
        Ok(plan) => Json(view(&plan)).into_response(),
        Err(fault) => refusal(&fault),
    })
}

fn view(plan: &Plan) -> Value {
    let section = |name: &&str| {
        let of = plan.entries.iter().filter(|entry| entry.section == *name);
        let labels = |outcome: Outcome| -> Value {
            let those = of.clone().filter(|entry| entry.outcome == outcome);
            those.map(|entry| entry.label.as_str()).collect()
        };
        let skipped: Vec<Value> = of.clone().filter_map(skipped).collect();
        json!({
            "section": name,
            "added": labels(Outcome::Added),
            "changed": labels(Outcome::Changed),
            "unchanged": labels(Outcome::Unchanged),
            "skipped": skipped,
        })
    };
    let sections: Vec<Value> = SECTIONS.iter().map(section).collect();
    json!({ "changes_anything": !plan.is_empty(), "sections": sections })
}

fn skipped(entry: &Planned) -> Option<Value> {
    match &entry.outcome {
        Outcome::Skipped(why) => {
            Some(json!({ "name": entry.label, "at": entry.at.to_string(), "why": why }))
        }
        _ => None,
    }
}
