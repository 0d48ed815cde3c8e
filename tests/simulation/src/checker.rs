//! What must be true at the end of every run, whatever happened in it. What must be true at every moment is
//! [`witness`](crate::witness)'s.
//!
//! The rules are those that the service promises, judged by what callers were told, what the
//! destination's Glance holds and what the store holds; how the product got there is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ImageId, JobId, JobStatus, TenantId};

use crate::caller::{CancelAnswer, Story};
use crate::evidence::{Ending, Evidence, Replica};

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A 202 is a promise.
    #[error("job {0} was accepted and is not known any more")]
    Lost(JobId),
    /// Every job ends.
    #[error("job {0} has not ended: it is {1}")]
    NotFinal(JobId, JobStatus),
    /// Status moves forward only.
    #[error("job {0} went from {1} to {2}")]
    Backward(JobId, JobStatus, JobStatus),
    /// So does progress, as callers see it.
    #[error("job {0} went from {1} % to {2} %")]
    ProgressFell(JobId, u8, u8),
    /// Progress is 100 with `replicated`, and only then.
    #[error("job {0} was shown {1} at {2} %")]
    WrongProgress(JobId, JobStatus, u8),
    /// A job that is replicated has its image.
    #[error("job {0} is replicated and has no image")]
    NoImage(JobId),
    /// And no other.
    #[error("job {job} is {status} and its image {image} is there")]
    SpareImage {
        /// The job.
        job: JobId,
        /// Its status.
        status: JobStatus,
        /// The image.
        image: ImageId,
    },
    /// The image is the source's, whole, and shown to its owner.
    #[error("image {image} of job {job} {problem}")]
    BadImage {
        /// The job.
        job: JobId,
        /// The image.
        image: ImageId,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An image of nobody's.
    #[error("image {0} belongs to no job")]
    Orphan(ImageId),
    /// What a caller was told of stays.
    #[error("job {0}: its caller was told of image {1}, which is gone")]
    Removed(JobId, ImageId),
    /// A cancel that was taken is kept.
    #[error("job {0} was canceled in time and is {1}")]
    CancelForgotten(JobId, JobStatus),
    /// A canceled job has left nothing.
    #[error("job {0} was shown canceled while its image {1} was there")]
    CanceledTooEarly(JobId, ImageId),
    /// Nobody works on what is over.
    #[error("job {0} is over and leased")]
    Leased(JobId),
    /// Nothing half-made stays known.
    #[error("job {0} is over and has leftovers")]
    Leftovers(JobId),
    /// Indexes follow their records.
    #[error("the store still has {0}")]
    IndexEntry(String),
    /// What is kept goes in the end, with all that hangs on it.
    #[error("the store has {0} of jobs that are removed")]
    Remains(String),
    /// No service ends by itself.
    #[error("{0} ended by itself")]
    Broken(String),
    /// Who has lost its unit hears of it.
    #[error("{0} is still at work")]
    Restless(String),
    /// A key stands for one job.
    #[error("one idempotency key has made jobs {0} and {1}")]
    KeyMadeTwo(JobId, JobId),
    /// What was answered for outlives the store that took it.
    #[error("job {0} was answered to be {1} and is {2} in the store that took over")]
    TakenBack(JobId, JobStatus, JobStatus),
    /// Only its holder ends a lease.
    #[error("job {0}: somebody else's lease was ended")]
    ForeignEnd(JobId),
    /// A lease is taken over when it has run out.
    #[error("job {0}: a lease was taken over that had not run out")]
    TakenOver(JobId),
    /// A lease is lost to a trouble.
    #[error("job {0}: {1} lost its lease, and nothing had happened to it")]
    LeaseLostForNothing(JobId, String),
    /// Writes begin under a lease.
    #[error("job {0}: {1} began to write without a lease")]
    WriteWithoutLease(JobId, String),
    /// A record forgets an image when it is gone.
    #[error("job {0} forgot its image {1}, which was there")]
    Forgotten(JobId, ImageId),
    /// What is gone does not come back.
    #[error("image {1} of job {0} was settled and came to life")]
    CameBack(JobId, ImageId),
    /// An image is known before it is there.
    #[error("image {1} of job {0} came to life and its record does not know it")]
    Unknown(JobId, ImageId),
    /// An attempt settles what was before it.
    #[error("another attempt of job {0} began while image {1} was there")]
    Unsettled(JobId, ImageId),
    /// `replicated` is said of what is there, at once.
    #[error("job {job} became replicated when its image {image} {problem}")]
    TooEarly {
        /// The job.
        job: JobId,
        /// The image.
        image: ImageId,
        /// What was wrong with it.
        problem: &'static str,
    },
}

/// Every violation of what must be true.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for story in &evidence.stories {
        check_story(story, evidence, &mut found);
    }
    for (job, from, to) in &evidence.commits {
        if !follows(*from, *to) {
            found.push(Violation::Backward(*job, *from, *to));
        }
    }
    check_orphans(evidence, &mut found);
    check_keys(evidence, &mut found);
    found.extend(evidence.found.iter().cloned());
    let restless = evidence.restless.iter().cloned();
    found.extend(restless.map(Violation::Restless));
    let entries = evidence.index_entries.iter().cloned();
    found.extend(entries.map(Violation::IndexEntry));
    let remains = evidence.remains.iter().cloned();
    found.extend(remains.map(Violation::Remains));
    let broken = evidence.broken.iter().cloned();
    found.extend(broken.map(Violation::Broken));
    found
}

