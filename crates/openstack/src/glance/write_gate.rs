//! Asked right before a request that changes something goes out.
//!
//! Whoever writes under a lease may lose it while a token is fetched or a refused one is replaced. So
//! the question comes after the token, and once more before a call is made again.

use futures::future::BoxFuture;

/// The write was not sent and never may be: another answers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this write is not permitted any more")]
pub struct Withheld;

/// Says whether a write may be sent now.
///
/// An implementation waits while the answer is open and refuses when it can only be no. A transfer
/// that runs already is not interrupted by a closed gate.
pub trait WriteGate: Send + Sync {
    /// Waits until a write may be sent.
    ///
    /// # Errors
    /// [`Withheld`] when it never may.
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>>;
}

/// The gate of somebody who writes alone, such as a command line, and of every read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ungated;

impl WriteGate for Ungated {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
