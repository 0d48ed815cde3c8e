//! All checks of one request, made side by side where none needs the other, answered in order.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, ImageId, PlanId, RegionId, Source, TenantId,
    UserId,
};
use openstack::{Cloud, Formats, Image, Region, RequestContext, TokenInfo};
use secrecy::SecretString;

use crate::in_order::in_order;
use crate::lookups::{Lookups, Right};
use crate::rules::Rules;
use crate::{Policy, Refusal, RegionRules, destination, image, rights, service_user};

/// Decides for one source region. Holds no state of a request; cheap to clone but for its rules.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(crate) cloud: Cloud,
    pub(crate) source: Region,
    pub(crate) policy: Policy,
    lookups: Lookups,
    rules: BTreeMap<RegionId, RegionRules>,
}

/// Who asks: a token and what it was found to prove.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The caller's own token.
    pub token: SecretString,
    /// The project that it is scoped to.
    pub tenant: TenantId,
    /// What it proves.
    pub info: TokenInfo,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The image in the source region.
    pub image: ImageId,
    /// The tenant that shall own the copy.
    pub tenant: TenantId,
    /// The region of that tenant, when the caller names one.
    pub region: Option<RegionId>,
}

/// A copy that may be made, as it was when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Where it comes from.
    pub source: Source,
    /// The image's name; empty when it has none.
    pub source_image_name: String,
    /// The image's size and hashes.
    pub source_digest: ImageDigest,
    /// Where it goes.
    pub destination: Destination,
    /// Who asked.
    pub requested_by: UserId,
}

/// A destination that the caller may use, and what its Glance takes, when it could be asked.
struct Open<'a> {
    destination: &'a Region,
    formats: Result<Formats, Refusal>,
}

// === impl Admission ===

impl Admission {
    /// Copies out of `source`, one of the regions of `cloud`; none when it is not. Regions without
    /// rules of their own take everything that their Glance takes.
    #[must_use]
    pub fn new(
        cloud: Cloud,
        source: &RegionId,
        policy: Policy,
        rules: BTreeMap<RegionId, RegionRules>,
    ) -> Option<Self> {
        let source = cloud.region(source)?.clone();
        Some(Self {
            cloud,
            source,
            policy,
            lookups: Lookups::kept_for(Duration::ZERO),
            rules,
        })
    }

    /// The same, but what Keystone says of a destination project and of a caller's roles there is trusted for that long, if
    /// it lets a copy be made.
    #[must_use]
    pub fn with_lookups_kept_for(self, time: Duration) -> Self {
        Self {
            lookups: Lookups::kept_for(time),
            ..self
        }
    }

    /// Makes every check. The context travels on all requests that this causes.
    ///
    /// # Errors
    /// The first failure in the order of the crate's header.
    pub async fn decide(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        context: &RequestContext,
    ) -> Result<Admitted, Refusal> {
        let cloud = self.cloud.with_context(context);
        let source = self.source.with_context(context);

        // Each of these needs none of the others, and they are answered in this order.
        let checks = in_order(
            image::readable_by_caller(&source, &self.policy, caller, wanted.image),
            in_order(
                self.open_destination(&cloud, &source, caller, wanted),
                service_user::read_first_byte_of(&source, &caller.tenant, wanted.image),
            ),
        );
        let (image, rest) = checks.await?;
        let (open, read) = rest?;
        let Open {
            destination,
            formats,
        } = open;

        // A Glance that could not be asked has no say here; why it could not comes in its turn.
        self.check_rules(&image.image, destination.id(), formats.as_ref().ok())?;
        let unread = read
            .err()
            .map(|unread| unread.refusal(&source, &caller.tenant));
        service_user::first_refusal([unread, formats.err()])?;

        Ok(Admitted {
            source: Source {
                region: source.id().clone(),
                tenant: caller.tenant.clone(),
                image: wanted.image,
            },
            source_image_name: image.image.name.unwrap_or_default(),
            source_digest: image.digest,
            destination: Destination {
                region: destination.id().clone(),
                tenant: wanted.tenant.clone(),
            },
            requested_by: caller.info.user.id.clone(),
        })
    }

