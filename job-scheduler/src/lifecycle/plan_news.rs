//! A plan has heard how a job of its own ended.

use crate::job_record::JobRecord;

/// The record of a job whose plan knows of its end by now. None when there was nothing to tell.
///
/// Nothing of it that a caller can see changes, so its time of change stays.
#[must_use]
pub fn plan_told(record: &JobRecord) -> Option<JobRecord> {
    record.untold_plan()?;
    Some(JobRecord {
        told_plan: true,
        ..record.clone()
    })
}
