//! What must hold, in every state and at every step.

use domain::{JobStatus, UnitKind};

use crate::calls::DueNow;
use crate::explorer::Broken;
use crate::glance::Standing;
use crate::scheduler::Scheduler;
use crate::steps::Action;
use crate::view::{JobView, bit};
use crate::world::{ALL_JOBS, Faults, Serving, World};

pub(crate) const FORWARD: &str = "a status only moves forward, and a final one stays";
pub(crate) const TOLD: &str = "a status that was answered for is not taken back";
pub(crate) const SETTLED: &str = "what an attempt has settled does not exist";
pub(crate) const KNOWN: &str = "no image exists that the record does not know";
pub(crate) const ONE_IMAGE: &str = "no image survives but that of `replicated`";
pub(crate) const WHOLE: &str = "`replicated` has a whole and visible image";
pub(crate) const KEPT: &str = "an image that its user was told of is not removed";
pub(crate) const ONE_WRITER: &str = "one worker at most may start to write";
pub(crate) const OUTAGE: &str = "an outage of schedulers costs nobody a lease";

fn broken(property: &'static str, what: String) -> Result<(), Broken> {
    Err(Broken { property, what })
}

/// What cannot be promised where Redis loses what it had written.
///
/// A replica that takes over may lack renewals, which do not wait for it: a lease may run out there before it does by its
/// worker's own clock, and its worker then writes as one that was frozen, until it is told to stop.
///
/// A backup may lack what was answered. Jobs end all the same, and an image that a user was told of stays. But what a
/// forgotten grant has made may be known to nobody, a finish that is on its way over the restore may tell of an image that
/// a forgotten cancel has removed, and the status is what it was.
pub(crate) const fn not_promised(faults: &Faults) -> &'static [&'static str] {
    match (faults.restores, faults.failovers) {
        (0, 0) => &[],
        (0, _) => &[ONE_WRITER],
        _ => &[ONE_WRITER, TOLD, WHOLE, SETTLED, KNOWN, ONE_IMAGE],
    }
}

/// What is wrong with a state.
pub(crate) fn of_state(world: &World, scheduler: &Scheduler) -> Vec<Broken> {
    let mut found = Vec::new();
    for job in ALL_JOBS {
        if let Some(view) = scheduler.view(world.store, job) {
            of_job(world, job, view, &mut found);
        }
    }
    found
}

fn of_job(world: &World, job: u8, view: &JobView, found: &mut Vec<Broken>) {
    let mut wrong = |property, what| found.push(Broken { property, what });
    let units = world.units().filter(|unit| unit.job == job);
    if units.filter(|unit| unit.valid).count() > 1 {
        wrong(ONE_WRITER, format!("two may write for job {job}"));
    }
    if world.callers[usize::from(job)].told_rank > view.rank() {
        wrong(TOLD, format!("job {job} is {}", view.status));
    }
    let images = world.glance[usize::from(job)];
    let replica = view.image.filter(|_| view.status == JobStatus::Replicated);
    if let Some(image) = replica
        && images.show(image) != Standing::REPLICA
    {
        wrong(WHOLE, format!("image {image} is {:?}", images.show(image)));
    }
    for (image, standing) in images.all().filter(|(_, standing)| standing.exists()) {
        let mut units = world.units().filter(|unit| unit.job == job);
        if units.any(|unit| unit.has_settled() && image < unit.attempt) {
            wrong(SETTLED, format!("image {image} is {standing:?}"));
        }
        if replica == Some(image) {
            continue;
        }
        if view.is_over {
            wrong(
                ONE_IMAGE,
                format!("{}, and image {image} is {standing:?}", view.status),
            );
        }
        if view.leftovers & bit(image) == 0 {
            wrong(KNOWN, format!("image {image} is {standing:?}"));
        }
    }
}

/// Once anybody can have read `replicated`, the image stays: whatever Redis forgets, unless the job, which
/// then runs again, is canceled or fails.
fn kept(before: &World, after: &World, job: u8, view: &JobView) -> Result<(), Broken> {
    let told = before.callers[usize::from(job)].told_image;
    let show = |world: &World| world.glance[usize::from(job)].show(told);
    if told == 0 || !show(before).is_whole() {
        return Ok(());
    }
    let standing = show(after);
    let called_off = before.fallen_back > 0
        && matches!(
            view.status,
            JobStatus::CancelRequested
                | JobStatus::Canceling
                | JobStatus::Canceled
                | JobStatus::Error
        );
    if standing.is_whole() || called_off {
        return Ok(());
    }
    broken(KEPT, format!("image {told} is {standing:?}"))
}

/// Properties of a step.
pub(crate) fn of_step(
    before: &World,
    action: Action,
    after: &World,
    scheduler: &Scheduler,
) -> Result<(), Broken> {
    for job in ALL_JOBS {
        let Some(was) = scheduler.view(before.store, job) else {
            continue;
        };
        let Some(is) = scheduler.view(after.store, job) else {
            return broken(FORWARD, format!("job {job} is gone"));
        };
        kept(before, after, job, was)?;
        let stays = !was.status.is_final() || was.status == is.status;
        if action != Action::FallBack
            && (is.rank() < was.rank() || !stays || is.copy_progress < was.copy_progress)
        {
            return broken(FORWARD, format!("{} became {}", was.status, is.status));
        }
        let lapsed = |view: &JobView| view.lease.is_some_and(|lease| lease.lapsed);
        if matches!(
            action,
            Action::Due {
                what: DueNow::Lease,
                ..
            }
        ) && before.serving == Serving::JustBack
            && lapsed(is)
            && !lapsed(was)
        {
            return broken(OUTAGE, format!("the lease of job {job} ran out"));
        }
    }
    Ok(())
}

/// Notes what callers can have read.
pub(crate) fn told(before: &World, mut after: World, scheduler: &Scheduler) -> World {
    for job in ALL_JOBS {
        let view = scheduler.view(after.store, job);
        if let Some(view) = view.filter(|view| view.status == JobStatus::Replicated) {
            let told = before.callers[usize::from(job)].told_image;
            let image = view.image.unwrap_or(told);
            after.callers[usize::from(job)].told_image = image;
        }
    }
    after
}

/// What a step shows that a run must have seen.
pub(crate) fn seen(
    before: &World,
    after: &World,
    scheduler: &Scheduler,
    seen: &mut Vec<&'static str>,
) {
    for job in ALL_JOBS {
        let (was, is) = (
            scheduler.view(before.store, job),
            scheduler.view(after.store, job),
        );
        let Some(is) = is else { continue };
        let old = was.and_then(|was| was.lease);
        if let (Some(old), Some(new)) = (old, is.lease)
            && old.token != new.token
        {
            seen.push("takeovers");
        }
        if was.is_none_or(|was| was.status != is.status) {
            seen.push(is.status.as_str());
        }
        if old.is_some_and(|old| old.lapsed)
            && is
                .lease
                .is_some_and(|new| !new.lapsed && Some(new.token) == old.map(|it| it.token))
        {
            seen.push("lapsed leases renewed");
        }
        if is
            .lease
            .is_some_and(|lease| lease.kind == UnitKind::CleanUp)
            && old.is_none_or(|old| old.kind != UnitKind::CleanUp)
        {
            seen.push("clean-ups granted");
        }
    }
}
