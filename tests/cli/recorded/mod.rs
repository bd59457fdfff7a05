//! Every command of the tools as a real 4.0.5 answered it, in the order it was asked.
//!
//! `SCENE.jsonl` are 432 command lines of one long session with what came of them, cut into scenes that
//! each have a broker of their own here; `newer.jsonl` and `flows.jsonl` are others, answered by a real
//! 4.3.6. `known.txt` lists what is answered otherwise, line by line and
//! with the reason; a rule that nothing needs any more fails, so that the list stays true.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;

use self::compare::{Known, Masks, differences};
use self::stage::Clients;
use super::broker::{Broker, scratch};
use super::{Ended, run};

mod compare;
mod stage;

/// One command line, or `http` and a request that prepares the next, and how it ended.
#[derive(Debug, Deserialize)]
struct Record {
    argv: Vec<String>,
    #[serde(default)]
    stdin: Option<String>,
    exit: i32,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
    /// Only the beginning of standard output was kept.
    #[serde(default)]
    cut: bool,
}

impl Record {
    fn line(&self) -> String {
        self.argv.join(" ")
    }

    /// Whether it changes nothing, so that it can run beside others.
    fn reads(&self) -> bool {
        let is_reading = |word: &String| {
            ["list", "check_", "authenticate", "hash_", "help"]
                .iter()
                .any(|start| word.starts_with(start))
        };
        self.argv.iter().skip(1).any(is_reading) && self.stdin.is_none()
    }
}

/// A scene while it is played.
struct Scene {
    broker: Broker,
    folder: PathBuf,
    clients: Clients,
}

impl Scene {
    fn start(line: &str) -> Self {
        let folder = scratch();
        std::fs::write(folder.join("hostname"), "vm\n").unwrap();
        let broker = Broker::start_with(line, |command, directory| {
            std::fs::write(directory.join("enabled_plugins"), ENABLED_PLUGINS).unwrap();
            let log = directory.join("rabbit.log");
            let settings = format!(
                "vm_memory_high_watermark.absolute = 8GB\nlog.console = true\nlog.file = {}\n",
                log.display()
            );
            std::fs::write(directory.join("rabbitmq.conf"), settings).unwrap();
            command
                .args(["--prometheus-port", "0"])
                .env("RABBITMQ_CONFIG_FILE", directory.join("rabbitmq.conf"))
                .env("RABBITMQ_MNESIA_BASE", directory.join("data"));
        });
        let clients = Clients::new(broker.amqp_port().unwrap_or_default());
        Self {
            broker,
            folder,
            clients,
        }
    }

    fn masks(&self) -> Masks {
        Masks::new(&self.broker, &self.clients, &self.folder)
    }

    fn ended(&self, record: &Record, masks: &Masks) -> Ended {
        if let [http, method, path, body] = &record.argv[..]
            && http == "http"
        {
            let body = serde_json::from_str(body).unwrap();
            let status = self.broker.request(method, path, &body);
            return Ended {
                exit: i32::from(status >= 300),
                stdout: String::new(),
                stderr: String::new(),
            };
        }
        let argv: Vec<String> = record.argv.iter().map(|word| masks.unmask(word)).collect();
        run(&self.broker, &argv, record.stdin.as_deref())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a scene came to: the command lines that differ with their differences, and the rules used.
#[derive(Default)]
struct Played {
    wrong: String,
    used: BTreeSet<&'static str>,
    identical: usize,
}

impl Played {
    fn judge(&mut self, record: &Record, ended: &Ended, masks: &Masks, known: &Known) {
        let all = differences(record, ended, masks);
        if all.is_empty() && record.argv.first().is_some_and(|tool| tool != "http") {
            self.identical += 1;
        }
        let line = record.line();
        let mut wrong = String::new();
        for difference in all {
            match known.rule(&line, &difference) {
                Some(rule) => {
                    self.used.insert(rule);
                }
                None => wrong += &format!("{difference}\n"),
            }
        }
        if !wrong.is_empty() {
            self.wrong += &format!("\n$ {line}\n{wrong}");
        }
    }
}

/// Before the record of this number the clients do something.
type Cue = (usize, fn(&mut Clients));

/// Plays all records.
fn play(name: &str, line: &str, text: &str, cues: &[Cue]) {
    let records: Vec<Record> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let known = Known::of_scene(name);
    let mut scene = Scene::start(line);
    let mut played = Played::default();
    if scene.broker.runtime_directory().is_none() {
        return;
    }
    let mut next = 0;
    while let Some(record) = records.get(next) {
        for (_, act) in cues.iter().filter(|(at, _)| *at == next) {
            act(&mut scene.clients);
        }
        let masks = scene.masks();
        if let Some(seen) = scene.clients.seen(record) {
            played.judge(record, &seen, &masks, &known);
            next += 1;
            continue;
        }
        // Readers in a row run together: starting a process is what takes time.
        let until = cues.iter().map(|(at, _)| *at).find(|at| *at > next);
        let together = records[next..until.unwrap_or(records.len())]
            .iter()
            .take_while(|record| record.reads())
            .count()
            .clamp(1, ABREAST);
        let batch = &records[next..next + together];
        let ended: Vec<Ended> = std::thread::scope(|threads| {
            let running: Vec<_> = batch
                .iter()
                .map(|record| threads.spawn(|| scene.ended(record, &masks)))
                .collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        for (record, ended) in batch.iter().zip(&ended) {
            played.judge(record, ended, &masks, &known);
            scene.clients.heard(record, ended);
        }
        next += together;
    }
    let unused = known.unused(&played.used);
    assert!(
        played.wrong.is_empty() && unused.is_empty(),
        "{}\nrules that nothing needs: {unused:#?}",
        played.wrong
    );
    assert_eq!(played.identical, known.identical, "identical answers");
}

macro_rules! scenes {
    ($($name:ident $line:literal: $cues:expr;)*) => {
        $(#[test]
        fn $name() {
            play(stringify!($name), $line, include_str!(concat!(stringify!($name), ".jsonl")), &$cues);
        })*
    };
}

scenes! {
    resources "4.0": [
        (180, Clients::declare_topology),
        (266, |clients| clients.connect(3)),
        (267, |clients| clients.connect(2)),
    ];
    health "4.0": [(0, Clients::declare_a_few)];
    tools "4.0": [(0, Clients::declare_a_few)];
    node "4.0": [];
    columns "4.0": [(0, Clients::declare_columns)];
    newer "4.3": [];
    flows "4.3": [];
}

/// How many processes run at once.
const ABREAST: usize = 4;
const ENABLED_PLUGINS: &str = "\
[rabbitmq_management,rabbitmq_consistent_hash_exchange,rabbitmq_random_exchange,\
rabbitmq_recent_history_exchange,rabbitmq_shovel,rabbitmq_shovel_management,rabbitmq_top,\
rabbitmq_prometheus,rabbitmq_stream].
";
