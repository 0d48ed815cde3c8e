//! Addresses of hosts, looked up by this program itself: in `/etc/hosts`, and by the servers of `/etc/resolv.conf`.
//!
//! The C library would load whatever `nsswitch.conf` names. A program that is linked statically can only load what was built
//! with the very same library, and on another machine that may end it. So every connection goes through here.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::sync::OnceCell;

static RESOLVER: OnceCell<TokioResolver> = OnceCell::const_new();

/// The addresses of a host.
///
/// # Errors
/// When nobody knows the name, or nobody who could know answers.
pub(crate) async fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let resolver = RESOLVER
        .get_or_try_init(async || resolver())
        .await
        .map_err(io::Error::other)?;
    let found = resolver.lookup_ip(name).await.map_err(|error| {
        let why = if error.is_no_records_found() {
            "there is no such name".to_owned()
        } else {
            error.to_string()
        };
        io::Error::other(format!("{name} can't be looked up: {why}"))
    })?;
    Ok(found.iter().collect())
}

/// For the API's own client.
pub(crate) struct HostNames;

impl reqwest::dns::Resolve for HostNames {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let found = addresses(name.as_str()).await?;
            let sockets = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as reqwest::dns::Addrs)
        })
    }
}

/// For the clients of Keystone and Glance.
pub(crate) fn for_openstack() -> openstack::Resolver {
    openstack::Resolver::new(|name| async move { addresses(&name).await })
}

/// A machine without a `resolv.conf` still has its `/etc/hosts`.
fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    // Connections are tried with both, in this order.
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_known_and_what_is_no_name_is_told() {
        let local = addresses("localhost").await.expect("every machine has it");
        assert!(local.iter().all(IpAddr::is_loopback), "{local:?}");
        let error = addresses("no..name").await.expect_err("no name");
        assert!(error.to_string().contains("no..name"), "{error}");
    }
}
