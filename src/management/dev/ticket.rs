//! `/dev/ticket`: a way in for one stream. A page cannot give its streams a header with a password,
//! and an address with one would stand in logs; a ticket is good once, and for a short time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::{Answer, Api};
use crate::broker::tick::Tick;
use crate::sync::{LEAF, Ranked};

/// How long a ticket is good.
const LIFE_MS: u64 = 30_000;
/// Tickets that are out at a time; the oldest is void when one more is given.
const TICKETS_MAX: usize = 1000;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/ticket", post(give))
}

async fn give(State(api): State<Api>, caller: Caller) -> Answer {
    let now = api.shared.clock.now().tick;
    let ticket = random().map_err(|_| ApiError::Bare(500))?;
    api.feed.tickets.give(ticket.clone(), caller, now);
    // What is loaded from now on can be brought up to date by the stream: it goes on from here.
    let position = api.feed.keep(&api).to_string();
    let answer = json!({ "ticket": ticket, "expires_in_ms": LIFE_MS, "position": position });
    Ok(Json(answer).into_response())
}

/// 16 bytes of the system's randomness, in hexadecimal.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Tickets that are out.
#[derive(Debug, Default)]
pub(in super::super) struct Tickets(Ranked<Given, LEAF>);

#[derive(Debug, Default)]
struct Given {
    by_name: BTreeMap<String, (Caller, u64, Tick)>,
    next: u64,
}

impl Tickets {
    fn give(&self, ticket: String, caller: Caller, now: Tick) {
        let mut given = self.0.lock();
        given.by_name.retain(|_, (_, _, until)| now < *until);
        if given.by_name.len() >= TICKETS_MAX {
            let oldest = given.by_name.iter().min_by_key(|(_, (_, age, _))| *age);
            let oldest = oldest.map(|(ticket, _)| ticket.clone());
            oldest.and_then(|oldest| given.by_name.remove(&oldest));
        }
        let age = given.next;
        given.next += 1;
        let until = now.plus_ms(LIFE_MS);
        given.by_name.insert(ticket, (caller, age, until));
    }

    /// Who comes with this ticket, which is void from now on.
    pub(super) fn take(&self, ticket: &str, now: Tick) -> Option<Caller> {
        let (caller, _, until) = self.0.lock().by_name.remove(ticket)?;
        (now < until).then_some(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_not_for_long() {
        let (tickets, start) = (Tickets::default(), Tick::from_ms(0));
        tickets.give("a".to_owned(), Caller::Local, start);
        tickets.give("b".to_owned(), Caller::Local, start);
        let in_time = Tick::from_ms(LIFE_MS - 1);
        assert!(tickets.take("a", in_time).is_some());
        assert!(tickets.take("a", in_time).is_none());
        assert!(tickets.take("b", Tick::from_ms(LIFE_MS)).is_none());
    }

    #[test]
    fn the_oldest_makes_way() {
        let (tickets, now) = (Tickets::default(), Tick::from_ms(0));
        for at in 0..=TICKETS_MAX {
            tickets.give(at.to_string(), Caller::Local, now);
        }
        assert!(tickets.take("0", now).is_none());
        assert!(tickets.take("1", now).is_some());
    }
}
