//! The members of a JSON object in a plan's document, taken one by one; each knows its path, so that a refusal
//! names the very field.

use serde_json::{Map, Value};

use super::invalid_plan::InvalidPlan;

/// Members that have not been taken yet.
#[derive(Debug)]
pub(super) struct Members {
    path: String,
    members: Map<String, Value>,
}

impl Members {
    /// The object at `path`; an empty path is the document itself.
    pub(super) fn of(path: impl Into<String>, value: Value) -> Result<Self, InvalidPlan> {
        let path = path.into();
        match value {
            Value::Object(members) => Ok(Self { path, members }),
            _ => Err(InvalidPlan::wrong(path, "a JSON object")),
        }
    }

    /// The path of a member.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A member, whatever it is.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.members.remove(key)
    }

    /// A member that may be left out; null leaves it out too.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        parse: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, InvalidPlan> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => parse(&value)
                .map(Some)
                .ok_or_else(|| InvalidPlan::wrong(self.path_of(key), expected)),
        }
    }

    /// A member that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        parse: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, InvalidPlan> {
        self.optional(key, expected, parse)?
            .ok_or_else(|| InvalidPlan::Missing {
                field: self.path_of(key),
                expected,
            })
    }

    /// Leaves members out of account.
    pub(super) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.members.remove(*key);
        }
    }

    /// A member that nobody took, if there is one.
    pub(super) fn first_left(&self) -> Option<String> {
        let key = self.members.keys().next()?;
        Some(self.path_of(key))
    }

    /// All of them.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.members
    }
}

/// A text of at least one character.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number that is whole and not negative. Clients of the backup API send them as strings too.
pub(super) fn whole_number<N: TryFrom<u64>>(value: &Value) -> Option<N> {
    let number = match value {
        Value::String(digits) => digits.parse().ok()?,
        value => value.as_u64()?,
    };
    N::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_come_as_numbers_or_strings() {
        assert_eq!(whole_number::<u32>(&json!(7)), Some(7));
        assert_eq!(whole_number::<u32>(&json!("7")), Some(7));
        for wrong in [
            json!(-1),
            json!(1.5),
            json!("seven"),
            json!(5_000_000_000_u64),
            json!(true),
        ] {
            assert_eq!(whole_number::<u32>(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_names_the_whole_path() {
        let mut members =
            Members::of("job_actions[1]", json!({"mandatory": 7})).expect("an object");
        let refusal = members.optional("mandatory", "true or false", Value::as_bool);
        assert_eq!(
            refusal.expect_err("no boolean").to_string(),
            "job_actions[1].mandatory must be true or false."
        );
    }
}
