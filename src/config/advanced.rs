//! `advanced.config`: the common part of it, as the settings that say the same in `rabbitmq.conf`.

use std::path::Path;

use super::decoder::Decoder;
use super::keys;
use super::place::Fault;
use super::term::{self, Term, TermKind};
use super::written::{Origin, Written};

/// Variables of an application that are settings by another name.
const NAMES: [(&str, &str, &str); 14] = [
    ("rabbit", "tcp_listeners", "listeners.tcp"),
    ("rabbit", "ssl_listeners", "listeners.ssl"),
    (
        "rabbit",
        "permit_deprecated_features",
        "deprecated_features.permit",
    ),
    ("rabbit", "num_tcp_acceptors", "num_acceptors.tcp"),
    ("rabbit", "num_ssl_acceptors", "num_acceptors.ssl"),
    ("rabbit", "log_root", "log.dir"),
    ("rabbit", "product_name", "product.name"),
    ("rabbit", "product_version", "product.version"),
    ("rabbitmq_management", "tcp_config", "management.tcp"),
    ("rabbitmq_management", "ssl_config", "management.ssl"),
    (
        "rabbitmq_management",
        "cors_allow_origins",
        "management.cors.allow_origins",
    ),
    (
        "rabbitmq_management",
        "cors_max_age",
        "management.cors.max_age",
    ),
    ("rabbitmq_prometheus", "tcp_config", "prometheus.tcp"),
    ("rabbitmq_prometheus", "ssl_config", "prometheus.ssl"),
];

/// The variable that says how others are decrypted.
const DECODER: &str = "config_entry_decoder";

/// Longer than anybody waits.
const FOR_EVER: &str = "18446744073709551615";

/// Write down what the file says; what is not understood comes back as warnings.
pub fn add(
    path: &Path,
    text: String,
    written: &mut Written,
    decoder: &mut Decoder,
) -> Result<Vec<String>, Fault> {
    let term = term::parse(path, text)?;
    let mut warnings = Vec::new();
    let Some(applications) = term.list() else {
        let fault = Fault::new(format!("{} is no list of applications", path.display()));
        return Err(fault
            .at(term.place)
            .expecting("expected [{application, [...]}]."));
    };
    for (name, variables) in applications.iter().filter_map(Term::pair) {
        let settings = variables.pairs();
        let is_decoder = |(key, _): &&(&str, _)| name == "rabbit" && *key == DECODER;
        if let Some((_, settings)) = settings.iter().find(is_decoder) {
            decoder.set(settings)?;
        }
    }
    for application in applications {
        match application.pair() {
            Some((name, variables)) => {
                for variable in variables.list().unwrap_or_default() {
                    let key = variable.pair().map_or("", |(key, _)| key);
                    if key != DECODER {
                        let variable = decoder.plain(key, variable)?;
                        add_variable(name, &variable, written, &mut warnings);
                    }
                }
            }
            None => warnings.push(unknown(application, "this term")),
        }
    }
    Ok(warnings)
}

