//! Why a plan's fire, or a job that is made again, makes no copy, in the words of jobs; read by its owner when it is over.

use domain::{ErrorCode, JobError, RegionId, TenantId, UserId};

use crate::Refusal;
use crate::rights::{Deed, Need};

/// Why a copy is not made at a fire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// It cannot be told now: somebody who has to be asked does not answer as it should.
    #[error("{0}")]
    NotNow(JobError),
    /// It may not be made; asking again would not change that.
    #[error("{0}")]
    Refused(JobError),
}

impl Declined {
    /// What a check of a request that failed means to a fire of a plan of the region `source`.
    ///
    /// What only an operator can mend counts as not now: it is tried again while the fire lasts.
    pub(crate) fn of(refusal: Refusal, source: &RegionId) -> Self {
        use ErrorCode::{
            DestinationRefused, DestinationUnavailable, Internal, NotPortable, SourceChanged,
            SourceGone, SourceRefused, SourceUnavailable,
        };
        let message = refusal.to_string();
        let by_side = |region: &RegionId, at_source, at_destination| {
            if region == source {
                at_source
            } else {
                at_destination
            }
        };
        match refusal {
            Refusal::GlanceDown { region } | Refusal::KeystoneUnreachable { region } => {
                let code = by_side(&region, SourceUnavailable, DestinationUnavailable);
                Self::NotNow(JobError::new(code, message))
            }
            Refusal::ServiceUserRefused { region, .. } => {
                let code = by_side(&region, SourceRefused, DestinationRefused);
                Self::NotNow(JobError::new(code, message))
            }
            // Other workers, or this one after its next start, may know the region.
            Refusal::UnknownRegion { .. } => Self::NotNow(JobError::new(Internal, message)),
            Refusal::TenantNotInRegion { region, .. } => {
                let code = by_side(&region, SourceGone, DestinationRefused);
                Self::Refused(JobError::new(code, message))
            }
            Refusal::ImageNotFound { .. } => Self::Refused(JobError::new(SourceGone, message)),
            Refusal::ImageNotActive { .. } => Self::Refused(JobError::new(SourceChanged, message)),
            Refusal::ImageWithoutData { .. } | Refusal::NotPortable { .. } => {
                Self::Refused(JobError::new(NotPortable, message))
            }
            // The last four were answered when the plan was written, and no fire asks them again.
            Refusal::RefusedProperty { .. }
            | Refusal::UnsupportedDiskFormat { .. }
            | Refusal::UnsupportedContainerFormat { .. }
            | Refusal::TooLarge { .. }
            | Refusal::NoRoleOnDestination { .. }
            | Refusal::TenantNotFound { .. }
            | Refusal::AmbiguousRegion { .. }
            | Refusal::SamePlace { .. } => {
                Self::Refused(JobError::new(DestinationRefused, message))
            }
            Refusal::NotAuthenticated => Self::Refused(JobError::new(SourceRefused, message)),
        }
    }

    pub(crate) fn requester_gone(
        id: &UserId,
        name: Option<&str>,
        deed: Deed,
        region: &RegionId,
    ) -> Self {
        let user = name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})"));
        let (did, anew) = words(deed);
        Self::Refused(JobError::new(
            ErrorCode::CreatorLostRights,
            format!(
                "User {user}, who {did}, does not exist any more in region {region} or is disabled; \
                 somebody who may copy images has to {anew}."
            ),
        ))
    }

    pub(crate) fn requester_without_role(
        user: &str,
        deed: Deed,
        tenant: &TenantId,
        region: &RegionId,
        unmet: &Need<'_>,
    ) -> Self {
        let (did, anew) = words(deed);
        let (may, roles) = (unmet.may, unmet.roles.join(", "));
        Self::Refused(JobError::new(
            ErrorCode::CreatorLostRights,
            format!(
                "User {user}, who {did}, has no role on tenant {tenant} in region {region} that allows to \
                 {may} (one of {roles}): grant one, or have somebody who holds one {anew}."
            ),
        ))
    }
}

/// What was done in the user's name, and what somebody else could do instead.
const fn words(deed: Deed) -> (&'static str, &'static str) {
    match deed {
        Deed::Plan => ("wrote the plan", "save the plan"),
        Deed::Copy => ("asked for the copy", "ask for it anew"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_again_and_who_says_no_is_not() {
        let (here, there) = (RegionId::new("ot1"), RegionId::new("ot2"));
        let down = |region: &RegionId| Refusal::GlanceDown {
            region: region.clone(),
        };
        let lacks = |region: &RegionId| Refusal::ServiceUserRefused {
            region: region.clone(),
            user: "replicator".to_owned(),
            lacks: "has no role on tenant t".to_owned(),
        };
        let format = Refusal::UnsupportedDiskFormat {
            format: "vhd".to_owned(),
            region: there.clone(),
        };
        let words = |refusal: &Refusal| refusal.to_string();
        for (refusal, code, again) in [
            (down(&here), ErrorCode::SourceUnavailable, true),
            (down(&there), ErrorCode::DestinationUnavailable, true),
            (lacks(&here), ErrorCode::SourceRefused, true),
            (lacks(&there), ErrorCode::DestinationRefused, true),
            (format, ErrorCode::DestinationRefused, false),
        ] {
            let error = JobError::new(code, words(&refusal));
            let expected = if again {
                Declined::NotNow(error)
            } else {
                Declined::Refused(error)
            };
            assert_eq!(Declined::of(refusal, &here), expected);
        }
    }

    #[test]
    fn a_creator_without_the_role_is_told_which_would_do() {
        let declined = Declined::requester_without_role(
            "alice",
            Deed::Plan,
            &TenantId::new("t"),
            &RegionId::new("ot2"),
            &Need {
                may: "copy images",
                roles: &["member".to_owned(), "admin".to_owned()],
            },
        );
        assert_eq!(
            declined.to_string(),
            "creator_lost_rights: User alice, who wrote the plan, has no role on tenant t in region ot2 that allows \
             to copy images (one of member, admin): grant one, or have somebody who holds one save the plan."
        );
    }
}
