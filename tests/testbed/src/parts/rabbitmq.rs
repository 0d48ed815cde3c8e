//! A RabbitMQ of our own beside whatever the machine runs: own node name, cookie, port mapper and database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::process::Command;

use super::Part;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// The same in every test bed (each has its own port mapper), for the database is filed under it.
const NODE: &str = "testbed@localhost";

/// The port mapper in the foreground; left to itself, Erlang starts a shared daemon that stays for ever.
pub(super) fn launch_epmd(site: &Site) -> anyhow::Result<Launch> {
    let part = Part::Epmd;
    let port = site.ports.epmd().to_string();
    let mut launch = Launch::of(&site.installed.epmd).named(part, site.log(part));
    launch.arguments = ["-address", "127.0.0.1", "-port", &port]
        .map(String::from)
        .into();
    // RabbitMQ says good-bye to it, so it must be there to the end.
    launch.wave = 2;
    Ok(launch)
}

/// Writes the configuration and returns how to start the broker.
pub(super) fn launch(site: &Site) -> anyhow::Result<Launch> {
    let part = Part::Rabbitmq;
    let directory = site.part_directory(part)?;
    let at = |name: &str| directory.join(name).display().to_string();
    for name in ["home", "mnesia", "log"] {
        fs::create_dir_all(directory.join(name))?;
    }
    make_cookie(&directory.join("home/.erlang.cookie"))?;
    fs::write(directory.join("enabled_plugins"), "[].\n")?;
    fs::write(directory.join("rabbitmq.conf"), configuration(site))?;
    fs::write(directory.join("advanced.config"), advanced(site))?;

    let ports = site.ports;
    let loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
    Ok(Launch::of(&site.installed.rabbitmq_server)
        .named(part, site.log(part))
        .env("HOME", at("home"))
        // Makes the launcher become the Erlang machine instead of waiting beside it: one process, one pid.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", ports.epmd())
        .env("ERL_CRASH_DUMP_SECONDS", "0")
        .env("RABBITMQ_NODENAME", NODE)
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", ports.rabbitmq())
        .env("RABBITMQ_DIST_PORT", ports.rabbitmq_distribution())
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced.config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_PID_FILE", at("rabbitmq.pid"))
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback))
}

/// Makes a command of the broker's own tools find this test bed's node.
pub(crate) fn in_node_of(site: &Site, command: &mut Command) -> anyhow::Result<()> {
    let home = site.part_directory(Part::Rabbitmq)?.join("home");
    command
        .env("HOME", home)
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", site.ports.epmd().to_string())
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", NODE);
    Ok(())
}

fn configuration(site: &Site) -> String {
    let options = &site.options;
    let tls = options.rabbitmq.tls.as_ref().or(options.tls.as_ref());
    let tls = tls.map(|files| {
        format!(
            "listeners.ssl.1 = 127.0.0.1:{}
ssl_options.cacertfile = {}
ssl_options.certfile = {}
ssl_options.keyfile = {}
",
            site.ports.rabbitmq_tls(),
            files.authority.display(),
            files.certificate.display(),
            files.key.display(),
        )
    });
    format!(
        "listeners.tcp.1 = 127.0.0.1:{}
disk_free_limit.absolute = 64MB
vm_memory_high_watermark.absolute = 512MB
log.file.level = warning
log.console = false
heartbeat = 10
collect_statistics_interval = 60000
{}",
        site.ports.rabbitmq(),
        tls.unwrap_or_default(),
    )
}

/// The acknowledgement timeout and its checks, in milliseconds, when the options shorten them.
fn advanced(site: &Site) -> String {
    let options = &site.options.rabbitmq;
    let settings = [
        ("consumer_timeout", options.consumer_timeout),
        ("channel_tick_interval", options.channel_tick_interval),
    ]
    .into_iter()
    .filter_map(|(key, value)| value.map(|value| format!("{{{key}, {}}}", value.as_millis())))
    .collect::<Vec<_>>();
    format!("[{{rabbit, [{}]}}].\n", settings.join(", "))
}

/// Erlang refuses a cookie that others can read.
fn make_cookie(path: &Path) -> anyhow::Result<()> {
    if !path.exists() {
        write_private(path, &format!("{:032x}", rand::random::<u128>()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o400))?;
    }
    Ok(())
}
