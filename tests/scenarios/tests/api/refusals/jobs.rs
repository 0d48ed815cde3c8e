//! Jobs that do not exist for the caller, and what a reader may not do.

use anyhow::ensure;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use scenarios::Copies;
use testbed::{Cloud, NewImage, Region};

use super::{NO_SUCH_JOB, alice, no_such_image, nowhere};
use crate::bed;

async fn expect_no_such_job(cloud: &Cloud, job: &str) -> anyhow::Result<()> {
    let copies = Copies::of(cloud);
    for method in [Method::GET, Method::DELETE] {
        let answer = copies.send(copies.request(method, &format!("/{job}")));
        answer.await?.expect_fault(404, "Not Found", NO_SUCH_JOB)?;
    }
    let events = copies.request(Method::GET, &format!("/{job}/events"));
    let answer = copies.send(events).await?;
    answer.expect_fault(404, "Not Found", NO_SUCH_JOB)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_job_does_not_exist() -> anyhow::Result<()> {
    let bed = bed().await?;
    let (alice, tenant) = alice().await?;
    let made = alice.make_image(&NewImage::named("mine", 1)).await?;
    let job = Copies::of(&alice).start(&made.id, &tenant).await?;

    // The destination's owner, the caller in another project of hers, and the caller in another region.
    for (user, region, project) in [
        ("carol", Region::Ot1, "proj-ot2"),
        ("alice", Region::Ot1, "proj-ot2"),
        ("alice", Region::Ot2, "proj-ot1"),
    ] {
        let stranger = bed.cloud_in(user, region, project).await?;
        expect_no_such_job(&stranger, &job).await?;
        let listed = Copies::of(&stranger).list("").await?;
        ensure!(!listed.body.contains(&job), "{listed}");
    }
    // A project's members share its jobs, and administrators see all.
    for user in ["bob", "admin"] {
        let cloud = bed.cloud(user, Region::Ot1).await?;
        Copies::of(&cloud).show(&job).await?;
    }
    Copies::of(&alice).until_replicated(&job).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_job_has_is_not_found_whatever_it_looks_like() -> anyhow::Result<()> {
    let (alice, _) = alice().await?;
    for job in [nowhere().as_str(), "1", "no-uuid", "%ff", "jobs"] {
        expect_no_such_job(&alice, job).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_jobs_and_changes_none() -> anyhow::Result<()> {
    let bed = bed().await?;
    let (alice, tenant) = alice().await?;
    let rita = bed.cloud("rita", Region::Ot1).await?;
    let made = alice.make_image(&NewImage::named("read only", 1)).await?;
    let job = Copies::of(&alice).start(&made.id, &tenant).await?;

    let reader = Copies::of(&rita);
    ensure!(
        reader.show(&job).await?["job_id"] == job.as_str(),
        "another job"
    );
    let listed = reader.list("").await?;
    listed.json(200)?;
    ensure!(listed.body.contains(&job), "{listed}");
    let canceled = reader.cancel(&job).await?;
    canceled.expect_fault_naming(403, "Forbidden", &["role"])?;
    let asked = reader.ask(&made.id, &tenant).await?;
    asked.expect_fault(404, "Not Found", &no_such_image(&made.id))?;

    Copies::of(&alice).until_replicated(&job).await?;
    let canceled = reader.cancel(&job).await?;
    canceled.expect_fault_naming(403, "Forbidden", &["role"])
}

#[tokio::test(flavor = "multi_thread")]
async fn get_and_delete_may_say_any_content_type() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot2).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot1")?;
    // Nobody copies into ot1, so this job waits to be canceled.
    let made = alice.make_image(&NewImage::named("typed", 1)).await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&made.id, &tenant).await?;
    let send = |method: Method, path: String| {
        let request = copies.request(method, &path);
        copies.send(request.header(CONTENT_TYPE, "application/octet-stream"))
    };
    send(Method::GET, String::new()).await?.json(200)?;
    send(Method::GET, format!("/{job}")).await?.json(200)?;
    let canceled = send(Method::DELETE, format!("/{job}")).await?;
    ensure!(
        canceled.status == 204 && canceled.body.is_empty(),
        "{canceled}"
    );
    ensure!(canceled.headers.get(CONTENT_TYPE).is_none(), "{canceled}");
    let document = copies.until_final(&job).await?;
    ensure!(document["status"] == "canceled", "{document}");
    Ok(())
}
