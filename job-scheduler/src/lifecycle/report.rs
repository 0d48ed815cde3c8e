//! A worker reports: the lease is renewed, progress noted, and a directive goes back.

use domain::{Directive, JobStatus, ProgressReport, Stage, UnitKind};
use jiff::Timestamp;

use super::{Rules, after, step};
use crate::job_record::{JobRecord, Lease};
use crate::job_state::Event;

/// What a report changes, and what the worker is told. No record: the token is not the current
/// one, and nothing is to be written.
#[must_use]
pub fn report(
    record: &JobRecord,
    report: &ProgressReport,
    now: Timestamp,
    rules: &Rules,
) -> (Option<JobRecord>, Directive) {
    if directive(record, report) == Directive::Stop {
        return (None, Directive::Stop);
    }
    let mut next = record.clone();
    if let Some(lease) = next.lease.as_mut() {
        renew(lease, &mut next.lost_leases, now, rules);
        lease.stage = Some(report.stage);
        next.waiting_until = None;
    }
    if report.stage == Stage::Canceling && next.status == JobStatus::CancelRequested {
        // Legal in this status, as the table in `job_state` shows; a refusal changes nothing.
        let _ = step(&mut next, Event::CleanUpStarted, now);
    }
    if next.status == JobStatus::Replicating && next.copy().is_some() {
        next.bytes_copied = report.bytes_copied;
        next.copy_progress = next.copy_progress.max(percent(&next));
        if let Some(image) = report.image.filter(|image| next.leftovers.contains(image)) {
            next.image = Some(image);
        }
    }
    settle(&mut next, &report.settled);
    next.updated_at = now;
    let answer = directive(&next, report);
    (Some(next), answer)
}

/// What the sender of a report is to do, as the record stands.
#[must_use]
pub(crate) fn directive(record: &JobRecord, report: &ProgressReport) -> Directive {
    match &record.lease {
        Some(lease) if lease.token == report.lease_token => match (lease.kind, record.status) {
            (_, JobStatus::Replicating) | (UnitKind::CleanUp, _) => Directive::Continue,
            // A deadline ends an attempt as a cancel does: whoever fills the image removes it.
            _ => Directive::Cancel,
        },
        _ => Directive::Stop,
    }
}

/// Extends a lease. One that had lapsed was not lost after all.
pub(super) fn renew(lease: &mut Lease, lost_leases: &mut u32, now: Timestamp, rules: &Rules) {
    if lease.lapsed && lease.kind != UnitKind::CleanUp {
        *lost_leases = lost_leases.saturating_sub(1);
    }
    lease.lapsed = false;
    lease.expires_at = lease.expires_at.max(after(now, rules.lease_length));
}

/// Forgets images that are known to be gone for good.
pub(super) fn settle(record: &mut JobRecord, settled: &[domain::ImageId]) {
    record.leftovers.retain(|id| !settled.contains(id));
    if record.image.is_some_and(|id| settled.contains(&id)) {
        record.image = None;
    }
}

fn percent(record: &JobRecord) -> u8 {
    let total = u128::from(record.task.size_bytes().max(1));
    let percent = u128::from(record.bytes_copied) * 100 / total;
    u8::try_from(percent.min(99)).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use domain::LeaseToken;

    use super::*;
    use crate::lifecycle::sample::{self, at, report_of};
    use crate::lifecycle::{Jitter, cancel, lapse};

    #[test]
    fn progress_is_the_highest_ever_and_never_a_hundred() {
        let rules = sample::rules();
        let record = sample::granted();
        let size = record.task.size_bytes();
        let (half, directive) = report(&record, &report_of(&record, size / 2), at(1), &rules);
        let half = half.expect("written");
        assert_eq!((half.copy_progress, directive), (50, Directive::Continue));
        let (back, _) = report(&half, &report_of(&half, 1), at(2), &rules);
        let back = back.expect("written");
        assert_eq!((back.copy_progress, back.bytes_copied), (50, 1));
        let (all, _) = report(&back, &report_of(&back, size), at(3), &rules);
        assert_eq!(all.expect("written").copy_progress, 99);
    }

    #[test]
    fn a_foreign_token_writes_nothing() {
        let record = sample::granted();
        let mut foreign = report_of(&record, 5);
        foreign.lease_token = LeaseToken::generate();
        let answer = report(&record, &foreign, at(1), &sample::rules());
        assert_eq!(answer, (None, Directive::Stop));
    }

    #[test]
    fn a_lapsed_lease_is_renewed_while_nobody_has_taken_over() {
        let rules = sample::rules();
        let record = sample::granted();
        let lapsed = lapse(&record, at(31), Jitter(0.0), &rules).expect("expired");
        assert_eq!(lapsed.lost_leases, 1);
        let (renewed, directive) = report(&lapsed, &report_of(&lapsed, 1), at(40), &rules);
        let renewed = renewed.expect("written");
        assert_eq!(directive, Directive::Continue);
        assert_eq!(renewed.lost_leases, 0);
        assert_eq!(renewed.held_lease().expect("held").expires_at, at(70));
    }

    #[test]
    fn a_cancel_is_heard_and_then_under_way() {
        let rules = sample::rules();
        let canceled = cancel(&sample::granted(), at(1), &rules).expect("cancelable");
        let mut word = report_of(&canceled, 1);
        let (heard, directive) = report(&canceled, &word, at(2), &rules);
        assert_eq!(directive, Directive::Cancel);
        assert_eq!(heard.expect("written").status, JobStatus::CancelRequested);
        word.stage = Stage::Canceling;
        let (under_way, directive) = report(&canceled, &word, at(2), &rules);
        assert_eq!(directive, Directive::Cancel);
        assert_eq!(under_way.expect("written").status, JobStatus::Canceling);
    }
}
