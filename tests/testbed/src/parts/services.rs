//! Our own services: the real binaries, each with a configuration file of its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};

use super::Part;
use crate::links::Link;
use crate::ports::SENTINELS;
use crate::region::Region;
use crate::seed;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;
use crate::wall_clock;

/// The common address of all schedulers: a relay in this package's own binary.
pub(super) fn launch_balancer(site: &Site) -> anyhow::Result<Launch> {
    let part = Part::Balancer;
    let mut launch = Launch::of(&site.binaries.testbed).named(part, site.log(part));
    launch.arguments = vec!["relay".to_owned(), site.ports.schedulers().to_string()];
    let targets = 1..=crate::ports::MOST_SCHEDULERS;
    launch
        .arguments
        .extend(targets.map(|number| site.ports.scheduler(number).to_string()));
    Ok(launch)
}

pub(super) fn launch_scheduler(site: &Site, number: u16) -> anyhow::Result<Launch> {
    let mut own = format!(
        "[scheduler]\nlisten = '127.0.0.1:{}'\nadmin_listen = '127.0.0.1:{}'\nadmin_grpc_listen = '127.0.0.1:{}'\n",
        site.ports.scheduler(number),
        site.ports.scheduler_admin(number),
        site.ports.scheduler_operators(number)
    );
    if site.options.movable_plan_clock {
        let file = site.plan_clock();
        writeln!(
            own,
            "allow_test_clock = true\nplan_clock_offset_file = '{}'",
            file.display()
        )?;
    }
    launch(site, Part::Scheduler(number), "job-scheduler", &own)
}

/// The common address of a region's two gateways: the same relay, which asks each whether it is ready.
pub(super) fn launch_gateways(site: &Site, region: Region) -> anyhow::Result<Launch> {
    let part = Part::Gateways(region);
    let ports = site.ports;
    let mut launch = Launch::of(&site.binaries.testbed).named(part, site.log(part));
    launch.arguments = vec!["relay".to_owned(), ports.gateways(region).to_string()];
    for (listen, admin) in [
        (ports.gateway(region), ports.gateway_admin(region)),
        (
            ports.second_gateway(region),
            ports.second_gateway_admin(region),
        ),
    ] {
        launch.arguments.push(format!("{listen}:{admin}"));
    }
    Ok(launch)
}

pub(super) fn launch_gateway(site: &Site, region: Region, part: Part) -> anyhow::Result<Launch> {
    let ports = site.ports;
    let (listen, admin) = match part {
        Part::SecondGateway(_) => (
            ports.second_gateway(region),
            ports.second_gateway_admin(region),
        ),
        _ => (ports.gateway(region), ports.gateway_admin(region)),
    };
    let own = format!(
        "[gateway]\nregion = '{region}'\nlisten = '127.0.0.1:{listen}'\nadmin_listen = '127.0.0.1:{admin}'\n"
    );
    launch(site, part, "api-gateway", &own)
}

pub(super) fn launch_worker(site: &Site, region: Region, number: u16) -> anyhow::Result<Launch> {
    let own = format!(
        "[worker]\nregion = '{region}'\nadmin_listen = '127.0.0.1:{}'\nscheduler_url = '{}://127.0.0.1:{}'\n",
        site.ports.worker_admin(region, number),
        site.scheme(),
        site.way(Link::Worker(region, number)),
    );
    launch(site, Part::Worker(region, number), "copy-worker", &own)
}

fn launch(site: &Site, part: Part, program: &str, own: &str) -> anyhow::Result<Launch> {
    let program = site.binaries.service(program)?;
    let path = site.part_directory(part)?.join("config.toml");
    write_configuration(site, part, own, &path)
        .with_context(|| format!("cannot configure {part}"))?;
    let mut launch = Launch::of(program).named(part, site.log(part));
    launch.arguments = vec!["--config".to_owned(), path.display().to_string()];
    launch.wave = 0;
    if wall_clock::is_settable(site, part) {
        return wall_clock::behind(site, launch);
    }
    Ok(launch)
}

/// The common settings, the part's own, and then what the test bed's owner lays over them.
fn write_configuration(site: &Site, part: Part, own: &str, path: &Path) -> anyhow::Result<()> {
    let mut config: Table = common(site)?.parse()?;
    let mut layers = vec![own];
    layers.extend(site.options.config.iter().map(String::as_str));
    if let Some(layer) = site.options.part_config.get(&part.to_string()) {
        layers.push(layer);
    }
    for layer in layers {
        lay_over(&mut config, layer.parse()?);
    }
    write_private(path, &toml::to_string(&config)?)
}

