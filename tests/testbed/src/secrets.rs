//! Passwords and tokens that a run has left behind, where none may be: in the logs of our services, in Redis (its keys, its
//! values and its files) and in what RabbitMQ has stored of its messages.
//!
//! Every check of leftovers searches for them, so every scenario that ends well has none.

mod places;

use std::fmt;

use anyhow::ensure;

pub use places::Place;

use crate::bed::TestBed;
use crate::seed::USERS;

/// How every token of Keystone's begins: a Fernet token is of version 0x80, and the first bytes of its time are zeros.
const FERNET: &str = "gAAAAA";

/// The broker's user and password, in a URL and as they are sent to it (RFC 4616), plain or quoted.
const BROKERS: [&str; 3] = ["guest:guest", "\0guest\0guest", "\\0guest\\0guest"];

/// How much of a text is quoted before and after the beginning of a secret, in letters.
const QUOTED: (usize, usize) = (100, 200);

/// A password or a token in a place where it may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Where it is, as [`Place::name`] says it.
    pub place: String,
    /// The password, or how the token begins.
    pub what: &'static str,
    /// The letters around it.
    pub around: String,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} in {:?}", self.place, self.what, self.around)
    }
}

impl TestBed {
    /// Every secret in everything that our services have said, stored and sent until now.
    ///
    /// # Errors
    /// When Redis does not answer or a file cannot be read.
    pub async fn secrets(&self) -> anyhow::Result<Vec<Secret>> {
        Ok(self
            .places()
            .await?
            .iter()
            .flat_map(Place::secrets)
            .collect())
    }
}

impl Place {
    /// The secrets in this place; of each the first time that it stands there.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let passwords = USERS.iter().map(|user| user.password);
        let wanted = passwords.chain(BROKERS).chain([FERNET]);
        let found = wanted.filter_map(|what| Some((what, self.text.find(what)?)));
        found
            .map(|(what, at)| Secret {
                place: self.name.clone(),
                what,
                around: self.around(at),
            })
            .collect()
    }

    fn around(&self, at: usize) -> String {
        let (before, after) = self.text.split_at(at);
        let before: Vec<char> = before.chars().rev().take(QUOTED.0).collect();
        let around = before.into_iter().rev().chain(after.chars().take(QUOTED.1));
        around.collect()
    }
}

/// Makes sure that a token is one which the search would find.
///
/// # Errors
/// When it begins otherwise than Fernet tokens do.
pub fn is_searched_for(token: &str) -> anyhow::Result<()> {
    ensure!(
        token.starts_with(FERNET),
        "a token that begins otherwise than {FERNET} would not be found where it may not be"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_quoted_with_its_place_and_nothing_else_is() {
        let place = |text: &str| Place {
            name: "worker-1.log".to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(place("a password_file, and a token").secrets(), []);
        let secrets = place("é said bob-password; gAAAAABtoken").secrets();
        let whats: Vec<&str> = secrets.iter().map(|secret| secret.what).collect();
        assert_eq!(whats, ["bob-password", FERNET]);
        assert!(
            secrets[0]
                .to_string()
                .starts_with(r#"worker-1.log: "bob-password" in "é said"#)
        );
    }

    #[test]
    fn a_token_of_another_kind_would_not_be_found_and_is_refused() {
        assert!(is_searched_for("gAAAAABm1xTZ").is_ok());
        assert!(is_searched_for("eyJhbGciOiJFUzI1NiJ9.e30.c2ln").is_err());
    }
}
