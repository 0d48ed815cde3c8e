//! The state machine of a job: one total function, and nothing else writes a status.
//!
//! Statuses only move forward and a final one stays. Called by [`crate::lifecycle`] alone.

use domain::JobStatus;

/// Something that happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An attempt to copy was granted; again for each retry.
    AttemptGranted,
    /// The image is verified and visible.
    Replicated,
    /// It will never succeed, or its time is up.
    GaveUp,
    /// The caller asked for a cancel.
    CancelRequested,
    /// Somebody started to clean the destination; or there is nothing to clean.
    CleanUpStarted,
    /// The destination holds nothing of the job.
    Cleaned,
    /// The clean-up of a cancel took too long; it goes on behind the final status.
    CleanUpOverdue,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::AttemptGranted,
        Self::Replicated,
        Self::GaveUp,
        Self::CancelRequested,
        Self::CleanUpStarted,
        Self::Cleaned,
        Self::CleanUpOverdue,
    ];
}

/// An event that the status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is `{status}` knows no {event:?}")]
pub struct IllegalTransition {
    /// Where the job stands.
    pub status: JobStatus,
    /// What cannot happen to it.
    pub event: Event,
}

/// The status that follows.
///
/// # Errors
/// [`IllegalTransition`] when the event cannot happen in this status.
pub const fn next(status: JobStatus, event: Event) -> Result<JobStatus, IllegalTransition> {
    use JobStatus as S;
    match (status, event) {
        (S::ReplicateRequested | S::Replicating, Event::AttemptGranted) => Ok(S::Replicating),
        (S::Replicating, Event::Replicated) => Ok(S::Replicated),
        (S::ReplicateRequested | S::Replicating, Event::GaveUp) => Ok(S::Error),
        (S::ReplicateRequested | S::Replicating, Event::CancelRequested) => Ok(S::CancelRequested),
        (S::CancelRequested | S::Canceling, Event::CleanUpStarted) => Ok(S::Canceling),
        (S::Canceling, Event::Cleaned) => Ok(S::Canceled),
        (S::Canceling, Event::CleanUpOverdue) => Ok(S::Error),
        (
            S::ReplicateRequested,
            Event::Replicated | Event::CleanUpStarted | Event::Cleaned | Event::CleanUpOverdue,
        )
        | (S::Replicating, Event::CleanUpStarted | Event::Cleaned | Event::CleanUpOverdue)
        | (
            S::CancelRequested,
            Event::AttemptGranted
            | Event::Replicated
            | Event::GaveUp
            | Event::CancelRequested
            | Event::Cleaned
            | Event::CleanUpOverdue,
        )
        | (
            S::Canceling,
            Event::AttemptGranted | Event::Replicated | Event::GaveUp | Event::CancelRequested,
        )
        | (S::Replicated | S::Canceled | S::Error, _) => Err(IllegalTransition { status, event }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The whole table, a row a status and a column an event, in the order of `ALL`.
    #[test]
    fn every_status_and_event() {
        use JobStatus as S;
        let table: [[Option<JobStatus>; 7]; 7] = [
            // granted, replicated, gave up, cancel, clean-up started, cleaned, overdue
            [
                Some(S::Replicating),
                None,
                Some(S::Error),
                Some(S::CancelRequested),
                None,
                None,
                None,
            ],
            [
                Some(S::Replicating),
                Some(S::Replicated),
                Some(S::Error),
                Some(S::CancelRequested),
                None,
                None,
                None,
            ],
            [None; 7],
            [None, None, None, None, Some(S::Canceling), None, None],
            [
                None,
                None,
                None,
                None,
                Some(S::Canceling),
                Some(S::Canceled),
                Some(S::Error),
            ],
            [None; 7],
            [None; 7],
        ];
        for (status, row) in JobStatus::ALL.into_iter().zip(table) {
            for (event, expected) in Event::ALL.into_iter().zip(row) {
                let answer = next(status, event);
                assert_eq!(answer.ok(), expected, "{status} and {event:?}");
                if expected.is_none() {
                    assert_eq!(answer, Err(IllegalTransition { status, event }));
                }
            }
        }
    }

    /// How far along a status is: no event may lead back.
    fn rank(status: JobStatus) -> u8 {
        match status {
            JobStatus::ReplicateRequested => 0,
            JobStatus::Replicating => 1,
            JobStatus::CancelRequested => 2,
            JobStatus::Canceling => 3,
            JobStatus::Replicated | JobStatus::Canceled | JobStatus::Error => 4,
        }
    }

    proptest! {
        #[test]
        fn statuses_only_move_forward_and_final_ones_stay(
            events in prop::collection::vec(prop::sample::select(&Event::ALL[..]), 0..30),
        ) {
            let mut status = JobStatus::ReplicateRequested;
            for event in events {
                match next(status, event) {
                    Ok(after) => {
                        prop_assert!(!status.is_final());
                        prop_assert!(rank(after) >= rank(status));
                        status = after;
                    }
                    Err(illegal) => prop_assert_eq!(illegal, IllegalTransition { status, event }),
                }
            }
        }
    }
}