/// What all services share. Secrets are in files of their own, since the configuration refuses to hold them.
fn common(site: &Site) -> anyhow::Result<String> {
    let schedulers = format!(
        "{}://127.0.0.1:{}",
        site.scheme(),
        site.way(Link::Schedulers)
    );
    let (rabbitmq, redis) = match site.options.tls {
        Some(_) => (
            Site::rabbitmq_tls_at(site.ports.rabbitmq_tls()),
            format!("rediss://127.0.0.1:{}/0", site.ports.redis_tls()),
        ),
        None => (
            Site::rabbitmq_at(site.way(Link::Rabbitmq)),
            Site::redis_at(site.way(Link::Redis)),
        ),
    };
    let [trust, sections] = certificates(site);
    let mut text = format!(
        "{sections}[gateway]
region = 'ot1'
scheduler_url = '{schedulers}'
# The front of a lone gateway does not look at its readiness: there is nothing to wait for.
drain_delay = '0s'
[worker]
region = 'ot2'
scheduler_url = '{schedulers}'
[rabbitmq]
url_file = '{}'
{trust}[redis]
url = '{redis}'
{trust}",
        secret(site, "rabbitmq-url", &rabbitmq)?.display(),
    );
    if site.options.redis_replicas > 0 {
        let addresses = (1..=SENTINELS).map(|number| site.ports.sentinel(number));
        let addresses = addresses.map(|port| format!("127.0.0.1:{port}"));
        writeln!(
            text,
            "sentinels = {:?}\nsentinel_master = '{}'\nwait_for_replicas = {}",
            addresses.collect::<Vec<_>>(),
            super::sentinel::MASTER,
            site.options.redis_replicas,
        )?;
    }
    let password = secret(
        site,
        "service-user-password",
        seed::password(seed::SERVICE_USER)?,
    )?;
    for region in Region::ALL {
        let keystone = site.way(Link::Keystone(site.options.keystone_of(region)));
        // The catalog names the front itself.
        let glance = match site.ways.get(&Link::Glance(region)) {
            Some(port) => format!("glance_url = 'http://127.0.0.1:{port}'\n"),
            None => String::new(),
        };
        writeln!(
            text,
            "[regions.{region}]
keystone_url = 'http://127.0.0.1:{keystone}/v3'
{glance}[regions.{region}.service_user]
username = '{}'
user_domain_id = 'default'
password_file = '{}'",
            seed::SERVICE_USER,
            password.display(),
        )?;
    }
    Ok(text)
}

/// Whom clients of RabbitMQ and Redis trust, and the sections of the services' own certificates; nothing without TLS.
fn certificates(site: &Site) -> [String; 2] {
    let Some(files) = &site.options.tls else {
        return Default::default();
    };
    let trust = format!("ca_file = '{}'\n", files.authority.display());
    let own = format!(
        "certificate_file = '{}'\nkey_file = '{}'\n",
        files.certificate.display(),
        files.key.display()
    );
    let sections = format!("[grpc.tls]\n{own}{trust}[gateway.tls]\n{own}");
    [trust, sections]
}

fn secret(site: &Site, name: &str, value: &str) -> anyhow::Result<PathBuf> {
    let directory = site.directory.join("secrets");
    std::fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    write_private(&path, value)?;
    Ok(path)
}

/// Tables are merged key by key; anything else is replaced.
fn lay_over(config: &mut Table, layer: Table) {
    for (key, value) in layer {
        match (config.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                config.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_replaces_single_keys_and_leaves_their_neighbours() {
        let mut config: Table = "[worker]\nregion = 'ot2'\ncopies = 4"
            .parse()
            .expect("TOML");
        lay_over(
            &mut config,
            "[worker]\ncopies = 1\n[copy]\nvisibility = 'shared'"
                .parse()
                .expect("TOML"),
        );
        let expected: Table = "[worker]\nregion = 'ot2'\ncopies = 1\n[copy]\nvisibility = 'shared'"
            .parse()
            .expect("TOML");
        assert_eq!(config, expected);
    }
}
