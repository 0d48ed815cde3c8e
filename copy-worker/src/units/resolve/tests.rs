//! Fires against real Keystone and Glances.

mod rights;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{CopySpec, ErrorCode, ImageId, ImageSelector, JobError, Outcome, Unit, UnitKind};
use openstack::ServiceScope;
use reqwest::Method;
use serde_json::json;
use testbed::{Cloud, NewImage, SERVICE_USER};

use super::*;
use crate::plan_stage::{PlanStage, ids};
use crate::scheduler_double::{SchedulerDouble, claimed};

async fn resolve(workshop: &Workshop, fire: &PlanFire) -> Result<Vec<ResolvedImage>, Failure> {
    resolved(workshop, fire, &RequestContext::default()).await
}

/// What the fire copies.
async fn copies(workshop: &Workshop, fire: &PlanFire) -> anyhow::Result<Vec<CopySpec>> {
    let images = resolve(workshop, fire).await?;
    let copies = images.into_iter().map(|image| match image {
        ResolvedImage::Copy(spec) => Ok(*spec),
        other => anyhow::bail!("{other:?}"),
    });
    copies.collect()
}

async fn copied(workshop: &Workshop, fire: &PlanFire) -> anyhow::Result<BTreeSet<ImageId>> {
    let copies = copies(workshop, fire).await?;
    Ok(copies.into_iter().map(|spec| spec.source.image).collect())
}

/// Why the whole fire copies nothing.
async fn refusal(workshop: &Workshop, fire: &PlanFire) -> anyhow::Result<JobError> {
    match <[ResolvedImage; 1]>::try_from(resolve(workshop, fire).await?) {
        Ok([ResolvedImage::Refused(error)]) => Ok(error),
        other => anyhow::bail!("{other:?}"),
    }
}

async fn deactivate(cloud: &Cloud, image: &str) -> anyhow::Result<()> {
    let path = format!("/v2/images/{image}/actions/deactivate");
    let answer = cloud.glance(Method::POST, &path).send().await?;
    answer.error_for_status()?;
    Ok(())
}

