//! What an image is told of the job that it names.

use proto::v1;

use crate::rig::{Rig, replicated, report};
use crate::sample::{SIZE, settings};

/// What is told of one image.
async fn told(rig: &Rig, region: &str, image: &v1::CopiedImage) -> Option<u32> {
    let request = v1::ShowImageProgressRequest {
        region_id: region.to_owned(),
        images: vec![image.clone()],
    };
    let answer = rig.jobs.clone().show_image_progress(request).await;
    let images = answer.expect("answered").into_inner().images;
    let told = images.first()?;
    assert_eq!(told.image_id, image.image_id);
    Some(told.copy_progress)
}

#[tokio::test]
async fn only_the_image_that_the_job_is_filling_is_told_of_it() {
    let rig = Rig::start(settings(2)).await;
    let id = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    let image = v1::CopiedImage {
        image_id: grant.destination_image_id.clone().expect("a copy"),
        tenant_id: "there".to_owned(),
        job_id: id.to_string(),
    };
    assert_eq!(told(&rig, "ot2", &image).await, None, "not yet reported");

    let mut progress = rig.progress(&grant).await;
    let half = report(&grant, SIZE / 2);
    progress.reports.send(half).await.expect("open");
    while progress.next().await.reports_committed < 2 {}
    assert_eq!(told(&rig, "ot2", &image).await, Some(50));

    let change = |change: fn(&mut v1::CopiedImage)| {
        let mut changed = image.clone();
        change(&mut changed);
        changed
    };
    for (why, region, image) in [
        ("another region", "ot1", image.clone()),
        (
            "another project",
            "ot2",
            change(|image| image.tenant_id = "t1".to_owned()),
        ),
        (
            "a copied property",
            "ot2",
            change(|image| image.image_id = "a0a0a0a0-0000-4000-8000-000000000001".to_owned()),
        ),
        (
            "an unknown job",
            "ot2",
            change(|image| image.job_id = image.image_id.clone()),
        ),
    ] {
        assert_eq!(told(&rig, region, &image).await, None, "{why}");
    }

    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(told(&rig, "ot2", &image).await, None, "no longer filled");
}
