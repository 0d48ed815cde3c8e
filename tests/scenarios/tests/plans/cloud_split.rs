//! A plan to a project of another Keystone, where its creator is who has the same name.

use anyhow::{Context, ensure};
use scenarios::{Copies, Plans, Replicas, quick_bed};
use serde_json::json;
use testbed::{NewImage, Region};

use crate::stage::{action_to, expect_run, jobs, points};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_copies_to_a_project_that_another_keystone_knows() -> anyhow::Result<()> {
    let bed = quick_bed(1).split_keystone().start().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let there = bed.cloud("alice", Region::Ot2).await?;
    let image = alice.make_image(&NewImage::named("abroad", 1)).await?;
    let mut abroad = action_to(&there.project_id, ("image_id", &image.id), 1);
    // The project alone tells the region.
    let action = abroad["freezer_action"].as_object_mut();
    action.context("no action")?.remove("region_id_dst");

    let plans = Plans::of(&alice);
    let written = json!({"name": "abroad", "job_schedule": {}, "job_actions": [abroad]});
    let plan = plans.create(&written).await?;
    let over = plans.until_result(&plan, "success").await?;
    ensure!(jobs(&over).len() == 1, "{over}");
    let job = Copies::of(&alice).show(&jobs(&over)[0]).await?;
    ensure!(job["destination_region_id"] == "ot2", "{job}");
    let replica = Replicas::of(&bed, &there)
        .expect_whole(&job, &image)
        .await?;
    ensure!(points(&over) == [replica.as_str()], "{over}");

    // bob has the role at home, and none in the other Keystone.
    let bob = bed.cloud("bob", Region::Ot1).await?;
    let refused = Plans::of(&bob).ask(&written).await?;
    refused.expect_plan_fault(403, &[&there.project_id, "ot2"])?;

    ensure!(plans.tell(&plan, "start").await? == "success", "no start");
    let again = plans.until_run_again(&plan, &over).await?;
    expect_run(&again, "success", &["unchanged", &replica])?;
    plans.delete(&plan).await?.expect_no_content()?;
    there.delete_image(&replica).await?;
    alice.delete_image(&image.id).await?;
    bed.finish().await
}
