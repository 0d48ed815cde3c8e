//! `IMAGE_REPLICATOR__SECTION__KEY=value` laid over the file.

use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "IMAGE_REPLICATOR__";

/// Sets every key that the environment names. Names are compared without case; a key that the file
/// does not have is taken as lower case.
pub(super) fn overlay(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let segments: Vec<&str> = path.split("__").collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(ConfigError::key(name, "an empty part between two `__`"));
        }
        set(table, &segments, &value).map_err(|problem| ConfigError::key(&name, problem))?;
    }
    Ok(())
}

fn set(table: &mut Table, segments: &[&str], value: &str) -> Result<(), String> {
    let (first, rest) = segments.split_first().ok_or("names no key")?;
    let key = table
        .keys()
        .find(|key| key.eq_ignore_ascii_case(first))
        .cloned()
        .unwrap_or_else(|| first.to_ascii_lowercase());
    if rest.is_empty() {
        table.insert(key, parse_value(value)?);
        return Ok(());
    }
    match table
        .entry(key.clone())
        .or_insert_with(|| Value::Table(Table::new()))
    {
        Value::Table(inner) => set(inner, rest, value),
        _ => Err(format!("`{key}` is a value, not a section")),
    }
}

/// Booleans, whole numbers and arrays are TOML; everything else is text as it stands, so that a
/// password never changes on its way.
fn parse_value(text: &str) -> Result<Value, String> {
    let is_whole_number = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if is_whole_number && let Ok(number) = text.parse() {
        return Ok(Value::Integer(number));
    }
    match text {
        "true" => Ok(Value::Boolean(true)),
        "false" => Ok(Value::Boolean(false)),
        _ if text.starts_with('[') && text.ends_with(']') => {
            let document = format!("value = {text}");
            let mut table = document
                .parse::<Table>()
                .map_err(|error| format!("no TOML array: {}", error.message()))?;
            table
                .remove("value")
                .ok_or_else(|| "no TOML array".to_owned())
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(file: &str, name: &str, value: &str) -> Result<Table, ConfigError> {
        let mut table = file.parse().expect("TOML");
        overlay(&mut table, [(name.to_owned(), value.to_owned())])?;
        Ok(table)
    }

    #[test]
    fn keys_of_the_file_are_found_whatever_their_case() {
        let table = overlaid(
            "[regions.RegionOne]\nscope = \"project\"",
            "IMAGE_REPLICATOR__REGIONS__REGIONONE__SCOPE",
            "admin",
        )
        .expect("fits");
        assert_eq!(
            table["regions"]["RegionOne"]["scope"].as_str(),
            Some("admin")
        );
    }

    #[test]
    fn values_keep_their_digits() {
        for (text, expected) in [
            ("12", Value::Integer(12)),
            ("0123", Value::String("0123".into())),
            ("1e5", Value::String("1e5".into())),
            ("true", Value::Boolean(true)),
            ("30s", Value::String("30s".into())),
            ("", Value::String(String::new())),
            (
                "99999999999999999999",
                Value::String("99999999999999999999".into()),
            ),
        ] {
            assert_eq!(parse_value(text), Ok(expected), "{text}");
        }
        assert!(
            matches!(parse_value("[\"a\", \"b\"]"), Ok(Value::Array(items)) if items.len() == 2)
        );
    }

    #[test]
    fn a_section_below_a_value_is_refused() {
        assert!(overlaid("a = 1", "IMAGE_REPLICATOR__A__B", "2").is_err());
        assert!(overlaid("", "IMAGE_REPLICATOR__A____B", "2").is_err());
    }
}
