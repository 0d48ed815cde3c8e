//! Work: grants, reports, finishes.

use std::time::Duration;

use domain::{Directive, Finish, FinishVerdict, Grant, Outcome, ProgressReport, Stage, UnitKind};

use super::{InvalidField, parse, parse_all, parse_optional, required};
use crate::v1;
use crate::v1::finish_request::Outcome as WireOutcome;

impl From<&Grant> for v1::Grant {
    fn from(grant: &Grant) -> Self {
        Self {
            kind: match grant.kind {
                UnitKind::Copy => v1::UnitKind::Copy,
                UnitKind::CleanUp => v1::UnitKind::CleanUp,
            }
            .into(),
            job_id: grant.job_id.to_string(),
            spec: Some((&grant.spec).into()),
            attempt: grant.attempt,
            lease_token: grant.lease_token.to_string(),
            lease_length_ms: u64::try_from(grant.lease_length.as_millis()).unwrap_or(u64::MAX),
            destination_image_id: grant.destination_image_id.map(|id| id.to_string()),
            leftovers: texts(&grant.leftovers),
            cancel_requested: grant.cancel_requested,
        }
    }
}

impl TryFrom<v1::Grant> for Grant {
    type Error = InvalidField;

    fn try_from(grant: v1::Grant) -> Result<Self, InvalidField> {
        Ok(Self {
            kind: match grant.kind() {
                v1::UnitKind::Copy => UnitKind::Copy,
                v1::UnitKind::CleanUp => UnitKind::CleanUp,
                v1::UnitKind::Unspecified => return Err(InvalidField::missing("grant.kind")),
            },
            job_id: parse("grant.job_id", &grant.job_id)?,
            spec: required("grant.spec", grant.spec)?.try_into()?,
            attempt: grant.attempt,
            lease_token: parse("grant.lease_token", &grant.lease_token)?,
            lease_length: Duration::from_millis(grant.lease_length_ms),
            destination_image_id: parse_optional(
                "grant.destination_image_id",
                grant.destination_image_id.as_deref(),
            )?,
            leftovers: parse_all("grant.leftovers", &grant.leftovers)?,
            cancel_requested: grant.cancel_requested,
        })
    }
}

impl From<&ProgressReport> for v1::ProgressReport {
    fn from(report: &ProgressReport) -> Self {
        Self {
            job_id: report.job_id.to_string(),
            lease_token: report.lease_token.to_string(),
            stage: match report.stage {
                Stage::Settling => v1::Stage::Settling,
                Stage::Creating => v1::Stage::Creating,
                Stage::Copying => v1::Stage::Copying,
                Stage::Verifying => v1::Stage::Verifying,
                Stage::Canceling => v1::Stage::Canceling,
            }
            .into(),
            bytes_copied: report.bytes_copied,
            image_id: report.image.map(|id| id.to_string()),
            settled: texts(&report.settled),
        }
    }
}

impl TryFrom<v1::ProgressReport> for ProgressReport {
    type Error = InvalidField;

    fn try_from(report: v1::ProgressReport) -> Result<Self, InvalidField> {
        Ok(Self {
            job_id: parse("job_id", &report.job_id)?,
            lease_token: parse("lease_token", &report.lease_token)?,
            stage: match report.stage() {
                v1::Stage::Settling => Stage::Settling,
                v1::Stage::Creating => Stage::Creating,
                v1::Stage::Copying => Stage::Copying,
                v1::Stage::Verifying => Stage::Verifying,
                v1::Stage::Canceling => Stage::Canceling,
                v1::Stage::Unspecified => return Err(InvalidField::missing("stage")),
            },
            bytes_copied: report.bytes_copied,
            image: parse_optional("image_id", report.image_id.as_deref())?,
            settled: parse_all("settled", &report.settled)?,
        })
    }
}

impl From<Directive> for v1::Directive {
    fn from(directive: Directive) -> Self {
        match directive {
            Directive::Continue => Self::Continue,
            Directive::Cancel => Self::Cancel,
            Directive::Stop => Self::Stop,
        }
    }
}

impl TryFrom<v1::Directive> for Directive {
    type Error = InvalidField;

    fn try_from(directive: v1::Directive) -> Result<Self, InvalidField> {
        match directive {
            v1::Directive::Continue => Ok(Self::Continue),
            v1::Directive::Cancel => Ok(Self::Cancel),
            v1::Directive::Stop => Ok(Self::Stop),
            v1::Directive::Unspecified => Err(InvalidField::missing("directive")),
        }
    }
}

impl From<&Finish> for v1::FinishRequest {
    fn from(finish: &Finish) -> Self {
        Self {
            job_id: finish.job_id.to_string(),
            lease_token: finish.lease_token.to_string(),
            outcome: Some(match &finish.outcome {
                Outcome::Replicated { image } => WireOutcome::Replicated(v1::Replicated {
                    image_id: image.to_string(),
                }),
                Outcome::Failed { error, transient } => WireOutcome::Failed(v1::Failed {
                    error: Some(error.into()),
                    transient: *transient,
                }),
                Outcome::Cleaned => WireOutcome::Cleaned(v1::Cleaned {}),
                Outcome::HandedBack => WireOutcome::HandedBack(v1::HandedBack {}),
            }),
            settled: texts(&finish.settled),
            bytes_copied: finish.bytes_copied,
        }
    }
}

impl TryFrom<v1::FinishRequest> for Finish {
    type Error = InvalidField;

    fn try_from(finish: v1::FinishRequest) -> Result<Self, InvalidField> {
        let outcome = match required("outcome", finish.outcome)? {
            WireOutcome::Replicated(replicated) => Outcome::Replicated {
                image: parse("outcome.replicated.image_id", &replicated.image_id)?,
            },
            WireOutcome::Failed(failed) => Outcome::Failed {
                error: required("outcome.failed.error", failed.error)?.try_into()?,
                transient: failed.transient,
            },
            WireOutcome::Cleaned(v1::Cleaned {}) => Outcome::Cleaned,
            WireOutcome::HandedBack(v1::HandedBack {}) => Outcome::HandedBack,
        };
        Ok(Self {
            job_id: parse("job_id", &finish.job_id)?,
            lease_token: parse("lease_token", &finish.lease_token)?,
            outcome,
            settled: parse_all("settled", &finish.settled)?,
            bytes_copied: finish.bytes_copied,
        })
    }
}

impl From<FinishVerdict> for v1::FinishVerdict {
    fn from(verdict: FinishVerdict) -> Self {
        match verdict {
            FinishVerdict::Committed => Self::Committed,
            FinishVerdict::Discard => Self::Discard,
            FinishVerdict::Superseded => Self::Superseded,
        }
    }
}

impl TryFrom<v1::FinishVerdict> for FinishVerdict {
    type Error = InvalidField;

    fn try_from(verdict: v1::FinishVerdict) -> Result<Self, InvalidField> {
        match verdict {
            v1::FinishVerdict::Committed => Ok(Self::Committed),
            v1::FinishVerdict::Discard => Ok(Self::Discard),
            v1::FinishVerdict::Superseded => Ok(Self::Superseded),
            v1::FinishVerdict::Unspecified => Err(InvalidField::missing("verdict")),
        }
    }
}

fn texts(ids: &[domain::ImageId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
