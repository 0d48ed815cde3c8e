//! What Keystone said of a token, kept for a short while.
//!
//! Invariants: keyed by a digest, so that memory never holds a token longer than its request; nothing
//! is believed beyond the token's expiry; one question to Keystone at a time for each token, however
//! many requests wait for it, and a bounded number of questions at all; a token that proves nothing is
//! remembered for a few seconds only, so that whoever guesses tokens costs Keystone little and a token
//! that was just made is not refused for long.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;
use openstack::{Error, TokenInfo};
use tokio::sync::Semaphore;

use super::token::TokenDigest;
use crate::fault::Fault;

/// Tokens kept, at most. Each is a few hundred bytes.
const CAPACITY: u64 = 100_000;

/// How long a token that proves nothing is refused without asking again.
const REFUSED_FOR: Duration = Duration::from_secs(3);
/// Such tokens kept, at most; a digest each.
const REFUSED_CAPACITY: u64 = 10_000;
/// Questions to Keystone at once; more of them wait their turn.
const QUESTIONS_AT_ONCE: usize = 32;

/// Short-term memory of validated tokens.
#[derive(Debug, Clone)]
pub(crate) struct TokenCache {
    known: Cache<TokenDigest, Arc<Known>>,
    refused: Cache<TokenDigest, ()>,
    questions: Arc<Semaphore>,
    longest: Duration,
}

#[derive(Debug)]
struct Known {
    info: TokenInfo,
    keep_for: Duration,
}

/// Why a question to Keystone left nothing to keep.
#[derive(Debug)]
enum NotKept {
    Unknown,
    Failed(Error),
}

struct KeepFor;

impl Expiry<TokenDigest, Arc<Known>> for KeepFor {
    #[allow(clippy::disallowed_types, reason = "the trait is moka's")]
    fn expire_after_create(
        &self,
        _: &TokenDigest,
        known: &Arc<Known>,
        _: std::time::Instant,
    ) -> Option<Duration> {
        Some(known.keep_for)
    }
}

impl TokenCache {
    /// Keeps answers for `longest`, or until the token expires when that is sooner.
    #[must_use]
    pub(crate) fn new(longest: Duration) -> Self {
        let known = Cache::builder()
            .max_capacity(CAPACITY)
            .expire_after(KeepFor)
            .build();
        let refused = Cache::builder()
            .max_capacity(REFUSED_CAPACITY)
            .time_to_live(REFUSED_FOR)
            .build();
        Self {
            known,
            refused,
            questions: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE)),
            longest,
        }
    }

    /// What is known of a token at `now`; asks with `ask` (which tells the time after its answer)
    /// when nothing is. None: the token proves nothing.
    pub(super) async fn get_or_ask<F, Fut>(
        &self,
        digest: TokenDigest,
        now: Timestamp,
        ask: F,
    ) -> Result<Option<TokenInfo>, Fault>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<(Option<TokenInfo>, Timestamp), Error>>,
    {
        if self.refused.contains_key(&digest) {
            return Ok(None);
        }
        let longest = self.longest;
        let question = async {
            // Never closed, so a permit always comes.
            let _turn = self.questions.acquire().await;
            let (answer, answered_at) = ask().await.map_err(NotKept::Failed)?;
            let info = answer.ok_or(NotKept::Unknown)?;
            let left = left_of(&info, answered_at).ok_or(NotKept::Unknown)?;
            Ok(Arc::new(Known {
                info,
                keep_for: longest.min(left),
            }))
        };
        match self.known.try_get_with(digest, question).await {
            Ok(known) => Ok(left_of(&known.info, now).map(|_| known.info.clone())),
            Err(not_kept) => match &*not_kept {
                NotKept::Unknown => {
                    self.refused.insert(digest, ()).await;
                    Ok(None)
                }
                NotKept::Failed(error) => Err(keystone_failed(error)),
            },
        }
    }
}

/// How long a token is valid from `now` on; none when it is not any more.
fn left_of(info: &TokenInfo, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(info.expires_at.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

fn keystone_failed(error: &Error) -> Fault {
    tracing::warn!(%error, "a token could not be validated");
    Fault::unavailable("The identity service cannot be asked about the token now. Try again later.")
}

#[cfg(test)]
mod tests;
