//! A region's Glance under uwsgi, on `SQLite`, with a file store whose directory tests can look into.

use std::fs;

use super::Part;
use super::keystone::uwsgi;
use crate::own_disk;
use crate::region::Region;
use crate::seed;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// Writes the configuration and returns how to start Glance.
pub(super) fn launch(site: &Site, region: Region, part: Part) -> anyhow::Result<Launch> {
    let directory = site.part_directory(part)?;
    for name in ["images", "staging", "tasks", "lock", "cache"] {
        fs::create_dir_all(directory.join(name))?;
    }
    fs::copy(
        site.installed.venv.join("etc/glance/glance-api-paste.ini"),
        directory.join("glance-api-paste.ini"),
    )?;
    fs::write(directory.join("policy.yaml"), "{}\n")?;
    write_private(
        &directory.join("glance-api.conf"),
        &configuration(site, region)?,
    )?;

    let options = &site.options.glance[&region];
    let port = site.ports.glance(region);
    let mut launch = uwsgi(
        &site.venv_program("uwsgi"),
        &site.wsgi(),
        port,
        "glance_on_sqlite",
    )
    .named(part, site.log(part))
    .env("OS_GLANCE_CONFIG_DIR", directory.display());
    launch.arguments.extend(
        [
            "--processes",
            &options.processes.to_string(),
            "--threads",
            &options.threads.to_string(),
            // Bodies of either framing reach Glance as they arrive.
            "--http-chunked-input",
            "--http-raw-body",
            "--socket-timeout",
            &options.socket_timeout.as_secs().to_string(),
        ]
        .map(String::from),
    );
    Ok(match options.disk {
        Some(size) => own_disk::behind(launch, &site.store(region), size),
        None => launch,
    })
}

fn configuration(site: &Site, region: Region) -> anyhow::Result<String> {
    let place = site.directory.join(format!("glance-{region}"));
    let place = place.display();
    let front = site.front_url(region);
    let direct = site.glance_url(region);
    let keystone = site.keystone_url(region);
    let password = seed::password("glance")?;
    let options = &site.options.glance[&region];
    let quota = &options.user_storage_quota;
    let limits = options.unified_limits;
    let longest_list = options.longest_list;
    let ports = Region::ALL
        .iter()
        .flat_map(|&region| [site.ports.glance(region), site.ports.front(region)])
        .map(|port| port.to_string())
        .collect::<Vec<_>>()
        .join(",");
    Ok(format!(
        "[DEFAULT]
log_file = {place}/glance.log
public_endpoint = {front}
worker_self_reference_url = {direct}
enabled_backends = files:file
enabled_import_methods = [glance-direct,web-download,glance-download,copy-image]
use_keystone_limits = {limits}
user_storage_quota = {quota}
image_size_cap = 1099511627776
api_limit_max = {longest_list}
image_cache_dir = {place}/cache
[wsgi]
task_pool_threads = 4
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {place}/images
store_description = file store of {region}
[os_glance_staging_store]
filesystem_store_datadir = {place}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {place}/tasks
[database]
connection = sqlite:///{place}/glance.db?timeout=30
sqlite_synchronous = false
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = glance
password = {password}
region_name = {region}
service_token_roles_required = true
service_token_roles = service
token_cache_time = 60
[paste_deploy]
flavor = keystone
config_file = {place}/glance-api-paste.ini
[oslo_policy]
policy_file = {place}/policy.yaml
[oslo_concurrency]
lock_path = {place}/lock
[oslo_limit]
auth_url = {keystone}
auth_type = password
user_domain_id = default
username = glance
password = {password}
system_scope = all
endpoint_service_type = image
endpoint_region_name = {region}
[taskflow_executor]
max_workers = 4
[import_filtering_opts]
# Imports from loopback and odd ports are refused by default, and all of this cloud is there.
allowed_hosts = [127.0.0.1]
allowed_ports = [80,443,{ports}]
[oslo_messaging_notifications]
driver = noop
"
    ))
}
