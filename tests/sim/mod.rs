//! Seeded random operations of many clients against a small reference model.
//!
//! `SIM_OPS=1000000 cargo test --test all sim` runs a million; `SIM_SEED=n` one seed again.

mod client;
mod operation;
mod oracle;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use leveret::broker::compat::Compat;
use leveret::broker::effects::Effects;
use leveret::broker::event::Event;
use leveret::broker::tick::Tick;
use leveret::broker::{Broker, BrokerSpec};
use leveret::session::Now;
use leveret_proto::method::{Method, confirm};

use self::client::{Client, Heard};
use self::oracle::{DEAD, Expected, Oracle, Rules, Verdict, ensure};
use crate::support::HandTimer;

const CLIENTS: usize = 4;
const CHANNELS: u16 = 2;
/// Operations of one seed: then a new broker begins.
const OPS_PER_SEED: u64 = 5_000;
/// Operations of a run that nobody asked to be longer.
const OPS: u64 = 40_000;
/// Operations shown when a rule breaks.
const SHOWN: usize = 12;

/// The queues, each with what one feature adds.
const QUEUES: [Rules; 9] = [
    Rules {
        name: DEAD,
        ..PLAIN
    },
    Rules {
        name: "plain",
        ..PLAIN
    },
    Rules {
        name: "lanes",
        lanes: 3,
        ..PLAIN
    },
    Rules {
        name: "short",
        length_max: Some(5),
        buries: true,
        ..PLAIN
    },
    Rules {
        name: "brief",
        ttl_ms: Some(40),
        buries: true,
        ..PLAIN
    },
    Rules {
        name: "full",
        length_max: Some(4),
        rejects: true,
        ..PLAIN
    },
    Rules {
        name: "fuller",
        length_max: Some(3),
        rejects: true,
        buries: true,
        buries_refused: true,
        ..PLAIN
    },
    Rules {
        name: "single",
        single_active: true,
        buries: true,
        ..PLAIN
    },
    Rules {
        name: "quorum",
        lanes: 31,
        buries: true,
        delivery_limit: Some(2),
        ..PLAIN
    },
];

/// The queue that a policy limits now and then.
const GOVERNED: &str = "plain";

const PLAIN: Rules = Rules {
    name: "",
    lanes: 0,
    ttl_ms: None,
    length_max: None,
    rejects: false,
    buries: false,
    buries_refused: false,
    single_active: false,
    delivery_limit: None,
};

/// Queues bound to `amq.fanout`.
const FANNED: [&str; 4] = ["plain", "lanes", "short", "full"];

struct Sim {
    seed: u64,
    random: Rng,
    broker: Arc<Broker>,
    timer: Arc<HandTimer>,
    heard: Arc<Mutex<Vec<Event>>>,
    oracle: Oracle,
    clients: Vec<Client>,
    began: Instant,
    ms: u64,
    next_id: u64,
    next_tag: u64,
    policy: Option<usize>,
    tags: Vec<(usize, u16, String)>,
    history: VecDeque<String>,
}

