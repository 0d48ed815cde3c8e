//! The calling end's connection. It is made on first use and again whenever it is lost; with TLS, each time with the
//! certificate that is in use at that moment.

use std::io;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tower::{BoxError, ServiceExt, service_fn};

use crate::tls::Agreement;

/// A channel to `endpoint`, none of whose connections may take longer than `patience` to be made. Without an agreement
/// there is no TLS.
#[must_use]
pub fn channel(endpoint: &Endpoint, patience: Duration, agreement: Option<Agreement>) -> Channel {
    // What is under way on streams that we have given up counts as the other end's misbehaviour after a while, and would
    // end the connection with all that is on it. A scheduler is trusted, and givers-up are our callers.
    let endpoint = endpoint.clone().http2_max_local_error_reset_streams(None);
    let Some(agreement) = agreement else {
        return endpoint.connect_timeout(patience).connect_lazy();
    };
    let mut sockets = HttpConnector::new();
    sockets.enforce_http(false);
    sockets.set_nodelay(true);
    let connect = move |target: Uri| {
        let (sockets, agreement) = (sockets.clone(), agreement.clone());
        async move {
            let name = server_name(&target)?;
            let connected = timeout(patience, async {
                let socket = sockets.oneshot(target).await?;
                let connection = agreement.reach(name, socket.into_inner()).await?;
                Ok::<_, BoxError>(connection)
            });
            match connected.await {
                Ok(connected) => connected.map(TokioIo::new),
                Err(_) => Err(BoxError::from(io::Error::from(io::ErrorKind::TimedOut))),
            }
        }
    };
    endpoint.connect_with_connector_lazy(service_fn(connect))
}

/// Whom the certificate has to name.
fn server_name(target: &Uri) -> Result<ServerName<'static>, BoxError> {
    let host = target.host().unwrap_or_default();
    // An address of version 6 stands in brackets in a URL alone.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok(ServerName::try_from(host.to_owned())?)
}
