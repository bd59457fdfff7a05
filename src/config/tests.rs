//! Settings from end to end: every key, precedence, faults.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

mod tls;

use super::auth::Backend;
use super::*;
use crate::log::Level;

/// A directory of the test's own, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("leveret-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Settings of a file with this text.
fn settings(text: &str) -> Result<Loaded, Vec<Fault>> {
    check_text(Path::new("a.conf"), text.to_owned())
}

fn config(text: &str) -> Config {
    settings(text).unwrap().config
}

#[track_caller]
fn refused(text: &str) -> String {
    let faults = settings(text).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

/// A value that a key takes, and that is not its default.
fn sample(key: &keys::Key, readable: &Path) -> String {
    if matches!(key.checks, "file_accessible" | "pem_file") {
        return readable.display().to_string();
    }
    match key.name {
        "definitions.import_backend" => return "local_filesystem".to_owned(),
        name if name.starts_with("auth_backends.") || name.starts_with("auth_cache.cached_") => {
            return "http".to_owned();
        }
        name if name.ends_with(".verify_aud") || name.ends_with(".require_exp") => {
            return "false".to_owned();
        }
        "default_queue_type" => return "quorum".to_owned(),
        "password_hashing_module" => return "rabbit_password_hashing_sha512".to_owned(),
        "credential_validator.validation_backend" => {
            return "rabbit_credential_validator_min_password_length".to_owned();
        }
        "management.tcp.ip" | "management.listener.ip" => return "127.0.0.2".to_owned(),
        name if name.ends_with(".verify") => return "verify_peer".to_owned(),
        _ if key.checks == "https_uri" => return "https://x/y".to_owned(),
        _ if key.checks == "is_supported_information_unit" => return "600MB".to_owned(),
        name if key.checks == "is_ip" => return format!("127.0.0.{}", name.len()),
        _ => {}
    }
    let one = |kind: &str| match kind.split('(').next().unwrap_or(kind) {
        "Integer" | "Byte" => "7".to_owned(),
        "Size" => "8KB".to_owned(),
        "Float" => "0.25".to_owned(),
        "Boolean" => "true".to_owned(),
        "Flag" => "on".to_owned(),
        "Duration" => "5s".to_owned(),
        "Address" => "127.0.0.1:7".to_owned(),
        "String" | "Encrypted" | "Atom" | "List" => "true".to_owned(),
        word => word.to_owned(),
    };
    one(key.types.rsplit('|').next().unwrap_or_default())
}

/// What a key's sample changes in a configuration where nothing is as it comes.
fn line(key: &keys::Key, readable: &Path) -> String {
    let segments = key.name.split('.').map(|segment| match segment {
        "$version" => "1",
        "$interceptor" => "set_header_timestamp",
        segment if segment.starts_with('$') => "name",
        segment => segment,
    });
    let name: Vec<&str> = segments.collect();
    format!("{} = {}\n", name.join("."), sample(key, readable))
}

#[test]
fn every_key_loads_and_those_that_act_change_something() {
    let scratch = Scratch::new("keys");
    let readable = scratch.write("x.pem", "-----BEGIN CERTIFICATE-----\n");
    let unseen = [
        // These say what is so without them.
        "definitions.import_backend",
        "management.cors.allow_origins",
        "ssl_options.crl_sources.$index",
    ];
    for key in keys::all() {
        let mut text = line(&key, &readable);
        if key.name.starts_with("default_permissions.") {
            text = ["configure", "write", "read"]
                .map(|kind| format!("default_permissions.{kind} = true\n"))
                .concat();
        }
        let loaded = settings(&text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        assert_eq!(
            loaded.config != Config::default(),
            key.idle.is_none() && !unseen.contains(&key.name),
            "{text}"
        );
        assert_eq!(
            loaded.warnings.len(),
            usize::from(key.idle.is_some()),
            "{text}"
        );
    }
}

#[test]
fn all_keys_load_together() {
    let scratch = Scratch::new("all-keys");
    let readable = scratch.write("x.pem", "-----BEGIN CERTIFICATE-----\n");
    let text: String = keys::all().map(|key| line(&key, &readable)).collect();
    settings(&text).unwrap();
}

#[test]
fn lists_are_those_that_are_written() {
    let names = |text: &str| {
        let listeners = config(text).listeners.unwrap();
        let ports = listeners.iter().map(|(_, listener)| listener.port);
        ports.collect::<Vec<u16>>()
    };
    assert_eq!(
        names("listeners.tcp.a = 1\nlisteners.tcp.b = ::1:2\n"),
        [1, 2]
    );
    assert!(names("listeners.tcp = none\nlisteners.tcp.a = 1\n").is_empty());
    let loaded = settings("listeners.tcp.a = unix:/run/x:0\n").unwrap();
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(refused("listeners.tcp.a = unix:x\n").contains("cannot be converted to a(n) IP"));
    assert_eq!(
        config("loopback_users.bob = true\n").broker.loopback_users,
        ["bob"]
    );
    assert!(
        config("loopback_users.guest = false\n")
            .broker
            .loopback_users
            .is_empty()
    );
    assert!(
        config("loopback_users = none\n")
            .broker
            .loopback_users
            .is_empty()
    );
    let tags = config("default_user_tags.policymaker = true\n")
        .broker
        .default_user
        .tags;
    assert_eq!(tags, ["policymaker"]);
}

#[test]
fn new_virtual_hosts_begin_with_what_is_set() {
    let config = config(
        "default_limits.vhosts.1.pattern = ^test\ndefault_limits.vhosts.1.max_connections = 5\n\
         default_policies.operator.p.vhost_pattern = ^test\n\
         default_policies.operator.p.message_ttl = 5s\n\
         default_policies.operator.p.max_length_bytes = 1KB\n\
         default_policies.operator.p.classic_queues.ha_mode = all\n\
         default_users.bob.tags = monitoring, x\ndefault_users.bob.read = ^r\n\
         default_users.bob.password = pw\nvhost_max = 3\ncluster_queue_limit = infinity\n",
    );
    let defaults = &config.broker.vhost_defaults;
    let limits = &defaults.limits[0];
    assert_eq!(limits.pattern.as_deref(), Some("^test"));
    assert_eq!(limits.limits.get("max-connections"), Some(&5_i64.into()));
    let policy = &defaults.policies[0];
    let names = [("message-ttl", 5000), ("max-length-bytes", 1024)];
    for (name, value) in names {
        assert_eq!(
            policy.definition.get(name),
            Some(&i64::from(value).into()),
            "{name}"
        );
    }
    assert_eq!(policy.definition.get("ha-mode"), Some(&"all".into()));
    let user = &defaults.users[0];
    assert_eq!(
        (user.name.as_str(), user.password.as_deref()),
        ("bob", Some("pw"))
    );
    assert_eq!(user.tags, ["monitoring", "x"]);
    assert_eq!(user.permissions, [None, None, Some("^r".to_owned())]);
    let limits = (config.broker.vhost_max, config.broker.cluster_queue_limit);
    assert_eq!(limits, (Some(3), None));
    let text = refused("default_users.bob.read = (\n");
    assert!(
        text.contains("default_users.bob.read invalid, must be a valid regular expression"),
        "{text}"
    );
}

#[test]
fn backends_are_asked_in_the_order_of_their_numbers() {
    let chain = |text: &str| config(text).auth.chain();
    let (internal, http, oauth2) = (Backend::Internal, Backend::Http, Backend::OAuth2);
    assert_eq!(chain(""), [(internal, internal)]);
    assert!(!config("auth_backends.1 = internal\n").auth.asks_elsewhere());
    assert_eq!(
        chain("auth_backends.10 = http\nauth_backends.9 = rabbit_auth_backend_oauth2\n"),
        [(oauth2, oauth2), (http, http)]
    );
    assert_eq!(
        chain("auth_backends.1.authn = http\nauth_backends.1.authz = internal\n"),
        [(http, internal)]
    );
    assert_eq!(
        chain("auth_backends.1 = cache\nauth_cache.cached_backend = http\n"),
        [(http, http)]
    );
    assert!(refused("auth_backends.1 = ldap\n").contains("the backend ldap is not here"));
    let config = config(
        "auth_http.http_method = post\nauth_http.user_path = http://a/u\n\
         auth_oauth2.resource_server_id = r\nauth_oauth2.scope_aliases.2.alias = x\n\
         auth_oauth2.scope_aliases.2.scope = y\nauth_oauth2.scope_aliases.dev = z\n\
         auth_oauth2.preferred_username_claims.1 = mail\n\
         auth_oauth2.https.peer_verification = verify_none\n\
         auth_http.ssl_options.verify = verify_peer\n\
         auth_oauth2.default_oauth_provider = p\n\
         auth_oauth2.resource_servers.1.id = one\n\
         auth_oauth2.resource_servers.two.scope_prefix = x-\n\
         auth_oauth2.resource_servers.two.oauth_provider_id = q\n\
         auth_oauth2.resource_servers.two.scope_aliases.a = b\n\
         auth_oauth2.resource_servers.two.scope_aliases.c = d\n\
         auth_oauth2.oauth_providers.p.issuer = https://p\n\
         auth_oauth2.oauth_providers.p.discovery_endpoint_params.v = 1\n\
         auth_oauth2.oauth_providers.q.jwks_uri = http://q/keys\n",
    );
    assert!(config.auth.http.is_post);
    assert_eq!(config.auth.http.user_path, "http://a/u");
    assert_eq!(config.auth.oauth2.provider.tls.verify, Some(false));
    assert_eq!(config.auth.http.tls.verify, Some(true));
    let servers = config.auth.oauth2.resource_servers();
    let named: Vec<_> = servers
        .iter()
        .map(|one| (one.prefix(), one.aliases.len(), one.provider.as_deref()))
        .collect();
    let default = Some("p");
    assert_eq!(
        named,
        [
            ("r.".to_owned(), 1, default),
            ("one.".to_owned(), 1, default),
            ("x-".to_owned(), 2, Some("q")),
        ]
    );
    let providers = &config.auth.oauth2.providers;
    assert_eq!(
        providers["p"].discovery_url().unwrap(),
        "https://p/.well-known/openid-configuration?v=1"
    );
    assert_eq!(
        providers["q"].jwks_uri.as_deref(),
        Some("http://q/keys"),
        "{providers:?}"
    );
    let oauth2 = &config.auth.oauth2.own;
    assert_eq!(oauth2.prefix(), "r.");
    assert_eq!(oauth2.aliases["dev"], "z");
    assert_eq!(
        oauth2.numbered_aliases["2"],
        ("x".to_owned(), "y".to_owned())
    );
    assert_eq!(oauth2.username_claims, ["mail"]);
}

#[test]
fn values_reach_their_fields() {
    let config = config(
        "heartbeat = 5\nframe_max = 8KB\nvm_memory_high_watermark.absolute = 2GB\n\
         management.tcp.ip = 127.0.0.1\nlog.connection.level = error\nlog.default.level = debug\n\
         consumer_timeout = 5\nconnection_max = infinity\nmax_message_size = 10\n\
         deprecated_features.permit.global_qos = false\n",
    );
    assert_eq!(
        (config.broker.heartbeat, config.broker.frame_max),
        (5, 8192)
    );
    assert_eq!(config.memory, Some(Memory::Bytes(2_000_000_000)));
    assert_eq!(
        config.management.listener.ip,
        Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    );
    assert_eq!(config.log.level_of("connection"), Level::Error);
    assert_eq!(config.log.level_of("channel"), Level::Debug);
    assert_eq!(config.consumer_timeout_ms, Some(5));
    assert_eq!(config.broker.max_message_size, Some(10));
    let features = [("global_qos".to_owned(), false)];
    assert_eq!(config.broker.permitted_features, features);
}

#[test]
fn the_log_goes_where_it_is_told() {
    let places = |text| config(text).log.places("rabbit@a", "v");
    assert_eq!(places(""), ["<stderr>"]);
    assert_eq!(places("log.console = true\n"), ["<stdout>"]);
    assert_eq!(
        places("log.dir = /d\nlog.console = false\n"),
        ["/d/rabbit@a.log"]
    );
    let all = "log.dir = /d\nlog.file = x.log\nlog.console.stdio = stdout\nlog.exchange = true\n";
    let exchange = "exchange:{resource,<<\"v\">>,exchange,<<\"amq.rabbitmq.log\">>}";
    assert_eq!(places(all), ["/d/x.log", "<stdout>", exchange]);
}

#[test]
fn faults_are_shown_with_their_line() {
    let want = "\
You've tried to set hearbeat, but there is no setting with that name.
  Did you mean one of these?
    heartbeat
Conf file attempted to set unknown variable: hearbeat
  --> a.conf:2:1
  |
2 | hearbeat = 5
  | ^^^^^^^^ did you mean heartbeat?
Error transforming datatype for: frame_max
\"x\" cannot be converted to a(n) bytesize
  --> a.conf:3:13
  |
3 | frame_max = x # c
  |             ^ expected bytes, or a number with KB, MB or GB
";
    assert_eq!(refused("# c\nhearbeat = 5\nframe_max = x # c\n"), want);
    let partial = refused("default_permissions.read = .*\n");
    assert!(
        partial.starts_with(
            "Error running translation for rabbit.default_permissions, [error, badarg]\n"
        ),
        "{partial}"
    );
    let short = "credential_validator.validation_backend = \
                 rabbit_credential_validator_min_password_length\ndefault_pass = abc\n";
    let want = "{badmatch,{error,\"minimum required password length is 5\"}}\n  --> a.conf:2:16";
    assert!(refused(short).starts_with(want), "{}", refused(short));
    assert!(refused("message_interceptors.incoming.x.overwrite = true\n").contains("set_header_"));
    assert!(refused("default_queue_type = bogus\n").contains("classic, quorum or stream"));
    assert!(refused("listeners.tcp.a = 70000\n").contains("no port has the number 70000"));
}

#[test]
fn a_key_without_meaning_is_named_once_with_its_line() {
    let loaded = settings("heartbeat = 5\ncluster_formation.node_type = disc\n").unwrap();
    assert_eq!(
        loaded.warnings,
        [
            "a.conf:2: cluster_formation.node_type means nothing here: there is one node, and it is \
          no Erlang node"
        ]
    );
}

#[test]
fn later_sources_win() {
    let scratch = Scratch::new("sources");
    let main = scratch.write(
        "rabbitmq.conf",
        "heartbeat = 1\ndefault_user = file\nframe_max = 5000\n\
                             default_vhost = $(WHERE)\nlisteners.tcp.a = 1\ninclude more/*.inc\n",
    );
    scratch.write("conf.d/20-b.conf", "heartbeat = 3\n");
    scratch.write("conf.d/10-a.conf", "heartbeat = 2\n");
    scratch.write("more/x.inc", "frame_max = 6000\n");
    let advanced = scratch.write("advanced.config", "[{rabbit, [{channel_max, 9}]}].");
    let plugins = scratch.write("enabled_plugins", "[rabbitmq_management].\n");
    let file = |path: &Path| path.display().to_string();
    let environment = BTreeMap::from([
        (
            "RABBITMQ_CONFIG_FILE".to_owned(),
            file(&main).replace(".conf", ""),
        ),
        (
            "RABBITMQ_CONFIG_FILES".to_owned(),
            file(&scratch.0.join("conf.d")),
        ),
        ("RABBITMQ_ADVANCED_CONFIG_FILE".to_owned(), file(&advanced)),
        ("RABBITMQ_ENABLED_PLUGINS_FILE".to_owned(), file(&plugins)),
        ("RABBITMQ_CONF_ENV_FILE".to_owned(), "/dev/null".to_owned()),
        ("RABBITMQ_DEFAULT_USER".to_owned(), "variable".to_owned()),
        ("WHERE".to_owned(), "there".to_owned()),
    ]);
    let option = |key: &str, value: &str| (key.to_owned(), value.to_owned(), "--x".to_owned());
    let options = vec![
        option("listeners.tcp.default", "7"),
        option("consumer_timeout", "8"),
    ];
    let loaded = load(Sources {
        environment,
        file: None,
        options,
    })
    .unwrap();
    let config = &loaded.config;
    assert_eq!(config.broker.heartbeat, 3);
    assert_eq!(config.broker.frame_max, 6000);
    assert_eq!(config.broker.channel_max, 9);
    assert_eq!(config.broker.default_vhost, "there");
    assert_eq!(config.broker.default_user.name, "variable");
    assert_eq!(
        config
            .amqp_listeners()
            .iter()
            .map(|one| one.port)
            .collect::<Vec<_>>(),
        [7]
    );
    assert_eq!(config.plugins, Some(vec!["rabbitmq_management".to_owned()]));
    let rows = effective::rows(&loaded);
    let origin = |name: &str| {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        row.origin.clone()
    };
    assert_eq!(
        origin("heartbeat"),
        format!("{}:1", file(&scratch.0.join("conf.d/20-b.conf")))
    );
    assert_eq!(origin("default_user"), "$RABBITMQ_DEFAULT_USER");
    assert_eq!(origin("listeners.tcp.default"), "--x");
    assert_eq!(origin("default_pass"), "default");
    assert!(origin("channel_max").ends_with("advanced.config:1"));
}

#[test]
fn files_that_include_each_other_are_refused() {
    let scratch = Scratch::new("include");
    let path = scratch.write("a.conf", "include a.conf\ninclude *.conf\n");
    let faults = load(Sources {
        file: Some(path),
        ..Sources::default()
    })
    .unwrap_err();
    assert!(
        faults[0].text.ends_with("is included without end"),
        "{faults:?}"
    );
}

#[test]
fn the_nodes_port_counts_where_no_listener_is_set() {
    let mut config = Config {
        node_port: 7,
        ..Config::default()
    };
    assert_eq!(config.amqp_listeners()[0].port, 7);
    config.listeners = Some(Vec::new());
    assert!(config.amqp_listeners().is_empty());
}

/// Whatever a file says: no panic, and faults lie inside of it.
#[test]
fn no_text_is_too_strange() {
    let seeds = [
        "heartbeat = 5\ndefault_user = 'a' # c\ninclude x*.conf\na\\.b.c = '''x\ny'''\r\n",
        "listeners.tcp.a = 127.0.0.1:5672\nframe_max = 8KB\ndefault_policies.operator.1.expires = 1h2m\n",
        "[{rabbit, [{a, \"x\"}, {'b', <<\"y\">>}, {c, 1.5}, {d, 16#ff}, {e, #{f => g}}]}]. % é\n",
    ];
    let parts = [
        "=", "'", "'''", "#", ".", "\n", "\\", "$(", ")", "[", "{", "\"", "<<", "é", "-", "9",
    ];
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..600 {
        let mut text = seeds[round % seeds.len()].to_owned();
        for _ in 0..random.usize(1..6) {
            let at = (0..=random.usize(0..=text.len()))
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap();
            match random.bool() {
                true => text.insert_str(at, parts[random.usize(0..parts.len())]),
                false => text.truncate(at),
            }
        }
        let faults = settings(&text).err().unwrap_or_default().into_iter();
        let path = Path::new("a.config");
        let mut loaded = Loaded::default();
        let read = advanced::add(path, text.clone(), &mut loaded.written, &mut loaded.decoder);
        let faults = faults.chain(read.err());
        for fault in faults {
            let span = fault.place.as_ref().map_or(0..0, place::Place::span);
            assert!(span.start <= span.end && span.end <= text.len(), "{text:?}");
            assert!(!fault.to_string().is_empty());
        }
    }
}
