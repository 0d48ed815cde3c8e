//! Work: grants, reports, finishes.

use std::time::Duration;

use domain::{Directive, Finish, FinishVerdict, Grant, Outcome, ProgressReport, Stage, Unit};

use super::{InvalidField, parse, parse_all, parse_optional, required};
use crate::v1;
use crate::v1::finish_request::Outcome as WireOutcome;
use crate::v1::grant::Unit as WireUnit;

impl From<&Grant> for v1::Grant {
    fn from(grant: &Grant) -> Self {
        Self {
            unit: Some(match &grant.unit {
                Unit::Copy(spec) => WireUnit::Copy(spec.into()),
                Unit::CleanUp(spec) => WireUnit::CleanUp(spec.into()),
                Unit::Resolve(fire) => WireUnit::Resolve(fire.into()),
                Unit::Remove(removal) => WireUnit::Remove(removal.into()),
                Unit::FindOrphans(search) => WireUnit::FindOrphans(search.into()),
                Unit::RemoveOrphan(removal) => WireUnit::RemoveOrphan(removal.into()),
            }),
            job_id: grant.job_id.to_string(),
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
            unit: match required("grant.unit", grant.unit)? {
                WireUnit::Copy(spec) => Unit::Copy(spec.try_into()?),
                WireUnit::CleanUp(spec) => Unit::CleanUp(spec.try_into()?),
                WireUnit::Resolve(fire) => Unit::Resolve(fire.try_into()?),
                WireUnit::Remove(removal) => Unit::Remove(removal.try_into()?),
                WireUnit::FindOrphans(search) => Unit::FindOrphans(search.try_into()?),
                WireUnit::RemoveOrphan(removal) => Unit::RemoveOrphan(removal.try_into()?),
            },
            job_id: parse("grant.job_id", &grant.job_id)?,
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
                Outcome::Reused { image } => WireOutcome::Reused(v1::Reused {
                    image_id: image.to_string(),
                }),
                Outcome::Resolved { images } => WireOutcome::Resolved(v1::Resolved {
                    images: images.iter().map(Into::into).collect(),
                }),
                Outcome::Removed(fate) => WireOutcome::Removed(fate.into()),
                Outcome::OrphansFound(found) => WireOutcome::OrphansFound(found.into()),
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
            WireOutcome::Reused(reused) => Outcome::Reused {
                image: parse("outcome.reused.image_id", &reused.image_id)?,
            },
            WireOutcome::Resolved(resolved) => {
                let images = resolved.images.into_iter().map(TryInto::try_into);
                Outcome::Resolved {
                    images: images.collect::<Result<_, _>>()?,
                }
            }
            WireOutcome::Removed(fate) => Outcome::Removed(fate.try_into()?),
            WireOutcome::OrphansFound(found) => Outcome::OrphansFound(found.try_into()?),
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
            FinishVerdict::LookAgain => Self::LookAgain,
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
            v1::FinishVerdict::LookAgain => Ok(Self::LookAgain),
            v1::FinishVerdict::Unspecified => Err(InvalidField::missing("verdict")),
        }
    }
}

fn texts(ids: &[domain::ImageId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use domain::{ErrorCode, JobError, JobId, LeaseToken, ReplicaFate, ResolvedImage};

    use super::*;
    use crate::convert::sample;

    fn grant(unit: Unit) -> Grant {
        let job_id = JobId::generate();
        let is_copy = matches!(unit, Unit::Copy(_));
        Grant {
            unit,
            job_id,
            attempt: 3,
            lease_token: LeaseToken::generate(),
            lease_length: Duration::from_secs(30),
            destination_image_id: is_copy.then(|| job_id.image_of_attempt(3)),
            leftovers: vec![job_id.image_of_attempt(1), job_id.image_of_attempt(2)],
            cancel_requested: true,
        }
    }

    #[test]
    fn every_unit_survives_the_journey() {
        for unit in [
            Unit::Copy(sample::spec()),
            Unit::CleanUp(sample::spec()),
            Unit::Resolve(sample::fire()),
            Unit::Remove(sample::removal()),
            Unit::FindOrphans(sample::orphan_search()),
            Unit::RemoveOrphan(sample::orphan_removal()),
        ] {
            let grant = grant(unit);
            assert_eq!(Grant::try_from(v1::Grant::from(&grant)), Ok(grant));
        }
        let none = v1::Grant::default();
        assert!(Grant::try_from(none).is_err_and(|error| error.field == "grant.unit"));
    }

    #[test]
    fn every_outcome_survives_the_journey() {
        let refused = JobError::new(ErrorCode::SourceGone, "there is no such image");
        let image = sample::image(4);
        for outcome in [
            Outcome::Replicated { image },
            Outcome::Reused { image },
            Outcome::Resolved { images: Vec::new() },
            Outcome::Resolved {
                images: vec![
                    ResolvedImage::Copy(Box::new(sample::spec())),
                    ResolvedImage::Identical {
                        source: image,
                        replica: sample::image(5),
                    },
                    ResolvedImage::Refused(refused.clone()),
                ],
            },
            Outcome::Removed(ReplicaFate::Gone),
            Outcome::OrphansFound(sample::orphans_found()),
            Outcome::Removed(ReplicaFate::Kept("it is protected".to_owned())),
            Outcome::Failed {
                error: refused,
                transient: true,
            },
            Outcome::Cleaned,
            Outcome::HandedBack,
        ] {
            let finish = Finish {
                job_id: JobId::generate(),
                lease_token: LeaseToken::generate(),
                outcome,
                settled: vec![image],
                bytes_copied: 7,
            };
            assert_eq!(
                Finish::try_from(v1::FinishRequest::from(&finish)),
                Ok(finish)
            );
        }
    }
}
