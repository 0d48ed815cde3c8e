//! A flat JSON object whose keys are taken one by one; repeated and unknown keys are noticed.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

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
        match first_repeated(object.0.iter().map(|(key, _)| key)) {
            Some(key) => Err(InvalidBody::Repeated(quoted(key))),
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

/// The first key that stands there for the second time, in linear time: a body may hold many keys.
fn first_repeated<K: Hash + Eq + Copy>(mut keys: impl Iterator<Item = K>) -> Option<K> {
    let mut seen = HashSet::new();
    keys.find(|key| !seen.insert(*key))
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;

    thread_local! {
        static COMPARISONS: Cell<usize> = const { Cell::new(0) };
    }

    /// A key that counts how often it is compared.
    #[derive(Debug, Clone, Copy)]
    struct Counted(usize);

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted {}

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn many_keys_are_compared_no_more_than_a_few_times_each() {
        const KEYS: usize = 10_000;
        let all = || (0..KEYS).map(Counted);
        assert_eq!(first_repeated(all()), None);
        let repeated = first_repeated(all().chain([Counted(7)]));
        assert_eq!(repeated.map(|key| key.0), Some(7));
        let comparisons = COMPARISONS.get();
        assert!(comparisons < 8 * KEYS, "{comparisons}");
    }
}
