//! `/dev/events`: what happens, as Server-Sent Events, so that a page need not ask again and again.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_core::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::super::auth::{Caller, Credentials};
use super::super::error::ApiError;
use super::super::http::Who;
use super::super::{Answer, Api};
use super::feed::{Begin, Fetched, Frame, Position, Scope, Seat, Topic, of_all};
use super::log::checked_weight;

/// How often a stream that has nothing to tell shows that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that wait for a client to read them.
const WAITING_MAX: usize = 16;

/// What there is to watch.
const TOPICS: [&str; 8] = [
    "overview",
    "queues",
    "exchanges",
    "connections",
    "channels",
    "topology",
    "flows",
    "log",
];

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/events", get(events))
}

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    topics: Option<String>,
    vhost: Option<String>,
    level: Option<String>,
    ticket: Option<String>,
    /// A stream that is opened by hand cannot have the header.
    last_event_id: Option<String>,
}

async fn events(State(api): State<Api>, Query(asked): Query<Asked>, request: Request) -> Answer {
    let shown = Credentials::of(&request);
    let caller = match (request.headers().get(AUTHORIZATION), &asked.ticket) {
        (None, Some(ticket)) => {
            let now = api.shared.clock.now().tick;
            let caller = api.feed.tickets.take(ticket, now);
            caller.ok_or(ApiError::Unauthenticated)?
        }
        _ => Caller::authorised(&api, &shown, Who::Management, None).await?,
    };
    let wanted = Wanted::of(&asked)?;
    if let Some(vhost) = &wanted.vhost {
        caller.vhost(&api, vhost)?;
    }
    let header = request.headers().get("last-event-id");
    let header = header.and_then(|value| value.to_str().ok());
    let last = header.or(asked.last_event_id.as_deref());
    let begin = api.feed.join(&api, last.map(position)).ok_or_else(|| {
        ApiError::Busy(format!(
            "{} streams are open already",
            super::feed::STREAMS_MAX
        ))
    })?;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let watcher = Watcher {
        seat: Seat::new(&api.feed, wanted.has(Topic::Flows)),
        api,
        caller,
        wanted,
        at: begin.at,
        overview: String::new(),
        sender,
    };
    tokio::spawn(watcher.run(begin));
    // An event, not a comment: a page cannot see those, and learns by it that the broker is there.
    let beat = Event::default().event("beat").data("{}");
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).event(beat);
    Ok(Sse::new(Told(receiver))
        .keep_alive(heartbeat)
        .into_response())
}

/// The position that an id stands for; what is no id is of no time.
fn position(id: &str) -> Position {
    let numbers = id.split_once('-');
    let numbers = numbers.and_then(|(epoch, at)| Some((epoch.parse().ok()?, at.parse().ok()?)));
    let (epoch, at): (u64, u64) = numbers.unwrap_or_default();
    Position { epoch, next: at }
}

/// Events on their way to the client.
struct Told(mpsc::Receiver<Event>);

impl Stream for Told {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// What somebody wants to know.
#[derive(Debug)]
struct Wanted {
    topics: Vec<String>,
    vhost: Option<String>,
    weight: u8,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, ApiError> {
        let topics = asked
            .topics
            .as_deref()
            .unwrap_or("overview,queues,exchanges,topology");
        let topics: Vec<String> = topics.split(',').map(str::to_owned).collect();
        if let Some(other) = topics.iter().find(|it| !TOPICS.contains(&it.as_str())) {
            let text = format!("no topic '{other}': there are {}", TOPICS.join(", "));
            return Err(ApiError::bad_request(text));
        }
        let weight = asked.level.as_deref().map(checked_weight).transpose()?;
        Ok(Self {
            topics,
            vhost: asked.vhost.clone(),
            weight: weight.unwrap_or_default(),
        })
    }

    fn has(&self, topic: Topic) -> bool {
        match topic {
            Topic::Reset => true,
            Topic::Log(weight) if weight < self.weight => false,
            _ => self.topics.iter().any(|it| it == topic.name()),
        }
    }

