//! `export OS_…` lines for the ordinary openstack client.

use std::path::Path;

use anyhow::Context;

use crate::options::Options;
use crate::ports::Ports;
use crate::region::Region;
use crate::seed::{self, SeededUser};
use crate::state::State;

/// The lines for `user` of the test bed in `directory`, in `region`, with a token for `project`.
///
/// Without `project`: the region's own project if the user has a role there, else the user's first one, else (the
/// service user) the region's own.
///
/// # Errors
/// When there is no such test bed or user.
pub fn openrc(
    directory: &Path,
    user: &str,
    region: Region,
    project: Option<&str>,
) -> anyhow::Result<String> {
    let state = State::read(&std::path::absolute(directory)?)?
        .with_context(|| format!("{} holds no test bed", directory.display()))?;
    let user = seed::user(user)?;
    let project = project.unwrap_or_else(|| default_project(user, region));
    let keystone = keystone_url(&state.options, state.first_port, region);
    let variables = [
        ("OS_AUTH_TYPE", "password"),
        ("OS_AUTH_URL", &keystone),
        ("OS_IDENTITY_API_VERSION", "3"),
        ("OS_IMAGE_API_VERSION", "2"),
        ("OS_INTERFACE", "public"),
        ("OS_REGION_NAME", region.as_str()),
        ("OS_USERNAME", user.name),
        ("OS_PASSWORD", user.password),
        ("OS_USER_DOMAIN_ID", "default"),
        ("OS_PROJECT_NAME", project),
        ("OS_PROJECT_DOMAIN_ID", "default"),
    ];
    Ok(variables
        .map(|(name, value)| format!("export {name}={value}\n"))
        .concat())
}

pub(crate) fn default_project(user: &SeededUser, region: Region) -> &'static str {
    let home = region.home_project();
    let at_home = user.roles.iter().find(|(project, _)| *project == home);
    at_home
        .or(user.roles.first())
        .map_or(home, |(project, _)| project)
}

fn keystone_url(options: &Options, first_port: u16, region: Region) -> String {
    let port = Ports(first_port).keystone(options.keystone_of(region));
    format!("http://127.0.0.1:{port}/v3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_project_that_makes_sense() {
        let project =
            |name, region| default_project(seed::user(name).expect("a seeded user"), region);
        assert_eq!(project("alice", Region::Ot1), "proj-ot1");
        assert_eq!(project("alice", Region::Ot2), "proj-ot2");
        assert_eq!(project("bob", Region::Ot2), "proj-ot1");
        assert_eq!(project("carol", Region::Ot1), "proj-ot2");
        assert_eq!(project("admin", Region::Ot1), "admin");
        assert_eq!(project(seed::SERVICE_USER, Region::Ot2), "proj-ot2");
    }
}
