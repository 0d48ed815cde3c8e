//! Images that cannot be copied as they are: the answer says what is wrong with them.

use anyhow::ensure;
use reqwest::Method;
use scenarios::{Answer, Copies};
use testbed::{NewImage, Region};

use crate::bed;

/// Asks, as alice of `ot1`, for a copy to `proj-ot2`.
async fn ask(image: &str) -> anyhow::Result<Answer> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    Copies::of(&alice).ask(image, &tenant).await
}

fn expect_not_active(answer: &Answer, image: &str, status: &str) -> anyhow::Result<()> {
    let text = format!("Image {image} is {status}; only an active image can be copied.");
    answer.expect_fault(409, "Conflict", &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_image_is_not_active() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let image = alice
        .create_image(&NewImage::named("queued", 0).attributes)
        .await?;
    expect_not_active(&ask(&image).await?, &image, "queued")?;
    alice.delete_image(&image).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_image_is_not_active_whoever_owns_it() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let admin = bed.cloud("admin", Region::Ot1).await?;
    let made = alice.make_image(&NewImage::named("deactivated", 1)).await?;
    let path = format!("/v2/images/{}/actions/deactivate", made.id);
    let answer = admin.glance(Method::POST, &path).send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    expect_not_active(&ask(&made.id).await?, &made.id, "deactivated")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_backed_snapshot_has_no_data() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    // Nova makes such images: active, of no bytes, their data in a volume's snapshot.
    let snapshot = NewImage::named("volume-backed", 0)
        .with("bdm_v2", "True")
        .with("root_device_name", "/dev/vda")
        .with(
            "block_device_mapping",
            r#"[{"source_type": "snapshot", "boot_index": 0}]"#,
        );
    let made = alice.make_image(&snapshot).await?;
    let image = alice.image(&made.id).await?.unwrap_or_default();
    ensure!(image["status"] == "active" && image["size"] == 0, "{image}");
    let text = format!(
        "Image {} has no data in the image service (it may be backed by a volume).",
        made.id
    );
    ask(&made.id).await?.expect_fault(409, "Conflict", &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_image_does_not_exist() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let made = alice.make_image(&NewImage::named("deleted", 1)).await?;
    alice.delete_image(&made.id).await?;
    let text = format!(
        "Image {} does not exist, or you may not download it.",
        made.id
    );
    ask(&made.id).await?.expect_fault(404, "Not Found", &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_needs_a_kernel_of_its_region_stays_there() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let kernel = "0e5a7f0c-9b1e-4b7e-8a55-5a9f1f1f0c01";
    for property in ["kernel_id", "ramdisk_id", "cinder_encryption_key_id"] {
        let image = NewImage::named("not portable", 1).with(property, kernel);
        let made = alice.make_image(&image).await?;
        let text = format!(
            "The image needs what its property {property} refers to, which exists in region ot1 only."
        );
        ask(&made.id).await?.expect_fault(409, "Conflict", &text)?;
    }
    Ok(())
}
