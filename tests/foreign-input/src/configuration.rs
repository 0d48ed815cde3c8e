//! The configuration file.

use service_kit::config::{Config, ConfigError};
use toml::{Table, Value};

/// A password that comes from where passwords may come from.
const PASSWORD: (&str, &str) = (
    "IMAGE_REPLICATOR__REGIONS__OT1__SERVICE_USER__PASSWORD",
    "correct-horse-battery-staple",
);

/// Any text is a configuration or is refused by the name of a key; neither tells a secret.
pub(crate) fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(table) = text.parse::<Table>() else {
        return;
    };
    let mut secrets = vec![PASSWORD.1.to_owned()];
    passwords_in(&table, &mut secrets);
    let environment = [(PASSWORD.0.to_owned(), PASSWORD.1.to_owned())];
    let told = match Config::from_table(table, environment) {
        Ok(config) => {
            assert_eq!(
                secrets.len(),
                1,
                "a configuration with a password in it is taken"
            );
            format!("{config:?}")
        }
        Err(ConfigError::Key { key, problem }) => {
            assert!(!key.is_empty(), "no key is named: {problem}");
            // However long: it is the operator's own text.
            assert!(!problem.trim().is_empty(), "{key}: nothing is said");
            format!("{key}: {problem}")
        }
        Err(other) => other.to_string(),
    };
    for secret in secrets {
        assert!(!told.contains(&secret), "{secret} is told: {told}");
    }
}

/// Passwords that stand in the file, long enough not to be a part of something else by accident.
fn passwords_in(table: &Table, secrets: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::String(text) if key == "password" && text.len() >= 12 => {
                secrets.push(text.clone());
            }
            Value::Table(table) => passwords_in(table, secrets),
            _ => {}
        }
    }
}
