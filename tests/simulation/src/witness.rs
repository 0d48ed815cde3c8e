//! Sees every commit and every change at the destination when it happens, and says what must not have happened then.
//!
//! What is true at the end may have come about by luck: a clean-up makes good what should not have been, a
//! lease that was lost for nothing costs no more than time. So this does not wait for the end. It goes by the
//! records that were committed, the requests that arrived and the bytes that an image has, not by what the product says
//! about them.

mod leases;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::{ImageId, JobId, JobStatus, LeaseToken, TenantId};
use job_scheduler::job_record::JobRecord;
use tokio::time::Instant;

use self::leases::Leases;
use crate::checker::{Violation, follows, images_of};
use crate::process::Process;

/// The witness of one run.
#[derive(Debug)]
pub(crate) struct Witness(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    /// Jobs as the store has them.
    records: BTreeMap<JobId, JobRecord>,
    /// What was answered for: it may not be taken back.
    promised: BTreeMap<JobId, JobStatus>,
    /// Jobs whose status a store that fell back has set back.
    taken_back: BTreeSet<JobId>,
    fell_back: bool,
    /// Leases that their holder ended.
    ended: BTreeSet<LeaseToken>,
    sources: BTreeMap<ImageId, Bytes>,
    /// Which attempt makes which image.
    makers: BTreeMap<ImageId, (JobId, u32)>,
    /// What there is at the destination.
    there: BTreeMap<ImageId, Standing>,
    /// What a committed record says is gone for good.
    gone: BTreeSet<ImageId>,
    leases: Leases,
    found: Vec<Violation>,
}

/// An image at the destination.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) is_active: bool,
    pub(crate) is_hidden: bool,
    /// An image that is created to be deleted has no formats, and takes no data.
    pub(crate) is_tombstone: bool,
    pub(crate) owner: Option<TenantId>,
    pub(crate) data: Bytes,
}

// === impl Witness ===

impl Witness {
    pub(crate) fn new(lease_length: Duration) -> Self {
        Self(Mutex::new(Seen {
            records: BTreeMap::new(),
            promised: BTreeMap::new(),
            taken_back: BTreeSet::new(),
            fell_back: false,
            ended: BTreeSet::new(),
            sources: BTreeMap::new(),
            makers: BTreeMap::new(),
            there: BTreeMap::new(),
            gone: BTreeSet::new(),
            leases: Leases::new(lease_length),
            found: Vec::new(),
        }))
    }

    pub(crate) fn source(&self, image: ImageId, data: Bytes) {
        self.seen().sources.insert(image, data);
    }

    /// A job was created.
    pub(crate) fn created(&self, record: &JobRecord) {
        let mut seen = self.seen();
        let makers = (1..).zip(images_of(record.id));
        let makers = makers.map(|(attempt, image)| (image, (record.id, attempt)));
        seen.makers.extend(makers);
        seen.records.insert(record.id, record.clone());
    }

    /// A commit was made.
    pub(crate) fn committed(&self, before: &JobRecord, after: &JobRecord) {
        let mut seen = self.seen();
        seen.ends(before, after);
        seen.settles(before, after);
        if after.status == JobStatus::Replicated && before.status != after.status {
            seen.replicates(after);
        }
        let lapsed = seen.leases.committed(before, after);
        seen.found.extend(lapsed);
        seen.records.insert(after.id, after.clone());
    }

    /// A job was removed by the janitor.
    pub(crate) fn removed(&self, job: JobId) {
        self.seen().records.remove(&job);
    }

    /// A commit, or the creation of a job, was answered for.
    pub(crate) fn promised(&self, job: JobId, status: JobStatus) {
        self.seen().promised.insert(job, status);
    }

    /// The store holds this from now on.
    pub(crate) fn fell_back(&self, records: impl IntoIterator<Item = JobRecord>) {
        let mut seen = self.seen();
        seen.fell_back = true;
        let before = std::mem::take(&mut seen.records);
        let after = records.into_iter().map(|record| (record.id, record));
        seen.records = after.collect();
        let promised = std::mem::take(&mut seen.promised);
        for (job, status) in &promised {
            match seen.records.get(job).map(|record| record.status) {
                Some(is) if !follows(*status, is) => {
                    seen.found.push(Violation::TakenBack(*job, *status, is));
                }
                Some(_) => {}
                None => seen.found.push(Violation::Lost(*job)),
            }
        }
        seen.promised = promised;
        for (job, record) in before {
            let is = seen.records.get(&job).map(|record| record.status);
            if is.is_none_or(|is| !follows(record.status, is)) {
                seen.taken_back.insert(job);
            }
        }
    }

    /// A finish was answered as committed.
    pub(crate) fn finish_is_committed(&self, job: JobId, token: LeaseToken) {
        let mut seen = self.seen();
        // A store that fell back may have forgotten who ended it: the answer goes by the record that there is.
        if !seen.ended.contains(&token) && !seen.fell_back {
            seen.found.push(Violation::ForeignEnd(job));
        }
    }

