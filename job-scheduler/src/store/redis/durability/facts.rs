//! What Redis says of itself: `INFO` and a few settings.

use std::collections::BTreeMap;

use crate::store::StoreError;
use crate::store::redis::connection::Connection;

/// Settings that decide what survives. Those that `INFO` tells too are taken from there where `CONFIG` is
/// forbidden, as some managed services do.
const SETTINGS: [&str; 5] = [
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "save",
    "maxmemory-policy",
    "min-replicas-to-write",
];

/// One look at Redis.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    info: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
}

/// A replica as its master sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    pub(super) address: String,
    /// Whether it has been brought up to date and follows.
    pub(super) online: bool,
    /// Seconds since it was heard of.
    pub(super) lag: u64,
}

// === impl Facts ===

impl Facts {
    pub(super) async fn read(connection: &Connection) -> Result<Self, StoreError> {
        let info: String = connection.command(&redis::cmd("INFO")).await?;
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg(&SETTINGS);
        let settings = connection.permitted(&command).await?;
        Ok(Self::new(&info, settings.unwrap_or_default()))
    }

    pub(super) fn new(info: &str, settings: BTreeMap<String, String>) -> Self {
        let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
        let info = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            info: info.collect(),
            settings,
        }
    }

    pub(super) fn info(&self, name: &str) -> Option<&str> {
        self.info.get(name).map(String::as_str)
    }

    /// A number that it tells of itself; 0 when it does not.
    pub(super) fn number(&self, name: &str) -> u64 {
        let number = self.info(name).and_then(|text| text.parse().ok());
        number.unwrap_or_default()
    }

    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let known = self.settings.get(name).map(String::as_str);
        known.or_else(|| match name {
            "maxmemory-policy" => self.info("maxmemory_policy"),
            _ => None,
        })
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = Replica> {
        let lines = self.info.iter().filter(|(name, _)| {
            let number = name.strip_prefix("slave");
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        });
        lines.map(|(_, line)| replica(line))
    }

    pub(super) fn replicas_online(&self) -> u64 {
        let online = self.replicas().filter(|it| it.online).count();
        u64::try_from(online).unwrap_or(u64::MAX)
    }
}

/// `ip=…,port=…,state=online,offset=…,lag=…`
fn replica(line: &str) -> Replica {
    let fields: BTreeMap<&str, &str> = line
        .split(',')
        .filter_map(|field| field.split_once('='))
        .collect();
    let field = |name| fields.get(name).copied().unwrap_or_default();
    Replica {
        address: format!("{}:{}", field("ip"), field("port")),
        online: field("state") == "online",
        lag: field("lag").parse().unwrap_or_default(),
    }
}
