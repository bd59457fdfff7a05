//! Every setting that means something here with its value, and who set it.

use super::Loaded;
use super::keys;
use super::resolved::{Config, Listener, Memory};
use super::tls::{CertLogin, TlsOptions};
use super::written::Written;
use crate::log::CATEGORIES;

/// A setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key in `rabbitmq.conf`, or its variable where it has none.
    pub name: String,
    /// Its value, as one would write it.
    pub value: String,
    /// `default`, a file and line, a variable or an option.
    pub origin: String,
}

/// Passwords are not shown.
const HIDDEN: &str = "********";

/// All of them, by name.
pub fn rows(loaded: &Loaded) -> Vec<Row> {
    let mut values = values(&loaded.config);
    add_written(&loaded.written, &mut values);
    values.sort();
    let row = |(name, value): (String, String)| Row {
        origin: origin(loaded, &name),
        name,
        value,
    };
    values.into_iter().map(row).collect()
}

fn origin(loaded: &Loaded, name: &str) -> String {
    let aliases = match name {
        "listeners.tcp.default" => Some("RABBITMQ_NODE_PORT"),
        "channel_max" => Some("max_channels_per_connection"),
        "connection_max" => Some("max_connections"),
        "management.tcp.port" => Some("management.listener.port"),
        "management.tcp.ip" => Some("management.listener.ip"),
        "load_definitions" => Some("definitions.local.path"),
        _ => None,
    };
    let names = [Some(name), aliases];
    let mut written = names
        .into_iter()
        .flatten()
        .filter_map(|name| loaded.written.origin(name));
    let by_variable = names.into_iter().flatten().find_map(|name| {
        let is_variable = name.starts_with("RABBITMQ_");
        is_variable
            .then(|| loaded.environment.get(name))
            .flatten()?;
        Some(loaded.environment.origin(name).to_string())
    });
    written
        .next()
        .map(ToString::to_string)
        .or(by_variable)
        .unwrap_or_else(|| "default".to_owned())
}

fn listener(listener: &Listener) -> String {
    match listener.ip {
        Some(ip) => format!("{ip}:{}", listener.port),
        None => listener.port.to_string(),
    }
}

fn limit(limit: Option<u64>) -> String {
    limit.map_or_else(|| "infinity".to_owned(), |limit| limit.to_string())
}

/// TLS options that are not as they come.
fn add_tls_options(prefix: &str, options: &TlsOptions, all: &mut Values) {
    let mut add = |name: &str, value: String| all.push((format!("{prefix}.{name}"), value));
    let files = [
        ("cacertfile", &options.cacertfile),
        ("certfile", &options.certfile),
        ("keyfile", &options.keyfile),
    ];
    for (name, path) in files {
        if let Some(path) = path {
            add(name, path.display().to_string());
        }
    }
    if options.certfile.is_none() {
        return;
    }
    let verify = if options.verify_peer {
        "verify_peer"
    } else {
        "verify_none"
    };
    add("verify", verify.to_owned());
    add(
        "fail_if_no_peer_cert",
        options.fail_if_no_peer_cert.to_string(),
    );
    add("honor_cipher_order", options.honor_cipher_order.to_string());
    if options.password.is_some() {
        add("password", HIDDEN.to_owned());
    }
    if let Some(depth) = options.depth {
        add("depth", depth.to_string());
    }
    add("crl_check", options.crl_check.as_str().to_owned());
    for (number, dir) in options.crl_dirs.iter().enumerate() {
        let name = format!("crl_sources.{}.path", number + 1);
        add(&name, dir.display().to_string());
    }
    for (list, values) in [
        ("versions", &options.versions),
        ("ciphers", &options.ciphers),
    ] {
        for (number, value) in values.iter().flatten().enumerate() {
            add(&format!("{list}.{}", number + 1), value.clone());
        }
    }
}

