//! TLS over real sockets: what is spoken, who is let in, and what listings say of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use leveret::broker::settings::Settings;
use leveret::broker::tls::TlsFacts;
use leveret::server::Server;
use leveret::server::tls::{Acceptor, CertLogin, TlsOptions, auto};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::support::frames;

/// A directory with certificates of one authority; it goes with the test.
pub(super) struct Certificates {
    dir: PathBuf,
    options: TlsOptions,
}

impl Certificates {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("leveret-tls-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let options = auto::make(&dir, "host.example", &TlsOptions::default()).unwrap();
        Self { dir, options }
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    pub(super) fn authority(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("ca_certificate.pem")).unwrap()
    }

    /// Clients are asked for a certificate; its common name is the user.
    pub(super) fn asking(&self, is_required: bool) -> TlsOptions {
        TlsOptions {
            verify_peer: true,
            fail_if_no_peer_cert: is_required,
            login_from: CertLogin::CommonName,
            ..self.options.clone()
        }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn server(options: TlsOptions) -> Server {
    let anywhere = vec!["127.0.0.1:0".parse().unwrap()];
    Server::builder()
        .listen_tls(options, anywhere)
        .start()
        .unwrap()
}

/// How a client connects.
struct Client<'a> {
    trusts: &'a Certificates,
    shows: Option<&'a Certificates>,
    version: &'static SupportedProtocolVersion,
}

impl<'a> Client<'a> {
    fn new(trusts: &'a Certificates) -> Self {
        Self {
            trusts,
            shows: None,
            version: &TLS13,
        }
    }

    fn showing(trusts: &'a Certificates, shows: &'a Certificates) -> Self {
        Self {
            shows: Some(shows),
            ..Self::new(trusts)
        }
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.authority()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots);
        let Some(shows) = self.shows else {
            return config.with_no_client_auth();
        };
        let certificate = CertificateDer::from_pem_file(shows.path("client_certificate.pem"));
        let key = PrivateKeyDer::from_pem_file(shows.path("client_key.pem"));
        config
            .with_client_auth_cert(vec![certificate.unwrap()], key.unwrap())
            .unwrap()
    }

    async fn connect(&self, server: &Server) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        // Small, so that the server soon has to wait.
        socket.set_recv_buffer_size(16 * 1024)?;
        let socket = socket.connect(server.tls_addresses()[0]).await?;
        let connector = TlsConnector::from(Arc::new(self.config()));
        let name = "localhost".try_into().unwrap();
        connector.connect(name, socket).await
    }
}

/// Of 100 000 octets each: more than a socket takes at once.
const MESSAGES: usize = 40;

/// Read one method frame, which is this one.
async fn expect(stream: &mut (impl AsyncRead + Unpin), class: u8, method: u8) -> Vec<u8> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.unwrap();
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut payload = vec![0; size + 1];
    stream.read_exact(&mut payload).await.unwrap();
    let text = String::from_utf8_lossy(&payload);
    assert_eq!(payload[..4], [0, class, 0, method], "{text}");
    payload
}

async fn log_in_with(stream: &mut TlsStream<TcpStream>, start_ok: &[u8]) -> String {
    let [header, _, tune_ok, open] = frames::log_in(0);
    stream.write_all(&header).await.unwrap();
    let start = expect(stream, 10, 10).await;
    let start_ok = frames::method(0, 10, 11, &[start_ok]);
    stream.write_all(&start_ok).await.unwrap();
    expect(stream, 10, 30).await;
    stream.write_all(&[tune_ok, open].concat()).await.unwrap();
    expect(stream, 10, 41).await;
    String::from_utf8_lossy(&start).into_owned()
}

/// Log in as guest; what the server's start said.
async fn log_in(stream: &mut TlsStream<TcpStream>) -> String {
    log_in_with(
        stream,
        b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US",
    )
    .await
}

fn facts(server: &Server) -> TlsFacts {
    let connections = server.shared().broker.connections.snapshot();
    TlsFacts::clone(connections[0].tls.as_ref().unwrap())
}

async fn is_refused(client: Client<'_>, server: &Server) -> bool {
    let Ok(mut stream) = client.connect(server).await else {
        return true;
    };
    // The client of TLS 1.3 hears of it only after its own handshake is done.
    let _ = stream.write_all(frames::PROTOCOL_HEADER).await;
    stream.read_u8().await.is_err()
}

