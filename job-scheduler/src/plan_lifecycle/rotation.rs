//! Of the replicas that a plan made, only so many stay.
//!
//! Rotation names nothing but replicas that the plan has recorded, never the newest of a line, and none that
//! another plan holds; the commit checks the last once more. The worker that removes one does so only while one of
//! the survivors is there and whole.

use std::collections::BTreeSet;

use domain::{ImageId, ImageSelector, PlanAction, ReplicaRemoval};

use crate::plan_record::{Line, PlanRecord, Point, Rotation, Wish};

/// The most replicas that a plan remembers. Of one that keeps all, older ones stay where they are and are
/// their owner's alone: a record must not grow for ever.
const POINTS: usize = 2_000;

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

/// Remembers a replica as the newest, once.
pub(super) fn record_point(record: &mut PlanRecord, point: Point) {
    let image = point.point.image_id;
    if record.points.iter().any(|it| it.point.image_id == image) {
        return;
    }
    record.points.insert(0, point);
    record.points.truncate(POINTS);
}

/// The replicas that a rotation would remove: whoever decides looks who else holds them.
#[must_use]
pub fn candidates(record: &PlanRecord, rotation: &Rotation) -> BTreeSet<ImageId> {
    let lines = rotation.lines.iter();
    let surplus = lines.flat_map(|line| surplus(record, line, rotation.keep));
    surplus
        .map(|index| record.points[index].point.image_id)
        .collect()
}

/// Carries a rotation out: each replica that is too many is to be removed, the oldest first, unless it is
/// `held` by another plan.
#[must_use]
pub fn rotate(record: &PlanRecord, rotation: &Rotation, held: &BTreeSet<ImageId>) -> PlanRecord {
    let mut next = record.clone();
    let this = Wish::Rotate(rotation.clone());
    next.outbox.retain(|wish| *wish != this);
    for line in &rotation.lines {
        let survivors = survivors(record, line, rotation.keep);
        if survivors.is_empty() {
            continue;
        }
        for index in surplus(record, line, rotation.keep) {
            let replica = record.points[index].point.clone();
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
    let standing = standing(record, line).into_iter().take(kept(keep));
    standing
        .map(|index| record.points[index].point.image_id)
        .collect()
}

/// The newest one is always kept.
fn kept(keep: u32) -> usize {
    usize::try_from(keep.max(1)).unwrap_or(usize::MAX)
}
