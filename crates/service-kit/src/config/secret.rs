//! Secrets: from the environment, or from a file of their own.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserializer, Error, Visitor};
use toml::{Table, Value};
use url::Url;

use super::ConfigError;

/// A secret from the environment. Digits alone are a password too.
pub(super) fn parse_optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    deserializer.deserialize_any(SecretVisitor).map(Some)
}

struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = SecretString;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretString, E> {
        Ok(SecretString::from(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<SecretString, E> {
        Ok(SecretString::from(number.to_string()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<SecretString, E> {
        Ok(SecretString::from(truth.to_string()))
    }
}

/// Refuses a secret that is given both as a value and as a file.
pub(super) fn refuse_twice(
    key: &str,
    value: &Option<SecretString>,
    file: &Option<PathBuf>,
) -> Result<(), ConfigError> {
    if value.is_some() && file.is_some() {
        return Err(ConfigError::key(
            key,
            format!("is set twice: remove it or {key}_file"),
        ));
    }
    Ok(())
}

/// Takes a secret from its value or, anew at each call, from its file.
pub(super) fn resolve(
    key: &str,
    value: &Option<SecretString>,
    file: &Option<PathBuf>,
) -> Result<SecretString, ConfigError> {
    match (value, file) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
                key: format!("{key}_file"),
                path: path.clone(),
                source,
            })?;
            Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
        }
        (None, None) => Err(ConfigError::key(
            key,
            format!("is missing: set it in the environment, or name a file with {key}_file"),
        )),
    }
}

/// The text of a file of certificates, read anew at each call.
pub(super) fn authorities(
    key: &str,
    file: &Option<PathBuf>,
) -> Result<Option<String>, ConfigError> {
    let Some(path) = file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
        key: key.to_owned(),
        path: path.clone(),
        source,
    })?;
    Ok(Some(text))
}

/// Refuses a file that holds a secret: a `password` of whatever, or a `url` with one in it.
pub(super) fn refuse_in_file(table: &Table) -> Result<(), ConfigError> {
    refuse_below("", table)
}

fn refuse_below(prefix: &str, table: &Table) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => refuse_below(&key, inner)?,
            Value::String(text) if name == "url" && has_password(text) => {
                return Err(ConfigError::key(
                    &key,
                    format!(
                        "holds a password: take the URL from the environment, or from a file with {key}_file"
                    ),
                ));
            }
            _ if name == "password" || name.ends_with("_password") => {
                return Err(ConfigError::key(
                    &key,
                    format!("no secrets in this file: use the environment, or {key}_file"),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn has_password(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.password().is_some_and(|password| !password.is_empty()))
}

/// Checks that a secret's text is a URL, without showing it.
pub(super) fn as_url(key: &str, secret: SecretString) -> Result<SecretString, ConfigError> {
    match Url::parse(secret.expose_secret()) {
        Ok(_) => Ok(secret),
        Err(error) => Err(ConfigError::key(key, format!("is no URL: {error}"))),
    }
}
