//! Answers of a Keystone that gives tokens.

use super::server::Answer;

/// A new token, `gAAAA…` and a number, valid for an hour, for a project.
pub(crate) fn token(number: u32) -> Answer {
    let body = r#"{"token": {
        "user": {"id": "u", "name": "replicator", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "proj", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "member"}], "catalog": [],
        "issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2026-01-01T01:00:00.000000Z"}}"#;
    Answer::new(
        "201 Created",
        &format!("X-Subject-Token: gAAAA-token-{number}\r\n"),
        body,
    )
}
