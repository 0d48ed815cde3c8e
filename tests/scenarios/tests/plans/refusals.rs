//! Whose plans are whose, and who may write them.

use anyhow::ensure;
use reqwest::Method;
use scenarios::Plans;
use serde_json::{Value, json};
use testbed::Region;

use crate::{action, alice_and_carol, bed};

#[tokio::test(flavor = "multi_thread")]
async fn another_project_is_forbidden_and_another_projects_plan_is_not_found() -> anyhow::Result<()>
{
    let (bed, alice, there) = alice_and_carol().await?;
    let plan =
        json!({"disabled": true, "job_actions": [action("image_name", "any", &there.project_id)]});
    let id = Plans::of(&alice).create(&plan).await?;
    let path = format!("/{id}");
    let carol = bed.cloud_in("carol", Region::Ot1, "proj-ot2").await?;
    let alices = Plans::of_project(&carol, &alice.project_id);
    let own = Plans::of(&carol);
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (Method::PATCH, path.clone(), json!({"name": "carols"})),
        (
            Method::POST,
            format!("{path}/event"),
            json!({"start": null}),
        ),
    ] {
        alices.send(method.clone(), &path, &body).await?.json(403)?;
        own.send(method, &path, &body).await?.json(404)?;
    }
    alices
        .send(Method::DELETE, &path, &Value::Null)
        .await?
        .json(403)?;
    own.send(Method::DELETE, &path, &Value::Null)
        .await?
        .expect_no_content()?;
    ensure!(Plans::of(&alice).show(&id).await?["name"] == "");
    let listed = own.send(Method::GET, "/", &Value::Null).await?.json(200)?;
    ensure!(!listed.to_string().contains(&id), "{listed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_there_writes_no_plan() -> anyhow::Result<()> {
    let (_, _, carol) = alice_and_carol().await?;
    let plan = json!({"job_actions": [action("image_name", "any", &carol.project_id)]});
    for (user, said) in [("bob", "no role"), ("rita", "roles")] {
        let cloud = bed().await?.cloud_in(user, Region::Ot1, "proj-ot1").await?;
        let answer = Plans::of(&cloud).send(Method::POST, "/", &plan).await?;
        let refusal = answer.json(403)?;
        let description = refusal["description"].as_str().unwrap_or_default();
        ensure!(description.contains(said), "{user}: {refusal}");
    }
    Ok(())
}
