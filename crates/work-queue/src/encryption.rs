//! AMQP with TLS, beneath lapin.
//!
//! lapin's own TLS would bring a reader of PKCS #12 files with it, and with that a second version of every cryptographic
//! crate, RC2 and SHA-1 among them. So the handshake is made here, and lapin gets one end of a pair of sockets whose other
//! end is pumped to and from the encrypted connection. When either ends, both do.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_compat::CompatExt;
use lapin::uri::{AMQPAuthority, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// Connects to the broker that `uri` names.
pub(crate) async fn connect(
    uri: AMQPUri,
    properties: ConnectionProperties,
    client: ClientConfig,
) -> lapin::Result<Connection> {
    let connector = TlsConnector::from(Arc::new(client));
    let connect = async move |uri: AMQPUri, _| {
        let inside = tunnel(&connector, &uri.authority).await?;
        Ok(AsyncTcpStream::Plain(inside.compat()))
    };
    let runtime = lapin::runtime::default_runtime()?;
    Connection::connector(uri, runtime, connect, properties).await
}

/// A way to the server, once it has shown who it is.
async fn tunnel(connector: &TlsConnector, server: &AMQPAuthority) -> io::Result<TcpStream> {
    let name = ServerName::try_from(server.host.clone())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    stream.set_nodelay(true)?;
    let mut outside = connector.connect(name, stream).await?;
    let (mut inside, lapins) = UnixStream::pair()?;
    tokio::spawn(async move {
        // How it ended lapin hears from the end of its own side.
        let _ = copy_bidirectional(&mut outside, &mut inside).await;
    });
    // lapin reads and writes it and asks for nothing that only TCP has.
    TcpStream::from_std(OwnedFd::from(lapins.into_std()?).into())
}
