//! A copy: from the source tenant's Glance to the destination tenant's. Of one that an operator has had made again, every
//! attempt asks first whether it may still be made: nobody showed a token for it.

use copy_engine::{CopyEngine, Ended, Failure, still_stands};
use domain::{CopySpec, ImageId, Outcome};
use futures::join;
use openstack::Glance;

use super::{destination, request_context};
use crate::attempt::Attempt;
use crate::workshop::{Workshop, failure_of};

/// Makes one attempt.
pub(crate) async fn copy(workshop: &Workshop, attempt: &Attempt, spec: &CopySpec) -> Ended {
    let (source, destination) = match glances(workshop, attempt, spec).await {
        Ok(glances) => glances,
        Err(failure) => return Ended::Failed(failure),
    };
    CopyEngine::new(source, destination, workshop.engine.clone())
        .copy(
            &attempt.order(spec),
            &attempt.progress,
            &attempt.signals,
            &attempt.lease,
        )
        .await
}

/// Whether the image that is to stand for the copy is still there: the end of the attempt either way.
pub(crate) async fn look_again(
    workshop: &Workshop,
    attempt: &Attempt,
    spec: &CopySpec,
    image: ImageId,
) -> Outcome {
    let still_stands = async {
        let glance = destination(workshop, &request_context(attempt), spec).await?;
        still_stands(&glance, spec, image).await
    };
    match still_stands.await {
        Ok(()) => Outcome::Reused { image },
        Err(Failure { error, transient }) => Outcome::Failed { error, transient },
    }
}

/// Both ends. Tokens are taken here, so that a missing role shows before anything is done.
async fn glances(
    workshop: &Workshop,
    attempt: &Attempt,
    spec: &CopySpec,
) -> Result<(Glance, Glance), Failure> {
    let context = request_context(attempt);
    if spec.retry_of.is_some() {
        let admission = workshop.admission(&spec.source.region)?;
        let admitted = admission.admit_again(spec, &context).await;
        admitted.map_err(failure_of)?;
    }
    let region = workshop.region(&spec.source.region, &context)?;
    // Both at once, for a token that is not at hand takes a moment; the source is told first.
    let (source, destination) = join!(
        region.glance_for_tenant(&spec.source.tenant),
        destination(workshop, &context, spec),
    );
    let source = source.map_err(|error| Failure::at_source(&error, spec))?;
    Ok((source, destination?))
}

#[cfg(test)]
mod tests {
    use domain::{ErrorCode, JobId, RegionId, Source, TenantId, UnitKind, UserId};
    use openstack::ServiceScope;
    use serde_json::json;
    use testbed::{NewImage, SERVICE_USER};

    use super::*;
    use crate::plan_stage::PlanStage;
    use crate::scheduler_double::{claimed, spec};

    /// A copy of an image of the stage's, which an operator has had made again.
    async fn again(stage: &PlanStage) -> anyhow::Result<CopySpec> {
        let image = NewImage::named("made again", 1);
        let image = stage.source.make_image(&image).await?;
        Ok(CopySpec {
            source: Source {
                region: RegionId::new("ot1"),
                tenant: TenantId::new(&stage.source.project_id),
                image: image.id.parse()?,
            },
            destination: stage.place(),
            requested_by: UserId::new(&stage.user),
            retry_of: Some(JobId::generate()),
            ..spec()
        })
    }

    async fn asked(workshop: &Workshop, spec: &CopySpec) -> Result<(), Failure> {
        let attempt = Attempt::new(claimed(UnitKind::Copy));
        glances(workshop, &attempt, spec).await.map(drop)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_copy_that_is_made_again_needs_the_rights_that_it_needed_first() -> anyhow::Result<()>
    {
        let stage = PlanStage::set().await?;
        let workshop = stage.workshop()?;
        let again = again(&stage).await?;
        assert_eq!(asked(&workshop, &again).await, Ok(()));

        stage.revoke(&stage.destination.project_id).await?;
        let refused = asked(&workshop, &again).await.expect_err("no role");
        assert!(!refused.transient, "{refused}");
        assert_eq!(refused.error.code, ErrorCode::CreatorLostRights);
        let words = &refused.error.message;
        assert!(
            words.contains("asked for the copy") && words.contains("in region ot2"),
            "{words}"
        );
        // Of a first one the gateway has asked the caller, who had the rights then.
        let first = CopySpec {
            retry_of: None,
            ..again.clone()
        };
        assert_eq!(asked(&workshop, &first).await, Ok(()));

        let image = again.source.image.to_string();
        stage.source.delete_image(&image).await?;
        stage.delete(&format!("/users/{}", stage.user)).await?;
        let gone = asked(&workshop, &again).await.expect_err("nobody");
        assert!(gone.error.message.contains("does not exist any more"));
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_destination_takes_no_longer_is_not_copied_again() -> anyhow::Result<()> {
        let stage = PlanStage::set().await?;
        let workshop = stage.workshop()?;
        let licensed = NewImage::named("licensed", 1).with("license_switch_type", "byol");
        let licensed = stage.source.make_image(&licensed).await?;
        let mut again = again(&stage).await?;
        let image = again.source.image.to_string();
        again.source.image = licensed.id.parse()?;
        let refused = asked(&workshop, &again).await.expect_err("not taken");
        assert_eq!(refused.error.code, ErrorCode::DestinationRefused);
        again.source.image = image.parse()?;
        stage.source.delete_image(&image).await?;
        let gone = asked(&workshop, &again).await.expect_err("deleted");
        assert_eq!(gone.error.code, ErrorCode::SourceGone);
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_keystones_differ_the_requester_is_found_by_name() -> anyhow::Result<()> {
        let stage = PlanStage::set().await?;
        // The same Keystone under two addresses is two to us.
        let workshop = stage.workshop_with(SERVICE_USER, ServiceScope::Project, |settings| {
            if settings.id.as_str() == "ot2" {
                let host = settings.keystone_url.set_host(Some("localhost"));
                host.expect("a host name");
            }
        })?;
        let again = again(&stage).await?;
        assert_eq!(asked(&workshop, &again).await, Ok(()));
        let name = format!("renamed-{}", stage.user);
        stage.change_user(&json!({"name": name})).await?;
        assert_eq!(asked(&workshop, &again).await, Ok(()));
        Ok(())
    }
}