/// Write down `-application variable value …` of an Erlang machine's command line.
pub fn add_arguments(name: &str, text: &str, written: &mut Written) -> Vec<String> {
    let mut warnings = Vec::new();
    for part in format!(" {text}").split(" -").skip(1) {
        let (application, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        if !matches!(
            application,
            "rabbit" | "rabbitmq_management" | "rabbitmq_prometheus"
        ) {
            continue;
        }
        match term::parse_row(Path::new(name), rest.to_owned()) {
            Ok(terms) => {
                for pair in terms.chunks(2) {
                    if let [key, value] = pair {
                        let tuple = Term {
                            kind: TermKind::Tuple(vec![key.clone(), value.clone()]),
                            place: key.place.clone(),
                        };
                        add_variable(application, &tuple, written, &mut warnings);
                    }
                }
            }
            Err(fault) => warnings.push(format!("{name}: {}: -{part}", fault.expected)),
        }
    }
    warnings
}

fn unknown(term: &Term, what: &str) -> String {
    format!(
        "{}: {what} of advanced.config has no meaning here",
        term.place
    )
}

fn add_variable(
    application: &str,
    variable: &Term,
    written: &mut Written,
    warnings: &mut Vec<String>,
) {
    let Some((name, value)) = variable.pair() else {
        warnings.push(unknown(variable, "this term"));
        return;
    };
    let key = key_of(application, name);
    if !add_value(&key, value, written) {
        warnings.push(unknown(variable, &format!("'{application}.{name}'")));
    }
}

/// What a variable is called in `rabbitmq.conf`.
fn key_of(application: &str, variable: &str) -> String {
    let named = |(app, name, _): &&(&str, &str, &str)| *app == application && *name == variable;
    if let Some((_, _, key)) = NAMES.iter().find(named) {
        return (*key).to_owned();
    }
    match application {
        "rabbit" => variable.to_owned(),
        other => format!(
            "{}.{variable}",
            other.strip_prefix("rabbitmq_").unwrap_or(other)
        ),
    }
}

/// Write down a value, a list of values, or pairs. `false` when nothing of it is known.
fn add_value(key: &str, value: &Term, written: &mut Written) -> bool {
    if let Some(text) = value.scalar().filter(|_| !is_list_key(key)) {
        return add_scalar(key, text, value, written);
    }
    match (key, &value.kind) {
        ("vm_memory_high_watermark" | "disk_free_limit", TermKind::Tuple(_)) => {
            let Some((kind, amount)) = value.pair() else {
                return false;
            };
            written.clear(key);
            let key = format!("{key}.{kind}");
            amount
                .scalar()
                .is_some_and(|text| add_scalar(&key, text, value, written))
        }
        ("default_permissions", TermKind::List(patterns)) => {
            let kinds = ["configure", "write", "read"];
            patterns.len() == kinds.len()
                && kinds.iter().zip(patterns).all(|(kind, pattern)| {
                    let key = format!("{key}.{kind}");
                    add_scalar(&key, pattern.word().unwrap_or_default(), pattern, written)
                })
        }
        (_, TermKind::Map(_)) => add_pairs(key, value, written),
        _ if is_list_key(key) => add_list(key, value, written),
        (_, TermKind::List(_)) => add_pairs(key, value, written),
        _ => false,
    }
}

fn add_scalar(key: &str, text: &str, term: &Term, written: &mut Written) -> bool {
    let key = match key {
        // A number alone is a share of the memory.
        "vm_memory_high_watermark" => {
            written.clear(key);
            "vm_memory_high_watermark.relative"
        }
        "disk_free_limit" => "disk_free_limit.absolute",
        // These have no word for it in rabbitmq.conf, where it is the longest there can be.
        "consumer_timeout" if matches!(text, "undefined" | "infinity" | "false") => {
            return set(key, FOR_EVER, term, written);
        }
        "default_queue_type" | "cluster_name" => key,
        // `{tcp_config, none}`
        "prometheus.tcp" => "prometheus.tcp.listener",
        other => other,
    };
    set(key, text, term, written)
}

fn set(key: &str, text: &str, term: &Term, written: &mut Written) -> bool {
    let segments: Vec<String> = key.split('.').map(str::to_owned).collect();
    let is_known = keys::find(&segments).is_some();
    if is_known {
        written.set(key, text, Origin::Term(term.place.clone()));
    }
    is_known
}

fn add_pairs(key: &str, value: &Term, written: &mut Written) -> bool {
    let pairs = value.pairs();
    let known = pairs
        .iter()
        .map(|(name, value)| match *name {
            // In rabbitmq.conf these stand beside the port.
            "ssl_opts" | "cowboy_opts" if key != "management.listener" => {
                add_pairs(key, value, written)
            }
            name => add_value(&format!("{key}.{name}"), value, written),
        })
        .filter(|known| *known)
        .count();
    known > 0 && known == pairs.len()
}

/// Lists that `rabbitmq.conf` has as keys with a name at the end.
fn is_list_key(key: &str) -> bool {
    matches!(
        key,
        "listeners.tcp"
            | "listeners.ssl"
            | "loopback_users"
            | "default_user_tags"
            | "auth_mechanisms"
            | "ssl_options.versions"
            | "ssl_options.ciphers"
            | "management.ssl.versions"
            | "management.ssl.ciphers"
            | "prometheus.ssl.versions"
            | "prometheus.ssl.ciphers"
            | "management.listener.ssl_opts.versions"
            | "management.cors.allow_origins"
    )
}

/// A list replaces the one there was.
fn add_list(key: &str, value: &Term, written: &mut Written) -> bool {
    let Some(terms) = value.list() else {
        return false;
    };
    written.clear(key);
    let place = || Origin::Term(value.place.clone());
    let segments: Vec<String> = key.split('.').map(str::to_owned).collect();
    if terms.is_empty() && keys::find(&segments).is_some() {
        written.set(key, "none", place());
    }
    for (number, term) in terms.iter().enumerate() {
        let item = match (&term.kind, term.pair()) {
            // {"127.0.0.1", 5672}
            (TermKind::Tuple(_), Some((ip, port))) => {
                port.scalar().map(|port| format!("{ip}:{port}"))
            }
            _ => term.scalar().map(str::to_owned),
        };
        let Some(item) = item else { return false };
        let by_name = matches!(key, "loopback_users" | "default_user_tags");
        let (name, text) = match by_name {
            true => (item, "true".to_owned()),
            false => ((number + 1).to_string(), item),
        };
        let mut segments: Vec<String> = key.split('.').map(str::to_owned).collect();
        segments.push(name);
        written.push(super::written::Setting {
            key: segments,
            text,
            origin: place(),
        });
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut written = Written::default();
        let mut decoder = Decoder::default();
        let path = Path::new("advanced.config");
        let warnings = add(path, text.to_owned(), &mut written, &mut decoder).unwrap();
        let lines = written
            .iter()
            .map(|setting| format!("{} = {}", setting.name(), setting.text));
        (lines.collect(), warnings)
    }

    #[test]
    fn the_common_part_is_understood() {
        let text = r#"[{rabbit, [{tcp_listeners, [5672, {"127.0.0.1", 5673}]}, {loopback_users, []},
            {heartbeat, 10}, {default_user, <<"me">>}, {vm_memory_high_watermark, 0.5},
            {default_permissions, [<<"a">>, <<"b">>, <<"c">>]},
            {permit_deprecated_features, #{global_qos => false}},
            {default_user_tags, [monitoring]}, {consumer_timeout, undefined}]},
          {rabbitmq_management, [{listener, [{port, 15673}]}, {path_prefix, "/x"}]}]."#;
        let (lines, warnings) = read(text);
        assert_eq!(
            lines,
            [
                "listeners.tcp.1 = 5672",
                "listeners.tcp.2 = 127.0.0.1:5673",
                "loopback_users = none",
                "heartbeat = 10",
                "default_user = me",
                "vm_memory_high_watermark.relative = 0.5",
                "default_permissions.configure = a",
                "default_permissions.write = b",
                "default_permissions.read = c",
                "deprecated_features.permit.global_qos = false",
                "default_user_tags.monitoring = true",
                "consumer_timeout = 18446744073709551615",
                "management.listener.port = 15673",
                "management.path_prefix = /x",
            ]
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn the_rest_is_named_with_its_line() {
        let text = "[{rabbit, [\n {no_such, 1}]},\n {kernel, [{x, [{y, 1}]}]}].";
        let (lines, warnings) = read(text);
        assert!(lines.is_empty(), "{lines:?}");
        assert_eq!(
            warnings,
            [
                "advanced.config:2: 'rabbit.no_such' of advanced.config has no meaning here",
                "advanced.config:3: 'kernel.x' of advanced.config has no meaning here",
            ]
        );
    }

    #[test]
    fn arguments_of_the_erlang_machine_are_read() {
        let mut written = Written::default();
        let text = "+P 1 -rabbit consumer_timeout 5000 heartbeat 7 -kernel x 1 -rabbit \
                    default_vhost <<\"dev\">>";
        let warnings = add_arguments("ARGS", text, &mut written);
        let lines: Vec<String> = written
            .iter()
            .map(|setting| format!("{}={}", setting.name(), setting.text))
            .collect();
        assert_eq!(
            lines,
            ["consumer_timeout=5000", "heartbeat=7", "default_vhost=dev"]
        );
        assert!(warnings.is_empty());
    }
}
