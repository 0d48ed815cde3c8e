//! The destination tenant has no room for the image.

use anyhow::ensure;
use scenarios::Copies;
use testbed::Region;

use crate::Turn;

/// Just more than the quota of this test bed.
const MEBIBYTES: u64 = 201;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_above_the_tenants_quota_fails_and_leaves_nothing() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let image = turn.image("too large for its new owner", MEBIBYTES).await?;
    let before = turn.carol().await?.images().await?.len();
    let files = turn.bed.store_files(Region::Ot2)?.len();

    let alice = turn.alice().await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image.id, &turn.tenant()?).await?;
    let document = copies.until_final(&job).await?;

    ensure!(document["status"] == "error", "{document}");
    let error = &document["error"];
    ensure!(error["code"] == "destination_quota_exceeded", "{document}");
    let message = error["message"].as_str().unwrap_or_default();
    let says_it = ["quota", "ot2", &turn.tenant()?].map(|part| message.contains(part));
    ensure!(says_it == [true; 3], "{document}");
    ensure!(document["attempt"] == 1, "tried again: {document}");
    ensure!(document["destination_image_id"].is_null(), "{document}");

    turn.bed.check_leftovers().await?;
    let after = turn.carol().await?.images().await?.len();
    ensure!(after == before, "{before} images became {after}");
    let files_after = turn.bed.store_files(Region::Ot2)?.len();
    ensure!(files_after == files, "{files} files became {files_after}");
    turn.alice().await?.delete_image(&image.id).await?;
    turn.end().await
}
