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
        format!("{JOBS}/"),
        format!("{JOBS}/{}/more", nowhere()),
        format!("{JOBS}/{}/", nowhere()),
    ] {
        let answer = alice.front(Method::GET, &path).send().await?;
        Answer::read(answer)
            .await?
            .expect_fault_naming(404, "Not Found", &["path"])
            .context(path)?;
    }
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
