//! When two outputs are the same: what is never compared, and what is known to differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use fancy_regex::{Captures, Regex};
use serde_json::Value;

use super::super::Ended;
use super::super::broker::Broker;
use super::Record;
use super::stage::Clients;

/// What stands in outputs for something that is another in every run.
#[derive(Debug)]
pub(super) struct Masks {
    /// As it is here, and as it was recorded.
    words: Vec<(String, String)>,
    /// Those of clients, here and when it was recorded.
    ports: Vec<String>,
}

impl Masks {
    pub(super) fn new(broker: &Broker, clients: &Clients, folder: &Path) -> Self {
        let folder = folder.display().to_string();
        let mut words = vec![
            (folder.clone() + "/hostname", "/etc/hostname".to_owned()),
            (folder, "/tmp".to_owned()),
        ];
        if let Some(directory) = broker.runtime_directory() {
            for (ours, recorded) in RECORDED_FILES {
                let file = directory.with_file_name(ours).display().to_string();
                words.push((file, recorded.to_owned()));
            }
        }
        for (key, recorded) in RECORDED_LISTENERS {
            let port = broker.port(key);
            words.extend(port.map(|port| (port.to_string(), recorded.to_owned())));
        }
        let pid = clients.pid();
        words.extend(pid.map(|pid| (pid.to_owned(), RECORDED_PID.to_owned())));
        let ports = clients.ports().map(|port| port.to_string());
        let recorded = RECORDED_PORTS.map(str::to_owned);
        Self {
            words,
            ports: ports.chain(recorded).collect(),
        }
    }

    /// An argument as it must be here.
    pub(super) fn unmask(&self, word: &str) -> String {
        let is_whole = |(_, recorded): &&(String, String)| {
            recorded == word || recorded == "/tmp" && word.starts_with("/tmp/cli-")
        };
        match self.words.iter().find(is_whole) {
            Some((ours, recorded)) => word.replace(recorded, ours),
            None => word.to_owned(),
        }
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (ours, recorded) in &self.words {
            text = replace_word(&text, ours, recorded);
        }
        for (rule, mask) in RULES.iter() {
            text = rule.replace_all(&text, *mask).into_owned();
        }
        for port in &self.ports {
            text = replace_word(&text, port, "40000");
        }
        // Ports come in the order of the numbers that they have here.
        text = PORTS
            .replace_all(&text, |list: &Captures<'_>| sorted(&list[0]))
            .into_owned();
        if text.contains("│ PID") {
            // The identifier was as wide as its column.
            text = text.replace('q', "");
            while text.contains("  ") {
                text = text.replace("  ", " ");
            }
        }
        text
    }

    /// Each line as it is compared: rows as they are, a document fact by fact.
    fn lines(&self, text: &str) -> Vec<String> {
        let text = self.apply(text);
        let is_document = text.lines().filter(|line| object(line).is_some()).count() == 1;
        let mut lines = Vec::new();
        for row in text.lines().map(|line| line.trim_start_matches(',')) {
            match object(row) {
                Some(document) if is_document => flatten("", &document, &mut lines),
                Some(row) if is_long(&row) => flatten(&row["name"].to_string(), &row, &mut lines),
                // Keys come in any order.
                Some(row) => lines.push(row.to_string()),
                None => lines.push(row.to_owned()),
            }
        }
        lines
    }
}

/// Without touching longer numbers.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let is_part = is_digit(before.chars().next_back()) || is_digit(after.chars().next());
        replaced += before;
        replaced += if is_part { word } else { by };
        rest = after;
    }
    replaced + rest
}

fn sorted(list: &str) -> String {
    let mut numbers: Vec<u32> = list
        .split(", ")
        .map(|number| number.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

/// Whether a row is easier read fact by fact.
fn is_long(row: &Value) -> bool {
    let is_object_of_many = row.as_object().is_some_and(|row| row.len() > 20);
    is_object_of_many && row["name"].is_string()
}

fn object(line: &str) -> Option<Value> {
    serde_json::from_str(line.trim_start_matches(','))
        .ok()
        .filter(Value::is_object)
}

/// A document as a list of facts, `path = value`.
fn flatten(path: &str, value: &Value, facts: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flatten(&format!("{path}.{key}"), value, facts);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let name = ["name", "port", "user", "destination"]
                    .iter()
                    .find_map(|key| item.get(key));
                let name = name.map(Value::to_string).unwrap_or_default();
                flatten(&format!("{path}[{name}]"), item, facts);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                facts.push(format!("{path}[] = {item}"));
            }
        }
        other => facts.push(format!("{path} = {other}")),
    }
}

/// What was recorded and did not come (`-`), and what came instead (`+`).
pub(super) fn differences(record: &Record, ended: &Ended, masks: &Masks) -> Vec<String> {
    let mut all = Vec::new();
    if record.exit != ended.exit {
        all.push(format!("- exit {}", record.exit));
        all.push(format!("+ exit {}", ended.exit));
    }
    let (stdout, stderr) = (drawn(&ended.stdout), drawn(&ended.stderr));
    if record.stdout == stdout && record.stderr == stderr {
        return all;
    }
    let mut want = masks.lines(&record.stdout);
    let mut got = masks.lines(&stdout);
    if record.cut {
        // The last line is not whole.
        let rest = want.pop().unwrap_or_default();
        got.truncate(want.len() + 1);
        match got.pop() {
            Some(last) if last.starts_with(&rest) => {}
            last => {
                want.push(rest);
                got.extend(last);
            }
        }
    }
    compare("", &want, &got, &mut all);
    compare(
        "stderr: ",
        &masks.lines(&record.stderr),
        &masks.lines(&stderr),
        &mut all,
    );
    all
}

