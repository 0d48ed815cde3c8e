//! Paths and methods that there are not, in the style of every other refusal.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Answer, JOBS};

use super::{alice, nowhere};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_not_found() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    for path in [
        "/v2/extension/image_replicator/".to_owned(),
        "/v2/extension/image_replicator/images".to_owned(),
        format!("{JOBS}/{}/more", nowhere()),
    ] {
        let answer = alice.front(Method::GET, &path).send().await?;
        Answer::read(answer)
            .await?
            .expect_fault_naming(404, "Not Found", &["path"])
            .context(path)?;
    }
    Ok(())
}

/// As with the other two APIs, whose clients write one now and then.
#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_makes_no_difference() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    let read = async |path: String| -> anyhow::Result<Answer> {
        Answer::read(alice.front(Method::GET, &path).send().await?).await
    };
    read(format!("{JOBS}/?limit=1")).await?.json(200)?;
    let one = format!("{JOBS}/{}", nowhere());
    let (with, without) = (read(format!("{one}/")).await?, read(one).await?);
    ensure!(with.status == 404 && with.body == without.body, "{with}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_not_allowed_and_the_answer_says_which_are() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    let one = format!("{JOBS}/{}", nowhere());
    for (path, refused, allowed) in [
        (
            JOBS,
            [Method::PUT, Method::DELETE, Method::PATCH],
            ["GET", "POST"],
        ),
        (
            &one,
            [Method::PUT, Method::POST, Method::PATCH],
            ["GET", "DELETE"],
        ),
    ] {
        for method in refused {
            let answer = alice.front(method, path).send().await?;
            let answer = Answer::read(answer).await?;
            answer.expect_fault_naming(405, "Method Not Allowed", &["method"])?;
            let allow = answer.header("allow");
            let all = allowed.iter().all(|method| allow.contains(method));
            ensure!(all, "{answer}");
        }
    }
    Ok(())
}
