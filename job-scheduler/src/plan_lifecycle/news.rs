//! A plan hears what came of a unit of work or of a copy. News may come twice, late and in any order.

use domain::{ImageId, JobError, JobId, RecoveryPoint, ReplicaFate, ResolvedImage};
use jiff::Timestamp;

use super::PlanRules;
use super::advance::advance;
use super::end::{conclude, fail, say, say_of_plan};
use super::rotation::{is_by_source, record_point};
use crate::plan_record::{CopyEnd, CopyRun, Copying, Phase, PlanRecord, Point, Run, Wish};

/// The most copy jobs that a run names, the last ones: it may be tried again for ever, and the record must not grow
/// with it.
const JOBS: usize = 2_000;

/// Something that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A worker has looked for an action's images.
    Resolved {
        /// The unit of work.
        errand: JobId,
        /// What it found, or why it could not look.
        found: Result<Vec<ResolvedImage>, JobError>,
    },
    /// A copy ended.
    Copied {
        /// The job.
        job: JobId,
        /// How.
        end: CopyEnd,
        /// The replica, if there is one.
        replica: Option<Replica>,
        /// Why it failed.
        error: Option<JobError>,
    },
    /// A replica is gone, or stays.
    Removed {
        /// The unit of work.
        errand: JobId,
        /// The replica.
        image: ImageId,
        /// What became of it, or why nobody could look.
        fate: Result<ReplicaFate, JobError>,
    },
}

/// What a copy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replica {
    /// An image of its own making.
    Made(ImageId),
    /// One that was there.
    Reused(ImageId),
}

impl News {
    /// Of which unit of work or copy.
    #[must_use]
    pub fn job(&self) -> JobId {
        match self {
            Self::Resolved { errand: job, .. }
            | Self::Copied { job, .. }
            | Self::Removed { errand: job, .. } => *job,
        }
    }
}

/// The plan with the news. None when it is no news, or of no concern any more.
#[must_use]
pub fn apply(
    record: &PlanRecord,
    news: &News,
    now: Timestamp,
    rules: &PlanRules,
) -> Option<PlanRecord> {
    let mut next = record.clone();
    match news {
        News::Resolved { errand, found } => resolved(&mut next, *errand, found, now),
        News::Copied {
            job,
            end,
            replica,
            error,
        } => copied(&mut next, *job, (*end, *replica, error.as_ref()), now),
        News::Removed {
            errand,
            image,
            fate,
        } => removed(&mut next, *errand, *image, fate),
    }
    if next == *record {
        return None;
    }
    // What has ended need not be begun: its wish may still stand when its executor died.
    next.outbox.retain(|wish| match wish {
        Wish::Resolve { job, .. } | Wish::Copy { job, .. } | Wish::Remove { job, .. } => {
            *job != news.job()
        }
        Wish::Cancel { .. } | Wish::Rotate(_) => true,
    });
    advance(&mut next, now, rules);
    Some(next)
}

fn resolved(
    record: &mut PlanRecord,
    errand: JobId,
    found: &Result<Vec<ResolvedImage>, JobError>,
    now: Timestamp,
) {
    let Some(mut run) = record.run.take() else {
        return;
    };
    let index = run.actions.iter().position(|it| {
        it.phase == Phase::Resolving && run.fire.errand(it.action.id, it.retry) == errand
    });
    if let Some(index) = index {
        match found {
            Ok(images) => copy(record, &mut run, index, images, now),
            Err(error) => {
                say(&mut run, error.message.clone());
                fail(&mut run, index, true, now);
            }
        }
    }
    record.run = Some(run);
}

