//! From a setting to the field of [`Config`] it means.

use std::net::IpAddr;

use leveret_proto::value::FieldValue;

use super::resolved::{Config, HttpTls, Listener, Management, Memory};
use super::value::{self, Value};
use crate::broker::credentials::Rule;
use crate::broker::queue::QueueKind;
use crate::broker::settings::RatesMode;
use crate::broker::user::HashingAlgorithm;
use crate::broker::vhost_defaults::{DefaultLimits, DefaultMember, DefaultPolicy, VhostDefaults};
use crate::log::Level;

/// Headers that have a setting of their own.
const HEADERS: [(&str, &str); 5] = [
    ("management.hsts.policy", "strict-transport-security"),
    (
        "management.headers.content_type_options",
        "x-content-type-options",
    ),
    ("management.headers.frame_options", "x-frame-options"),
    ("management.headers.referrer_policy", "referrer-policy"),
    ("management.headers.xss_protection", "x-xss-protection"),
];

/// What is longer than this never ends.
const FOR_EVER: u64 = u64::MAX / 2;

/// A number that fits its field; one that is too large becomes the largest, and below zero is zero.
fn fit<T: TryFrom<i128>>(value: &Value, largest: T) -> T {
    T::try_from(value.number().max(0)).unwrap_or(largest)
}

fn port(value: &Value) -> Result<u16, String> {
    u16::try_from(value.number()).map_err(|_| format!("no port has the number {}", value.text()))
}

fn is_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// Set what the key called `key` in the table means. `names` stand for its placeholders.
pub(super) fn set(
    config: &mut Config,
    key: &str,
    names: &[&str],
    value: &Value,
) -> Result<(), String> {
    let name = names.first().copied().unwrap_or_default();
    let (area, _) = key.split_once('.').unwrap_or((key, ""));
    match area {
        "log" => set_log(config, key, value),
        "management" => return set_management(config, key, value),
        "prometheus" => return set_prometheus(config, key, value),
        "listeners" => return set_listener(config, key, name, value),
        "ssl_options" | "ssl_handshake_timeout" => config.tls.set(key, value),
        "auth_backends" | "auth_cache" | "auth_http" | "auth_oauth2" => {
            return config.auth.set(key, names, value);
        }
        "credential_validator" => return set_validator(config, key, value),
        "message_interceptors" => return set_interceptor(config, name, value),
        "proxy_protocol" => config.proxy_protocol = value.is_true(),
        _ if area.starts_with("ssl_cert_login") => config.tls.set(key, value),
        "definitions" | "load_definitions" => set_definitions(config, key, value)?,
        "default_permissions"
        | "default_user_tags"
        | "default_user"
        | "default_pass"
        | "default_vhost"
        | "loopback_users"
        | "anonymous_login_user"
        | "anonymous_login_pass"
        | "auth_mechanisms" => set_user(config, key, name, value),
        "default_limits" | "default_policies" | "default_users" => {
            set_defaults(&mut config.broker.vhost_defaults, key, name, value);
        }
        _ => return set_limit(config, key, name, value),
    }
    Ok(())
}

fn set_limit(config: &mut Config, key: &str, name: &str, value: &Value) -> Result<(), String> {
    let broker = &mut config.broker;
    match key {
        "heartbeat" => broker.heartbeat = fit(value, u16::MAX),
        "frame_max" => broker.frame_max = fit(value, u32::MAX),
        "initial_frame_max" => broker.initial_frame_max = Some(fit(value, u32::MAX)),
        "channel_max" | "max_channels_per_connection" => {
            broker.channel_max = fit(value, u16::MAX);
        }
        "channel_max_per_node" => broker.channel_max_per_node = limit(value),
        "consumer_max_per_channel" => broker.consumer_max_per_channel = limit(value),
        "channel_tx_message_max" => broker.channel_tx_message_max = limit(value),
        "cluster_exchange_limit" => broker.cluster_exchange_limit = limit(value),
        "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration" => {
            broker.relaxes_redeclaration = value.is_true();
        }
        "password_hashing_module" => {
            broker.hashing = HashingAlgorithm::from_name(&value.text())
                .ok_or_else(|| "expected rabbit_password_hashing_sha256 or …_sha512".to_owned())?;
        }
        "cluster_queue_limit" => broker.cluster_queue_limit = limit(value),
        "vhost_max" => broker.vhost_max = limit(value),
        "max_message_size" => broker.max_message_size = Some(fit(value, u64::MAX)),
        "handshake_timeout" => broker.handshake_timeout_ms = fit(value, u64::MAX),
        "cluster_tags.$tag" => broker.cluster_tags.push((name.to_owned(), value.text())),
        "node_tags.$tag" => broker.node_tags.push((name.to_owned(), value.text())),
        "cluster_name" => broker.cluster_name = Some(value.text()),
        "product.name" => broker.product_name = Some(value.text()),
        "product.version" => broker.product_version = Some(value.text()),
        "deprecated_features.permit.$name" => {
            broker.permitted_features.retain(|(old, _)| old != name);
            let feature = (name.to_owned(), value.is_true());
            broker.permitted_features.push(feature);
        }
        "connection_max" | "max_connections" => config.connection_max = limit(value),
        "consumer_timeout" => {
            config.consumer_timeout_ms = limit(value).filter(|ms| *ms < FOR_EVER);
        }
        "default_queue_type" => config.default_queue_type = queue_type(value)?,
        "vm_memory_high_watermark.relative" => config.memory = Some(fraction(value)?),
        "vm_memory_high_watermark.absolute" => config.memory = Some(bytes(value)?),
        _ => {}
    }
    Ok(())
}

