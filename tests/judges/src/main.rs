//! Drives a broker's management API through `rabbitmq_http_client`, resource by resource.
//!
//!     leveret-judges URL AMQP_PORT MANAGEMENT_PORT
//!
//! A connection named `judged` with one channel and one consumer must be open; it is closed at the end. The answers are
//! read into the client's own types, so that a field that lacks or has another type is a failure without being named here.
//! Every call is one line of output; the last line says how many were right.

mod live;
mod node;
mod people;
mod settings;
mod topology;

use std::fmt::Debug;
use std::process::ExitCode;

use rabbitmq_http_client::blocking_api::{Client, HttpClientError};

pub(crate) type Api = Client<String, &'static str, &'static str>;
pub(crate) type Answer<T> = Result<T, HttpClientError>;

/// The virtual host in which the judge works: with characters that a path must escape.
pub(crate) const HOST: &str = "judge/ä b%2F";

/// What has been found so far.
#[derive(Default)]
pub(crate) struct Court {
    passed: u32,
    failed: u32,
}

impl Court {
    /// The call must succeed.
    pub(crate) fn done<T>(&mut self, call: &str, answer: Answer<T>) -> Option<T> {
        match answer {
            Ok(value) => {
                self.right(call);
                Some(value)
            }
            Err(error) => {
                self.wrong(call, &error);
                None
            }
        }
    }

    /// The call must succeed with an answer that holds what `rule` asks.
    pub(crate) fn holds<T: Debug>(
        &mut self,
        call: &str,
        answer: Answer<T>,
        rule: impl Fn(&T) -> bool,
    ) {
        match answer {
            Ok(value) if rule(&value) => self.right(call),
            other => self.wrong(call, &other),
        }
    }

    /// The call must be refused with this status.
    pub(crate) fn refused<T: Debug>(&mut self, call: &str, status: u16, answer: Answer<T>) {
        match answer {
            Err(error) if error.status_code().is_some_and(|s| s.as_u16() == status) => {
                self.right(call)
            }
            other => self.wrong(call, &other),
        }
    }

    fn right(&mut self, call: &str) {
        self.passed += 1;
        println!("ok: {call}");
    }

    fn wrong(&mut self, call: &str, got: &dyn Debug) {
        self.failed += 1;
        println!("WRONG: {call}: {got:?}");
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, amqp, management] = words.as_slice() else {
        eprintln!("usage: leveret-judges URL AMQP_PORT MANAGEMENT_PORT");
        return ExitCode::from(2);
    };
    let (Ok(amqp), Ok(management)) = (amqp.parse(), management.parse()) else {
        eprintln!("ports are numbers");
        return ExitCode::from(2);
    };
    let api = Client::new(url.clone(), "guest", "guest");
    let mut court = Court::default();
    node::judge(&mut court, &api, amqp, management);
    topology::judge(&mut court, &api);
    people::judge(&mut court, &api, url);
    settings::judge(&mut court, &api);
    live::judge(&mut court, &api);
    court.done("delete_vhost", api.delete_vhost(HOST, false));
    println!("{} passed, {} failed", court.passed, court.failed);
    if court.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