fn copy(
    record: &mut PlanRecord,
    run: &mut Run,
    index: usize,
    images: &[ResolvedImage],
    now: Timestamp,
) {
    let (action, retry) = (run.actions[index].action.id, run.actions[index].retry);
    let mut copying = Copying::default();
    if images.is_empty() {
        say(run, format!("action {action} found no image"));
    }
    for image in images {
        match image {
            ResolvedImage::Copy(spec) => {
                let source = spec.source.image;
                let job = run.fire.copy_job(action, source, retry);
                if copying.copies.iter().any(|copy| copy.job == job) {
                    continue;
                }
                run.jobs.push(job);
                copying.copies.push(CopyRun {
                    job,
                    source,
                    digest: spec.source_digest.clone(),
                    end: None,
                });
                let mut spec = spec.clone();
                spec.plan_id = Some(record.id);
                record.outbox.push(Wish::Copy { job, spec });
            }
            ResolvedImage::Identical { source, replica } => {
                say(
                    run,
                    format!("image {source} is unchanged since its replica {replica}"),
                );
                copying.identical.push(*source);
            }
            ResolvedImage::Refused(error) => {
                say(run, error.message.clone());
                copying.refused = true;
            }
        }
    }
    let forgotten = run.jobs.len().saturating_sub(JOBS);
    run.jobs.drain(..forgotten);
    run.actions[index].phase = Phase::Copying(copying);
    conclude(record, run, index, now);
}

fn copied(
    record: &mut PlanRecord,
    job: JobId,
    (end, replica, error): (CopyEnd, Option<Replica>, Option<&JobError>),
    now: Timestamp,
) {
    let Some(mut run) = record.run.take() else {
        return;
    };
    let (mut concluded, mut forgotten) = (None, None);
    for (index, it) in run.actions.iter_mut().enumerate() {
        let Phase::Copying(copying) = &mut it.phase else {
            continue;
        };
        let open = |copy: &&mut CopyRun| copy.job == job && copy.end.is_none();
        let Some(copy) = copying.copies.iter_mut().find(open) else {
            continue;
        };
        copy.end = Some(end);
        concluded = Some(index);
        if let Some(replica) = replica.filter(|_| end == CopyEnd::Replicated) {
            let (image_id, reused) = match replica {
                Replica::Made(image) => (image, false),
                Replica::Reused(image) => (image, true),
            };
            let point = RecoveryPoint {
                job_id: job,
                image_id,
                source_image_id: copy.source,
                digest: copy.digest.clone(),
                destination: it.action.destination.clone(),
                made_at: now,
            };
            let point = Point {
                action: it.action.id,
                by_source: is_by_source(&it.action),
                point,
                removing: None,
                reused,
            };
            forgotten = record_point(record, point);
        }
    }
    if let Some(image) = forgotten {
        say(
            &mut run,
            format!("the plan has too many replicas and forgets {image}, which stays"),
        );
    }
    if let Some(index) = concluded {
        match end {
            CopyEnd::Replicated => {}
            CopyEnd::Failed => {
                let why = error.map_or("it failed", |error| error.message.as_str());
                say(&mut run, format!("copy {job}: {why}"));
            }
            CopyEnd::Canceled => say(&mut run, format!("copy {job} was canceled")),
        }
        conclude(record, &mut run, index, now);
    }
    record.run = Some(run);
}

fn removed(
    record: &mut PlanRecord,
    errand: JobId,
    image: ImageId,
    fate: &Result<ReplicaFate, JobError>,
) {
    let why = match fate {
        // Gone it is, even if the removal was called off too late.
        Ok(ReplicaFate::Gone) => {
            record.points.retain(|it| it.point.image_id != image);
            return;
        }
        Ok(ReplicaFate::Kept(why)) => why.clone(),
        Err(error) => error.message.clone(),
    };
    let mut points = record.points.iter_mut();
    let is_asked = |it: &&mut Point| {
        let fire = it.removing;
        it.point.image_id == image && fire.is_some_and(|fire| fire.removal(image) == errand)
    };
    let Some(point) = points.find(is_asked) else {
        return;
    };
    // The next rotation tries again.
    point.removing = None;
    say_of_plan(record, format!("replica {image} stays: {why}"));
}

#[cfg(test)]
mod tests;