fn set_validator(config: &mut Config, key: &str, value: &Value) -> Result<(), String> {
    let validator = &mut config.broker.credentials;
    match key {
        "credential_validator.min_length" => validator.min_length = Some(fit(value, usize::MAX)),
        "credential_validator.regexp" => validator.regexp = Some(value.text()),
        _ => {
            validator.rule = match value.text().as_str() {
                "rabbit_credential_validator_accept_everything" => Rule::Any,
                "rabbit_credential_validator_min_password_length" => Rule::Length,
                "rabbit_credential_validator_password_regexp" => Rule::Regexp,
                _ => return Err("expected a validator of RabbitMQ's own".to_owned()),
            };
        }
    }
    Ok(())
}

fn set_interceptor(config: &mut Config, name: &str, value: &Value) -> Result<(), String> {
    let interceptors = &mut config.broker.interceptors;
    let overwrites = Some(value.is_true());
    match name {
        "set_header_timestamp" => interceptors.timestamp = overwrites,
        "set_header_routing_node" => interceptors.routing_node = overwrites,
        _ => return Err("expected set_header_timestamp or set_header_routing_node".to_owned()),
    }
    Ok(())
}

/// Words such as `infinity` are no limit.
fn limit(value: &Value) -> Option<u64> {
    matches!(value, Value::Number(_)).then(|| fit(value, u64::MAX))
}

fn queue_type(value: &Value) -> Result<QueueKind, String> {
    let text = value.text();
    let name = match text.as_str() {
        "rabbit_classic_queue" => "classic",
        "rabbit_quorum_queue" => "quorum",
        "rabbit_stream_queue" => "stream",
        other => other,
    };
    QueueKind::from_name(name).ok_or_else(|| "expected classic, quorum or stream".to_owned())
}

fn fraction(value: &Value) -> Result<Memory, String> {
    match value {
        Value::Float(fraction) if *fraction >= 0.0 => Ok(Memory::Fraction(*fraction)),
        _ => Err("expected a share between 0.0 and 1.0".to_owned()),
    }
}

fn bytes(value: &Value) -> Result<Memory, String> {
    let bytes = match value {
        Value::Number(bytes) => Some(*bytes),
        other => value::size(&other.text(), true),
    };
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .map(Memory::Bytes)
        .ok_or_else(|| "expected an amount such as 512MB".to_owned())
}

fn set_user(config: &mut Config, key: &str, name: &str, value: &Value) {
    let broker = &mut config.broker;
    let user = &mut broker.default_user;
    match key {
        "default_user" => user.name = value.text(),
        "default_pass" => user.password = value.text(),
        "default_vhost" => broker.default_vhost = value.text(),
        "default_user_tags.$tag" => {
            user.tags.retain(|tag| tag != name);
            if value.is_true() {
                user.tags.push(name.to_owned());
            }
        }
        "default_permissions.configure" => user.permissions[0] = value.text(),
        "default_permissions.write" => user.permissions[1] = value.text(),
        "default_permissions.read" => user.permissions[2] = value.text(),
        "loopback_users" => broker.loopback_users.clear(),
        "loopback_users.$user" => {
            broker.loopback_users.retain(|user| user != name);
            if value.is_true() {
                broker.loopback_users.push(name.to_owned());
            }
        }
        "anonymous_login_user" => {
            broker.anonymous_user = Some(value.text()).filter(|user| user != "none");
        }
        "anonymous_login_pass" => broker.anonymous_pass = value.text(),
        "auth_mechanisms.$name" => {
            let mechanisms = broker.auth_mechanisms.get_or_insert_default();
            mechanisms.push(value.text());
        }
        _ => {}
    }
}

