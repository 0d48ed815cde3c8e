//! A region's front: the one address of the catalog, behind which our gateway and Glance share the path space.
//!
//! Bodies stream through in both directions, of any size and however long they take, as a copy's do.

use std::fs;

use super::Part;
use crate::region::Region;
use crate::site::Site;
use crate::supervisor::Launch;

/// Writes the configuration and returns how to start the front.
pub(super) fn launch(site: &Site, region: Region, part: Part) -> anyhow::Result<Launch> {
    let directory = site.part_directory(part)?;
    let path = directory.join("nginx.conf");
    fs::write(
        &path,
        configuration(site, region, &directory.display().to_string()),
    )?;
    let mut launch = Launch::of(&site.installed.nginx).named(part, site.log(part));
    launch.arguments = vec![
        "-p".to_owned(),
        directory.display().to_string(),
        "-e".to_owned(),
        "stderr".to_owned(),
        "-c".to_owned(),
        path.display().to_string(),
    ];
    Ok(launch)
}

fn configuration(site: &Site, region: Region, place: &str) -> String {
    let port = site.ports.front(region);
    let gateway = site.gateway_url(region);
    let glance = site.glance_url(region);
    // nginx holds names against a certificate, and no addresses.
    let trust = site.options.tls.as_ref().map(|files| {
        format!(
            "proxy_ssl_trusted_certificate {};
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
",
            files.authority.display()
        )
    });
    let trust = trust.unwrap_or_default();
    format!(
        "# One process: it is all that a front of this size needs, and it leaves no workers behind.
daemon off;
master_process off;
pid {place}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {place}/client_body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;

    client_max_body_size 0;
    client_body_timeout 1h;
    send_timeout 1h;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;
    proxy_request_buffering off;
    client_body_buffer_size 128k;
    proxy_buffering off;
    # Unbuffered answers pass through this one, 4 KiB at a time by default.
    proxy_buffer_size 128k;
    proxy_buffers 4 128k;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection \"\";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    {trust}
    server {{
        listen 127.0.0.1:{port};
        location /v2/extension/image_replicator/ {{ proxy_pass {gateway}; }}
        location / {{ proxy_pass {glance}; }}
    }}
}}
"
    )
}
