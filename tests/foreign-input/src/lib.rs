//! What must be true of everything that parses bytes which others wrote: Glance's and Keystone's answers, messages, the
//! configuration, schedules, callers' bodies and queries.
//!
//! Each property takes any bytes and panics when it is broken. The tests of this package hold them against the kept corpora
//! of `tests/fuzz/corpus` and mutations of these; the fuzz targets in `tests/fuzz`, outside of the workspace, against
//! whatever a coverage-guided fuzzer comes upon.

mod answers;
mod configuration;
mod messages;
mod requests;
mod schedules;

/// A property: its name, which is that of its corpus and its fuzz target, and what checks it.
pub type Target = (&'static str, fn(&[u8]));

/// All properties.
pub const TARGETS: [Target; 7] = [
    ("glance", answers::glance),
    ("keystone", answers::keystone),
    ("refusal", answers::refusal),
    ("message", messages::message),
    ("configuration", configuration::configuration),
    ("schedule", schedules::schedule),
    ("request", requests::request),
];

/// Holds the property `name` against some bytes.
///
/// # Panics
/// When it is broken, or there is none of this name.
pub fn check(name: &str, bytes: &[u8]) {
    let (_, property) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a target is named for a property");
    property(bytes);
}

/// What a reader is told must be something, no flood, and on its line.
fn is_readable(text: &str) {
    assert!(!text.trim().is_empty(), "nothing is said");
    assert!(text.len() < 4000, "a flood: {} bytes", text.len());
    assert!(
        !text.contains(['\r', '\0', '\u{1b}']),
        "{text:?} breaks its line"
    );
}
