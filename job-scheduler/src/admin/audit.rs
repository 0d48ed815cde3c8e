//! Who did what: one line for each call of an operator, and an entry in the record of a job that it changes.

use std::fmt;

use jiff::Timestamp;
use tonic::{Response, Status};

use crate::job_record::Act;
use crate::status::CallError;

/// The longest name of an operator.
const LONGEST: usize = 128;

/// Who acts, in that person's own words: nobody has checked them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(String);

// === impl Operator ===

impl Operator {
    /// Reads the name.
    ///
    /// # Errors
    /// [`CallError::Invalid`] when there is none, it is longer than 128 characters, or it would break a line of the log.
    pub fn parse(name: &str) -> Result<Self, CallError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            let why = format!("operator: must be 1 to {LONGEST} printable characters");
            return Err(CallError::Invalid(why));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entry in the record of a job.
    pub(super) fn act(&self, verb: &str, at: Timestamp) -> Act {
        Act {
            at,
            operator: self.0.clone(),
            verb: verb.to_owned(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes down how an act ended, and answers the call.
pub(super) fn answer<T>(
    operator: &str,
    verb: &'static str,
    target: &str,
    done: Result<T, CallError>,
) -> Result<Response<T>, Status> {
    let outcome = match &done {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    // What could not be read as a name or an id is quoted, so that it stays within its line.
    tracing::info!(
        audit.operator = ?operator,
        audit.verb = verb,
        audit.target = ?target,
        audit.outcome = outcome,
        "an operator's act"
    );
    Ok(Response::new(done?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_line() {
        for name in ["", "  ", "a\nb", "a\u{1b}[2Jb", &"x".repeat(129)] {
            assert!(Operator::parse(name).is_err(), "{name:?}");
        }
        let operator = Operator::parse(" root@node-7 ").expect("a name");
        assert_eq!(operator.as_str(), "root@node-7");
    }
}
