//! A plan's wishes have been carried out.

use jiff::Timestamp;

use super::check::plan_next;
use crate::plan_record::{PlanRecord, Wish};

/// The plan without the wishes that were carried out; from now on it waits for their ends.
#[must_use]
pub fn carried_out(record: &PlanRecord, done: &[Wish], now: Timestamp) -> PlanRecord {
    let mut next = record.clone();
    next.outbox.retain(|wish| !done.contains(wish));
    plan_next(&mut next, now);
    next
}
