//! The addresses of the page and those of the test bed in their place. Where our services listen, and where RabbitMQ and
//! Redis are, the page leaves to the defaults: the environment has that for the test bed.

use anyhow::Context;
use testbed::{Cloud, Part, Region, TestBed};
use toml::Table;

/// What is put in place of what.
pub(crate) struct Addresses {
    in_page: Vec<(&'static str, String)>,
    /// Variables for the services.
    pub(crate) environment: Vec<(&'static str, String)>,
}

// === impl Addresses ===

impl Addresses {
    /// Those of the test bed's own services and front, which must have been started once and are to be stopped.
    pub(crate) fn of(bed: &TestBed, here: &Cloud) -> anyhow::Result<Self> {
        let gateway = configuration(bed, Part::Gateway(Region::Ot1))?;
        // There is one gateway only: the place of the other is free.
        let other = configuration(bed, Part::Gateway(Region::Ot2))?;
        let scheduler = configuration(bed, Part::Scheduler(1))?;
        let listen = text(&gateway, "gateway", "listen")?;
        let admin = text(&gateway, "gateway", "admin_listen")?;
        let scheduler_listen = text(&scheduler, "scheduler", "listen")?;
        let scheduler_admin = text(&scheduler, "scheduler", "admin_listen")?;
        let worker_admin = text(&other, "gateway", "admin_listen")?;
        let apis = text(&other, "gateway", "listen")?;
        let front = here.front_url.trim_start_matches("http://");

        let admin_ports = [&admin, &scheduler_admin, &worker_admin];
        let admin_ports = admin_ports.map(|address| address.rsplit(':').next().unwrap_or(address));
        let in_page = vec![
            ("http://keystone.example:5000/v3", here.keystone_url.clone()),
            ("http://glance.example:9292", here.glance_url.clone()),
            ("http://front.example:9290", here.front_url.clone()),
            ("listen 9290", format!("listen {front}")),
            ("http://front.example:9291", format!("http://{apis}")),
            ("listen 9291", format!("listen {apis}")),
            ("http://127.0.0.1:8774", format!("http://{listen}")),
            ("9101 9102 9103", admin_ports.join(" ")),
        ];
        let scheduler_url = format!("http://{scheduler_listen}");
        let environment = vec![
            ("IMAGE_REPLICATOR__GATEWAY__LISTEN", listen),
            ("IMAGE_REPLICATOR__GATEWAY__ADMIN_LISTEN", admin),
            (
                "IMAGE_REPLICATOR__GATEWAY__SCHEDULER_URL",
                scheduler_url.clone(),
            ),
            ("IMAGE_REPLICATOR__SCHEDULER__LISTEN", scheduler_listen),
            ("IMAGE_REPLICATOR__SCHEDULER__ADMIN_LISTEN", scheduler_admin),
            (
                "IMAGE_REPLICATOR__SCHEDULER__ADMIN_GRPC_LISTEN",
                text(&scheduler, "scheduler", "admin_grpc_listen")?,
            ),
            ("IMAGE_REPLICATOR__WORKER__ADMIN_LISTEN", worker_admin),
            ("IMAGE_REPLICATOR__WORKER__SCHEDULER_URL", scheduler_url),
            (
                "IMAGE_REPLICATOR__RABBITMQ__URL_FILE",
                text(&gateway, "rabbitmq", "url_file")?,
            ),
            (
                "IMAGE_REPLICATOR__REDIS__URL",
                text(&gateway, "redis", "url")?,
            ),
        ];
        Ok(Self {
            in_page,
            environment,
        })
    }

    /// Commands of the page with the test bed's addresses.
    pub(crate) fn put_into(&self, commands: &str) -> String {
        let put = |text: String, (ours, theirs): &(&str, String)| text.replace(ours, theirs);
        self.in_page.iter().fold(commands.to_owned(), put)
    }

    /// The addresses that the page must have.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.in_page.iter().map(|(name, _)| *name)
    }
}

fn configuration(bed: &TestBed, part: Part) -> anyhow::Result<Table> {
    let path = bed.directory().join(part.to_string()).join("config.toml");
    Ok(std::fs::read_to_string(path)?.parse()?)
}

fn text(configuration: &Table, section: &str, key: &str) -> anyhow::Result<String> {
    let text = configuration.get(section).and_then(|it| it.get(key));
    let text = text.and_then(toml::Value::as_str);
    Ok(text
        .with_context(|| format!("no {section}.{key}"))?
        .to_owned())
}
