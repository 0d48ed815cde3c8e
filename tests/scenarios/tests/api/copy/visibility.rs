//! The new owner is offered an image when its bytes are verified, and not before.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{Cloud, MadeImage, NewImage, Region};

use crate::bed;

/// Large enough for a few looks at a copy in the making.
const MEBIBYTES: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_hidden_until_it_is_verified() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    let made = alice
        .make_image(&NewImage::named("slowly", MEBIBYTES))
        .await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&made.id, &carol.project_id).await?;

    let (document, looks) = tokio::try_join!(
        copies.until_replicated(&job),
        look_until_shown(&carol, &job, &made),
    )?;

    ensure!(looks.hidden > 0, "never seen in the making: {document}");
    ensure!(
        document["destination_image_id"] == json!(looks.image),
        "{document}"
    );
    alice.delete_image(&made.id).await?;
    carol.delete_image(&looks.image).await
}

/// What an observer has seen.
struct Looks {
    /// How often the image was there and hidden.
    hidden: usize,
    /// The image's id.
    image: String,
}

/// Looks at the new owner's image lists until the ordinary one has the copy.
///
/// The hidden ones are listed first: an image that is revealed between the two looks is in the second.
async fn look_until_shown(carol: &Cloud, job: &str, made: &MadeImage) -> anyhow::Result<Looks> {
    let mut hidden = 0;
    loop {
        for image in listed(carol, job, true).await? {
            hidden += 1;
            ensure!(image["os_hidden"] == true, "{image}");
            ensure!(image["visibility"] == "private", "{image}");
            ensure!(image["owner"] == json!(carol.project_id), "{image}");
        }
        if let Some(image) = listed(carol, job, false).await?.first() {
            ensure!(image["status"] == "active", "{image}");
            ensure!(image["os_hash_value"] == json!(made.sha512), "{image}");
            let image = image["id"].as_str().context("no id")?.to_owned();
            return Ok(Looks { hidden, image });
        }
    }
}

async fn listed(cloud: &Cloud, job: &str, hidden: bool) -> anyhow::Result<Vec<Value>> {
    let path = format!("/v2/images?os_hidden={hidden}&replicated_by_job={job}");
    let answer = cloud.glance(Method::GET, &path).send().await?;
    let mut page: Value = answer.error_for_status()?.json().await?;
    let images = page["images"].as_array_mut().map(std::mem::take);
    images.with_context(|| format!("no images: {page}"))
}
