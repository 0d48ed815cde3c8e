//! Why a body is no plan: sentences that name the field and the remedy.

use domain::quoted;

/// What a body that is refused is told; the text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPlan {
    /// There is none.
    #[error("The request body is empty: send a JSON object.")]
    Empty,
    /// Not JSON.
    #[error("The request body is not JSON: {0}.")]
    Syntax(String),
    /// JSON, but no object.
    #[error("The request body must be a JSON object.")]
    NotAnObject,
    /// A field that is not known.
    #[error("Unknown field {field}: {takes}.")]
    Unknown {
        /// The field, quoted.
        field: String,
        /// What stands in its place.
        takes: &'static str,
    },
    /// A field that is needed.
    #[error("{field} is missing: give {expected}.")]
    Missing {
        /// The field.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A value that is not what it should be.
    #[error("{field} must be {expected}.")]
    Wrong {
        /// The field.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A schedule that says no time.
    #[error("{0}.")]
    Schedule(String),
    /// No image is named, or one in two ways.
    #[error("{field} must name its images in exactly one way: image_id, image_name or image_tag.")]
    Selector {
        /// The action.
        field: String,
    },
    /// An id that two actions have.
    #[error("{field} is the id of another action too: give each its own, or leave it out.")]
    RepeatedAction {
        /// The second one.
        field: String,
    },
    /// Two events, or none, or one that there is not.
    #[error(
        r#"The request body must be one event: {{"start": null}}, {{"stop": null}} or {{"abort": null}}."#
    )]
    Event,
}

impl InvalidPlan {
    /// A value that is not what it should be.
    pub(super) fn wrong(field: impl Into<String>, expected: &'static str) -> Self {
        let field = field.into();
        if field.is_empty() {
            return Self::NotAnObject;
        }
        Self::Wrong { field, expected }
    }

    /// A field that is not known.
    pub(super) fn unknown(field: &str, takes: &'static str) -> Self {
        Self::Unknown {
            field: quoted(field),
            takes,
        }
    }
}
