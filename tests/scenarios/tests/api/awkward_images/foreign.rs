//! Images of other projects: what the caller may download, the caller may copy.

use anyhow::ensure;
use reqwest::Method;
use scenarios::Copies;
use serde_json::json;
use testbed::{Cloud, MadeImage, NewImage, Region, TestBed};

use crate::bed;
use crate::delivered::delivered;

/// An image of the project `other`, where nobody of the callers has a role.
async fn image_of_another_project(
    bed: &TestBed,
    visibility: &str,
) -> anyhow::Result<(Cloud, MadeImage)> {
    let admin = bed.cloud("admin", Region::Ot1).await?;
    let image = NewImage::named(visibility, 1)
        .with("owner", bed.project_id(Region::Ot1, "other")?)
        .with("visibility", visibility);
    let made = admin.make_image(&image).await?;
    Ok((admin, made))
}

/// Copies the image as alice and checks that the job and the copy are hers and private.
async fn copy_as_alice(bed: &TestBed, alice: &Cloud, image: &str) -> anyhow::Result<()> {
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let job = Copies::of(alice).start(image, &carol.project_id).await?;
    let delivered = delivered(bed, alice, &carol, &job).await?;
    let job = &delivered.job;
    // The caller's project, and not the one that owns the image.
    ensure!(job["source_tenant_id"] == json!(alice.project_id), "{job}");
    ensure!(
        delivered.source["owner"] != json!(alice.project_id),
        "{}",
        delivered.source
    );
    Ok(())
}

async fn send(
    cloud: &Cloud,
    method: Method,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<()> {
    let answer = cloud.glance(method, path).json(body).send().await?;
    ensure!(answer.status().is_success(), "{path}: {}", answer.status());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_shared_with_the_callers_project_is_copied() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let (owner, made) = image_of_another_project(bed, "shared").await?;
    let members = format!("/v2/images/{}/members", made.id);
    send(
        &owner,
        Method::POST,
        &members,
        &json!({"member": alice.project_id}),
    )
    .await?;
    // A pending member is not offered the image in lists, but may show and download it.
    copy_as_alice(bed, &alice, &made.id).await?;

    let own = format!("{members}/{}", alice.project_id);
    send(&alice, Method::PUT, &own, &json!({"status": "accepted"})).await?;
    copy_as_alice(bed, &alice, &made.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn community_and_public_images_are_copied_and_their_copies_are_private() -> anyhow::Result<()>
{
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    for visibility in ["community", "public"] {
        let (_, made) = image_of_another_project(bed, visibility).await?;
        copy_as_alice(bed, &alice, &made.id).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_image_of_another_project_does_not_exist() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let (_, private) = image_of_another_project(bed, "private").await?;
    let (_, unshared) = image_of_another_project(bed, "shared").await?;
    let nowhere = uuid::Uuid::new_v4().to_string();
    for image in [private.id, unshared.id, nowhere] {
        // The same words for all, so that nobody learns what exists.
        Copies::of(&alice)
            .ask(&image, &tenant)
            .await?
            .expect_fault(
                404,
                "Not Found",
                &format!("Image {image} does not exist, or you may not download it."),
            )?;
    }
    Ok(())
}
