//! Redis that forgets nothing it has acknowledged: every write is synced to the append-only file, and a full
//! memory refuses writes instead of dropping keys.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Part;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// Writes the configuration and returns how to start Redis.
pub(super) fn launch(site: &Site) -> anyhow::Result<Launch> {
    let part = Part::Redis;
    let directory = site.part_directory(part)?;
    let path = directory.join("redis.conf");
    let place = directory.display().to_string();
    let port = site.ports.redis().to_string();
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
    ]);
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
