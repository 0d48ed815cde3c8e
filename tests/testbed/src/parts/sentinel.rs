//! Sentinels: they agree when the master is away and make one of its replicas the master, within seconds.

use super::Part;
use crate::ports::SENTINELS;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// What the Sentinels call the master.
pub(super) const MASTER: &str = "jobs";

/// Writes the configuration, unless the Sentinel has one: it keeps what it knows there, such as who is the master.
pub(super) fn launch(site: &Site, number: u16) -> anyhow::Result<Launch> {
    let part = Part::Sentinel(number);
    let directory = site.part_directory(part)?;
    let path = directory.join("sentinel.conf");
    if !path.exists() {
        let text = format!(
            "bind 127.0.0.1
port {}
dir {}
sentinel monitor {MASTER} 127.0.0.1 {} {}
sentinel down-after-milliseconds {MASTER} 2000
sentinel failover-timeout {MASTER} 6000
sentinel parallel-syncs {MASTER} 2
",
            site.ports.sentinel(number),
            directory.display(),
            site.ports.redis(),
            SENTINELS / 2 + 1,
        );
        write_private(&path, &text)?;
    }
    let mut launch = Launch::of(&site.installed.redis_server).named(part, site.log(part));
    launch.arguments = vec![path.display().to_string(), "--sentinel".to_owned()];
    Ok(launch)
}
