//! Mutual TLS as the calling service sees it: what it shows, whom it takes for the service that it calls, and where it is
//! told that there was no agreement.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::handshakes::{Failures, Reason};
use super::{Certificate, CertificateWatch};
use crate::config::{ConfigError, GrpcConfig};

/// What connections to another service are made with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Agreement {
    certificate: Certificate<ClientConfig>,
    failures: Failures,
}

/// A connection inside of TLS. In TLS 1.3 a server refuses a client when the client is done already, so that is heard at the
/// first read, or, if the socket is reset by then, by the server's log alone.
#[derive(Debug)]
pub struct Outgoing {
    stream: TlsStream<TcpStream>,
    failures: Failures,
}

// === impl Agreement ===

impl Agreement {
    /// As the configuration has it; none: services are called without TLS.
    ///
    /// # Errors
    /// When a file can't be read or used; the error names its key.
    pub fn of(config: &GrpcConfig, watch: &CertificateWatch) -> Result<Option<Self>, ConfigError> {
        let certificate = config.tls.as_ref().map(Certificate::of_grpc_client);
        Ok(certificate.transpose()?.map(|certificate| {
            watch.begin(&certificate);
            let section = certificate.section();
            Self {
                certificate,
                failures: Failures::new(section, false, watch.metrics.clone()),
            }
        }))
    }

    /// Makes sure that the other end of `socket` is `name`, and shows it who this is.
    ///
    /// # Errors
    /// When the other end is not trusted, or does not answer; it is told by log and metric.
    pub async fn reach(
        &self,
        name: ServerName<'static>,
        socket: TcpStream,
    ) -> io::Result<Outgoing> {
        let peer = socket.peer_addr().ok();
        let connector = TlsConnector::from(self.certificate.current());
        let agreed = connector.connect(name, socket).await;
        let stream = agreed.inspect_err(|error| self.failures.tell(error, peer))?;
        Ok(Outgoing {
            stream,
            failures: self.failures.clone(),
        })
    }
}

// === impl Outgoing ===

impl AsyncRead for Outgoing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && Reason::of(error) == Reason::RefusedByPeer
        {
            let peer = self.stream.get_ref().0.peer_addr().ok();
            self.failures.tell(error, peer);
        }
        read
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
