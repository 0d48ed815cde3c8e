//! Generated types ⇄ domain types. A message that does not fit names the field.

mod job;
mod orphans;
mod plan_document;
mod plan_parts;
mod plan_view;
mod plan_work;
#[cfg(test)]
mod sample;
mod work;

use std::str::FromStr;

/// A field of a message that is missing or not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidField {
    field: &'static str,
    problem: String,
}

impl InvalidField {
    /// A field with what is wrong with it.
    pub fn new(field: &'static str, problem: impl ToString) -> Self {
        Self {
            field,
            problem: problem.to_string(),
        }
    }

    fn missing(field: &'static str) -> Self {
        Self::new(field, "is missing")
    }
}

impl From<InvalidField> for tonic::Status {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid_argument(invalid.to_string())
    }
}

/// Parses one text field of a message.
///
/// # Errors
/// [`InvalidField`] with the name of the field.
pub fn parse<T>(field: &'static str, text: &str) -> Result<T, InvalidField>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse()
        .map_err(|error: T::Err| InvalidField::new(field, error))
}

fn parse_optional<T>(field: &'static str, text: Option<&str>) -> Result<Option<T>, InvalidField>
where
    T: FromStr,
    T::Err: ToString,
{
    text.map(|text| parse(field, text)).transpose()
}

fn parse_all<T>(field: &'static str, texts: &[String]) -> Result<Vec<T>, InvalidField>
where
    T: FromStr,
    T::Err: ToString,
{
    texts.iter().map(|text| parse(field, text)).collect()
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, InvalidField> {
    value.ok_or_else(|| InvalidField::missing(field))
}