fn tagged(name: &str, tag: &str) -> NewImage {
    NewImage::named(name, 1).with("tags", json!([tag]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_a_name_and_a_tag_mean_what_the_tenant_sees_now() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let (workshop, alice) = (stage.workshop()?, &stage.source);
    let older = alice.make_image(&tagged("nightly", "gold")).await?;
    let newer = alice.make_image(&tagged("nightly", "gold")).await?;
    let other = alice.make_image(&tagged("weekly", "gold")).await?;
    let retired = alice.make_image(&tagged("nightly", "gold")).await?;
    deactivate(alice, &retired.id).await?;
    alice
        .create_image(&tagged("nightly", "gold").attributes)
        .await?;
    let untagged = NewImage::named("nightly-too", 1).with("tags", json!(["golden"]));
    alice.make_image(&untagged).await?;

    let by_name = stage.fire(ImageSelector::Name("nightly".to_owned()));
    let [spec] = &copies(&workshop, &by_name).await?[..] else {
        panic!("not one copy");
    };
    // Glance counts in seconds; of two that are equally new, each fire takes the same.
    let named = [alice.image(&older.id).await?, alice.image(&newer.id).await?];
    let newest = named
        .iter()
        .flatten()
        .max_by_key(|image| (image["created_at"].as_str(), image["id"].as_str()));
    let newest = newest.and_then(|image| image["id"].as_str());
    assert_eq!(newest, Some(&*spec.source.image.to_string()));
    assert_eq!(
        copies(&workshop, &by_name).await?,
        std::slice::from_ref(spec)
    );
    assert_eq!(spec.source.tenant, by_name.source_tenant);
    assert_eq!(spec.source_image_name, "nightly");
    assert_eq!(spec.destination, by_name.destination);
    assert_eq!(spec.requested_by, by_name.creator.id);
    assert_eq!(spec.plan_id, Some(by_name.plan_id));

    let by_tag = stage.fire(ImageSelector::Tag("gold".to_owned()));
    let expected = ids(&[&older, &newer, &other])?;
    assert_eq!(copied(&workshop, &by_tag).await?, expected);

    let by_id = stage.fire(ImageSelector::Id(older.id.parse()?));
    assert_eq!(copied(&workshop, &by_id).await?, ids(&[&older])?);
    let by_id = stage.fire(ImageSelector::Id(retired.id.parse()?));
    let error = refusal(&workshop, &by_id).await?;
    assert!(error.message.contains("is deactivated"), "{error}");

    alice.make_image(&tagged("one-more", "gold")).await?;
    let error = refusal(&workshop, &by_tag).await?;
    assert_eq!(error.code, ErrorCode::TooManyImages);
    assert!(error.message.contains("More than 3 images"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let workshop = stage.workshop()?;
    let unknown = domain::JobId::generate().image_of_attempt(1);
    for (selector, named) in [
        (ImageSelector::Id(unknown), unknown.to_string()),
        (
            ImageSelector::Name("in:a,b".to_owned()),
            "\"in:a,b\"".to_owned(),
        ),
        (
            ImageSelector::Tag("nobody's".to_owned()),
            "\"nobody's\"".to_owned(),
        ),
    ] {
        let error = refusal(&workshop, &stage.fire(selector)).await?;
        assert_eq!(error.code, ErrorCode::SourceGone);
        assert!(error.message.contains(&named), "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_granted_fire_finds_is_reported() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let image = stage.source.make_image(&NewImage::named("told", 1)).await?;
    let scheduler = SchedulerDouble::default();
    let workshop = Workshop {
        scheduler: scheduler.client(),
        ..stage.workshop()?
    };
    let mut claimed = claimed(UnitKind::Resolve);
    claimed.grant.unit = Unit::Resolve(stage.fire(ImageSelector::Id(image.id.parse()?)));
    crate::unit::run(&Arc::new(workshop), claimed).await;
    let [finish] = &scheduler.finishes()[..] else {
        panic!("{:?}", scheduler.finishes());
    };
    let told = domain::Finish::try_from(finish.clone())?.outcome;
    let Outcome::Resolved { images } = told else {
        panic!("{told:?}");
    };
    assert!(
        matches!(&images[..], [ResolvedImage::Copy(spec)] if spec.source.image.to_string() == image.id),
        "{images:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_image_that_is_not_taken_does_not_keep_the_others_from_it() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let workshop = stage.workshop()?;
    let good = stage.source.make_image(&tagged("good", "mixed")).await?;
    let licensed = tagged("licensed", "mixed").with("license_switch_type", "once");
    stage.source.make_image(&licensed).await?;
    let empty = NewImage {
        size: 0,
        ..tagged("empty", "mixed")
    };
    stage.source.make_image(&empty).await?;

    let fire = stage.fire(ImageSelector::Tag("mixed".to_owned()));
    let (mut copied, mut why) = (BTreeSet::new(), Vec::new());
    for image in resolve(&workshop, &fire).await? {
        match image {
            ResolvedImage::Copy(spec) => drop(copied.insert(spec.source.image)),
            ResolvedImage::Refused(error) => why.push(error.code),
            identical @ ResolvedImage::Identical { .. } => panic!("{identical:?}"),
        }
    }
    assert_eq!(copied, ids(&[&good])?);
    why.sort_by_key(|code| code.as_str());
    assert_eq!(why, [ErrorCode::DestinationRefused, ErrorCode::NotPortable]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_newest_replica_is_there_is_not_copied_again() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let workshop = stage.workshop()?;
    let image = NewImage::named("unchanged", 1);
    let made = stage.source.make_image(&image).await?;
    let point = stage.replica(&image, &made).await?;
    let mut fire = stage.fire(ImageSelector::Name("unchanged".to_owned()));
    fire.newest = vec![point.clone()];
    let identical = ResolvedImage::Identical {
        source: made.id.parse()?,
        replica: point.image_id,
    };
    assert_eq!(resolve(&workshop, &fire).await?, [identical]);

    // A tag's replicas are one image's each, and this is another's.
    let mut by_tag = fire.clone();
    let tagged = stage
        .source
        .make_image(&NewImage {
            seed: image.seed,
            ..tagged("twin", "twins")
        })
        .await?;
    by_tag.selector = ImageSelector::Tag("twins".to_owned());
    assert_eq!(copied(&workshop, &by_tag).await?, ids(&[&tagged])?);

    let mut elsewhere = fire.clone();
    elsewhere.newest[0].destination.region = elsewhere.source_region.clone();
    assert_eq!(copied(&workshop, &elsewhere).await?, ids(&[&made])?);

    deactivate(&stage.destination, &point.image_id.to_string()).await?;
    assert_eq!(copied(&workshop, &fire).await?, ids(&[&made])?);
    stage
        .destination
        .delete_image(&point.image_id.to_string())
        .await?;
    assert_eq!(copied(&workshop, &fire).await?, ids(&[&made])?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_asked_again() -> anyhow::Result<()> {
    let stage = PlanStage::set().await?;
    let image = stage
        .source
        .make_image(&NewImage::named("later", 1))
        .await?;
    let fire = stage.fire(ImageSelector::Id(image.id.parse()?));
    // Nobody listens on port 9 of this host.
    let nobody = || "http://127.0.0.1:9".parse().expect("a URL");
    for (region, code) in [
        ("ot1", ErrorCode::SourceUnavailable),
        ("ot2", ErrorCode::DestinationUnavailable),
    ] {
        let workshop = stage.workshop_with(SERVICE_USER, ServiceScope::Project, |settings| {
            if settings.id.as_str() == region {
                settings.glance_url = Some(nobody());
            }
        })?;
        let failure = resolve(&workshop, &fire).await.expect_err("nobody answers");
        assert_eq!((failure.error.code, failure.transient), (code, true));
    }
    Ok(())
}
