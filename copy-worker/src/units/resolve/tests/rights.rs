//! Whose rights a fire needs, and that nobody's are widened.

use domain::{ErrorCode, ImageSelector};
use openstack::ServiceScope;
use reqwest::Method;
use serde_json::json;
use testbed::{NewImage, SERVICE_USER};

use super::{copied, refusal};
use crate::plan_stage::{PlanStage, ids};

#[tokio::test(flavor = "multi_thread")]
async fn a_creator_who_lost_a_right_is_told_which() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let workshop = stage.workshop()?;
    let image = stage
        .source
        .make_image(&NewImage::named("a plan's", 1))
        .await?;
    let fire = stage.fire(ImageSelector::Id(image.id.parse()?));
    assert_eq!(copied(&workshop, &fire).await?, ids(&[&image])?);

    let lost = async |place: &str| -> anyhow::Result<()> {
        let error = refusal(&workshop, &fire).await?;
        assert_eq!(error.code, ErrorCode::CreatorLostRights);
        assert!(error.message.contains(place), "{error}");
        Ok(())
    };
    stage.revoke(&stage.destination.project_id).await?;
    lost(&format!("{} in region ot2", stage.destination.project_id)).await?;
    stage.revoke(&stage.source.project_id).await?;
    lost(&format!("{} in region ot1", stage.source.project_id)).await?;
    stage.change_user(&json!({"enabled": false})).await?;
    lost("does not exist any more in region ot1 or is disabled").await?;
    stage.delete(&format!("/users/{}", stage.user)).await?;
    lost(&stage.user).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_keystones_differ_the_creator_is_who_has_the_name_now() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    // The same Keystone under two addresses is two to us.
    let workshop = stage.workshop_with(SERVICE_USER, ServiceScope::Project, |settings| {
        if settings.id.as_str() == "ot2" {
            let host = settings.keystone_url.set_host(Some("localhost"));
            host.expect("a host name");
        }
    })?;
    let image = stage.source.make_image(&NewImage::named("far", 1)).await?;
    let fire = stage.fire(ImageSelector::Id(image.id.parse()?));
    assert_eq!(copied(&workshop, &fire).await?, ids(&[&image])?);
    let name = format!("renamed-{}", stage.user);
    stage.change_user(&json!({"name": name})).await?;
    assert_eq!(copied(&workshop, &fire).await?, ids(&[&image])?);
    let mut elsewhere = fire.clone();
    elsewhere.creator.domain_name = "another domain".to_owned();
    let error = refusal(&workshop, &elsewhere).await?;
    assert_eq!(error.code, ErrorCode::CreatorLostRights);
    assert!(error.message.contains(&name), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_gone_is_named() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let workshop = stage.workshop()?;
    let fire = stage.fire(ImageSelector::Name("any".to_owned()));
    for (cloud, region, code) in [
        (&stage.destination, "ot2", ErrorCode::DestinationRefused),
        (&stage.source, "ot1", ErrorCode::SourceGone),
    ] {
        let tenant = &cloud.project_id;
        stage.delete(&format!("/projects/{tenant}")).await?;
        let error = refusal(&workshop, &fire).await?;
        let expected = format!("Tenant {tenant} does not exist in region {region}.");
        assert_eq!((error.code, error.message), (code, expected));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_user_who_sees_everything_widens_nobodys_reach() -> anyhow::Result<()> {
    let (stage, stranger) = (PlanStage::set().await?, PlanStage::set().await?);
    let private = NewImage::named("shared-name", 1).with("visibility", "private");
    let theirs = stranger.source.make_image(&private).await?;
    let offered = NewImage::named("shared-name", 1).with("visibility", "shared");
    let offered = stranger.source.make_image(&offered).await?;
    let community = NewImage::named("shared-name", 1).with("visibility", "community");
    let theirs_for_all = stranger.source.make_image(&community).await?;
    let own = NewImage::named("own-name", 1).with("visibility", "community");
    let own = stage.source.make_image(&own).await?;
    let members = format!("/v2/images/{}/members", offered.id);
    let tenant = &stage.source.project_id;
    let offer = stranger.source.glance(Method::POST, &members);
    offer
        .json(&json!({"member": tenant}))
        .send()
        .await?
        .error_for_status()?;

    let by_id = |id: &str| anyhow::Ok(stage.fire(ImageSelector::Id(id.parse()?)));
    let by_name = stage.fire(ImageSelector::Name("shared-name".to_owned()));
    for workshop in [stage.workshop()?, stage.workshop_of_admin()?] {
        for fire in [&by_id(&theirs.id)?, &by_name] {
            let error = refusal(&workshop, fire).await?;
            assert_eq!(error.code, ErrorCode::SourceGone);
        }
    }
    let accept = stage
        .source
        .glance(Method::PUT, &format!("{members}/{tenant}"));
    accept
        .json(&json!({"status": "accepted"}))
        .send()
        .await?
        .error_for_status()?;
    for workshop in [stage.workshop()?, stage.workshop_of_admin()?] {
        let by_own_name = stage.fire(ImageSelector::Name("own-name".to_owned()));
        assert_eq!(copied(&workshop, &by_own_name).await?, ids(&[&own])?);
        // It is in no list, and may be had by who knows its id.
        let for_all = by_id(&theirs_for_all.id)?;
        assert_eq!(copied(&workshop, &for_all).await?, ids(&[&theirs_for_all])?);
        assert_eq!(copied(&workshop, &by_name).await?, ids(&[&offered])?);
        assert_eq!(
            copied(&workshop, &by_id(&offered.id)?).await?,
            ids(&[&offered])?
        );
    }
    Ok(())
}
