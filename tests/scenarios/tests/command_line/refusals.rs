//! What goes wrong is told with what to do about it, with the exit code that is documented.

use anyhow::ensure;
use reqwest::Method;

use crate::stage::{run, turn};

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_code_and_its_remedy() -> anyhow::Result<()> {
    let turn = turn().await?;
    let twins = [
        turn.image("twin", 1).await?.id,
        turn.image("twin", 1).await?.id,
    ];
    let copy = |image| vec!["copy", image, "--to", "proj-ot2"];
    let to_nobody = vec!["copy", twins[0].as_str(), "--to", "nobody"];
    let unknown = "00000000-0000-0000-0000-000000000000";
    let nowhere = vec!["list", "--endpoint", "http://127.0.0.1:9"];
    for (cloud, words, code, told) in [
        (
            "wrong",
            vec!["list"],
            3,
            vec!["signing in with cloud wrong", "Check user"],
        ),
        (
            "three",
            vec!["list"],
            2,
            vec!["no cloud three", "There are"],
        ),
        (
            "one",
            copy("twin"),
            4,
            vec![twins[0].as_str(), twins[1].as_str(), "Give the id"],
        ),
        (
            "one",
            copy("nothing of the kind"),
            4,
            vec!["no image named nothing of the kind"],
        ),
        ("one", copy(unknown), 4, vec!["image"]),
        (
            "one",
            to_nobody,
            4,
            vec!["--to", "no project of yours named nobody"],
        ),
        ("one", vec!["show", unknown], 4, vec!["no such copy job"]),
        ("one", vec!["list", "--status", "odd"], 5, vec!["status"]),
        (
            "one",
            vec!["list", "-c", "color"],
            2,
            vec!["color", "job_id"],
        ),
        ("one", nowhere, 6, vec!["127.0.0.1:9", "--endpoint"]),
    ] {
        let run = run(&turn, cloud, &words).await?;
        ensure!(run.code == Some(code), "{words:?}: {run:?}");
        for word in told {
            ensure!(run.told.contains(word), "{words:?} lacks {word:?}: {run:?}");
        }
        ensure!(run.printed.is_empty(), "{run:?}");
    }
    for twin in twins {
        let path = format!("/v2/images/{twin}");
        turn.here()
            .glance(Method::DELETE, &path)
            .send()
            .await?
            .error_for_status()?;
    }
    turn.leave(&[]).await
}