/// `listeners.tcp = none` has no name.
fn set_listener(config: &mut Config, key: &str, name: &str, value: &Value) -> Result<(), String> {
    let listeners = match key.starts_with("listeners.ssl") {
        true => &mut config.tls.listeners,
        false => &mut config.listeners,
    };
    let listeners = listeners.get_or_insert_default();
    let listener = match value {
        Value::Address(address) => Listener {
            ip: Some(address.ip()),
            port: address.port(),
        },
        Value::Number(_) => Listener {
            ip: None,
            port: port(value)?,
        },
        Value::Float(_) | Value::Text(_) => return Ok(()),
    };
    listeners.push((name.to_owned(), listener));
    Ok(())
}

fn set_definitions(config: &mut Config, key: &str, value: &Value) -> Result<(), String> {
    let definitions = &mut config.definitions;
    match key {
        "load_definitions" | "definitions.local.path" => {
            definitions.path = Some(value.text().into());
        }
        "definitions.skip_if_unchanged" => definitions.skip_if_unchanged = value.is_true(),
        "definitions.import_backend" if value.text() != "local_filesystem" => {
            return Err("here is only local_filesystem".to_owned());
        }
        _ => {}
    }
    Ok(())
}

fn set_management(config: &mut Config, key: &str, value: &Value) -> Result<(), String> {
    let management = &mut config.management;
    match key {
        "management.tcp.port" | "management.listener.port" => {
            management.listener.port = port(value)?;
            management.has_plain = true;
        }
        "management.listener.ssl" => management.listener_tls = Some(value.is_true()),
        "management.tcp.ip" | "management.listener.ip" => {
            management.listener.ip = listened_ip(value);
        }
        "management.cors.allow_origins" => management.cors_origins.clear(),
        "management.cors.allow_origins.$name" => management.cors_origins.push(value.text()),
        "management.cors.max_age" => management.cors_max_age = fit(value, u64::MAX),
        "management.restrictions.operator_policy_changes.disabled" => {
            management.locks_operator_policies = value.is_true();
        }
        "management.http.max_body_size" => {
            management.body_bytes_max = Some(fit(value, usize::MAX));
        }
        "management.csp.policy" => management.csp = Some(value.text()),
        "management.path_prefix" => management.path_prefix = value.text(),
        "management.rates_mode" => config.broker.rates_mode = rates_mode(&value.text()),
        "management.load_definitions" => config.definitions.path = Some(value.text().into()),
        _ => match HEADERS.iter().find(|(own, _)| *own == key) {
            Some((_, header)) => management.headers.push((header, value.text())),
            None => return set_management_tls(management, key, value),
        },
    }
    Ok(())
}

fn rates_mode(word: &str) -> RatesMode {
    match word {
        "detailed" => RatesMode::Detailed,
        "none" => RatesMode::None,
        _ => RatesMode::Basic,
    }
}

fn set_management_tls(management: &mut Management, key: &str, value: &Value) -> Result<(), String> {
    if let Some(option) = key.strip_prefix("management.ssl.") {
        set_http_tls(management.tls.get_or_insert_default(), option, value)?;
    } else if let Some(option) = key.strip_prefix("management.listener.ssl_opts.") {
        management.listener_tls_options.set(option, value);
    }
    Ok(())
}

fn set_prometheus(config: &mut Config, key: &str, value: &Value) -> Result<(), String> {
    let prometheus = &mut config.prometheus;
    match key {
        "prometheus.tcp.port" => prometheus.port = Some(port(value)?),
        "prometheus.authentication.enabled" => prometheus.authenticates = value.is_true(),
        "prometheus.path" => prometheus.path = Some(value.text()),
        "prometheus.return_per_object_metrics" => prometheus.by_object = value.is_true(),
        "prometheus.tcp.ip" => prometheus.ip = listened_ip(value),
        "prometheus.tcp.listener" => match value {
            Value::Address(address) => {
                prometheus.ip = Some(address.ip()).filter(|ip| !ip.is_unspecified());
                prometheus.port = Some(address.port());
            }
            _ => prometheus.is_tls_only = true,
        },
        _ => {
            if let Some(option) = key.strip_prefix("prometheus.ssl.") {
                set_http_tls(prometheus.tls.get_or_insert_default(), option, value)?;
            }
        }
    }
    Ok(())
}