/// Whether a job of one status may be seen in the other next, be it much later.
pub(crate) fn follows(from: JobStatus, to: JobStatus) -> bool {
    use JobStatus::{
        CancelRequested, Canceled, Canceling, Error, ReplicateRequested, Replicated, Replicating,
    };
    match from {
        ReplicateRequested => true,
        Replicating => to != ReplicateRequested,
        CancelRequested => matches!(to, CancelRequested | Canceling | Canceled | Error),
        Canceling => matches!(to, Canceling | Canceled | Error),
        Replicated | Canceled | Error => to == from,
    }
}

fn check_story(story: &Story, evidence: &Evidence, found: &mut Vec<Violation>) {
    check_observed(story, evidence, found);
    let job = story.job;
    let Some(ending) = evidence.jobs.get(&job) else {
        if story.accepted {
            found.push(Violation::Lost(job));
        }
        return;
    };
    check_ending(job, ending, found);
    if let Some(last) = story.observed.last()
        && !follows(last.status, ending.status)
        && !evidence.taken_back.contains(&job)
    {
        found.push(Violation::Backward(job, last.status, ending.status));
    }
    if matches!(story.cancel, Some(CancelAnswer::Taken(_)))
        && ending.status == JobStatus::Replicated
    {
        found.push(Violation::CancelForgotten(job, ending.status));
    }
    check_images(story, ending, evidence, found);
}

fn check_observed(story: &Story, evidence: &Evidence, found: &mut Vec<Violation>) {
    let job = story.job;
    let is_taken_back = evidence.taken_back.contains(&job);
    for pair in story.observed.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        if !follows(before.status, after.status) && !is_taken_back {
            found.push(Violation::Backward(job, before.status, after.status));
        }
        if after.progress < before.progress && !evidence.fell_back {
            found.push(Violation::ProgressFell(
                job,
                before.progress,
                after.progress,
            ));
        }
    }
    let there = story.there_when_canceled.iter();
    found.extend(there.map(|image| Violation::CanceledTooEarly(job, *image)));
    for seen in &story.observed {
        if (seen.status == JobStatus::Replicated) != (seen.progress == 100) {
            found.push(Violation::WrongProgress(job, seen.status, seen.progress));
        }
    }
}

fn check_ending(job: JobId, ending: &Ending, found: &mut Vec<Violation>) {
    if !ending.status.is_final() {
        found.push(Violation::NotFinal(job, ending.status));
    }
    if ending.leased {
        found.push(Violation::Leased(job));
    }
    if !ending.leftovers.is_empty() {
        found.push(Violation::Leftovers(job));
    }
}

fn check_images(story: &Story, ending: &Ending, evidence: &Evidence, found: &mut Vec<Violation>) {
    let job = story.job;
    let own = match ending.status {
        JobStatus::Replicated => ending.image,
        _ => None,
    };
    if ending.status == JobStatus::Replicated && own.is_none() {
        found.push(Violation::NoImage(job));
    }
    if let Some(image) = own {
        let problem = match evidence.images.get(&image) {
            None => Some("does not exist"),
            Some(replica) => problem_of(replica, story, evidence),
        };
        found.extend(problem.map(|problem| Violation::BadImage {
            job,
            image,
            problem,
        }));
    }
    for image in images_of(job).filter(|image| Some(*image) != own) {
        if evidence.images.contains_key(&image) {
            let status = ending.status;
            found.push(Violation::SpareImage { job, status, image });
        }
    }
    let told: BTreeSet<ImageId> = story
        .observed
        .iter()
        .filter(|seen| seen.status == JobStatus::Replicated)
        .filter_map(|seen| seen.image)
        .collect();
    for image in told {
        if !evidence.images.contains_key(&image) {
            found.push(Violation::Removed(job, image));
        }
    }
}

fn problem_of(replica: &Replica, story: &Story, evidence: &Evidence) -> Option<&'static str> {
    let source = &story.spec.source_digest;
    let hash = evidence.sources.get(&story.spec.source.image);
    if !replica.active {
        Some("is not active")
    } else if replica.size != Some(source.size_bytes) {
        Some("has another size than its source")
    } else if replica.hash.as_ref() != hash {
        Some("has other bytes than its source")
    } else if replica.owner.as_ref() != Some(&story.spec.destination.tenant) {
        Some("belongs to another tenant")
    } else if replica.hidden {
        Some("was not revealed")
    } else {
        None
    }
}

/// More attempts than any job has.
const MOST_ATTEMPTS: u32 = 60;

/// Every image that a job may have made.
pub(crate) fn images_of(job: JobId) -> impl Iterator<Item = ImageId> {
    (1..=MOST_ATTEMPTS).map(move |attempt| job.image_of_attempt(attempt))
}

fn check_orphans(evidence: &Evidence, found: &mut Vec<Violation>) {
    let of_jobs: BTreeSet<ImageId> = evidence
        .jobs
        .keys()
        .flat_map(|job| images_of(*job))
        .collect();
    let orphans = evidence.images.keys().filter(|id| !of_jobs.contains(id));
    found.extend(orphans.copied().map(Violation::Orphan));
}

/// However often a request with a key was made, and by however many callers, it makes one job.
fn check_keys(evidence: &Evidence, found: &mut Vec<Violation>) {
    let mut made: BTreeMap<(&TenantId, &str), JobId> = BTreeMap::new();
    for story in &evidence.stories {
        let Some(key) = &story.key else { continue };
        let told = story.accepted.then_some(story.job);
        let tried = story.tried.iter().copied();
        let stands = tried.filter(|job| evidence.jobs.contains_key(job));
        for job in told.into_iter().chain(stands) {
            let first = *made.entry((&story.spec.source.tenant, key)).or_insert(job);
            if first != job {
                found.push(Violation::KeyMadeTwo(first, job));
            }
        }
    }
}

#[cfg(test)]
mod tests;
