//! What every test bed's Keystone knows from the start: regions, projects, users, roles and the catalog.
//!
//! Seeding runs once, into a template; addresses in the catalog are placeholders that each test bed replaces.

mod writer;

use std::collections::BTreeMap;

use anyhow::Context;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::region::Region;
use writer::Writer;

/// The least-privilege service user: `member` in every project of the tenants' domain, `reader` on the system.
pub const SERVICE_USER: &str = "image-replicator";

/// The tenants' projects.
pub const PROJECTS: [&str; 4] = ["proj-ot1", "proj-ot2", "other", "service"];

/// A user with a password and roles on projects.
#[derive(Debug)]
pub struct SeededUser {
    /// The name, in the default domain.
    pub name: &'static str,
    /// The password; it protects a private cloud on loopback.
    pub password: &'static str,
    /// Pairs of project and role.
    pub roles: &'static [(&'static str, &'static str)],
}

/// Every seeded user. `admin` comes with Keystone's bootstrap.
pub const USERS: &[SeededUser] = &[
    SeededUser {
        name: "admin",
        password: "admin-password",
        roles: &[("admin", "admin")],
    },
    SeededUser {
        name: "alice",
        password: "alice-password",
        roles: &[("proj-ot1", "member"), ("proj-ot2", "member")],
    },
    SeededUser {
        name: "bob",
        password: "bob-password",
        roles: &[("proj-ot1", "member")],
    },
    SeededUser {
        name: "carol",
        password: "carol-password",
        roles: &[("proj-ot2", "member")],
    },
    SeededUser {
        name: "rita",
        password: "rita-password",
        roles: &[("proj-ot1", "reader"), ("proj-ot2", "reader")],
    },
    SeededUser {
        name: "glance",
        password: "glance-password",
        roles: &[("service", "service"), ("service", "admin")],
    },
    SeededUser {
        name: SERVICE_USER,
        password: "image-replicator-password",
        roles: &[],
    },
];

/// Ids that Keystone gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ids {
    /// Project ids by name.
    pub projects: BTreeMap<String, String>,
    /// User ids by name.
    pub users: BTreeMap<String, String>,
}

/// The seeded user `name`.
///
/// # Errors
/// When there is none.
pub(crate) fn user(name: &str) -> anyhow::Result<&'static SeededUser> {
    USERS
        .iter()
        .find(|user| user.name == name)
        .with_context(|| format!("no user {name} is seeded"))
}

/// The password of the seeded user `name`.
///
/// # Errors
/// When there is no such user.
pub(crate) fn password(name: &str) -> anyhow::Result<&'static str> {
    user(name).map(|user| user.password)
}

/// What stands in a template's catalog for the address of `service` in `region`.
pub(crate) fn placeholder(service: &str, region: Region) -> String {
    format!("http://{service}.{region}.placeholder")
}

/// Seeds the bootstrapped Keystone at `url` for `regions` and returns the ids.
pub(crate) async fn seed(url: &str, regions: &[Region]) -> anyhow::Result<Ids> {
    let keystone = Writer::log_in(url).await?;
    let roles = keystone.ids_by_name("roles").await?;
    let role = |name: &str| {
        roles
            .get(name)
            .cloned()
            .with_context(|| format!("no role {name}"))
    };

    for project in PROJECTS {
        let body = json!({"project": {"name": project, "domain_id": "default"}});
        keystone.create("projects", &body).await?;
    }
    for user in USERS.iter().filter(|user| user.name != "admin") {
        let body = json!({"user": {
            "name": user.name, "password": user.password, "domain_id": "default",
        }});
        keystone.create("users", &body).await?;
    }
    let ids = Ids {
        projects: keystone.ids_by_name("projects").await?,
        users: keystone.ids_by_name("users").await?,
    };

    let mut grants = Vec::new();
    for user in USERS {
        let user_id = &ids.users[user.name];
        for (project, name) in user.roles {
            let project_id = &ids.projects[*project];
            grants.push(format!(
                "projects/{project_id}/users/{user_id}/roles/{}",
                role(name)?
            ));
        }
    }
    let (member, reader) = (role("member")?, role("reader")?);
    let service_user = &ids.users[SERVICE_USER];
    grants.push(format!(
        "OS-INHERIT/domains/default/users/{service_user}/roles/{member}/inherited_to_projects"
    ));
    grants.push(format!("system/users/{service_user}/roles/{reader}"));
    // Glance reads unified limits with a token for the whole system.
    grants.push(format!(
        "system/users/{}/roles/{reader}",
        ids.users["glance"]
    ));
    try_join_all(grants.iter().map(|path| keystone.put(path))).await?;

    write_catalog(&keystone, regions).await?;
    Ok(ids)
}

async fn write_catalog(keystone: &Writer, regions: &[Region]) -> anyhow::Result<()> {
    for (kind, name) in [
        ("image", "glance"),
        ("compute", "nova"),
        ("backup", "image-replicator"),
    ] {
        let body = json!({"service": {"type": kind, "name": name}});
        keystone.create("services", &body).await?;
    }
    let services = keystone.ids_by_name("services").await?;
    for &region in regions {
        // Bootstrap has already made the first region and its identity endpoints.
        let is_new = region != regions[0];
        if is_new {
            keystone
                .create("regions", &json!({"region": {"id": region.as_str()}}))
                .await?;
        }
        let front = placeholder("front", region);
        let gateway = placeholder("gateway", region);
        let mut endpoints = vec![
            ("glance", front),
            ("nova", format!("{gateway}/v2/$(tenant_id)s")),
            ("image-replicator", gateway),
        ];
        if is_new {
            endpoints.push((
                "keystone",
                format!("{}/v3", placeholder("keystone", region)),
            ));
        }
        for (service, address) in endpoints {
            for interface in ["public", "internal", "admin"] {
                let body = json!({"endpoint": {
                    "service_id": services[service], "interface": interface,
                    "region_id": region.as_str(), "url": address,
                }});
                keystone.create("endpoints", &body).await?;
            }
        }
    }
    Ok(())
}
