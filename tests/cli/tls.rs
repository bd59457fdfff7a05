//! TLS with the real binary: metrics, and `rabbitmqadmin` as a client.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Output;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::config::{Place, Serving, text};

/// A broker that made its own certificates.
struct Encrypted {
    place: Place,
    ports: Value,
    _serving: Serving,
}

impl Encrypted {
    fn start(settings: &str) -> Self {
        let place = Place::new();
        place.write("rabbitmq.conf", settings);
        let path = |name: &str| place.0.join(name).display().to_string();
        let (certificates, ports) = (path("c"), path("ports.json"));
        let (serving, _) = Serving::start(&mut place.command(&[
            &format!("--tls-auto={certificates}"),
            "--tls-port",
            "0",
            "--management-tls-port",
            "0",
            "--ports-file",
            &ports,
        ]));
        let ports = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
        Self {
            place,
            ports,
            _serving: serving,
        }
    }

    fn port(&self, name: &str) -> String {
        self.ports[name].to_string()
    }

    fn certificate(&self, file: &str) -> String {
        self.place.0.join("c").join(file).display().to_string()
    }

    /// Runs `rabbitmqadmin` with these options and those that list users.
    fn admin(&self, options: &[&str]) -> Output {
        let port = self.port("management_tls");
        let mut all = vec!["admin", "-P", &port];
        all.extend(options);
        all.extend(["-f", "tsv", "list", "users", "name"]);
        // Whom the system trusts must not matter.
        let command = &mut self.place.command(&all);
        command.env("SSL_CERT_FILE", "/dev/null").output().unwrap()
    }

    #[track_caller]
    fn is_listed(&self, options: &[&str]) {
        let output = self.admin(options);
        let got = (text(&output.stdout), text(&output.stderr));
        assert_eq!(got, ("name\nguest\n".to_owned(), String::new()));
        assert_eq!(output.status.code(), Some(0));
    }