#[tokio::test]
async fn both_versions_are_spoken_and_shown() {
    let certificates = Certificates::new();
    let server = server(certificates.options.clone());
    for (version, protocol, key_exchange) in [
        (&TLS12, "tlsv1.2", "ecdhe_ecdsa"),
        (&TLS13, "tlsv1.3", "any"),
    ] {
        let mut client = Client::new(&certificates);
        client.version = version;
        let mut stream = client.connect(&server).await.unwrap();
        let start = log_in(&mut stream).await;
        assert!(!start.contains("EXTERNAL"));
        let facts = facts(&server);
        assert_eq!((facts.protocol, facts.hash), (protocol, "aead"));
        assert_eq!(facts.key_exchange, key_exchange);
        assert!(facts.cipher.starts_with("aes_"), "{}", facts.cipher);
        assert_eq!(facts.peer, None);
        let close = b"\0\xc8\0\0\0\0\0";
        let close = frames::method(0, 10, 50, &[close]);
        stream.write_all(&close).await.unwrap();
        expect(&mut stream, 10, 51).await;
        stream.shutdown().await.unwrap();
        // It says goodbye as TLS has it: the end is no error.
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_version_that_is_not_set_is_not_spoken() {
    let certificates = Certificates::new();
    let server = server(TlsOptions {
        versions: Some(vec!["tlsv1.3".to_owned(), "tlsv1.1".to_owned()]),
        ..certificates.options.clone()
    });
    let mut client = Client::new(&certificates);
    client.version = &TLS12;
    assert!(client.connect(&server).await.is_err());
    log_in(&mut Client::new(&certificates).connect(&server).await.unwrap()).await;
}

#[tokio::test]
async fn a_certificate_logs_in_whom_it_names() {
    let certificates = Certificates::new();
    let server = server(certificates.asking(false));
    let broker = &server.shared().broker;
    let guest = broker.users.get("guest").unwrap();
    let state = guest.read(Clone::clone);
    let user = leveret::broker::user::User::new("client".into(), state.password.clone(), vec![]);
    user.change(|new| new.permissions = state.permissions.clone());
    broker.users.insert(user.name.clone(), Arc::new(user));
    let client = Client::showing(&certificates, &certificates);
    let mut stream = client.connect(&server).await.unwrap();
    let external = b"\0\0\0\0\x08EXTERNAL\0\0\0\0\x05en_US";
    let start = log_in_with(&mut stream, external).await;
    assert!(start.contains("EXTERNAL"));
    let connections = broker.connections.snapshot();
    assert_eq!(&*connections[0].user.name, "client");
    assert_eq!(connections[0].auth_mechanism, "EXTERNAL");
    let peer = facts(&server).peer.unwrap();
    assert_eq!(peer.subject, "CN=client,O=Leveret");
    assert_eq!(peer.issuer, "CN=Leveret test authority,O=Leveret");
    assert!(peer.validity.contains("Z - 20"), "{}", peer.validity);
}

#[tokio::test]
async fn whom_nobody_knows_is_not_let_in() {
    let (certificates, strangers) = (Certificates::new(), Certificates::new());
    let server = server(certificates.asking(true));
    assert!(is_refused(Client::new(&certificates), &server).await);
    assert!(is_refused(Client::showing(&certificates, &strangers), &server).await);
    let known = Client::showing(&certificates, &certificates);
    log_in(&mut known.connect(&server).await.unwrap()).await;
    // The certificate is good, but its user does not exist.
    let mut stream = known.connect(&server).await.unwrap();
    stream.write_all(frames::PROTOCOL_HEADER).await.unwrap();
    expect(&mut stream, 10, 10).await;
    let external = b"\0\0\0\0\x08EXTERNAL\0\0\0\0\x05en_US";
    let start_ok = frames::method(0, 10, 11, &[external]);
    stream.write_all(&start_ok).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn large_messages_pass_in_both_directions_unchanged() {
    let certificates = Certificates::new();
    let server = server(certificates.options.clone());
    let client = Client::new(&certificates).connect(&server).await;
    let mut stream = client.unwrap();
    log_in(&mut stream).await;
    let arguments = leveret_proto::value::FieldTable::new();
    let set_up = [frames::open_channel(1), frames::declare("q", &arguments)];
    stream.write_all(&set_up.concat()).await.unwrap();
    expect(&mut stream, 20, 11).await;
    expect(&mut stream, 50, 11).await;
    let body =
        |seed: usize| -> Vec<u8> { (0..100_000).map(|at| ((at * seed) >> 3) as u8).collect() };
    for seed in 1..=MESSAGES {
        let publish = frames::publish("", "q", frames::PERSISTENT, &body(seed));
        stream.write_all(&publish).await.unwrap();
    }
    let consume = frames::consume("q", true);
    stream.write_all(&consume).await.unwrap();
    expect(&mut stream, 60, 21).await;
    for seed in 1..=MESSAGES {
        expect(&mut stream, 60, 60).await;
        let mut head = [0; 7];
        stream.read_exact(&mut head).await.unwrap();
        let mut rest = vec![0; usize::from(head[6]) + 1];
        stream.read_exact(&mut rest).await.unwrap();
        let mut whole = vec![0; 7 + 100_000 + 1];
        stream.read_exact(&mut whole).await.unwrap();
        assert!(whole[7..100_007] == body(seed), "message {seed}");
    }
}

#[tokio::test]
async fn plain_bytes_end_one_connection_only() {
    let certificates = Certificates::new();
    let server = server(certificates.options.clone());
    let mut plain = TcpStream::connect(server.tls_addresses()[0]).await.unwrap();
    plain.write_all(frames::PROTOCOL_HEADER).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"AMQP"), "{answer:?}");
    log_in(&mut Client::new(&certificates).connect(&server).await.unwrap()).await;
}

#[tokio::test]
async fn only_wanted_cipher_suites_are_spoken() {
    let certificates = Certificates::new();
    let wanted = |names: [&str; 2]| TlsOptions {
        ciphers: Some(names.map(str::to_owned).to_vec()),
        ..certificates.options.clone()
    };
    let server = server(wanted(["NO-SUCH-SUITE", "ECDHE-ECDSA-AES128-GCM-SHA256"]));
    let client = |version| Client {
        version,
        ..Client::new(&certificates)
    };
    assert!(client(&TLS13).connect(&server).await.is_err());
    let mut stream = client(&TLS12).connect(&server).await.unwrap();
    let suite = stream
        .get_ref()
        .1
        .negotiated_cipher_suite()
        .unwrap()
        .suite();
    assert_eq!(
        format!("{suite:?}"),
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    );
    log_in(&mut stream).await;
    let refused = Acceptor::new(&wanted(["NO-SUCH-SUITE", "RC4-MD5"]));
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, "ssl_options.ciphers: none of these is spoken");
}

