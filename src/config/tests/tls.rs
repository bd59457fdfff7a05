//! TLS, by the keys of `rabbitmq.conf`, by `advanced.config` and by variables.

use super::*;
use crate::config::tls::{CertLogin, SanType, TlsOptions};

/// What `ssl_options` and their kind say, for AMQP and for HTTP.
fn tls(text: &str) -> (TlsOptions, Option<(Listener, TlsOptions)>, Option<u16>) {
    let config = config(text);
    let options = config.tls.options();
    let plain = config.management.plain().map(|listener| listener.port);
    (
        options.clone(),
        config.management.encrypted(&options),
        plain,
    )
}

#[test]
fn tls_is_set_by_the_keys_of_rabbitmq() {
    let scratch = Scratch::new("tls");
    let pem = scratch.write("x.pem", "-----BEGIN CERTIFICATE-----\n");
    let shown = pem.display();
    let amqp = format!(
        "listeners.ssl.default = 5671\nlisteners.ssl.other = 127.0.0.1:7\n\
         ssl_options.certfile = {shown}\nssl_options.keyfile = {shown}\n\
         ssl_options.cacertfile = {shown}\nssl_options.verify = verify_peer\n\
         ssl_options.fail_if_no_peer_cert = true\nssl_options.versions.1 = tlsv1.3\n\
         ssl_options.versions.2 = tlsv1.2\nssl_handshake_timeout = 9\n\
         ssl_cert_login_san_index = 1\nssl_cert_login_from = subject_alternative_name\n\
         ssl_cert_login_san_type = email\n"
    );
    let (options, https, plain) = tls(&amqp);
    let path = Some(pem.clone());
    let want = TlsOptions {
        cacertfile: path.clone(),
        certfile: path.clone(),
        keyfile: path.clone(),
        verify_peer: true,
        fail_if_no_peer_cert: true,
        versions: Some(vec!["tlsv1.3".to_owned(), "tlsv1.2".to_owned()]),
        handshake_timeout_ms: 9,
        login_from: CertLogin::SubjectAlternativeName(SanType::Email, 1),
        ..TlsOptions::default()
    };
    assert_eq!(options, want);
    assert_eq!((https, plain), (None, Some(15_672)));
    let listeners = config(&amqp).tls.listeners.unwrap();
    let ports: Vec<u16> = listeners.iter().map(|(_, one)| one.port).collect();
    assert_eq!(ports, [5671, 7]);
    // The management API has its own, or that of AMQP; alone it is the only one.
    let (_, https, plain) = tls(&format!("{amqp}management.ssl.port = 15671\n"));
    assert_eq!(
        https.map(|(listener, options)| (listener.port, options)),
        Some((15_671, want))
    );
    assert_eq!(plain, None);
    let (_, https, plain) = tls(&format!(
        "management.ssl.certfile = {shown}\nmanagement.tcp.port = 8\n"
    ));
    let (listener, options) = https.unwrap();
    assert_eq!(
        (listener.port, options.certfile, plain),
        (15_671, path.clone(), Some(8))
    );
    let (_, https, plain) = tls(&format!(
        "management.listener.port = 9\nmanagement.listener.ssl = true\n\
         management.listener.ssl_opts.certfile = {shown}\n"
    ));
    let (listener, options) = https.unwrap();
    assert_eq!((listener.port, options.certfile, plain), (9, path, None));
}

/// Where metrics are without and with TLS, as a real 4.3.6 answers to the same files.
#[test]
fn metrics_are_over_tls_beside_the_usual_port_or_alone() {
    let ports = |text: &str| {
        let config = config(text);
        let amqp = config.tls.options();
        let plain = config.prometheus.plain().map(|one| (one.ip, one.port));
        let https = config.prometheus.encrypted(&amqp);
        (plain, https.map(|(one, _)| (one.ip, one.port)))
    };
    let usual = Some((None, 15_692));
    let verify = "prometheus.ssl.verify = verify_none\n";
    assert_eq!(ports(""), (usual, None));
    assert_eq!(ports(verify), (usual, Some((None, 15_691))));
    assert_eq!(ports("prometheus.tcp.listener = none"), (usual, None));
    let loopback = "127.0.0.1".parse().ok();
    assert_eq!(
        ports(&format!("{verify}prometheus.tcp.listener = none\n")),
        (None, Some((None, 15_691)))
    );
    assert_eq!(
        ports("prometheus.tcp.listener = 127.0.0.1:9\nprometheus.ssl.ip = 127.0.0.1"),
        (Some((loopback, 9)), Some((loopback, 15_691)))
    );
    // It has its own certificate, or that of AMQP.
    let scratch = Scratch::new("prometheus-tls");
    let [amqp, own] =
        ["amqp.pem", "own.pem"].map(|name| scratch.write(name, "-----BEGIN CERTIFICATE-----\n"));
    let certificate = |text: &str| {
        let config = config(&format!(
            "ssl_options.certfile = {}\n{text}",
            amqp.display()
        ));
        let https = config.prometheus.encrypted(&config.tls.options());
        https.and_then(|(_, options)| options.certfile)
    };
    assert_eq!(certificate("prometheus.ssl.port = 1"), Some(amqp.clone()));
    let text = format!("prometheus.ssl.certfile = {}", own.display());
    assert_eq!(certificate(&text), Some(own.clone()));
}

