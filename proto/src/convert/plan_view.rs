//! Plans as callers see them.

use domain::{PlanStatus, PlanView, RecoveryPoint, RegionId, RunResult, RunView, TenantId, UserId};
use jiff::Timestamp;

use super::job::{optional_timestamp, timestamp};
use super::{InvalidField, parse, parse_all, required};
use crate::v1;

impl From<PlanStatus> for v1::PlanStatus {
    fn from(status: PlanStatus) -> Self {
        match status {
            PlanStatus::Scheduled => Self::Scheduled,
            PlanStatus::Running => Self::Running,
            PlanStatus::Stop => Self::Stop,
            PlanStatus::Completed => Self::Completed,
        }
    }
}

impl TryFrom<v1::PlanStatus> for PlanStatus {
    type Error = InvalidField;

    fn try_from(status: v1::PlanStatus) -> Result<Self, InvalidField> {
        match status {
            v1::PlanStatus::Unspecified => Err(InvalidField::missing("plan.status")),
            v1::PlanStatus::Scheduled => Ok(Self::Scheduled),
            v1::PlanStatus::Running => Ok(Self::Running),
            v1::PlanStatus::Stop => Ok(Self::Stop),
            v1::PlanStatus::Completed => Ok(Self::Completed),
        }
    }
}

impl From<RunResult> for v1::RunResult {
    fn from(result: RunResult) -> Self {
        match result {
            RunResult::Success => Self::Success,
            RunResult::Fail => Self::Fail,
            RunResult::Aborted => Self::Aborted,
            RunResult::Skipped => Self::Skipped,
            RunResult::Missed => Self::Missed,
        }
    }
}

impl TryFrom<v1::RunResult> for RunResult {
    type Error = InvalidField;

    fn try_from(result: v1::RunResult) -> Result<Self, InvalidField> {
        match result {
            v1::RunResult::Unspecified => Err(InvalidField::missing("run.result")),
            v1::RunResult::Success => Ok(Self::Success),
            v1::RunResult::Fail => Ok(Self::Fail),
            v1::RunResult::Aborted => Ok(Self::Aborted),
            v1::RunResult::Skipped => Ok(Self::Skipped),
            v1::RunResult::Missed => Ok(Self::Missed),
        }
    }
}