    /// The token of whoever holds a job's lease.
    pub(crate) fn holder(&self, job: JobId) -> Option<LeaseToken> {
        let seen = self.seen();
        Some(seen.records.get(&job)?.lease.as_ref()?.token)
    }

    /// A worker's request to change an image has arrived at the destination.
    pub(crate) fn asks_for_write(&self, worker: &Process, image: ImageId, makes_own: bool) {
        let mut seen = self.seen();
        let Some((job, attempt)) = seen.makers.get(&image).copied() else {
            return;
        };
        let is_late = !seen.leases.permit(job, worker.name());
        if is_late && !worker.has_just_thawed() {
            let worker = worker.name().to_owned();
            seen.found.push(Violation::WriteWithoutLease(job, worker));
        }
        if makes_own {
            let earlier = (1..attempt).map(|attempt| job.image_of_attempt(attempt));
            let there: Vec<_> = earlier
                .filter(|image| seen.there.contains_key(image))
                .map(|image| Violation::Unsettled(job, image))
                .collect();
            seen.found.extend(there);
        }
    }

    /// An image at the destination is like this from now on, or not there.
    pub(crate) fn changed(&self, image: ImageId, standing: Option<Standing>) {
        let mut seen = self.seen();
        let Some(standing) = standing else {
            seen.there.remove(&image);
            return;
        };
        let is_tombstone = standing.is_tombstone;
        let is_new = seen.there.insert(image, standing).is_none();
        let Some((job, _)) = seen.makers.get(&image).copied().filter(|_| is_new) else {
            return;
        };
        // A store that fell back may have forgotten that it is settled: it is settled again.
        if seen.gone.contains(&image) && !(is_tombstone && seen.fell_back) {
            seen.found.push(Violation::CameBack(job, image));
        }
        let record = seen.records.get(&job);
        let is_known = record
            .is_some_and(|record| record.leftovers.contains(&image) || record.image == Some(image));
        if !is_known {
            seen.found.push(Violation::Unknown(job, image));
        }
    }

    /// Whatever happens until then may cost anybody a lease.
    pub(crate) fn trouble(&self, until: Instant) {
        self.seen().leases.trouble(until);
    }

    /// The same, of one worker.
    pub(crate) fn trouble_of(&self, worker: &Process, until: Option<Instant>) {
        self.seen().leases.trouble_of(worker.name(), until);
    }

    /// A worker's call to a scheduler failed.
    pub(crate) fn call_failed(&self, worker: &Process) {
        self.seen().leases.call_failed(worker.name());
    }

    /// What was found, each once.
    pub(crate) fn found(&self) -> Vec<Violation> {
        let mut found: Vec<Violation> = Vec::new();
        for violation in &self.seen().found {
            if !found.contains(violation) {
                found.push(violation.clone());
            }
        }
        found
    }

    /// Jobs whose status a store that fell back has set back, and whether it ever fell back.
    pub(crate) fn taken_back(&self) -> (BTreeSet<JobId>, bool) {
        let seen = self.seen();
        (seen.taken_back.clone(), seen.fell_back)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    /// Only its holder ends a lease, and nobody takes one that has not run out.
    fn ends(&mut self, before: &JobRecord, after: &JobRecord) {
        let held = before.lease.as_ref().map(|lease| lease.token);
        if let Some(token) = after.last_finished
            && before.last_finished != Some(token)
        {
            match held == Some(token) {
                true => {
                    self.ended.insert(token);
                }
                false => self.found.push(Violation::ForeignEnd(after.id)),
            }
        }
        if let (Some(old), Some(new)) = (before.held_lease(), &after.lease)
            && old.token != new.token
        {
            self.found.push(Violation::TakenOver(after.id));
        }
    }

    /// What a record forgets is gone, or its job's image.
    fn settles(&mut self, before: &JobRecord, after: &JobRecord) {
        let replica = after
            .image
            .filter(|_| after.status == JobStatus::Replicated);
        let forgotten = before
            .leftovers
            .iter()
            .filter(|image| !after.leftovers.contains(image) && replica != Some(**image));
        for image in forgotten {
            if self.there.contains_key(image) {
                self.found.push(Violation::Forgotten(after.id, *image));
            }
            self.gone.insert(*image);
        }
    }

    /// At the moment at which anybody can read it.
    fn replicates(&mut self, record: &JobRecord) {
        let Some(image) = record.image else {
            return self.found.push(Violation::NoImage(record.id));
        };
        let Some(spec) = record.copy() else { return };
        let problem = match self.there.get(&image) {
            None => Some("does not exist"),
            Some(it) if !it.is_active => Some("is not active"),
            Some(it) if self.sources.get(&spec.source.image) != Some(&it.data) => {
                Some("has other bytes than its source")
            }
            Some(it) if it.owner.as_ref() != Some(&spec.destination.tenant) => {
                Some("belongs to another tenant")
            }
            Some(it) if it.is_hidden => Some("is not revealed"),
            Some(_) => None,
        };
        self.found
            .extend(problem.map(|problem| Violation::TooEarly {
                job: record.id,
                image,
                problem,
            }));
    }
}
