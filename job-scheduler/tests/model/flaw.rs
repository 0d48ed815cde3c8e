//! Ways to do it wrong. Each is put in where the model meets the product, which itself stays as it is; each is to be found.

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The scheduler takes every token for the current one.
    NoTokenCheck,
    /// A grant forgets what earlier attempts may have left behind.
    ForgetLeftovers,
    /// An id that was never seen is taken for settled without being closed for ever.
    NoTombstone,
    /// Leases run out as if schedulers had been there during an outage.
    ExpireAfterOutage,
    /// Versions alone say whether a record is still what was read, and a store that fell back gives them once more.
    TrustVersions,
    /// A cancel is answered before a replica has it.
    ForgetCancel,
    /// A complete image is adopted although nobody has revealed it.
    AdoptUnrevealed,
    /// A complete image of an earlier attempt is removed like any other.
    RemoveInsteadOfAdopt,
}
