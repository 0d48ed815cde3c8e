//! The `OS_…` variables of the ordinary clients, as `export` lines for a shell and by name.

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
    let variables = variables(
        &state.options,
        Ports(state.first_port),
        user,
        region,
        project,
    )?;
    Ok(variables
        .into_iter()
        .map(|(name, value)| format!("export {name}={value}\n"))
        .collect())
}

/// What the lines export, by name.
///
/// # Errors
/// When there is no such user.
pub(crate) fn variables(
    options: &Options,
    ports: Ports,
    user: &str,
    region: Region,
    project: Option<&str>,
) -> anyhow::Result<[(&'static str, String); 11]> {
    let user = seed::user(user)?;
    let project = project.unwrap_or_else(|| default_project(user, region));
    let keystone = ports.keystone(options.keystone_of(region));
    let keystone = format!("http://127.0.0.1:{keystone}/v3");
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
    Ok(variables.map(|(name, value)| (name, value.to_owned())))
}

pub(crate) fn default_project(user: &SeededUser, region: Region) -> &'static str {
    let home = region.home_project();
    let at_home = user.roles.iter().find(|(project, _)| *project == home);
    at_home
        .or(user.roles.first())
        .map_or(home, |(project, _)| project)
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
