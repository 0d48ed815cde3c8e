//! What is left of a run when everything is quiet: all that the checker goes by.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ImageId, JobId, JobStatus, TenantId};

use crate::caller::Story;
use crate::checker::Violation;

/// The evidence of one run.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What callers were told.
    pub stories: Vec<Story>,
    /// What the store holds of jobs.
    pub jobs: BTreeMap<JobId, Ending>,
    /// Every image at the destination.
    pub images: BTreeMap<ImageId, Replica>,
    /// What the store still has in its indexes, though nothing is to be done.
    pub index_entries: BTreeSet<String>,
    /// What it has in them once the janitor has removed all jobs.
    pub remains: BTreeSet<String>,
    /// Status changes that were committed, in their order.
    pub commits: Vec<(JobId, JobStatus, JobStatus)>,
    /// Processes that ended by themselves.
    pub broken: Vec<String>,
    /// Workers that are at something although nothing is to be done.
    pub restless: Vec<String>,
    /// The hash of each source's bytes.
    pub sources: BTreeMap<ImageId, String>,
    /// Jobs whose status was set back by a store that fell back, before anybody was answered.
    pub taken_back: BTreeSet<JobId>,
    /// Whether the store ever fell back: what is not waited for may be lost then, progress for one.
    pub fell_back: bool,
    /// What must not have happened and did, at any moment.
    pub found: Vec<Violation>,
}

/// How the store sees a job in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its status.
    pub status: JobStatus,
    /// Its image.
    pub image: Option<ImageId>,
    /// Whether somebody holds a lease on it.
    pub leased: bool,
    /// Images that are not known to be gone.
    pub leftovers: Vec<ImageId>,
    /// Why it failed.
    pub error: Option<String>,
}

/// An image at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Whether it can be used.
    pub active: bool,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// Whose it is.
    pub owner: Option<TenantId>,
    /// Its size.
    pub size: Option<u64>,
    /// The hash of its bytes, as the simulation has it.
    pub hash: Option<String>,
}
