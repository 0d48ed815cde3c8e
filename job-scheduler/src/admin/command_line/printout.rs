//! What a verb prints: the same answer for people and for scripts.

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(super) struct Printout {
    /// For people.
    pub(super) text: String,
    /// For scripts.
    pub(super) json: Value,
    /// Whether everything that was asked for is done.
    pub(super) is_whole: bool,
}

// === impl Printout ===

impl Printout {
    /// An answer to something that is done.
    pub(super) fn new(text: impl Into<String>, json: Value) -> Self {
        Self {
            text: text.into(),
            json,
            is_whole: true,
        }
    }

    /// What goes to stdout.
    pub(super) fn render(&self, as_json: bool) -> String {
        if as_json {
            format!("{:#}\n", self.json)
        } else {
            let text = self.text.trim_end();
            format!("{text}\n")
        }
    }
}
