//! HTTP requests to those who are asked: one connection each, with a time limit.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Longest answer taken.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Client {
    patience: Duration,
    tls: Tls,
}

/// What is answered: the status and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Client {
    /// Services with `https` must have a certificate signed by one of these, or by whom the system
    /// trusts where none are named.
    pub(super) fn new(patience: Duration, cacertfile: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            patience,
            tls: Tls::new(cacertfile)?,
        })
    }

    /// Ask, by GET or with a form. An error says in a few words what went wrong.
    pub(super) async fn ask(&self, url: &str, form: Option<String>) -> Result<Reply, String> {
        let asked = tokio::time::timeout(self.patience, self.exchange(url, form)).await;
        asked.unwrap_or_else(|_| Err("timeout".to_owned()))
    }

    async fn exchange(&self, url: &str, form: Option<String>) -> Result<Reply, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url} is no address"))?;
        let host = uri.host().ok_or_else(|| format!("{url} is no address"))?;
        let is_encrypted = uri.scheme_str() == Some("https");
        let port = uri
            .port_u16()
            .unwrap_or(if is_encrypted { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let method = if form.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("{host}:{port}"));
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let request = request.body(body).map_err(|error| error.to_string())?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let socket = TcpStream::connect((bare, port)).await;
        let socket = socket.map_err(|error| format!("failed_connect: {error}"))?;
        match is_encrypted {
            true => send(self.tls.connect(bare, socket).await?, request).await,
            false => send(socket, request).await,
        }
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Reply, String> {
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    // It ends with the answer; what goes wrong with it the answer tells.
    let carrying = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(words)?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    carrying.abort();
    Ok(Reply {
        status,
        text: String::from_utf8_lossy(&body).into_owned(),
    })
}

#[cfg(feature = "tls")]
mod encrypted {
    use std::io;
    use std::path::Path;
    use std::sync::{Arc, LazyLock};

    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use crate::server::tls::trusted_by_the_system;

    /// Read when it is first needed: it has hundreds of certificates.
    static SYSTEM: LazyLock<Option<TlsConnector>> = LazyLock::new(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted_by_the_system());
        connector(roots).ok()
    });

    fn connector(roots: RootCertStore) -> io::Result<TlsConnector> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Whom to trust; `None` is whom the system does.
    #[derive(Clone)]
    pub(super) struct Tls(Option<TlsConnector>);

    impl std::fmt::Debug for Tls {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_tuple("Tls").field(&self.0.is_some()).finish()
        }
    }

    impl Tls {
        pub(super) fn new(cacertfile: Option<&Path>) -> io::Result<Self> {
            let Some(path) = cacertfile else {
                return Ok(Self(None));
            };
            let unusable = |error: &dyn std::fmt::Display| {
                let text = format!("{}: no certificates: {error}", path.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            };
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            connector(roots).map(|connector| Self(Some(connector)))
        }

        pub(super) async fn connect(
            &self,
            host: &str,
            socket: TcpStream,
        ) -> Result<TlsStream<TcpStream>, String> {
            let connector = self.0.as_ref().or_else(|| SYSTEM.as_ref());
            let connector = connector.ok_or("TLS cannot be spoken")?;
            let name = ServerName::try_from(host.to_owned());
            let name = name.map_err(|error| error.to_string())?;
            let connected = connector.connect(name, socket).await;
            connected.map_err(|error| error.to_string())
        }
    }
}

#[cfg(not(feature = "tls"))]
mod encrypted {
    use std::io;
    use std::path::Path;

    use tokio::net::TcpStream;

    #[derive(Clone, Debug)]
    pub(super) struct Tls;

    impl Tls {
        pub(super) fn new(_: Option<&Path>) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn connect(&self, _: &str, _: TcpStream) -> Result<TcpStream, String> {
            Err("this Leveret was built without TLS".to_owned())
        }
    }
}

use self::encrypted::Tls;
