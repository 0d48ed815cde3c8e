//! What the destination's rules refuse: properties with 404, formats and sizes with 409.

use scenarios::{Answer, Copies};
use testbed::{Cloud, NewImage, Region};

use super::alice;
use crate::bed;

async fn ask(caller: &Cloud, image: &NewImage, tenant: &str) -> anyhow::Result<Answer> {
    let made = caller.make_image(image).await?;
    let answer = Copies::of(caller).ask(&made.id, tenant).await?;
    caller.delete_image(&made.id).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn licence_switch_types_and_official_templates_are_not_taken() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    for property in ["license_switch_type", "official_template_type"] {
        let image = NewImage::named("licensed", 1).with(property, "some");
        let text = format!("Images with the property {property} cannot be copied to region ot2.");
        ask(&alice, &image, &tenant)
            .await?
            .expect_fault(404, "Not Found", &text)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_format_that_the_destination_does_not_support_is_not_taken() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    // In an archive, or Glance would look for the format's signature in the bytes.
    let image = NewImage::named("vhd", 1)
        .with("disk_format", "vhd")
        .with("container_format", "ova");
    let text = "Region ot2 does not support the disk format vhd.";
    ask(&alice, &image, &tenant)
        .await?
        .expect_fault(409, "Conflict", text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_above_the_destinations_limit_is_not_taken() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot2).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot1")?;
    let text = "The image has 9437184 bytes; region ot1 takes 8388608 at most.";
    ask(&alice, &NewImage::named("large", 9), &tenant)
        .await?
        .expect_fault(409, "Conflict", text)
}
