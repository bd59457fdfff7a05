//! TLS as a client on `std::net`: whom it trusts, what it shows, and why it fails, in words.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, StreamOwned,
};

use crate::config::tls::TlsClient;
use crate::server::tls::client_config;

/// Encrypts connections.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<ClientConfig>);

/// An encrypted connection.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

impl Connector {
    /// Read the files. An error names the file and says what is wrong with it.
    pub(crate) fn new(options: &TlsClient) -> io::Result<Self> {
        client_config(options, true).map(|config| Self(Arc::new(config)))
    }

    /// Shake hands, in the time that reads of the socket have.
    pub(crate) fn connect(&self, host: &str, mut socket: TcpStream) -> io::Result<TlsStream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut session =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(StreamOwned::new(session, socket))
    }
}

/// What carries it.
pub(crate) fn socket(stream: &TlsStream) -> &TcpStream {
    stream.get_ref()
}

/// Why TLS failed, if that is what failed.
pub(crate) fn explain(error: &io::Error) -> Option<String> {
    let text = match error.get_ref()?.downcast_ref::<Error>()? {
        Error::InvalidMessage(_) => {
            "what answers there does not speak TLS (the port for it is usually 15671)".to_owned()
        }
        Error::InvalidCertificate(why) => untrusted(why),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate: --ssl-cert-file and --ssl-key-file name it".to_owned()
        }
        Error::AlertReceived(why) => format!("the server refuses TLS: {why:?}"),
        other => format!("TLS failed: {other}"),
    };
    Some(text)
}

fn untrusted(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "certificate verify failed: nobody who is trusted signed the server's certificate \
             (--ssl-ca-cert-file names who may, --ssl-insecure takes any)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate verify failed: the server's certificate is for another host \
             (--ssl-disable-hostname-verification takes it)"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate verify failed: the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate verify failed: the server's certificate is not valid yet"
        }
        other => return format!("certificate verify failed: {other}"),
    }
    .to_owned()
}
