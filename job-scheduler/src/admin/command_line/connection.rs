//! Which scheduler is asked, and as whom.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use anyhow::Context;
use proto::v1::admin_service_client::AdminServiceClient;
use service_kit::config::{Config, SchedulerConfig};
use tonic::transport::{Channel, Endpoint};

use super::arguments::Arguments;

/// A scheduler beside this program answers at once, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of the scheduler that the arguments mean.
///
/// # Errors
/// When the address or the configuration cannot be used, or nobody is there.
pub(super) async fn connect(arguments: &Arguments) -> anyhow::Result<AdminServiceClient<Channel>> {
    let address = address(arguments)?;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .with_context(|| format!("--address: `{address}` is not of the form host:port"))?
        .connect_timeout(CONNECT_TIMEOUT);
    let channel = endpoint.connect().await.with_context(|| {
        format!(
            "no scheduler answers operators at {address}; run this beside one (kubectl exec), or give its \
             scheduler.admin_grpc_listen with --address"
        )
    })?;
    Ok(AdminServiceClient::new(channel))
}

fn address(arguments: &Arguments) -> anyhow::Result<String> {
    // A variable that is set to nothing says nothing.
    if let Some(address) = arguments.address.as_ref().filter(|it| !it.is_empty()) {
        return Ok(address.clone());
    }
    let config = arguments.config.as_ref();
    let scheduler = match config.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => Config::load(path, std::env::vars())?.scheduler,
        None => SchedulerConfig::default(),
    };
    Ok(reachable(scheduler.admin_grpc_listen).to_string())
}

/// Where something that listens on every address is reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Who acts: the name that was given, or the system's user and host.
pub(super) fn operator(arguments: &Arguments) -> String {
    match arguments.operator.as_ref().filter(|name| !name.is_empty()) {
        Some(name) => name.clone(),
        None => format!("{}@{}", user(), host()),
    }
}

/// The name of the user that this process runs as; its number where the system has no name for it.
fn user() -> String {
    let Ok(process) = std::fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let uid = process.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}

fn host() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Verb;
    use super::*;

    #[test]
    fn a_port_on_every_address_is_reached_here() {
        let listen = |text: &str| reachable(text.parse().expect("an address")).to_string();
        assert_eq!(listen("0.0.0.0:7101"), "127.0.0.1:7101");
        assert_eq!(listen("10.0.0.7:7101"), "10.0.0.7:7101");
    }

    #[test]
    fn a_variable_that_is_set_to_nothing_says_nothing() {
        let arguments = |address: &str, config: &str| Arguments {
            address: Some(address.to_owned()),
            config: Some(config.into()),
            operator: Some(String::new()),
            json: false,
            verb: Verb::Limits,
        };
        let beside = address(&arguments("", "")).expect("the default");
        assert_eq!(beside, "127.0.0.1:7101");
        let elsewhere = address(&arguments("10.0.0.7:7101", "")).expect("as it says");
        assert_eq!(elsewhere, "10.0.0.7:7101");
        assert!(operator(&arguments("", "")).contains('@'));
    }

    #[test]
    fn somebody_acts_on_some_host() {
        assert!(!user().is_empty() && !host().is_empty());
    }
}
