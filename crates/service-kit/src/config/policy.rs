//! Section `[policy]`.
//!
//! The defaults are those of OpenStack's own services since their policies were made consistent
//! (<https://governance.openstack.org/tc/goals/selected/consistent-and-secure-rbac.html>): a reader sees what is its project's, a
//! member changes it, an administrator does so for every project.

use serde::Deserialize;

use super::ConfigError;

/// Which roles may do what. Names are Keystone's, whose case does not count.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// May list and show the jobs and plans of their project.
    pub read_roles: Vec<String>,
    /// May copy and cancel in their project.
    pub copy_roles: Vec<String>,
    /// May write and signal plans in their project, with one of `copy_roles`.
    pub plan_roles: Vec<String>,
    /// One of these is needed on the destination tenant.
    pub destination_roles: Vec<String>,
    /// See all jobs and plans.
    pub see_all_roles: Vec<String>,
    /// See all jobs and plans, cancel and write all.
    pub admin_roles: Vec<String>,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        let texts = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            read_roles: texts(&["reader", "member", "admin"]),
            copy_roles: texts(&["member", "admin"]),
            plan_roles: texts(&["member", "admin"]),
            destination_roles: texts(&["member", "admin"]),
            see_all_roles: Vec::new(),
            admin_roles: texts(&["admin"]),
        }
    }
}

impl PolicyConfig {
    /// Refuses names that no role has, and a policy with which nobody could use the service at all.
    pub(super) fn refuse_nonsense(&self) -> Result<(), ConfigError> {
        for (key, roles, may_be_empty) in [
            ("read_roles", &self.read_roles, false),
            ("copy_roles", &self.copy_roles, false),
            ("plan_roles", &self.plan_roles, true),
            ("destination_roles", &self.destination_roles, false),
            ("see_all_roles", &self.see_all_roles, true),
            ("admin_roles", &self.admin_roles, true),
        ] {
            if roles.is_empty() && !may_be_empty {
                let problem = "names no role, so nobody could copy and watch it: name at least one";
                return Err(ConfigError::key(format!("policy.{key}"), problem));
            }
            if let Some(index) = roles
                .iter()
                .position(|role| role.is_empty() || role.trim() != role)
            {
                return Err(ConfigError::key(
                    format!("policy.{key}[{index}]"),
                    format!(
                        "`{}` is no name of a role: write it as Keystone has it, without blanks around it",
                        roles[index]
                    ),
                ));
            }
        }
        Ok(())
    }
}
