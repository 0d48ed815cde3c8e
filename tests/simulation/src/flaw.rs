//! Ways to do it wrong, put in where the product meets what is simulated: the product itself stays as it is. Which
//! are found by the ordinary seeds is shown by `tests/it/flaws.rs`.

use serde::{Deserialize, Serialize};

/// What is done wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Nothing.
    #[default]
    None,
    /// A worker goes on writing when its lease has run out: it takes each lease for one of a day.
    OpenGate,
    /// A scheduler takes every finish for one by the lease's holder.
    AnyToken,
    /// A worker does not hear that what it made is to be discarded.
    DeafToDiscard,
    /// A worker does not hear that it is to stop.
    DeafToStop,
    /// A worker gives up a finish that failed.
    FinishesOnce,
    /// A worker takes any image that is active for one with the source's bytes: Glance tells it the source's hash of whatever it has.
    VerifiesNothing,
    /// A worker is not told of earlier attempts' images.
    LeftoversNotHandedOver,
    /// A grant makes the scheduler forget earlier attempts' images.
    LeftoversForgottenAtGrant,
    /// A job that is replicated forgets what else it may have at the destination.
    LeftoversForgottenWhenReplicated,
    /// An id that was never seen is taken for settled without being closed for ever: Glance keeps nothing of an empty image.
    NoTombstones,
    /// A cancel does not wait for a replica of the store.
    CancelsDoNotLast,
    /// The store forgets which job answered an idempotency key.
    KeysForgotten,
}
