//! Section `[policy]`.

use serde::Deserialize;

/// Which roles may do what. Names are Keystone's, whose case does not count.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// May list and show the jobs of their project.
    pub read_roles: Vec<String>,
    /// May copy and cancel in their project.
    pub copy_roles: Vec<String>,
    /// One of these is needed on the destination tenant.
    pub destination_roles: Vec<String>,
    /// See and cancel all jobs.
    pub admin_roles: Vec<String>,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        let texts = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            read_roles: texts(&["reader", "member", "admin"]),
            copy_roles: texts(&["member", "admin"]),
            destination_roles: texts(&["member", "admin"]),
            admin_roles: texts(&["admin"]),
        }
    }
}