    #[track_caller]
    fn is_refused(&self, options: &[&str], why: &str) {
        let output = self.admin(options);
        let complaint = text(&output.stderr);
        assert!(complaint.contains(why), "{complaint}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    }

    /// What a client gets who trusts its authority.
    fn get(&self, port: &str, path: &str) -> String {
        let mut roots = RootCertStore::empty();
        let authority = self.certificate("ca_certificate.pem");
        roots
            .add(CertificateDer::from_pem_file(authority).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        // How it says goodbye does not matter.
        let _ = stream.read_to_end(&mut answer);
        text(&answer)
    }
}

#[test]
fn metrics_are_served_over_tls_alone() {
    let broker = Encrypted::start(
        "prometheus.ssl.port = 0\nprometheus.ssl.versions.1 = tlsv1.3\n\
         prometheus.tcp.listener = none\n",
    );
    let port = broker.port("prometheus_tls");
    let answer = broker.get(&port, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\nrabbitmq_queues 0\n"), "{answer}");
    let answer = broker.get(&port, "/api/overview");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert_eq!(broker.ports["prometheus"], Value::Null);
    let output = broker.place.run(&["diagnostics", "-q", "listeners"]);
    let listed = text(&output.stdout);
    let line = format!(
        "Interface: 127.0.0.1, port: {port}, protocol: https/prometheus, purpose: Prometheus \
         exporter API over TLS (HTTPS)\n"
    );
    assert!(listed.contains(&line), "{listed}");
    // Nothing is listened on where nobody wanted it.
    assert!(!listed.contains("[::]"), "{listed}");
    assert!(!listed.contains("http/prometheus"), "{listed}");
}

#[test]
fn rabbitmqadmin_speaks_tls_with_whom_it_trusts() {
    let broker = Encrypted::start("");
    let authority = broker.certificate("ca_certificate.pem");
    broker.is_listed(&["-s", "--ssl-ca-cert-file", &authority]);
    broker.is_listed(&["--ssl", "--ssl-insecure"]);
    broker.is_listed(&["-sH", "127.0.0.1", "--ssl-ca-cert-file", &authority]);
    let uri = format!("https://localhost:{}", broker.port("management_tls"));
    broker.is_listed(&["-kU", &uri]);
    let own = broker.certificate("server_certificate.pem");
    for options in [&["-s"][..], &["-s", "--ssl-ca-cert-file", &own]] {
        broker.is_refused(
            options,
            "*** Could not connect: certificate verify failed: nobody who is trusted",
        );
    }
    // The client's own certificate is asked for, but need not be shown.
    let (certificate, key) = (
        broker.certificate("client_certificate.pem"),
        broker.certificate("client_key.pem"),
    );
    let shown = ["-sk", "--ssl-cert-file", &certificate, "--ssl-key-file"];
    broker.is_listed(&[&shown[..], &[&key]].concat());
    broker.is_refused(
        &[&shown[..], &[&certificate]].concat(),
        "client_certificate.pem: no private key: ",
    );
    broker.is_refused(
        &["-sk", "--ssl-key-file", &key],
        "\nERROR: --ssl-key-file needs --ssl-cert-file\n",
    );
    let plain = broker.port("management");
    broker.is_refused(
        &["-skP", &plain],
        "*** Could not connect: what answers there does not speak TLS",
    );
    let file = broker.place.write(
        "admin.conf",
        &format!("[x]\nssl = True\nssl_ca_cert_file = {authority}\n"),
    );
    broker.is_listed(&["-c", &file, "-N", "x"]);
}

#[test]
fn a_name_that_is_not_the_brokers_is_taken_only_where_that_is_said() {
    // It is this machine as any address of 127.0.0.0/8, but the certificate names the first.
    let broker = Encrypted::start("management.ssl.ip = 127.0.0.2\n");
    let authority = broker.certificate("ca_certificate.pem");
    let options = ["-sH", "127.0.0.2", "--ssl-ca-cert-file", &authority];
    broker.is_refused(
        &options,
        "*** Could not connect: certificate verify failed: the server's certificate is for another",
    );
    let any = "--ssl-disable-hostname-verification";
    broker.is_listed(&[&options[..], &[any]].concat());
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_by_name() {
    let place = Place::new();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let octets = BASE64.encode(der);
        format!("-----BEGIN {label}-----\n{octets}\n-----END {label}-----\n")
    };
    let certfile = place.write("own.pem", &pem("CERTIFICATE", own.der()));
    let keyfile = place.write("own-key.pem", &pem("PRIVATE KEY", key.serialized_der()));
    let broker = Encrypted::start(&format!(
        "management.ssl.certfile = {certfile}\nmanagement.ssl.keyfile = {keyfile}\n"
    ));
    let options = ["-s", "--ssl-ca-cert-file", &certfile];
    broker.is_listed(&options);
    broker.is_refused(
        &[&options[..], &["-H", "127.0.0.1"]].concat(),
        "*** Could not connect: certificate verify failed: the server's certificate is for another",
    );
}

#[test]
fn certificates_of_listeners_are_shown() {
    let broker = Encrypted::start("");
    let shown = |arguments: &[&str]| {
        let all = [&["diagnostics", "certificates"], arguments].concat();
        text(&broker.place.run(&all).stdout)
    };
    let file = |name: &str| fs::read_to_string(broker.certificate(name)).unwrap();
    let (own, authority) = (file("server_certificate.pem"), file("ca_certificate.pem"));
    let escaped = own.replace('\n', "\\n");
    let map = shown(&[]);
    assert!(
        map.contains(&format!("   certfile =>\n       <<\"{escaped}\">>,\n")),
        "{map}"
    );
    let rows: Value = serde_json::from_str(&shown(&["--formatter", "json"])).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(
        (&rows[0]["certfile"], &rows[0]["cacertfile"]),
        (&own.into(), &authority.into())
    );
}

#[test]
fn a_certificate_is_shown_where_it_is_wanted() {
    let broker = Encrypted::start("ssl_options.fail_if_no_peer_cert = true\n");
    let path = |name: &str| broker.certificate(name);
    let (authority, certificate, key) = (
        path("ca_certificate.pem"),
        path("client_certificate.pem"),
        path("client_key.pem"),
    );
    let options = ["-s", "--ssl-ca-cert-file", &authority];
    broker.is_refused(
        &options,
        "*** Could not connect: the server wants a certificate: --ssl-cert-file",
    );
    let shown = ["--ssl-cert-file", &certificate, "--ssl-key-file", &key];
    broker.is_listed(&[&options[..], &shown].concat());
}