#[tokio::test]
async fn a_certificate_is_a_login_only_where_that_is_wanted() {
    let certificates = Certificates::new();
    let settings = Settings {
        auth_mechanisms: Some(vec!["PLAIN".to_owned()]),
        ..Settings::default()
    };
    let builder = Server::builder().settings(settings);
    let anywhere = vec!["127.0.0.1:0".parse().unwrap()];
    let server = builder
        .listen_tls(certificates.asking(true), anywhere)
        .start()
        .unwrap();
    let client = Client::showing(&certificates, &certificates);
    let start = log_in(&mut client.connect(&server).await.unwrap()).await;
    assert!(
        start.contains("PLAIN") && !start.contains("EXTERNAL"),
        "{start}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_its_time() {
    let certificates = Certificates::new();
    let server = server(certificates.options.clone());
    let begun = tokio::time::Instant::now();
    let mut silent = TcpStream::connect(server.tls_addresses()[0]).await.unwrap();
    let mut answer = Vec::new();
    let _ = silent.read_to_end(&mut answer).await;
    let took = begun.elapsed().as_secs();
    assert!((4..=6).contains(&took) && answer.is_empty(), "{took}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let certificates = Certificates::new();
    let refused = |options: TlsOptions| {
        let _inside = runtime.enter();
        let error = Acceptor::new(&options).unwrap_err();
        error.to_string()
    };
    let at = |path: &Path| path.display().to_string();
    let with_key = |keyfile| TlsOptions {
        keyfile,
        ..certificates.options.clone()
    };
    let missing = certificates.path("nowhere.pem");
    let text = refused(with_key(Some(missing.clone())));
    assert!(text.contains(&at(&missing)), "{text}");
    let no_key = certificates.path("ca_certificate.pem");
    let text = refused(with_key(Some(no_key.clone())));
    assert!(
        text.starts_with(&format!("{}: no private key", at(&no_key))),
        "{text}"
    );
    let of_another = certificates.path("client_key.pem");
    let text = refused(with_key(Some(of_another.clone())));
    assert!(text.starts_with(&at(&of_another)), "{text}");
    let text = refused(with_key(None));
    assert!(text.ends_with("ssl_options.keyfile is not set"), "{text}");
}