fn add_tls(config: &Config, all: &mut Values) {
    let (tls, management) = (&config.tls, &config.management);
    add_tls_options("ssl_options", &tls.options, all);
    if let Some(https) = &management.tls {
        add_tls_options("management.ssl", &https.options, all);
    }
    add_tls_options(
        "management.listener.ssl_opts",
        &management.listener_tls_options,
        all,
    );
    if let Some(https) = &config.prometheus.tls {
        add_tls_options("prometheus.ssl", &https.options, all);
    }
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    for (name, one) in tls.listeners.iter().flatten() {
        add(&format!("listeners.ssl.{name}"), listener(one));
    }
    if tls.listeners.as_ref().is_none_or(Vec::is_empty) {
        add("listeners.ssl", "none".to_owned());
    }
    for (area, https) in [
        ("management", management.encrypted(&tls.options)),
        ("prometheus", config.prometheus.encrypted(&tls.options)),
    ] {
        let Some((https, _)) = https else { continue };
        add(&format!("{area}.ssl.port"), https.port.to_string());
        if let Some(ip) = https.ip {
            add(&format!("{area}.ssl.ip"), ip.to_string());
        }
    }
    let from = match tls.options.login_from {
        CertLogin::DistinguishedName => "distinguished_name",
        CertLogin::CommonName => "common_name",
        CertLogin::SubjectAlternativeName(..) => "subject_alternative_name",
    };
    add("ssl_cert_login_from", from.to_owned());
    if matches!(
        tls.options.login_from,
        CertLogin::SubjectAlternativeName(..)
    ) {
        add("ssl_cert_login_san_type", tls.san.0.as_str().to_owned());
        add("ssl_cert_login_san_index", tls.san.1.to_string());
    }
    add(
        "ssl_handshake_timeout",
        tls.options.handshake_timeout_ms.to_string(),
    );
    add("proxy_protocol", config.proxy_protocol.to_string());
}

type Values = Vec<(String, String)>;

fn values(config: &Config) -> Values {
    let mut all = Values::new();
    add_broker(config, &mut all);
    add_users(config, &mut all);
    add_servers(config, &mut all);
    add_tls(config, &mut all);
    add_log(config, &mut all);
    all
}

fn add_broker(config: &Config, all: &mut Values) {
    let broker = &config.broker;
    let line = || "(of the release line)".to_owned();
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    add("heartbeat", broker.heartbeat.to_string());
    add("frame_max", broker.frame_max.to_string());
    add("channel_max", broker.channel_max.to_string());
    add("handshake_timeout", broker.handshake_timeout_ms.to_string());
    let initial = broker.initial_frame_max.map(|max| max.to_string());
    add("initial_frame_max", initial.unwrap_or_else(line));
    let largest = broker.max_message_size.map(|max| max.to_string());
    add("max_message_size", largest.unwrap_or_else(line));
    add("connection_max", limit(config.connection_max));
    add("channel_max_per_node", limit(broker.channel_max_per_node));
    add(
        "consumer_max_per_channel",
        limit(broker.consumer_max_per_channel),
    );
    add("cluster_queue_limit", limit(broker.cluster_queue_limit));
    add(
        "cluster_exchange_limit",
        limit(broker.cluster_exchange_limit),
    );
    add(
        "channel_tx_message_max",
        limit(broker.channel_tx_message_max),
    );
    add("vhost_max", limit(broker.vhost_max));
    add("consumer_timeout", limit(config.consumer_timeout_ms));
    add(
        "default_queue_type",
        config.default_queue_type.as_str().to_owned(),
    );
    match config.memory {
        Some(Memory::Fraction(share)) => {
            add("vm_memory_high_watermark.relative", share.to_string())
        }
        Some(Memory::Bytes(bytes)) => add("vm_memory_high_watermark.absolute", bytes.to_string()),
        None => add("vm_memory_high_watermark.relative", line()),
    }
    for (feature, permit) in &broker.permitted_features {
        add(
            &format!("deprecated_features.permit.{feature}"),
            permit.to_string(),
        );
    }
    let optional = [
        ("cluster_name", &broker.cluster_name),
        ("product.name", &broker.product_name),
        ("product.version", &broker.product_version),
        ("RABBITMQ_NODENAME", &config.node_name),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            add(name, value.clone());
        }
    }
}

