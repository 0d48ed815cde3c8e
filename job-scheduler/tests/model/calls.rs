//! What is asked of a scheduler, in small numbers.

use domain::{
    Directive, ErrorCode, Finish, FinishVerdict, JobError, JobId, LeaseToken, Outcome,
    ProgressReport, Stage, UnitKind,
};

use crate::glance::Image;
use crate::sample;
use crate::view::{ImageSet, ids_of};

/// Something that becomes due with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DueNow {
    Lease,
    Backoff,
    Deadline,
}

/// One call; or a tick of the reconciler when something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Call {
    Create {
        job: u8,
    },
    Cancel {
        job: u8,
    },
    Claim {
        claim: u8,
        hint: Option<u8>,
        token: u8,
    },
    Report {
        job: u8,
        token: u8,
        cleaning: bool,
        image: Image,
        settled: ImageSet,
    },
    Finish {
        job: u8,
        token: u8,
        end: End,
        settled: ImageSet,
    },
    Due {
        job: u8,
        what: DueNow,
    },
}

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum End {
    Replicated(Image),
    Failed {
        transient: bool,
    },
    /// Failed because the copy has other bytes than the source.
    Differs,
    HandedBack,
    Cleaned,
}

/// What the caller hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    None,
    Done,
    Refused,
    Granted(Option<Granted>),
    Directive(Directive),
    Verdict(FinishVerdict),
}

/// A unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) job: u8,
    pub(crate) kind: UnitKind,
    pub(crate) attempt: u8,
    pub(crate) token: u8,
    pub(crate) leftovers: ImageSet,
    pub(crate) cancel: bool,
}

/// The circumstances of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct When {
    /// How often Redis fell back to an older state so far.
    pub(crate) fallen_back: u8,
    /// Schedulers were away until now.
    pub(crate) just_back: bool,
}

impl Call {
    /// The job that a call is about; a claim is about none before it is answered.
    pub(crate) const fn token(self) -> Option<u8> {
        match self {
            Self::Claim { token, .. } | Self::Report { token, .. } | Self::Finish { token, .. } => {
                Some(token)
            }
            Self::Create { .. } | Self::Cancel { .. } | Self::Due { .. } => None,
        }
    }

    pub(crate) fn report(self, job_id: JobId, lease_token: LeaseToken) -> ProgressReport {
        let Self::Report {
            cleaning,
            image,
            settled,
            ..
        } = self
        else {
            panic!("{self:?} is no report")
        };
        ProgressReport {
            job_id,
            lease_token,
            stage: if cleaning {
                Stage::Canceling
            } else {
                Stage::Copying
            },
            bytes_copied: 0,
            image: (image > 0).then(|| job_id.image_of_attempt(u32::from(image))),
            settled: ids_of(job_id, settled),
        }
    }

    pub(crate) fn finish(self, job_id: JobId, lease_token: LeaseToken) -> Finish {
        let Self::Finish { end, settled, .. } = self else {
            panic!("{self:?} is no finish")
        };
        let failed = |code, transient| Outcome::Failed {
            error: JobError::new(code, String::new()),
            transient,
        };
        Finish {
            job_id,
            lease_token,
            outcome: match end {
                End::Replicated(image) => Outcome::Replicated {
                    image: job_id.image_of_attempt(u32::from(image)),
                },
                End::Failed { transient } => failed(ErrorCode::DestinationUnavailable, transient),
                End::Differs => failed(ErrorCode::VerificationFailed, true),
                End::HandedBack => Outcome::HandedBack,
                End::Cleaned => Outcome::Cleaned,
            },
            settled: ids_of(job_id, settled),
            bytes_copied: sample::SIZE,
        }
    }
}
