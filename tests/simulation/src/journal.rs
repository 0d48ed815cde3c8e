//! What happened in a run, in its order and with its time: for whoever reads a failed run, and for counting what
//! a range of runs has met.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{JobId, JobStatus};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// The journal of one run.
#[derive(Debug)]
pub(crate) struct Journal {
    begun_at: Instant,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    text: String,
    met: BTreeMap<&'static str, u64>,
    commits: Vec<(JobId, JobStatus, JobStatus)>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            begun_at: Instant::now(),
            entries: Mutex::default(),
        }
    }

    /// Something happened.
    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        let at = self.begun_at.elapsed().as_secs_f64();
        // Writing to a string cannot fail.
        let _ = writeln!(self.lock().text, "{at:9.3} {what}");
    }

    /// Something happened that runs are to meet.
    pub(crate) fn meet(&self, event: &'static str, what: impl std::fmt::Display) {
        *self.lock().met.entry(event).or_default() += 1;
        self.note(format_args!("{event}: {what}"));
    }

    /// The store has a job in another status.
    pub(crate) fn commit(&self, job: JobId, from: JobStatus, to: JobStatus) {
        self.lock().commits.push((job, from, to));
        self.note(format_args!("job {job} {from} → {to}"));
    }

    pub(crate) fn commits(&self) -> Vec<(JobId, JobStatus, JobStatus)> {
        self.lock().commits.clone()
    }

    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The same for two runs in which the same happened at the same time.
    pub(crate) fn digest(&self) -> String {
        let digest = Sha256::digest(self.lock().text.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn met(&self) -> BTreeMap<&'static str, u64> {
        self.lock().met.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
