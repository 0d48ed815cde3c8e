//! Of the replicas that a plan has, only so many stay.
//!
//! Rotation names nothing but replicas that the plan has recorded, never the newest of a line, and none that
//! another plan holds; the commit checks the last once more. The worker that removes one does so only while one of
//! the survivors is there and whole.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroU32;

use domain::{ActionId, ImageId, ImageSelector, PlanAction, PlanDocument, ReplicaRemoval};

use crate::plan_record::{Line, PlanRecord, Point, Rotation, Wish};

/// The most replicas that a plan remembers: a record must not grow for ever. What is forgotten stays where it is and is
/// its owner's alone.
const POINTS: usize = 2_000;
/// The most survivors that a removal names. Fewer than there are is only more careful, and with all of them each of a
/// thousand removals would name a thousand.
const SURVIVORS: usize = 20;

/// Whether each image of an action has a line of replicas of its own.
pub(super) fn is_by_source(action: &PlanAction) -> bool {
    match action.selector {
        ImageSelector::Id(_) | ImageSelector::Name(_) => false,
        ImageSelector::Tag(_) => true,
    }
}

/// The line of the replicas that an action makes of an image.
pub(super) fn line_of(action: &PlanAction, source: ImageId) -> Line {
    Line {
        action: action.id,
        destination: action.destination.clone(),
        source: is_by_source(action).then_some(source),
    }
}

/// Remembers a replica as the newest, once. Says which one is forgotten for it although its action rotates.
pub(super) fn record_point(record: &mut PlanRecord, point: Point) -> Option<ImageId> {
    let image = point.point.image_id;
    let mut points = record.points.iter();
    if let Some(known) = points.position(|it| it.point.image_id == image) {
        // One that stands for the image again is the newest once more, whoever made it.
        if point.reused && record.points[known].line() == point.line() {
            let known = record.points.remove(known);
            record.points.insert(0, known);
        }
        return None;
    }
    record.points.insert(0, point);
    if record.points.len() <= POINTS {
        return None;
    }
    let forgotten = record.points.remove(most_forgettable(record)?);
    let rotates = allowance(&record.document, forgotten.action) != u32::MAX;
    rotates.then_some(forgotten.point.image_id)
}

/// The plan without a replica that it made and that somebody else was given as well. None when it has no such.
#[must_use]
pub fn forget(record: &PlanRecord, image: ImageId) -> Option<PlanRecord> {
    let is_it = |it: &Point| it.point.image_id == image && !it.reused;
    record.points.iter().any(is_it).then(|| {
        let mut next = record.clone();
        next.points.retain(|it| !is_it(it));
        next
    })
}

/// The oldest that no rotation would ever remove; else the oldest. But the newest of a line, which tells whether its
/// image has changed, only after all others.
fn most_forgettable(record: &PlanRecord) -> Option<usize> {
    let mut lines = HashSet::new();
    let points = record.points.iter().enumerate();
    let ranked = points.map(|(index, it)| {
        let place = &it.point.destination;
        let source = it.by_source.then_some(it.point.source_image_id);
        let is_newest = lines.insert((it.action, &place.region, &place.tenant, source));
        let rotates = allowance(&record.document, it.action) != u32::MAX;
        (is_newest, rotates, Reverse(index))
    });
    ranked.min().map(|(.., Reverse(index))| index)
}

/// How many replicas of a line the plan's owner wants now: all of them, too, when the action is gone.
pub(super) fn allowance(document: &PlanDocument, action: ActionId) -> u32 {
    let mut actions = document.actions.iter();
    let rotation = actions
        .find(|it| it.id == action)
        .and_then(|it| it.rotation);
    rotation.map_or(u32::MAX, NonZeroU32::get)
}

/// How many of a line's replicas a rotation keeps. An action goes on as it began when it is edited; but nothing is
/// removed that its owner wants to keep by now.
fn keep(record: &PlanRecord, rotation: &Rotation, line: &Line) -> u32 {
    allowance(&record.document, line.action).max(rotation.keep)
}

/// Calls off the removal of replicas that the document keeps by now and the one `before` did not.
pub(super) fn call_off(record: &mut PlanRecord, before: &PlanDocument) {
    let mut unwanted = Vec::new();
    for it in &mut record.points {
        let keeps_more = allowance(&record.document, it.action) > allowance(before, it.action);
        if let Some(fire) = it.removing.take_if(|_| keeps_more) {
            unwanted.push(fire.removal(it.point.image_id));
        }
    }
    record.outbox.retain(|wish| match wish {
        Wish::Remove { job, .. } => !unwanted.contains(job),
        _ => true,
    });
    let cancels = unwanted.into_iter().map(|job| Wish::Cancel { job });
    record.outbox.extend(cancels);
}

/// The replicas that a rotation would remove: whoever decides looks who else holds them.
#[must_use]
pub fn candidates(record: &PlanRecord, rotation: &Rotation) -> BTreeSet<ImageId> {
    let lines = rotation.lines.iter();
    let surplus = lines.flat_map(|line| surplus(record, line, keep(record, rotation, line)));
    surplus
        .map(|index| &record.points[index])
        .filter(|it| !it.reused)
        .map(|it| it.point.image_id)
        .collect()
}

/// Carries a rotation out: each replica that is too many is to be removed, the oldest first, unless it is
/// `held` by somebody else. One that the plan did not make is only forgotten.
#[must_use]
pub fn rotate(record: &PlanRecord, rotation: &Rotation, held: &BTreeSet<ImageId>) -> PlanRecord {
    let mut next = record.clone();
    let this = Wish::Rotate(rotation.clone());
    next.outbox.retain(|wish| *wish != this);
    let mut forgotten = BTreeSet::new();
    for line in &rotation.lines {
        let keep = keep(record, rotation, line);
        let survivors = survivors(record, line, keep);
        if survivors.is_empty() {
            continue;
        }
        for index in surplus(record, line, keep) {
            let replica = record.points[index].point.clone();
            if record.points[index].reused {
                forgotten.insert(replica.image_id);
                continue;
            }
            if held.contains(&replica.image_id) {
                continue;
            }
            next.points[index].removing = Some(rotation.fire);
            next.outbox.push(Wish::Remove {
                job: rotation.fire.removal(replica.image_id),
                removal: Box::new(ReplicaRemoval {
                    plan_id: record.id,
                    replica,
                    survivors: survivors.clone(),
                }),
            });
        }
    }
    let is_forgotten = |it: &Point| forgotten.contains(&it.point.image_id);
    next.points.retain(|it| !is_forgotten(it));
    next
}

/// Positions of a line's replicas that nobody removes yet, the newest first.
fn standing(record: &PlanRecord, line: &Line) -> Vec<usize> {
    let points = record.points.iter().enumerate();
    points
        .filter(|(_, it)| it.removing.is_none() && it.line() == *line)
        .map(|(index, _)| index)
        .collect()
}

/// Positions beyond the newest `keep`, the oldest first.
fn surplus(record: &PlanRecord, line: &Line, keep: u32) -> Vec<usize> {
    let mut standing = standing(record, line);
    let mut surplus = standing.split_off(kept(keep).min(standing.len()));
    surplus.reverse();
    surplus
}

fn survivors(record: &PlanRecord, line: &Line, keep: u32) -> Vec<ImageId> {
    let most = kept(keep).min(SURVIVORS);
    let standing = standing(record, line).into_iter().take(most);
    standing
        .map(|index| record.points[index].point.image_id)
        .collect()
}

/// The newest one is always kept.
fn kept(keep: u32) -> usize {
    usize::try_from(keep.max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
