//! `clouds.yaml`, and `secure.yaml` laid over it, from where openstacksdk looks for them: the first folder that has one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::failure::Failure;

/// All clouds by name; none when there is no file.
pub(super) fn read() -> Result<Map<String, Value>, Failure> {
    let mut clouds = read_first("OS_CLIENT_CONFIG_FILE", "clouds")?;
    let secure = read_first("OS_CLIENT_SECURE_FILE", "secure")?;
    lay_over(&mut clouds, secure);
    Ok(match clouds.get_mut("clouds").map(Value::take) {
        Some(Value::Object(clouds)) => clouds,
        _ => Map::new(),
    })
}

fn read_first(variable: &str, stem: &str) -> Result<Map<String, Value>, Failure> {
    let told = std::env::var_os(variable).map(PathBuf::from);
    let candidates = told
        .into_iter()
        .chain(folders().into_iter().flat_map(|folder| {
            ["yaml", "yml", "json"].map(|ending| folder.join(format!("{stem}.{ending}")))
        }));
    for path in candidates {
        match std::fs::read_to_string(&path) {
            Ok(text) => return parse(&path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = path.display();
                return Err(Failure::usage(format!("{path} can't be read: {error}")));
            }
        }
    }
    Ok(Map::new())
}

fn folders() -> Vec<PathBuf> {
    // Of the environment alone: to ask for a user's home without it, the C library loads modules (`host_names.rs`).
    let folder = |variable| std::env::var_os(variable).map(PathBuf::from);
    let configuration =
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    [
        Some(PathBuf::from(".")),
        configuration.map(|c| c.join("openstack")),
    ]
    .into_iter()
    .flatten()
    .chain([PathBuf::from("/etc/openstack")])
    .collect()
}

/// JSON is YAML.
fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, Failure> {
    match yaml_serde::from_str::<Value>(text) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Failure::usage(format!(
            "{} holds no clouds",
            path.display()
        ))),
        // Only the place is told: the reader quotes what it stumbles over, and that may be a secret.
        Err(error) => {
            let place = error.location().map_or_else(String::new, |place| {
                format!(" (line {}, column {})", place.line(), place.column())
            });
            Err(Failure::usage(format!(
                "{} is no YAML{place}",
                path.display()
            )))
        }
    }
}

/// What both have, `upper` decides; objects are joined.
fn lay_over(lower: &mut Map<String, Value>, upper: Map<String, Value>) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Object(lower)), Value::Object(upper)) => lay_over(lower, upper),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_may_be_in_a_file_of_their_own() {
        let read = |text| parse(Path::new("clouds.yaml"), text).expect("YAML");
        let mut clouds =
            read("clouds:\n  one:\n    auth: {username: u, password: old}\n    region_name: r\n");
        lay_over(&mut clouds, read("clouds: {one: {auth: {password: new}}}"));
        assert_eq!(
            clouds["clouds"],
            json!({"one": {"auth": {"username": "u", "password": "new"}, "region_name": "r"}})
        );
    }

    #[test]
    fn a_broken_file_is_told_without_what_is_in_it() {
        let failure = parse(
            Path::new("secure.yaml"),
            "clouds:\n  one: {password: [hunter2\n",
        );
        let text = failure.expect_err("broken").to_string();
        assert!(
            text.contains("secure.yaml") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
