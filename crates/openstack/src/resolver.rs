//! Who looks up the names of hosts: the machine's C library, unless a program brings a way of its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// Looks up the addresses of hosts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Resolver(Lookup);

/// A resolver as an HTTP connector takes it.
type Lookup = BoxCloneSyncService<Name, std::vec::IntoIter<SocketAddr>, io::Error>;

impl Resolver {
    /// Any other way to look them up.
    #[must_use]
    pub fn new<F>(lookup: impl Fn(String) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        Self(Lookup::new(tower::service_fn(move |name: Name| {
            let addresses = lookup(name.as_str().to_owned());
            async move {
                // The port is that of what is connected to.
                let sockets = addresses
                    .await?
                    .into_iter()
                    .map(|ip| SocketAddr::new(ip, 0));
                Ok::<_, io::Error>(sockets.collect::<Vec<_>>().into_iter())
            }
        })))
    }

    pub(crate) fn into_service(self) -> Lookup {
        self.0
    }
}

impl Default for Resolver {
    fn default() -> Self {
        let all = |addresses: GaiAddrs| addresses.collect::<Vec<_>>().into_iter();
        let machine = ServiceExt::<Name>::map_response(GaiResolver::new(), all);
        Self(Lookup::new(machine))
    }
}