fn compare(of: &str, want: &[String], got: &[String], all: &mut Vec<String>) {
    let mut count: BTreeMap<&str, i32> = BTreeMap::new();
    for line in want {
        *count.entry(line).or_default() += 1;
    }
    for line in got {
        *count.entry(line).or_default() -= 1;
    }
    for (line, count) in count {
        let sign = if count > 0 { '-' } else { '+' };
        for _ in 0..count.abs() {
            all.push(format!("{sign} {of}{line}"));
        }
    }
}

/// What is known to differ in one scene.
#[derive(Debug)]
pub(super) struct Known {
    /// How many command lines have no difference at all.
    pub(super) identical: usize,
    rules: Vec<Rule>,
}

/// Command, difference and reason, parted by tabs; the first two are patterns for the whole.
#[derive(Debug)]
struct Rule {
    line: &'static str,
    command: Regex,
    difference: Regex,
}

impl Known {
    /// Those below the scene's line, `== NAME IDENTICAL`.
    pub(super) fn of_scene(name: &str) -> Self {
        let all = include_str!("known.txt");
        let scene = all.split("\n== ").find(|scene| scene.starts_with(name));
        let (title, rules) = scene.unwrap().split_once('\n').unwrap();
        let is_rule = |line: &&str| !line.is_empty();
        Self {
            identical: title[name.len()..].trim().parse().unwrap(),
            rules: rules.lines().filter(is_rule).map(Rule::new).collect(),
        }
    }

    /// The first rule that knows this difference.
    pub(super) fn rule(&self, command: &str, difference: &str) -> Option<&'static str> {
        let fits = |pattern: &Regex, text: &str| pattern.is_match(text).unwrap();
        let mut rules = self.rules.iter();
        let rule = rules
            .find(|rule| fits(&rule.command, command) && fits(&rule.difference, difference))?;
        Some(rule.line)
    }

    pub(super) fn unused(&self, used: &BTreeSet<&str>) -> Vec<&'static str> {
        let lines = self.rules.iter().map(|rule| rule.line);
        lines.filter(|line| !used.contains(line)).collect()
    }
}

impl Rule {
    fn new(line: &'static str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [command, difference, reason] = fields[..] else {
            panic!("command, difference and reason are wanted: {line}");
        };
        assert!(!reason.is_empty(), "no reason: {line}");
        let whole = |pattern: &str| Regex::new(&format!("^(?s:{pattern})$")).unwrap();
        Self {
            line,
            command: whole(command),
            difference: whole(difference),
        }
    }
}

fn drawn(text: &str) -> String {
    DRAWN.iter().fold(text.to_owned(), |text, (code, sign)| {
        text.replace(code, sign)
    })
}

/// The terminal's codes, and what stands for them in the records.
const DRAWN: [(&str, &str); 5] = [
    ("\x1b(0x\x1b(B", "│"),
    ("\x1b(0", "⟦"),
    ("\x1b(B", "⟧"),
    ("\x1b[1m", "«"),
    ("\x1b[0m", "»"),
];

/// Times, identifiers, and what a machine has.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        (
            r"<(rabbit@localhost\.)?\d+\.\d+\.\d+(\.\d+)?>|#PID<\d+\.\d+\.\d+>",
            "PID",
        ),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?(\+00:00)?", "TIME"),
        (r"\b1[78]\d{11}\b", "1700000000000"),
        (r"(CPU cores|cluster-wide): \d+", "$1: 2"),
        (
            r#""cpu_cores":\{"rabbit@localhost":\d+\}"#,
            r#""cpu_cores":2"#,
        ),
        (r"OS PID: \d+", "OS PID: 1"),
        (r"Uptime \(seconds\): \d+", "Uptime (seconds): 1"),
        (
            r#""(disk_free|memory|pid|uptime|(recv|send)_(cnt|oct))":\d+"#,
            r#""$1":1"#,
        ),
        // Salted hashes of passwords, and what a cluster is called by itself.
        (
            r"(?<![A-Za-z0-9+/])(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{48}(?![A-Za-z0-9+/])",
            "HASH",
        ),
        (r"rabbitmq-cluster-id-[\w-]{22}", "rabbitmq-cluster-id"),
        (r"-?\d+\.\d+ gb( \(\d+\.\d+ ?%\))?", "1 gb"),
        // What a command does is told in our own words.
        (r"(?m)^   (\w+) +[^ \n].*$|^   (\w+) *$", "   $1$2"),
        // A queue's memory, a connection's octets.
        (r"\t\d+\trabbit@localhost\t\[", "\t1\trabbit@localhost\t["),
        (
            r"(\t\d+){4}\t0\t1700000000000",
            "\tOCTETS\t0\t1700000000000",
        ),
    ];
    let compiled = rules.map(|(rule, mask)| (Regex::new(rule).unwrap(), mask));
    compiled.into()
});

static PORTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d{4,5}(, \d{4,5})+\b").unwrap());

const RECORDED_FILES: [(&str, &str); 4] = [
    ("enabled_plugins", "/etc/rabbitmq/enabled_plugins"),
    ("rabbitmq.conf", "/etc/rabbitmq/rabbitmq.conf"),
    ("rabbit.log", "/var/log/rabbitmq/rabbit@localhost.log"),
    ("data", "/var/lib/rabbitmq"),
];
const RECORDED_PID: &str = "<rabbit@localhost.1795476034.3539.0>";
const RECORDED_PORTS: [&str; 4] = ["58108", "54002", "54014", "54080"];
const RECORDED_LISTENERS: [(&str, &str); 3] = [
    ("amqp", "5672"),
    ("management", "15672"),
    ("prometheus", "15692"),
];