    fn is_about(&self, vhost: &str) -> bool {
        self.vhost.as_deref().is_none_or(|wanted| wanted == vhost)
    }
}

/// One stream.
#[derive(Debug)]
struct Watcher {
    api: Api,
    caller: Caller,
    wanted: Wanted,
    at: Position,
    /// As it was told last.
    overview: String,
    sender: mpsc::Sender<Event>,
    seat: Seat,
}

impl Watcher {
    /// Tell what happens until the client or the broker goes, or the user may no longer see it.
    async fn run(mut self, begin: Begin) {
        let mut pushed = self.api.feed.subscribe();
        let first = if begin.is_reset { "reset" } else { "ready" };
        let mut events = vec![self.event(first, "{}")];
        loop {
            for event in std::mem::take(&mut events) {
                tokio::select! {
                    sent = self.sender.send(event) => if sent.is_err() { return },
                    () = self.api.shared.stopped() => return,
                }
            }
            pushed.borrow_and_update();
            let fetched = self.seat.feed.fetch(self.at.next);
            if fetched.lost == 0 && fetched.frames.is_empty() {
                tokio::select! {
                    _ = pushed.changed() => {}
                    () = self.sender.closed() => return,
                    () = self.api.shared.stopped() => return,
                }
            } else if self.caller.is_gone() {
                return;
            }
            events = self.tell(&fetched);
        }
    }

    fn tell(&mut self, fetched: &Fetched) -> Vec<Event> {
        let mut events = Vec::new();
        self.at.next += fetched.lost;
        if fetched.lost > 0 {
            events.push(self.event("lost", &json!({ "count": fetched.lost }).to_string()));
        }
        for (number, frame) in &fetched.frames {
            self.at.next = number + 1;
            if self.wanted.has(frame.topic) && self.sees(&frame.scope) {
                events.extend(self.told(frame));
            }
        }
        events
    }

    fn told(&mut self, frame: &Frame) -> Option<Event> {
        if frame.topic != Topic::Overview {
            return Some(self.event(frame.topic.name(), &frame.data));
        }
        // What there is in sum depends on what this user may see.
        let now = of_all(&self.api, &self.caller).to_string();
        if now == self.overview {
            return None;
        }
        self.overview = now;
        Some(self.event("overview", &self.overview))
    }

    fn sees(&self, scope: &Scope) -> bool {
        let caller = &self.caller;
        match scope {
            Scope::Everybody => true,
            Scope::Vhost(vhost) => self.wanted.is_about(vhost) && caller.sees(vhost),
            Scope::Owner(vhost, user) => {
                let is_own = caller.sees(vhost) && **user == *caller.name();
                self.wanted.is_about(vhost) && (is_own || caller.is_monitor())
            }
            Scope::Monitors => caller.is_monitor(),
            Scope::Administrators => caller.is_administrator(),
        }
    }

    /// Its id is where to go on after it.
    fn event(&self, name: &str, data: &str) -> Event {
        let id = self.at.to_string();
        Event::default().event(name).id(id).data(data)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::Server;

    fn watcher(api: &Api, topics: &str) -> (Watcher, Begin, mpsc::Receiver<Event>) {
        let begin = api.feed.join(api, None).unwrap();
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let watcher = Watcher {
            seat: Seat::new(&api.feed, false),
            api: api.clone(),
            caller: Caller::Local,
            wanted: Wanted {
                topics: topics.split(',').map(str::to_owned).collect(),
                vhost: None,
                weight: 0,
            },
            at: begin.at,
            overview: String::new(),
            sender,
        };
        (watcher, begin, receiver)
    }

    /// An event as it goes out.
    async fn next(receiver: &mut mpsc::Receiver<Event>) -> String {
        format!("{:?}", receiver.recv().await.unwrap())
    }

    #[tokio::test]
    async fn who_does_not_read_is_told_how_much_was_lost() {
        let server = Server::builder().start().unwrap();
        let api = Api::new(Arc::clone(server.shared()), "token", Vec::new());
        let (watcher, begin, mut receiver) = watcher(&api, "queues");
        let frame = |_| Frame {
            topic: Topic::Queues,
            scope: Scope::Everybody,
            data: "{}".to_owned(),
        };
        // More than are kept, before the stream has looked once.
        api.feed.push((0..5000).map(frame).collect());
        tokio::spawn(watcher.run(begin));
        assert!(next(&mut receiver).await.contains("ready"));
        let lost = next(&mut receiver).await;
        assert!(
            lost.contains("lost") && lost.contains(r#"{\"count\":904}"#),
            "{lost}"
        );
        assert!(next(&mut receiver).await.contains("queues"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_listens_when_nobody_watches() {
        let server = Server::builder().start().unwrap();
        let api = Api::new(Arc::clone(server.shared()), "token", Vec::new());
        assert!(!api.broker().events.is_listening());
        let (watcher, begin, mut receiver) = watcher(&api, "log");
        let running = tokio::spawn(watcher.run(begin));
        assert!(next(&mut receiver).await.contains("ready"));
        api.log_line("error", "default", "it burns\n");
        assert!(next(&mut receiver).await.contains("it burns"));
        assert!(api.broker().events.is_listening());
        drop(receiver);
        running.await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(api.broker().events.is_listening(), "it may be back at once");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!api.broker().events.is_listening());
    }
}
