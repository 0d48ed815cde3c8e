//! Redis that forgets nothing it has acknowledged: every write is synced to the append-only file, and a full
//! memory refuses writes instead of dropping keys. Its replicas are set up alike, for each may become the master.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::Part;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// Writes the configuration and returns how to start Redis, which takes itself for the master until told otherwise.
pub(super) fn launch(site: &Site) -> anyhow::Result<Launch> {
    launch_server(site, Part::Redis, site.ports.redis(), None)
}

/// The same for a replica, which follows the first Redis until told otherwise.
pub(super) fn launch_replica(site: &Site, number: u16) -> anyhow::Result<Launch> {
    let (part, port) = (Part::RedisReplica(number), site.ports.redis_replica(number));
    launch_server(site, part, port, Some(site.ports.redis()))
}

fn launch_server(
    site: &Site,
    part: Part,
    port: u16,
    master: Option<u16>,
) -> anyhow::Result<Launch> {
    let directory = site.part_directory(part)?;
    let path = directory.join("redis.conf");
    let place = directory.display().to_string();
    let port = port.to_string();
    let mut directives: BTreeMap<&str, &str> = BTreeMap::from([
        ("bind", "127.0.0.1"),
        ("port", &port),
        ("dir", &place),
        ("daemonize", "no"),
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("save", "\"\""),
        ("maxmemory-policy", "noeviction"),
        ("enable-debug-command", "local"),
        ("repl-diskless-sync-delay", "0"),
    ]);
    let master = master.map(|port| format!("127.0.0.1 {port}"));
    if let Some(master) = &master {
        directives.insert("replicaof", master);
    }
    let tls = site.options.tls.as_ref().map(|files| {
        let path = |path: &Path| path.display().to_string();
        [
            ("tls-port", site.ports.redis_tls().to_string()),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-cert-file", path(&files.certificate)),
            ("tls-key-file", path(&files.key)),
            ("tls-ca-cert-file", path(&files.authority)),
        ]
    });
    for (key, value) in tls.iter().flatten() {
        directives.insert(key, value);
    }
    for (key, value) in &site.options.redis {
        directives.insert(key, value);
    }
    let mut text = String::new();
    for (key, value) in directives {
        writeln!(text, "{key} {value}")?;
    }
    write_private(&path, &text)?;
    let mut launch = Launch::of(&site.installed.redis_server).named(part, site.log(part));
    launch.arguments = vec![path.display().to_string()];
    Ok(launch)
}
