//! A Glance that misbehaves while a copy is asked for: the caller is told which region's, and nothing is begun.

use anyhow::{Context, ensure};

use crate::front::{Fault, Operation, Page, When};
use crate::stage::{GATEWAY, expect_copied, turn};

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_copy_is_told_that_the_image_service_misbehaves() -> anyhow::Result<()> {
    let (turn, fronts) = turn().await?;
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0")?;
    elsewhere.set_nonblocking(true)?;
    let image = turn.image("asked for", 1).await?;
    let front = &fronts.gateway;
    let redirect = Page::redirect("302 Found", &format!("http://{}/", elsewhere.local_addr()?));
    for (name, operation, fault) in [
        ("a 500", None, Fault::Answer(Page::server_error())),
        (
            "a web page",
            Some(Operation::Show),
            Fault::Answer(Page::html()),
        ),
        ("a way elsewhere", None, Fault::Answer(redirect)),
        ("silence", Some(Operation::Show), Fault::Silence),
        (
            "silence about bytes",
            Some(Operation::Download),
            Fault::Silence,
        ),
    ] {
        front.plan(match operation {
            Some(operation) => When::doing(operation, &image.id, fault),
            None => When::anything_is_done(&image.id, fault),
        });
        let met = front.met(&image.id);
        let answer = turn.ask(&image).await?;
        let told = ["The image service of region ot1 is not available."];
        answer
            .expect_fault_naming(409, "Conflict", &told)
            .context(name)?;
        ensure!(front.met(&image.id) > met, "{name}: it never happened");
        front.forgive(&image.id);
    }
    turn.until_logged(GATEWAY, &["ot1", "image service"])
        .await?;
    let stolen = elsewhere.accept();
    ensure!(
        stolen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "a redirect was followed"
    );
    let jobs = turn.copies().list("?status=replicate_requested").await?;
    ensure!(jobs.body == "[]", "something was begun: {jobs}");
    let replica = expect_copied(&turn, &image).await?;
    turn.leave(&[replica]).await
}
