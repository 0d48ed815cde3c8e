//! What plans have workers do: fires, removals and what came of them.

use domain::{
    Destination, PlanFire, RegionId, ReplicaFate, ReplicaRemoval, ResolvedImage, TenantId,
};

use super::{InvalidField, parse, parse_all, required};
use crate::v1;
use crate::v1::replica_fate::Fate;
use crate::v1::resolved_image::Found;

impl From<&PlanFire> for v1::PlanFire {
    fn from(fire: &PlanFire) -> Self {
        Self {
            plan_id: fire.plan_id.to_string(),
            action_id: fire.action_id.to_string(),
            source_region_id: fire.source_region.to_string(),
            source_tenant_id: fire.source_tenant.to_string(),
            creator: Some((&fire.creator).into()),
            selector: Some((&fire.selector).into()),
            destination_region_id: fire.destination.region.to_string(),
            destination_tenant_id: fire.destination.tenant.to_string(),
            newest: fire.newest.iter().map(Into::into).collect(),
            traceparent: fire.traceparent.clone(),
        }
    }
}

impl TryFrom<v1::PlanFire> for PlanFire {
    type Error = InvalidField;

    fn try_from(fire: v1::PlanFire) -> Result<Self, InvalidField> {
        let newest = fire.newest.into_iter().map(TryInto::try_into);
        Ok(Self {
            plan_id: parse("fire.plan_id", &fire.plan_id)?,
            action_id: parse("fire.action_id", &fire.action_id)?,
            source_region: RegionId::new(fire.source_region_id),
            source_tenant: TenantId::new(fire.source_tenant_id),
            creator: required("fire.creator", fire.creator)?.into(),
            selector: required("fire.selector", fire.selector)?.try_into()?,
            destination: Destination {
                region: RegionId::new(fire.destination_region_id),
                tenant: TenantId::new(fire.destination_tenant_id),
            },
            newest: newest.collect::<Result<_, _>>()?,
            traceparent: fire.traceparent,
        })
    }
}

impl From<&ReplicaRemoval> for v1::ReplicaRemoval {
    fn from(removal: &ReplicaRemoval) -> Self {
        Self {
            plan_id: removal.plan_id.to_string(),
            replica: Some((&removal.replica).into()),
            survivor_ids: removal.survivors.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<v1::ReplicaRemoval> for ReplicaRemoval {
    type Error = InvalidField;

    fn try_from(removal: v1::ReplicaRemoval) -> Result<Self, InvalidField> {
        Ok(Self {
            plan_id: parse("removal.plan_id", &removal.plan_id)?,
            replica: required("removal.replica", removal.replica)?.try_into()?,
            survivors: parse_all("removal.survivor_ids", &removal.survivor_ids)?,
        })
    }
}

impl From<&ResolvedImage> for v1::ResolvedImage {
    fn from(image: &ResolvedImage) -> Self {
        Self {
            found: Some(match image {
                ResolvedImage::Copy(spec) => Found::Copy(spec.as_ref().into()),
                ResolvedImage::Identical { source, replica } => {
                    Found::Identical(v1::IdenticalReplica {
                        source_image_id: source.to_string(),
                        replica_image_id: replica.to_string(),
                    })
                }
                ResolvedImage::Refused(error) => Found::Refused(error.into()),
            }),
        }
    }
}

impl TryFrom<v1::ResolvedImage> for ResolvedImage {
    type Error = InvalidField;

    fn try_from(image: v1::ResolvedImage) -> Result<Self, InvalidField> {
        Ok(match required("resolved_image.found", image.found)? {
            Found::Copy(spec) => Self::Copy(Box::new(spec.try_into()?)),
            Found::Identical(found) => Self::Identical {
                source: parse("identical.source_image_id", &found.source_image_id)?,
                replica: parse("identical.replica_image_id", &found.replica_image_id)?,
            },
            Found::Refused(error) => Self::Refused(error.try_into()?),
        })
    }
}

impl From<&ReplicaFate> for v1::ReplicaFate {
    fn from(fate: &ReplicaFate) -> Self {
        Self {
            fate: Some(match fate {
                ReplicaFate::Gone => Fate::Gone(v1::Gone {}),
                ReplicaFate::Kept(why) => Fate::Kept(why.clone()),
            }),
        }
    }
}

impl TryFrom<v1::ReplicaFate> for ReplicaFate {
    type Error = InvalidField;

    fn try_from(fate: v1::ReplicaFate) -> Result<Self, InvalidField> {
        Ok(match required("replica_fate.fate", fate.fate)? {
            Fate::Gone(v1::Gone {}) => Self::Gone,
            Fate::Kept(why) => Self::Kept(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::sample;

    #[test]
    fn what_is_missing_is_named() {
        let mut fire = v1::PlanFire::from(&sample::fire());
        fire.creator = None;
        let error = PlanFire::try_from(fire).expect_err("it has no creator");
        assert_eq!(error.to_string(), "fire.creator: is missing");
        let mut removal = v1::ReplicaRemoval::from(&sample::removal());
        removal.survivor_ids.push("all of them".to_owned());
        let error = ReplicaRemoval::try_from(removal).expect_err("no id");
        assert_eq!(
            error.to_string(),
            "removal.survivor_ids: image_id must be a UUID"
        );
    }
}
