//! What documents of plans and units of work have in common: creators, selectors, recovery points.

use domain::{Creator, Destination, ImageSelector, RecoveryPoint, RegionId, TenantId, UserId};

use super::job::timestamp;
use super::{InvalidField, parse, required};
use crate::v1;
use crate::v1::image_selector::By;

impl From<&Creator> for v1::Creator {
    fn from(creator: &Creator) -> Self {
        Self {
            user_id: creator.id.to_string(),
            user_name: creator.name.clone(),
            domain_id: creator.domain_id.clone(),
            domain_name: creator.domain_name.clone(),
        }
    }
}

impl From<v1::Creator> for Creator {
    fn from(creator: v1::Creator) -> Self {
        Self {
            id: UserId::new(creator.user_id),
            name: creator.user_name,
            domain_id: creator.domain_id,
            domain_name: creator.domain_name,
        }
    }
}

impl From<&ImageSelector> for v1::ImageSelector {
    fn from(selector: &ImageSelector) -> Self {
        Self {
            by: Some(match selector {
                ImageSelector::Id(id) => By::ImageId(id.to_string()),
                ImageSelector::Name(name) => By::ImageName(name.clone()),
                ImageSelector::Tag(tag) => By::ImageTag(tag.clone()),
            }),
        }
    }
}

impl TryFrom<v1::ImageSelector> for ImageSelector {
    type Error = InvalidField;

    fn try_from(selector: v1::ImageSelector) -> Result<Self, InvalidField> {
        Ok(match required("selector.by", selector.by)? {
            By::ImageId(id) => Self::Id(parse("selector.image_id", &id)?),
            By::ImageName(name) => Self::Name(name),
            By::ImageTag(tag) => Self::Tag(tag),
        })
    }
}

impl From<&RecoveryPoint> for v1::RecoveryPoint {
    fn from(point: &RecoveryPoint) -> Self {
        Self {
            job_id: point.job_id.to_string(),
            image_id: point.image_id.to_string(),
            source_image_id: point.source_image_id.to_string(),
            digest: Some((&point.digest).into()),
            destination_region_id: point.destination.region.to_string(),
            destination_tenant_id: point.destination.tenant.to_string(),
            made_at_ms: point.made_at.as_millisecond(),
        }
    }
}

impl TryFrom<v1::RecoveryPoint> for RecoveryPoint {
    type Error = InvalidField;

    fn try_from(point: v1::RecoveryPoint) -> Result<Self, InvalidField> {
        Ok(Self {
            job_id: parse("recovery_point.job_id", &point.job_id)?,
            image_id: parse("recovery_point.image_id", &point.image_id)?,
            source_image_id: parse("recovery_point.source_image_id", &point.source_image_id)?,
            digest: required("recovery_point.digest", point.digest)?.into(),
            destination: Destination {
                region: RegionId::new(point.destination_region_id),
                tenant: TenantId::new(point.destination_tenant_id),
            },
            made_at: timestamp("recovery_point.made_at_ms", point.made_at_ms)?,
        })
    }
}