impl From<&RunView> for v1::Run {
    fn from(run: &RunView) -> Self {
        Self {
            scheduled_for_ms: run.scheduled_for.as_millisecond(),
            started_at_ms: run.started_at.as_millisecond(),
            ended_at_ms: run.ended_at.map(Timestamp::as_millisecond),
            result: run.result.map(|result| v1::RunResult::from(result).into()),
            messages: run.messages.clone(),
            job_ids: run.jobs.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<v1::Run> for RunView {
    type Error = InvalidField;

    fn try_from(run: v1::Run) -> Result<Self, InvalidField> {
        Ok(Self {
            scheduled_for: timestamp("run.scheduled_for_ms", run.scheduled_for_ms)?,
            started_at: timestamp("run.started_at_ms", run.started_at_ms)?,
            ended_at: optional_timestamp("run.ended_at_ms", run.ended_at_ms)?,
            result: run
                .result
                .is_some()
                .then(|| run.result().try_into())
                .transpose()?,
            jobs: parse_all("run.job_ids", &run.job_ids)?,
            messages: run.messages,
        })
    }
}

impl From<&PlanView> for v1::Plan {
    fn from(plan: &PlanView) -> Self {
        Self {
            plan_id: plan.id.to_string(),
            region_id: plan.region.to_string(),
            tenant_id: plan.tenant.to_string(),
            creator_id: plan.creator.to_string(),
            document: Some((&plan.document).into()),
            revision: plan.revision,
            status: v1::PlanStatus::from(plan.status).into(),
            created_at_ms: plan.created_at.as_millisecond(),
            updated_at_ms: plan.updated_at.as_millisecond(),
            scheduled_at_ms: plan.scheduled_at.as_millisecond(),
            next_fire_at_ms: plan.next_fire_at.map(Timestamp::as_millisecond),
            last_event: plan
                .last_event
                .map(|event| v1::PlanEvent::from(event).into()),
            started_at_ms: plan.started_at.map(Timestamp::as_millisecond),
            ended_at_ms: plan.ended_at.map(Timestamp::as_millisecond),
            last_run: plan.last_run.as_ref().map(Into::into),
            recovery_points: plan.recovery_points.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Plan> for PlanView {
    type Error = InvalidField;

    fn try_from(plan: v1::Plan) -> Result<Self, InvalidField> {
        let points: Result<Vec<RecoveryPoint>, InvalidField> = plan
            .recovery_points
            .iter()
            .cloned()
            .map(TryInto::try_into)
            .collect();
        Ok(Self {
            id: parse("plan.plan_id", &plan.plan_id)?,
            status: plan.status().try_into()?,
            last_event: plan
                .last_event
                .is_some()
                .then(|| plan.last_event().try_into())
                .transpose()?,
            region: RegionId::new(plan.region_id),
            tenant: TenantId::new(plan.tenant_id),
            creator: UserId::new(plan.creator_id),
            document: required("plan.document", plan.document)?.try_into()?,
            revision: plan.revision,
            created_at: timestamp("plan.created_at_ms", plan.created_at_ms)?,
            updated_at: timestamp("plan.updated_at_ms", plan.updated_at_ms)?,
            scheduled_at: timestamp("plan.scheduled_at_ms", plan.scheduled_at_ms)?,
            next_fire_at: optional_timestamp("plan.next_fire_at_ms", plan.next_fire_at_ms)?,
            started_at: optional_timestamp("plan.started_at_ms", plan.started_at_ms)?,
            ended_at: optional_timestamp("plan.ended_at_ms", plan.ended_at_ms)?,
            last_run: plan.last_run.map(TryInto::try_into).transpose()?,
            recovery_points: points?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use domain::{
        ActionId, Destination, ImageDigest, ImageId, ImageSelector, JobId, PlanAction,
        PlanDocument, PlanEvent, PlanId, ScheduleFields,
    };
    use uuid::Uuid;

    use super::*;

    fn destination() -> Destination {
        Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("there"),
        }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("within range")
    }

    fn action(selector: ImageSelector) -> PlanAction {
        PlanAction {
            id: ActionId::generate(),
            selector,
            destination: destination(),
            rotation: NonZeroU32::new(7),
            max_retries: 3,
            retry_interval: Duration::from_secs(60),
            mandatory: true,
            as_written: "{}".to_owned(),
        }
    }

    fn schedule() -> ScheduleFields {
        let text = |text: &str| Some(text.to_owned());
        ScheduleFields {
            date: text("date"),
            interval: text("interval"),
            start_date: text("start"),
            end_date: text("end"),
            year: text("year"),
            month: text("month"),
            day: text("day"),
            week: text("week"),
            day_of_week: text("day of week"),
            hour: text("hour"),
            minute: text("minute"),
            second: text("second"),
        }
    }

    fn plan() -> PlanView {
        let image = |number| ImageId::from_uuid(Uuid::from_u128(number));
        PlanView {
            id: PlanId::generate(),
            region: RegionId::new("ot1"),
            tenant: TenantId::new("here"),
            creator: UserId::new("alice"),
            document: PlanDocument {
                name: "nightly".to_owned(),
                description: "every night".to_owned(),
                client_id: "client".to_owned(),
                session_id: "session".to_owned(),
                session_tag: -3,
                disabled: true,
                schedule: schedule(),
                actions: vec![
                    action(ImageSelector::Id(image(1))),
                    action(ImageSelector::Name("debian".to_owned())),
                    action(ImageSelector::Tag("golden".to_owned())),
                ],
            },
            revision: 5,
            status: PlanStatus::Running,
            created_at: at(1),
            updated_at: at(2),
            scheduled_at: at(3),
            next_fire_at: Some(at(4)),
            last_event: Some(PlanEvent::Start),
            started_at: Some(at(6)),
            ended_at: Some(at(7)),
            last_run: Some(RunView {
                scheduled_for: at(5),
                started_at: at(6),
                ended_at: Some(at(7)),
                result: Some(RunResult::Fail),
                messages: vec!["no".to_owned()],
                jobs: vec![JobId::generate()],
            }),
            recovery_points: vec![RecoveryPoint {
                job_id: JobId::generate(),
                image_id: image(2),
                source_image_id: image(1),
                digest: ImageDigest {
                    size_bytes: 1,
                    checksum: None,
                    os_hash_algo: None,
                    os_hash_value: None,
                },
                destination: destination(),
                made_at: at(8),
            }],
        }
    }

    #[test]
    fn a_plan_arrives_as_it_was_sent() {
        let plan = plan();
        assert_eq!(PlanView::try_from(v1::Plan::from(&plan)), Ok(plan));
    }

    #[test]
    fn a_plan_that_never_ran_arrives_as_it_was_sent() {
        let plan = PlanView {
            next_fire_at: None,
            last_event: None,
            started_at: None,
            ended_at: None,
            last_run: None,
            recovery_points: Vec::new(),
            ..plan()
        };
        assert_eq!(PlanView::try_from(v1::Plan::from(&plan)), Ok(plan));
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut wire = v1::Plan::from(&plan());
        wire.status = 0;
        let error = PlanView::try_from(wire).expect_err("no status");
        assert_eq!(error.to_string(), "plan.status: is missing");
    }
}
