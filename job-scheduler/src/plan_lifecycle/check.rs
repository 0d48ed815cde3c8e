//! Now and then a plan looks whether what it waits for still exists: a store that fell back to an older state
//! may have lost it, and nobody would ever tell.

use std::time::Duration;

use domain::JobId;
use jiff::Timestamp;

use super::PlanRules;
use super::advance::{advance, resolve};
use super::end::{conclude, say};
use crate::lifecycle::after;
use crate::plan_record::{CopyEnd, Phase, PlanRecord, Wish};

/// How often.
const EVERY: Duration = Duration::from_secs(600);

/// The units of work and copies whose end the plan waits for, but for those that are still to be created.
#[must_use]
pub fn awaited(record: &PlanRecord) -> Vec<JobId> {
    let mut jobs = Vec::new();
    if let Some(run) = &record.run {
        for it in &run.actions {
            match &it.phase {
                Phase::Resolving => jobs.push(run.fire.errand(it.action.id, it.retry)),
                Phase::Copying(copying) => {
                    let open = copying.copies.iter().filter(|copy| copy.end.is_none());
                    jobs.extend(open.map(|copy| copy.job));
                }
                _ => {}
            }
        }
    }
    jobs.extend(removals(record));
    let wished = |id: &JobId| {
        record.outbox.iter().any(|wish| match wish {
            Wish::Resolve { job, .. } | Wish::Copy { job, .. } | Wish::Remove { job, .. } => {
                job == id
            }
            Wish::Cancel { .. } | Wish::Rotate(_) => false,
        })
    };
    jobs.retain(|job| !wished(job));
    jobs
}

/// The units of work that remove replicas.
pub fn removals(record: &PlanRecord) -> impl Iterator<Item = JobId> {
    let points = record.points.iter();
    points.filter_map(|it| Some(it.removing?.removal(it.point.image_id)))
}

/// The plan after a look: what was lost is begun anew where that is possible, else it has failed.
#[must_use]
pub fn lost(record: &PlanRecord, jobs: &[JobId], now: Timestamp, rules: &PlanRules) -> PlanRecord {
    let mut next = record.clone();
    if let Some(mut run) = next.run.take() {
        for index in 0..run.actions.len() {
            let it = &run.actions[index];
            let errand = run.fire.errand(it.action.id, it.retry);
            if it.phase == Phase::Resolving && jobs.contains(&errand) {
                let wish = resolve(&next, &run, it);
                next.outbox.push(wish);
            }
            let mut gone = Vec::new();
            if let Phase::Copying(copying) = &mut run.actions[index].phase {
                for copy in &mut copying.copies {
                    if copy.end.is_none() && jobs.contains(&copy.job) {
                        copy.end = Some(CopyEnd::Failed);
                        gone.push(copy.job);
                    }
                }
            }
            for job in gone {
                say(&mut run, format!("copy {job} was lost"));
            }
            conclude(&mut next, &mut run, index, now);
        }
        next.run = Some(run);
    }
    for it in &mut next.points {
        let errand = it.removing.map(|fire| fire.removal(it.point.image_id));
        if errand.is_some_and(|errand| jobs.contains(&errand)) {
            it.removing = None;
        }
    }
    advance(&mut next, now, rules);
    next
}

/// Sets the time of the next look.
pub(super) fn plan_next(record: &mut PlanRecord, now: Timestamp) {
    record.check_at = if awaited(record).is_empty() {
        None
    } else {
        let planned = record.check_at.filter(|at| *at > now);
        Some(planned.unwrap_or_else(|| after(now, EVERY)))
    };
}
