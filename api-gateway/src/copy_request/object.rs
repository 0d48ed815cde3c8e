//! A flat JSON object whose keys are taken one by one; repeated and unknown keys are noticed.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::InvalidBody;
use domain::quoted;

/// The members of an object that have not been taken yet, in the order of the text.
pub(super) struct Object(Vec<(String, Value)>);

impl Object {
    pub(super) fn parse(body: &[u8]) -> Result<Self, InvalidBody> {
        if body.trim_ascii().is_empty() {
            return Err(InvalidBody::Empty);
        }
        let object: Self =
            serde_json::from_slice(body).map_err(|error| match error.classify() {
                Category::Data => InvalidBody::NotAnObject,
                Category::Syntax | Category::Eof | Category::Io => {
                    InvalidBody::Syntax(error.to_string())
                }
            })?;
        let mut seen = HashSet::new();
        match object.0.iter().find(|(key, _)| !seen.insert(key)) {
            Some((key, _)) => Err(InvalidBody::Repeated(quoted(key))),
            None => Ok(object),
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    pub(super) fn refuse_the_rest(self) -> Result<(), InvalidBody> {
        match self.0.first() {
            Some((key, _)) => Err(InvalidBody::Unknown(quoted(key))),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