impl Sim {
    fn new(seed: u64) -> Self {
        let timer = Arc::new(HandTimer::default());
        let spec = BrokerSpec {
            compat: Compat::default(),
            node: "rabbit@test".into(),
            seed: Some(seed),
            ..BrokerSpec::default()
        };
        let broker = Arc::new(Broker::new(spec, Arc::clone(&timer) as _));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&heard);
        broker.events.listen(Arc::new(move |events| {
            into.lock().unwrap().extend_from_slice(events)
        }));
        let mut sim = Self {
            seed,
            random: Rng::with_seed(seed),
            broker,
            timer,
            heard,
            oracle: Oracle::default(),
            clients: Vec::new(),
            began: Instant::now(),
            ms: 0,
            next_id: 0,
            next_tag: 0,
            policy: None,
            tags: Vec::new(),
            history: VecDeque::new(),
        };
        for client in 0..CLIENTS {
            let connected = sim.connect();
            sim.clients.push(connected);
            (1..=CHANNELS).for_each(|channel| sim.confirm_select(client, channel));
        }
        QUEUES.iter().for_each(|rules| sim.declare(*rules));
        sim
    }

    fn connect(&self) -> Client {
        Client::connect(&self.broker, CHANNELS, self.now())
    }

    fn confirm_select(&mut self, client: usize, channel: u16) {
        let select = Method::ConfirmSelect(confirm::Select::default());
        self.send(client, channel, &select);
    }

    fn now(&self) -> Now {
        Now {
            instant: self.began + Duration::from_millis(self.ms),
            tick: Tick::from_ms(self.ms),
            wall_ms: self.ms,
        }
    }

    fn send(&mut self, client: usize, channel: u16, method: &Method) {
        let now = self.now();
        self.clients[client].send(channel, method, now);
    }

    /// One operation, then every rule.
    fn step(&mut self) -> Verdict {
        let what = self.operate();
        self.history.push_back(what);
        if self.history.len() > SHOWN {
            self.history.pop_front();
        }
        self.check()
    }

    fn check(&mut self) -> Verdict {
        let now = self.now();
        while self.clients.iter_mut().any(|client| client.turn(now)) {}
        // A deadline may have been asked for that is past already.
        self.pass(0);
        let events = std::mem::take(&mut *self.heard.lock().unwrap());
        self.oracle.events(&events)?;
        for client in 0..CLIENTS {
            self.listen(client)?;
        }
        let stalled: HashSet<usize> = (0..CLIENTS)
            .filter(|one| self.clients[*one].is_stalled())
            .collect();
        self.oracle.nobody_is_kept_waiting(&stalled)?;
        self.oracle.adds_up()?;
        self.compare_counts()
    }

    fn listen(&mut self, client: usize) -> Verdict {
        for heard in self.clients[client].heard() {
            match heard {
                Heard::Message {
                    channel,
                    consumer,
                    tag,
                    redelivered,
                    id,
                } => {
                    let heard = Expected {
                        channel,
                        consumer,
                        tag,
                        redelivered,
                        id,
                    };
                    self.oracle.heard(client, &heard)?;
                }
                Heard::Confirm {
                    channel,
                    tag,
                    multiple,
                    positive,
                } => {
                    self.oracle
                        .confirmed((client, channel), tag, multiple, positive)?;
                }
                Heard::Other(channel, Method::ChannelClose(close)) => {
                    return Err(format!("channel {channel} of {client} closed: {close:?}"));
                }
                Heard::Other(0, Method::ConnectionClose(close)) => {
                    return Err(format!("{client} closed: {close:?}"));
                }
                Heard::Other(..) => {}
            }
        }
        if !self.clients[client].is_stalled() {
            self.oracle.heard_all(client)?;
        }
        Ok(())
    }

    fn compare_counts(&self) -> Verdict {
        let vhost = self.broker.vhost("/").unwrap();
        for queue in vhost.queues.snapshot() {
            let view = queue.view();
            let expected = self.oracle.counts(queue.name());
            let told = (view.ready, view.unacked);
            ensure!(
                told == expected,
                "{} shows {told:?}, not {expected:?}",
                queue.name()
            );
        }
        Ok(())
    }

    /// Time passes; what is due by then is done.
    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        self.oracle.set_now(self.ms);
        let vhost = self.broker.vhost("/").unwrap();
        let (now, mut fx) = (Tick::from_ms(self.ms), Effects::default());
        while let Some(target) = self.timer.take_due(now) {
            self.broker.begin(None, &mut fx);
            target.tick(now, &mut fx);
            self.broker.settle(&vhost, now, &mut fx);
        }
    }

    fn run(&mut self, ops: u64) {
        for op in 0..ops {
            if let Err(text) = self.step() {
                let history: Vec<_> = self.history.iter().map(String::as_str).collect();
                panic!(
                    "SIM_SEED={} breaks at operation {op}: {text}\nthe last operations:\n  {}",
                    self.seed,
                    history.join("\n  ")
                );
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn random_operations_agree_with_the_reference_model() {
    if let Some(seed) = number("SIM_SEED") {
        Sim::new(seed).run(OPS_PER_SEED);
        return;
    }
    let mut left = number("SIM_OPS").unwrap_or(OPS);
    for seed in 1.. {
        let ops = left.min(OPS_PER_SEED);
        Sim::new(seed).run(ops);
        left -= ops;
        if left == 0 {
            return;
        }
    }
}