    /// Where copies for `tenant` go, `region` being the one that the caller names, if any; and that the
    /// caller may have them made there. All that can be said of a plan before it fires: its images are
    /// looked at then.
    ///
    /// # Errors
    /// The first failure of destination tenant and rights.
    pub async fn destination_of(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        region: Option<&RegionId>,
        context: &RequestContext,
    ) -> Result<Destination, Refusal> {
        let cloud = self.cloud.with_context(context);
        let source = self.source.with_context(context);
        let region = self
            .usable_destination(&cloud, &source, caller, tenant, region)
            .await?;
        Ok(Destination {
            region: region.id().clone(),
            tenant: tenant.clone(),
        })
    }

    /// What the destination takes; `formats` is what its Glance takes, when it could be asked.
    pub(crate) fn check_rules(
        &self,
        image: &Image,
        destination: &RegionId,
        formats: Option<&Formats>,
    ) -> Result<(), Refusal> {
        let no_rules = RegionRules::default();
        let rules = Rules {
            policy: &self.policy,
            of_region: self.rules.get(destination).unwrap_or(&no_rules),
            formats,
        };
        rules.check(image, self.source.id(), destination)
    }

    /// That the caller sees an image of the source region, whatever its status.
    ///
    /// # Errors
    /// [`Refusal::ImageNotFound`], or why it cannot be told.
    pub async fn visible_to(
        &self,
        caller: &Caller,
        image: ImageId,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        let source = self.source.with_context(context);
        image::visible_to_caller(&source, caller, image).await
    }

    /// Where copies go, that the caller may have them made there, and what its Glance takes.
    ///
    /// The likely destination is asked while it is still being found out whether it is the one, and its answers count
    /// only then. But nobody makes us take tokens for tenants that are made up: so only when there is one already.
    async fn open_destination<'a>(
        &self,
        cloud: &'a Cloud,
        source: &Region,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<Open<'a>, Refusal> {
        let (tenant, named) = (&wanted.tenant, wanted.region.as_ref());
        let found = destination::find(cloud, &self.lookups, source, &caller.tenant, tenant, named);
        let opening = |destination| async move {
            let rights = self.check_rights(source, destination, caller, tenant);
            let ((), formats) =
                in_order(rights, service_user::formats(destination, tenant)).await?;
            Ok(Open {
                destination,
                formats,
            })
        };
        let likely = destination::likely(cloud, source, named)
            .filter(|likely| likely.has_tenant_token(tenant));
        let Some(likely) = likely else {
            return opening(found.await?).await;
        };
        let (found, open) = in_order(found, opening(likely)).await?;
        match found.id() == likely.id() {
            true => open,
            false => opening(found).await,
        }
    }

    async fn usable_destination<'a>(
        &self,
        cloud: &'a Cloud,
        source: &Region,
        caller: &Caller,
        tenant: &TenantId,
        named: Option<&RegionId>,
    ) -> Result<&'a Region, Refusal> {
        let lookups = &self.lookups;
        let region =
            destination::find(cloud, lookups, source, &caller.tenant, tenant, named).await?;
        self.check_rights(source, region, caller, tenant).await?;
        Ok(region)
    }

    async fn check_rights(
        &self,
        source: &Region,
        destination: &Region,
        caller: &Caller,
        tenant: &TenantId,
    ) -> Result<(), Refusal> {
        let right = Right {
            user: caller.info.user.id.clone(),
            region: destination.id().clone(),
            tenant: tenant.clone(),
        };
        let check = rights::check(&self.policy, source, destination, caller, tenant);
        self.lookups.right(right, check).await
    }
}

// === impl Admitted ===

impl Admitted {
    /// The specification of the job.
    #[must_use]
    pub fn into_spec(
        self,
        if_identical: IfIdentical,
        traceparent: Option<String>,
        plan_id: Option<PlanId>,
    ) -> CopySpec {
        CopySpec {
            source: self.source,
            source_image_name: self.source_image_name,
            source_digest: self.source_digest,
            destination: self.destination,
            if_identical,
            requested_by: self.requested_by,
            traceparent,
            plan_id,
            retry_of: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compiles only while a decision may be made on any of a runtime's threads.
    #[test]
    fn a_decision_can_move_between_threads() {
        fn movable<T: Send>(_: impl Fn(&Admission, &Caller, &Wanted, &RequestContext) -> T) {}
        movable(|admission, caller, wanted, context| {
            let (admission, caller) = (admission.clone(), caller.clone());
            let (wanted, context) = (wanted.clone(), context.clone());
            async move { admission.decide(&caller, &wanted, &context).await }
        });
    }
}
