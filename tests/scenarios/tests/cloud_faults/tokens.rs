//! Tokens that end in the middle of a copy: the caller's, which the copy does not need any more, and the
//! service's own, which are renewed.

use anyhow::ensure;
use reqwest::Method;
use scenarios::{Copies, Hold};
use testbed::{Cloud, eventually};

use crate::{TOKEN_EXPIRATION, Turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_outlives_the_tokens_that_it_began_with() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let image = turn.image("long", Hold::MEBIBYTES).await?;
    let alice = turn.alice().await?;
    let copies = Copies::of(&alice);
    let hold = Hold::on(turn.bed)?;
    let job = copies.start(&image.id, &turn.tenant()?).await?;
    hold.until_held(&copies, &job).await?;

    // Younger than every token of the copy: when it has expired, they all have.
    let youngest = turn.alice().await?;
    eventually(TOKEN_EXPIRATION * 3, "the end of a token", || async {
        let answer = Copies::of(&youngest).get(&job).await?;
        answer.expect_fault(401, "Unauthorized", "Authentication required.")
    })
    .await?;
    expect_expired(&youngest).await?;
    let later = turn.alice().await?;
    let copies = Copies::of(&later);
    let standing = copies.show(&job).await?;
    ensure!(
        standing["status"] == "replicating",
        "over too soon: {standing}"
    );
    hold.release();

    let document = copies.until_replicated(&job).await?;
    ensure!(document["attempt"] == 1, "{document}");
    let carol = turn.carol().await?;
    let copy = document["destination_image_id"]
        .as_str()
        .unwrap_or_default();
    let received = carol.sha512_of(copy).await?;
    ensure!(received == image.sha512, "{document}");
    carol.delete_image(copy).await?;
    turn.alice().await?.delete_image(&image.id).await?;
    turn.end().await
}

/// The gateway, which remembers tokens for a while, must not give one up before Keystone does.
async fn expect_expired(cloud: &Cloud) -> anyhow::Result<()> {
    let request = cloud
        .keystone(Method::GET, "/auth/tokens?nocatalog")
        .header("x-subject-token", &cloud.token);
    let status = request.send().await?.status();
    ensure!(status == 401, "Keystone says {status}");
    Ok(())
}