#[test]
fn tls_is_set_by_advanced_config_and_by_variables() {
    let text = r#"[{rabbit, [{ssl_listeners, [5671]}, {ssl_cert_login_from, common_name},
        {ssl_options, [{verify, verify_peer}, {fail_if_no_peer_cert, true},
          {versions, ['tlsv1.2']}, {honor_cipher_order, true}]}, {proxy_protocol, true}]},
      {rabbitmq_management, [{ssl_config, [{port, 7}]}]},
      {rabbitmq_prometheus, [{tcp_config, none}, {ssl_config, [{port, 8}, {ssl_opts,
          [{versions, ['tlsv1.3']}, {verify, verify_peer}]}]}]}]."#;
    let mut loaded = Loaded::default();
    let path = Path::new("advanced.config");
    let warnings = advanced::add(
        path,
        text.to_owned(),
        &mut loaded.written,
        &mut loaded.decoder,
    )
    .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    loaded.resolve().unwrap();
    let options = loaded.config.tls.options();
    assert!(options.verify_peer && options.fail_if_no_peer_cert && options.honor_cipher_order);
    assert_eq!(options.versions, Some(vec!["tlsv1.2".to_owned()]));
    assert_eq!(options.login_from, CertLogin::CommonName);
    assert!(loaded.config.proxy_protocol);
    let https = loaded.config.management.encrypted(&options).unwrap();
    assert_eq!(https.0.port, 7);
    let prometheus = &loaded.config.prometheus;
    let https = prometheus.tls.as_ref().unwrap();
    assert!(prometheus.plain().is_none() && https.options.verify_peer);
    assert_eq!(https.options.versions, Some(vec!["tlsv1.3".to_owned()]));
    assert_eq!(https.port, Some(8));

    let scratch = Scratch::new("tls-variables");
    let pem = scratch.write("x.pem", "-----BEGIN CERTIFICATE-----\n");
    let variable = |name: &str| (name.to_owned(), pem.display().to_string());
    let environment = BTreeMap::from([
        ("RABBITMQ_CONF_ENV_FILE".to_owned(), "/dev/null".to_owned()),
        ("RABBITMQ_CONFIG_FILE".to_owned(), variable("").1),
        ("RABBITMQ_CONFIG_FILES".to_owned(), "/dev/null".to_owned()),
        (
            "RABBITMQ_ADVANCED_CONFIG_FILE".to_owned(),
            "/dev/null".to_owned(),
        ),
        variable("RABBITMQ_SSL_CERTFILE"),
        variable("RABBITMQ_SSL_KEYFILE"),
        variable("RABBITMQ_SSL_CACERTFILE"),
        variable("RABBITMQ_MANAGEMENT_SSL_CERTFILE"),
    ]);
    let file = Some(scratch.write("rabbitmq.conf", ""));
    let sources = Sources {
        environment,
        file,
        ..Sources::default()
    };
    let loaded = load(sources).unwrap();
    let config = &loaded.config;
    assert!(config.tls.options.verify_peer);
    assert_eq!(config.tls.options.keyfile.as_ref(), Some(&pem));
    assert_eq!(config.tls.listeners.as_ref().unwrap()[0].1.port, 5671);
    let (https, _) = config.management.encrypted(&config.tls.options).unwrap();
    assert_eq!(https.port, 15_671);
    let rows = effective::rows(&loaded);
    let row = rows.iter().find(|row| row.name == "ssl_options.keyfile");
    assert_eq!(row.unwrap().origin, "$RABBITMQ_SSL_KEYFILE");
}
