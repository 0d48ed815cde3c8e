//! The `OS_…` variables, as an entry of `clouds.yaml` would have them.

use serde_json::{Map, Value, json};

use super::CloudSettings;
use crate::failure::Failure;

/// Keys of `auth`, which the variables are named for.
const AUTH: [&str; 14] = [
    "auth_url",
    "username",
    "user_id",
    "password",
    "user_domain_id",
    "user_domain_name",
    "project_id",
    "project_name",
    "project_domain_id",
    "project_domain_name",
    "token",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
];

/// Keys beside `auth`.
const BESIDE: [&str; 4] = ["auth_type", "region_name", "interface", "cacert"];

/// The cloud of the variables; none when they name no Keystone.
pub(super) fn cloud(
    variable: impl Fn(&str) -> Option<String>,
) -> Option<Result<CloudSettings, Failure>> {
    let value = |key: &str| {
        let name = format!("OS_{}", key.to_ascii_uppercase());
        variable(&name).filter(|value| !value.is_empty())
    };
    let some = |keys: &[&str]| -> Map<String, Value> {
        let pairs = keys
            .iter()
            .filter_map(|&key| Some((key.to_owned(), value(key)?.into())));
        pairs.collect()
    };
    let mut entry = some(&BESIDE);
    let auth = some(&AUTH);
    auth.get("auth_url")?;
    entry.insert("auth".to_owned(), json!(auth));
    Some(CloudSettings::of(
        "the OS_ variables",
        &Value::Object(entry),
    ))
}
