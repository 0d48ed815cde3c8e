//! Names of image properties with an optional `*` at the end, as operators write them in the
//! configuration.
//!
//! A pattern is either one exact name or a prefix; nothing else is a wildcard. Admission and the copy
//! engine judge properties by the same patterns, so that what one lets in the other does not refuse.

/// One exact property name, or, with a trailing `*`, every name that starts like it.
///
/// Names are compared as Glance does: by case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyPattern {
    stem: String,
    is_prefix: bool,
}

impl PropertyPattern {
    /// Reads a pattern: `kernel_id` matches itself only, `img_signature*` every name that starts
    /// with `img_signature`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(stem) => Self {
                stem: stem.to_owned(),
                is_prefix: true,
            },
            None => Self {
                stem: text.to_owned(),
                is_prefix: false,
            },
        }
    }

    /// Whether a property of this name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.is_prefix {
            name.starts_with(&self.stem)
        } else {
            name == self.stem
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_a_prefix() {
        for (pattern, name, expected) in [
            ("kernel_id", "kernel_id", true),
            ("kernel_id", "kernel_id2", false),
            ("kernel_id", "Kernel_id", false),
            ("img_signature*", "img_signature", true),
            ("img_signature*", "img_signature_hash_method", true),
            ("img_signature*", "my_img_signature", false),
            ("*", "anything", true),
            ("a*b", "a*b", true),
            ("a*b", "axb", false),
            ("", "anything", false),
        ] {
            assert_eq!(
                PropertyPattern::new(pattern).matches(name),
                expected,
                "{pattern} on {name}"
            );
        }
    }
}