fn add_users(config: &Config, all: &mut Values) {
    let (broker, user) = (&config.broker, &config.broker.default_user);
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    add("default_user", user.name.clone());
    add("default_pass", HIDDEN.to_owned());
    add("default_vhost", broker.default_vhost.clone());
    for (kind, pattern) in ["configure", "write", "read"].iter().zip(&user.permissions) {
        add(&format!("default_permissions.{kind}"), pattern.clone());
    }
    for tag in &user.tags {
        add(&format!("default_user_tags.{tag}"), "true".to_owned());
    }
    for user in &broker.loopback_users {
        add(&format!("loopback_users.{user}"), "true".to_owned());
    }
    if broker.loopback_users.is_empty() {
        add("loopback_users", "none".to_owned());
    }
    let nobody = || "none".to_owned();
    add(
        "anonymous_login_user",
        broker.anonymous_user.clone().unwrap_or_else(nobody),
    );
    for (number, mechanism) in broker.auth_mechanisms.iter().flatten().enumerate() {
        add(
            &format!("auth_mechanisms.{}", number + 1),
            mechanism.clone(),
        );
    }
}

/// What has no value unless it is written: what new virtual hosts begin with, who is asked about
/// users.
fn add_written(written: &Written, all: &mut Values) {
    let prefixes = [
        "auth_backends.",
        "auth_cache.",
        "auth_http.",
        "auth_oauth2.",
        "default_limits.",
        "default_policies.",
        "default_users.",
    ];
    for setting in written.iter() {
        let name = setting.name();
        let is_idle = keys::find(&setting.key).is_none_or(|key| key.idle.is_some());
        if is_idle || !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let value = match name.ends_with(".password") {
            true => HIDDEN.to_owned(),
            false => setting.text.clone(),
        };
        all.push((name, value));
    }
}

fn add_servers(config: &Config, all: &mut Values) {
    let management = &config.management;
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    match &config.listeners {
        Some(named) if named.is_empty() => add("listeners.tcp", "none".to_owned()),
        Some(named) => {
            for (name, one) in named {
                add(&format!("listeners.tcp.{name}"), listener(one));
            }
        }
        None => {
            let usual = Listener {
                ip: config.node_ip,
                port: config.node_port,
            };
            add("listeners.tcp.default", listener(&usual));
        }
    }
    if let Some(plain) = management.plain() {
        add("management.tcp.port", plain.port.to_string());
    }
    if let Some(ip) = management.listener.ip {
        add("management.tcp.ip", ip.to_string());
    }
    for (number, origin) in management.cors_origins.iter().enumerate() {
        add(
            &format!("management.cors.allow_origins.{}", number + 1),
            origin.clone(),
        );
    }
    add(
        "management.cors.max_age",
        management.cors_max_age.to_string(),
    );
    add("management.path_prefix", management.path_prefix.clone());
    add(
        "management.rates_mode",
        config.broker.rates_mode.as_str().to_owned(),
    );
    match config.prometheus.plain() {
        Some(plain) => add("prometheus.tcp.port", plain.port.to_string()),
        None => add("prometheus.tcp.listener", "none".to_owned()),
    }
    if let Some(ip) = config.prometheus.ip {
        add("prometheus.tcp.ip", ip.to_string());
    }
    if let Some(path) = &config.definitions.path {
        add("load_definitions", path.display().to_string());
        let skip = config.definitions.skip_if_unchanged.to_string();
        add("definitions.skip_if_unchanged", skip);
    }
    if let Some(path) = &config.pid_file {
        add("RABBITMQ_PID_FILE", path.display().to_string());
    }
}

fn add_log(config: &Config, all: &mut Values) {
    let log = &config.log;
    let format = |json| if json { "json" } else { "plaintext" }.to_owned();
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    add("log.console", log.console.unwrap_or(true).to_string());
    let stdout = log.console_stdout.unwrap_or(log.console == Some(true));
    add(
        "log.console.stdio",
        if stdout { "stdout" } else { "stderr" }.to_owned(),
    );
    add("log.console.formatter", format(log.console_json));
    match &log.file {
        Some(path) => {
            add("log.file", path.display().to_string());
            add("log.file.formatter", format(log.file_json));
        }
        None => add("log.file", "false".to_owned()),
    }
    add("log.exchange", log.exchange.to_string());
    for category in CATEGORIES {
        let key = format!("log.{category}.level");
        debug_assert!(keys::all().any(|known| known.name == key));
        add(&key, log.level_of(category).to_string());
    }
}
