//! Images that are not shown, and paths that are not the caller's.

use anyhow::ensure;
use scenarios::Answer;
use testbed::{NewImage, Region};
use uuid::Uuid;

use crate::bed;
use crate::compute::Compute;

const NOT_FOUND: &str = r#"{"itemNotFound": {"message": "Image not found.", "code": 404}}"#;

fn expect(answer: &Answer, status: u16, body: &str) -> anyhow::Result<()> {
    let is_expected = answer.status == status && answer.body == body;
    ensure!(is_expected, "{status} {body} expected, not {answer}");
    ensure!(answer.header("vary") == "X-Auth-Token", "{answer}");
    let challenge = answer.header("www-authenticate");
    ensure!(challenge.is_empty() == (status != 401), "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_path_is_refused_to_the_byte() -> anyhow::Result<()> {
    let compute = Compute::of(bed().await?, "alice", Region::Ot1).await?;
    let own = &compute.tenant;
    // As in the documented sample: one character is missing.
    let other = &own[1..];
    let message = format!(
        "Malformed request URL: URL's project_id '{other}' doesn't match Context's project_id '{own}'"
    );
    let body = format!(r#"{{"badRequest": {{"message": "{message}", "code": 400}}}}"#);
    ensure!(body.len() == 187, "{}", body.len());
    let image = Uuid::new_v4();
    for version in ["v2", "v2.1"] {
        for rest in ["images", "images/detail", &format!("images/{image}")] {
            let answer = compute
                .get_at(&format!("/{version}/{other}/{rest}"))
                .await?;
            expect(&answer, 400, &body)?;
            ensure!(answer.header("content-length") == "187", "{answer}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_may_not_see_is_not_there() -> anyhow::Result<()> {
    let bed = bed().await?;
    let carol = bed.cloud("carol", Region::Ot1).await?;
    let compute = Compute::of(bed, "bob", Region::Ot1).await?;
    let private = NewImage::named("carol's own", 0).with("visibility", "private");
    let foreign = carol.create_image(&private.attributes).await?;
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let deleted = bob
        .create_image(&NewImage::named("gone", 0).attributes)
        .await?;
    ensure!(compute.image(&deleted).await?["status"] == "SAVING");
    bob.delete_image(&deleted).await?;
    for id in [&foreign, &deleted, &Uuid::new_v4().to_string(), "no-uuid"] {
        for rest in ["", "/metadata", "/metadata/colour"] {
            let answer = compute.get(&format!("/images/{id}{rest}")).await?;
            expect(&answer, 404, NOT_FOUND)?;
        }
    }
    // Its own project sees it.
    let owner = Compute::found_by(&carol).await?;
    ensure!(owner.image(&foreign).await?["name"] == "carol's own");
    carol.delete_image(&foreign).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_is_nothing_to_see() -> anyhow::Result<()> {
    let compute = Compute::of(bed().await?, "alice", Region::Ot1).await?;
    let url = format!("{}/v2/{}/images", compute.base, compute.tenant);
    let answer = Answer::read(testbed::http_client()?.get(url).send().await?).await?;
    let body = r#"{"unauthorized": {"message": "Authentication required.", "code": 401}}"#;
    expect(&answer, 401, body)
}
