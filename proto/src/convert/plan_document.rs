//! Plans as their owners write them: documents, schedules, actions, events.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{
    Destination, PlanAction, PlanDocument, PlanEvent, RegionId, ScheduleFields, TenantId,
};

use super::{InvalidField, parse, required};
use crate::v1;

impl From<&ScheduleFields> for v1::ScheduleFields {
    fn from(fields: &ScheduleFields) -> Self {
        let fields = fields.clone();
        Self {
            date: fields.date,
            interval: fields.interval,
            start_date: fields.start_date,
            end_date: fields.end_date,
            year: fields.year,
            month: fields.month,
            day: fields.day,
            week: fields.week,
            day_of_week: fields.day_of_week,
            hour: fields.hour,
            minute: fields.minute,
            second: fields.second,
        }
    }
}

impl From<v1::ScheduleFields> for ScheduleFields {
    fn from(fields: v1::ScheduleFields) -> Self {
        Self {
            date: fields.date,
            interval: fields.interval,
            start_date: fields.start_date,
            end_date: fields.end_date,
            year: fields.year,
            month: fields.month,
            day: fields.day,
            week: fields.week,
            day_of_week: fields.day_of_week,
            hour: fields.hour,
            minute: fields.minute,
            second: fields.second,
        }
    }
}

impl From<&PlanAction> for v1::PlanAction {
    fn from(action: &PlanAction) -> Self {
        let interval = action.retry_interval.as_millis();
        Self {
            action_id: action.id.to_string(),
            selector: Some((&action.selector).into()),
            destination_region_id: action.destination.region.to_string(),
            destination_tenant_id: action.destination.tenant.to_string(),
            rotation: action.rotation.map_or(0, NonZeroU32::get),
            max_retries: action.max_retries,
            retry_interval_ms: u64::try_from(interval).unwrap_or(u64::MAX),
            mandatory: action.mandatory,
            as_written: action.as_written.clone(),
        }
    }
}

impl TryFrom<v1::PlanAction> for PlanAction {
    type Error = InvalidField;

    fn try_from(action: v1::PlanAction) -> Result<Self, InvalidField> {
        Ok(Self {
            id: parse("action.action_id", &action.action_id)?,
            selector: required("action.selector", action.selector)?.try_into()?,
            destination: Destination {
                region: RegionId::new(action.destination_region_id),
                tenant: TenantId::new(action.destination_tenant_id),
            },
            rotation: NonZeroU32::new(action.rotation),
            max_retries: action.max_retries,
            retry_interval: Duration::from_millis(action.retry_interval_ms),
            mandatory: action.mandatory,
            as_written: action.as_written,
        })
    }
}

impl From<&PlanDocument> for v1::PlanDocument {
    fn from(document: &PlanDocument) -> Self {
        Self {
            name: document.name.clone(),
            description: document.description.clone(),
            client_id: document.client_id.clone(),
            session_id: document.session_id.clone(),
            session_tag: document.session_tag,
            disabled: document.disabled,
            schedule: Some((&document.schedule).into()),
            actions: document.actions.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::PlanDocument> for PlanDocument {
    type Error = InvalidField;

    fn try_from(document: v1::PlanDocument) -> Result<Self, InvalidField> {
        let actions: Result<_, InvalidField> = document
            .actions
            .into_iter()
            .map(TryInto::try_into)
            .collect();
        Ok(Self {
            name: document.name,
            description: document.description,
            client_id: document.client_id,
            session_id: document.session_id,
            session_tag: document.session_tag,
            disabled: document.disabled,
            schedule: required("document.schedule", document.schedule)?.into(),
            actions: actions?,
        })
    }
}

impl From<PlanEvent> for v1::PlanEvent {
    fn from(event: PlanEvent) -> Self {
        match event {
            PlanEvent::Start => Self::Start,
            PlanEvent::Stop => Self::Stop,
            PlanEvent::Abort => Self::Abort,
        }
    }
}

impl TryFrom<v1::PlanEvent> for PlanEvent {
    type Error = InvalidField;

    fn try_from(event: v1::PlanEvent) -> Result<Self, InvalidField> {
        match event {
            v1::PlanEvent::Unspecified => Err(InvalidField::missing("event")),
            v1::PlanEvent::Start => Ok(Self::Start),
            v1::PlanEvent::Stop => Ok(Self::Stop),
            v1::PlanEvent::Abort => Ok(Self::Abort),
        }
    }
}
