//! A job that really failed is made again by an operator.

use anyhow::{Context, ensure};

use crate::stage::{admin, document, expect_audited, failed_job, refusal, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_is_retried_as_another_and_stays_as_it_is() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (image, old) = failed_job(&turn).await?;
    let before = turn.copies().show(&old).await?;
    ensure!(before.get("retry_of").is_none(), "{before}");

    let words = ["retry", &old, "--operator", "olga"];
    let retried = document(&turn, &words).await?;
    let new = retried["job"]["job_id"]
        .as_str()
        .context("no id")?
        .to_owned();
    let done = turn.copies().until_replicated(&new).await?;
    ensure!(done["retry_of"] == old.as_str(), "{done}");
    let replica = turn.replicas().expect_whole(&done, &image).await?;

    ensure!(
        turn.copies().show(&old).await? == before,
        "the old job changed"
    );
    let shown = document(&turn, &["show", &old]).await?;
    ensure!(shown["retried_as"] == new.as_str(), "{shown}");
    let shown = document(&turn, &["show", &new]).await?;
    let act = &shown["acts"][0];
    ensure!(
        act["operator"] == "olga" && act["verb"] == "retry",
        "{shown}"
    );
    expect_audited(&turn, &["olga", "retry", &old, "success"])?;

    // Asked again, it finds the job; what did not fail is not retried.
    let again = document(&turn, &words).await?;
    ensure!(again["stood_already"] == true && again["job"]["job_id"] == new.as_str());
    let refused = refusal(&turn, &["retry", &new]).await?;
    ensure!(refused.contains("`replicated`"), "{refused}");
    let from = "audit.initiator.host.address=127.0.0.1";
    expect_audited(&turn, &["\"retry\"", &new, "failure", "`replicated`", from])?;
    let listed = admin(&turn, &["jobs", "--status", "error", "--limit", "1000"]).await?;
    ensure!(listed.contains(&old) && !listed.contains(&new), "{listed}");
    turn.leave(&[replica]).await
}
