//! HTTP requests to those who are asked: one connection each, with a time limit.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::config::tls::TlsClient;

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
    /// `options` are for services with `https`.
    pub(super) fn new(patience: Duration, options: &TlsClient) -> io::Result<Self> {
        Ok(Self {
            patience,
            tls: Tls::new(options)?,
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
    use std::sync::{Arc, OnceLock};

    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::pki_types::ServerName;

    use crate::config::tls::TlsClient;
    use crate::server::tls::client_config;

    /// Whom to trust and what to show. Whom the system trusts is found out when it is first needed.
    #[derive(Clone)]
    pub(super) struct Tls {
        options: TlsClient,
        connector: OnceLock<Result<TlsConnector, String>>,
    }

    impl std::fmt::Debug for Tls {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Tls").finish_non_exhaustive()
        }
    }

    fn connector(options: &TlsClient) -> io::Result<TlsConnector> {
        let config = client_config(options, false)?;
        Ok(TlsConnector::from(Arc::new(config)))
    }

    impl Tls {
        /// What is wrong with a file is told now.
        pub(super) fn new(options: &TlsClient) -> io::Result<Self> {
            let tls = Self {
                options: options.clone(),
                connector: OnceLock::new(),
            };
            if *options != TlsClient::default() {
                let built = connector(options)?;
                tls.connector.get_or_init(|| Ok(built));
            }
            Ok(tls)
        }

        pub(super) async fn connect(
            &self,
            host: &str,
            socket: TcpStream,
        ) -> Result<TlsStream<TcpStream>, String> {
            let built = self.connector.get_or_init(|| {
                let built = connector(&self.options);
                built.map_err(|error| error.to_string())
            });
            let name = ServerName::try_from(host.to_owned());
            let name = name.map_err(|error| error.to_string())?;
            let connected = built.as_ref().map_err(Clone::clone)?.connect(name, socket);
            connected.await.map_err(|error| error.to_string())
        }
    }
}

#[cfg(not(feature = "tls"))]
mod encrypted {
    use std::io;

    use tokio::net::TcpStream;

    use crate::config::tls::TlsClient;

    #[derive(Clone, Debug)]
    pub(super) struct Tls;

    impl Tls {
        pub(super) fn new(_: &TlsClient) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn connect(&self, _: &str, _: TcpStream) -> Result<TcpStream, String> {
            Err("this Leveret was built without TLS".to_owned())
        }
    }
}

use self::encrypted::Tls;

#[cfg(test)]
#[cfg(feature = "tls")]
mod tests {
    use std::path::PathBuf;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::server::tls::{Acceptor, TlsOptions, auto};

    /// A service with a certificate of its own authority. It says whether it was shown one, and ends
    /// with the test.
    async fn service(options: &TlsOptions) -> String {
        let acceptor = Acceptor::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/x", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(socket).await else {
                    continue;
                };
                let shown = stream.get_ref().1.peer_certificates().is_some();
                let text = if shown { "shown" } else { "hidden" };
                let _ = stream.read(&mut [0; 1000]).await;
                let length = text.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        url
    }

    #[tokio::test]
    async fn services_over_tls_are_trusted_as_is_set() {
        let name = format!("leveret-service-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let made = auto::make(&dir, "host.example", &TlsOptions::default()).unwrap();
        let url = service(&TlsOptions {
            verify_peer: true,
            ..made
        })
        .await;
        let path = |name: &str| Some(dir.join(name)) as Option<PathBuf>;
        let named = TlsClient {
            cacertfile: path("ca_certificate.pem"),
            ..TlsClient::default()
        };
        let anybody = TlsClient {
            verify: Some(false),
            ..TlsClient::default()
        };
        let showing = TlsClient {
            certfile: path("client_certificate.pem"),
            keyfile: path("client_key.pem"),
            ..named.clone()
        };
        let mut answers = Vec::new();
        for options in [&TlsClient::default(), &named, &anybody, &showing] {
            let client = Client::new(Duration::from_secs(30), options).unwrap();
            answers.push(client.ask(&url, None).await.map(|reply| reply.text));
        }
        let broken = TlsClient {
            cacertfile: path("client_key.pem"),
            ..TlsClient::default()
        };
        let broken = Client::new(Duration::ZERO, &broken).unwrap_err();
        std::fs::remove_dir_all(&dir).unwrap();
        let refused = answers.remove(0).unwrap_err();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
        let told = |text: &str| Ok(text.to_owned());
        assert_eq!(answers, [told("hidden"), told("hidden"), told("shown")]);
        assert!(
            broken
                .to_string()
                .contains("client_key.pem: no certificates")
        );
    }
}