/// An option of `management.ssl` or `prometheus.ssl`.
fn set_http_tls(tls: &mut HttpTls, option: &str, value: &Value) -> Result<(), String> {
    match option {
        "port" => tls.port = Some(port(value)?),
        "ip" => tls.ip = listened_ip(value),
        option => tls.options.set(option, value),
    }
    Ok(())
}

/// `0.0.0.0` and `::` are all addresses.
fn listened_ip(value: &Value) -> Option<IpAddr> {
    is_ip(&value.text()).filter(|ip| !ip.is_unspecified())
}

/// The level in a value: `=debug` and the like are of the old logger.
fn level(value: &Value) -> Level {
    let text = value.text();
    Level::named(text.trim_start_matches(['=', '<', '!'])).unwrap_or(Level::Info)
}

fn set_log(config: &mut Config, key: &str, value: &Value) {
    let log = &mut config.log;
    match key {
        "log.console" => log.console = Some(value.is_true()),
        "log.console.level" => log.console_level = level(value),
        "log.console.stdio" => log.console_stdout = Some(value.text() == "stdout"),
        "log.console.formatter" => log.console_json = value.text() == "json",
        "log.console.use_colors" => log.colors = Some(value.is_true()),
        "log.file" => log.file = Some(value.text().into()).filter(|_| value.text() != "false"),
        "log.file.level" => log.file_level = level(value),
        "log.file.formatter" => log.file_json = value.text() == "json",
        "log.dir" => log.dir = Some(value.text().into()),
        "log.exchange" => log.exchange = value.is_true(),
        "log.exchange.level" => log.exchange_level = level(value),
        _ => {
            let category = key
                .strip_prefix("log.")
                .and_then(|rest| rest.strip_suffix(".level"));
            if let Some(category) = category {
                log.categories.retain(|(old, _)| old != category);
                log.categories.push((category.to_owned(), level(value)));
            }
        }
    }
}

/// The one of that name, at the end of the list if it is new.
fn named<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool, new: T) -> Option<&mut T> {
    if !all.iter().any(&is_it) {
        all.push(new);
    }
    all.iter_mut().find(|one| is_it(one))
}

/// What new virtual hosts begin with. Its keys have dashes where those of the file have none.
fn set_defaults(defaults: &mut VhostDefaults, key: &str, name: &str, value: &Value) {
    let (_, field) = key.rsplit_once('.').unwrap_or(("", key));
    let (owned, text) = (name.to_owned(), || Some(value.text()));
    let dashed = field.replace('_', "-");
    match key.split('.').next().unwrap_or_default() {
        "default_limits" => {
            let new = DefaultLimits {
                id: owned,
                ..DefaultLimits::default()
            };
            let Some(one) = named(&mut defaults.limits, |one| one.id == name, new) else {
                return;
            };
            match field {
                "pattern" => one.pattern = text(),
                _ => one.limits.insert(&dashed, field_value(value)),
            }
        }
        "default_policies" => {
            let new = DefaultPolicy {
                name: owned,
                ..DefaultPolicy::default()
            };
            let Some(one) = named(&mut defaults.policies, |one| one.name == name, new) else {
                return;
            };
            match field {
                "vhost_pattern" => one.pattern = text(),
                "queue_pattern" => one.queues = text(),
                "apply_to" => one.apply_to = text(),
                _ => one.definition.insert(&dashed, field_value(value)),
            }
        }
        _ => {
            let new = DefaultMember {
                name: owned,
                ..DefaultMember::default()
            };
            let Some(one) = named(&mut defaults.users, |one| one.name == name, new) else {
                return;
            };
            set_member(one, field, value);
        }
    }
}

fn set_member(one: &mut DefaultMember, field: &str, value: &Value) {
    let [configure, write, read] = &mut one.permissions;
    let text = Some(value.text());
    match field {
        "vhost_pattern" => one.pattern = text,
        "password" => one.password = text,
        "configure" => *configure = text,
        "write" => *write = text,
        "read" => *read = text,
        _ => {
            let all = value.text();
            let tags = all.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            one.tags = tags.map(str::to_owned).collect();
        }
    }
}

fn field_value(value: &Value) -> FieldValue {
    match value {
        Value::Number(number) => FieldValue::from(i64::try_from(*number).unwrap_or(i64::MAX)),
        other => FieldValue::from(other.text().as_str()),
    }
}
