//! What a state directory remembers: `state.json` for the test bed itself and `testbed.json` for everybody else.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::install::Installed;
use crate::options::Options;
use crate::region::Region;
use crate::seed::{Ids, USERS};
use crate::site::{Site, write_private};
use crate::supervisor::Running;

/// What a later `up`, `start` or `env` needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) first_port: u16,
    /// What each region's Keystone calls projects and users.
    pub(crate) ids: BTreeMap<Region, Ids>,
    pub(crate) installed: Installed,
}

impl State {
    /// The state of `directory`, or `None` when no test bed has been there.
    ///
    /// # Errors
    /// When the file is there but cannot be understood.
    pub(crate) fn read(directory: &Path) -> anyhow::Result<Option<Self>> {
        let path = directory.join("state.json");
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is of another version", path.display()))
            .map(Some)
    }

    pub(crate) fn write(&self, directory: &Path) -> anyhow::Result<()> {
        write_private(
            &directory.join("state.json"),
            &serde_json::to_string_pretty(self)?,
        )
    }
}

/// Writes `testbed.json`: addresses, ids, users and parts. A part that does not run has no pid.
pub(crate) fn publish(
    site: &Site,
    ids: &BTreeMap<Region, Ids>,
    supervisor: u32,
    running: &BTreeMap<String, Running>,
) -> anyhow::Result<()> {
    let regions = Region::ALL.map(|region| {
        let description = json!({
            "keystone_url": site.keystone_url(region),
            "glance_url": site.glance_url(region),
            "image_endpoint": site.front_url(region),
            "gateway_url": site.gateway_url(region),
            "store_dir": site.store(region),
            "staging_dir": site.staging(region),
        });
        (region.to_string(), description)
    });
    let projects = ids
        .iter()
        .map(|(region, ids)| (region.to_string(), json!(ids.projects)));
    let user_ids = ids
        .iter()
        .map(|(region, ids)| (region.to_string(), json!(ids.users)));
    let users = USERS.iter().map(|user| {
        let description = json!({"password": user.password, "domain_id": "default"});
        (user.name.to_owned(), description)
    });
    let parts = crate::parts::Part::all(site).into_iter().map(|part| {
        let name = part.to_string();
        let pid = running.get(&name).map(|running| running.pid);
        (name, json!({"pid": pid, "log": site.log(part)}))
    });
    let document = json!({
        "gateway_url": site.gateway_url(Region::Ot1),
        "rabbitmq_url": site.rabbitmq_url(),
        "redis_url": site.redis_url(),
        "regions": Value::from_iter(regions),
        "projects": Value::from_iter(projects),
        "users": Value::from_iter(users),
        "user_ids": Value::from_iter(user_ids),
        "parts": Value::from_iter(parts),
        "schedulers": (1..=site.options.schedulers)
            .map(|number| format!("{}://127.0.0.1:{}", site.scheme(), site.ports.scheduler(number)))
            .collect::<Vec<_>>(),
        "openstack_client": site.venv_program("openstack"),
        "supervisor": {"pid": supervisor},
    });
    let text = serde_json::to_string_pretty(&document)? + "\n";
    write_private(&site.directory.join("testbed.json"), &text)
}
