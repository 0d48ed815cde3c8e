//! A test bed's life, on a real one without our services.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use testbed::{NewImage, Part, Region, Sharing, TestBed, eventually};

const KEYSTONE: Part = Part::Keystone(Region::Ot1, Sharing::Shared);

#[tokio::test]
async fn parts_come_and_go_and_nothing_is_left_behind() -> anyhow::Result<()> {
    let bed = TestBed::builder().without_services().start().await?;
    let directory = bed.directory();

    let alice = bed.cloud("alice", Region::Ot1).await?;
    let image = alice
        .make_image(&NewImage::named("an image", 3).with("colour", "green"))
        .await?;
    let shown = alice
        .image(&image.id)
        .await?
        .context("the image is there")?;
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["colour"], "green");
    assert_eq!(shown["os_hash_value"], image.sha512.as_str());
    assert_eq!(alice.sha512_of(&image.id).await?, image.sha512);
    let files = bed.store_files(Region::Ot1)?;
    assert_eq!(files.len(), 1);
    assert_eq!(
        (files[0].image_id(), files[0].size),
        (image.id.clone(), image.size)
    );

    // Others do not see it; an administrator does, in its region only.
    let carol = bed.cloud("carol", Region::Ot1).await?;
    assert_eq!(carol.image(&image.id).await?, None);
    assert_eq!(
        bed.cloud("admin", Region::Ot1).await?.images().await?.len(),
        1
    );
    assert_eq!(
        bed.cloud("admin", Region::Ot2).await?.images().await?.len(),
        0
    );

    bed.kill(Part::Glance(Region::Ot1)).await?;
    // No worker process of its may keep the port that its next start is to bind.
    std::net::TcpListener::bind(alice.glance_url.trim_start_matches("http://"))
        .context("the port of a Glance that was killed")?;
    assert_eq!(bed.pid(Part::Glance(Region::Ot1)).await?, None);
    assert!(
        bed.describe_leftovers()
            .await?
            .contains("glance-ot1 does not run")
    );
    bed.start(Part::Glance(Region::Ot1)).await?;
    bed.restart(KEYSTONE).await?;
    assert!(
        alice.image(&image.id).await?.is_some(),
        "tokens and images survive their servers"
    );

    bed.freeze(Part::Redis).await?;
    assert!(bed.describe_leftovers().await?.contains("redis is frozen"));
    bed.thaw(Part::Redis).await?;
    assert_eq!(bed.redis_keys("*").await?, Vec::<String>::new());
    assert_eq!(bed.messages("no-such-queue").await?, None);

    let queued = alice
        .create_image(&NewImage::named("queued", 0).attributes)
        .await?;
    alice.delete_image(&queued).await?;
    alice.delete_image(&image.id).await?;
    bed.finish().await?;
    assert!(
        !directory.exists(),
        "the library's own directory goes with the test bed"
    );
    Ok(())
}

#[tokio::test]
async fn each_region_of_a_split_cloud_has_its_own_ids() -> anyhow::Result<()> {
    let bed = TestBed::builder()
        .split_keystone()
        .without_services()
        .start()
        .await?;
    let here = bed.cloud("alice", Region::Ot1).await?;
    let there = bed.cloud("alice", Region::Ot2).await?;
    assert_ne!(here.project_id, bed.project_id(Region::Ot2, "proj-ot1")?);
    assert_ne!(here.keystone_url, there.keystone_url);
    assert!(there.images().await?.is_empty());
    let mut stranger = there.clone();
    stranger.token = here.token.clone();
    assert!(
        stranger.images().await.is_err(),
        "a token is good in its own region only"
    );
    bed.finish().await
}

#[tokio::test]
async fn two_test_beds_do_not_disturb_each_other() -> anyhow::Result<()> {
    let start = || TestBed::builder().without_services().start();
    let (one, other) = tokio::try_join!(start(), start())?;
    let here = one.cloud("alice", Region::Ot1).await?;
    let there = other.cloud("alice", Region::Ot1).await?;
    let image = here.make_image(&NewImage::named("here only", 1)).await?;
    assert!(there.images().await?.is_empty());
    let mut stranger = there.clone();
    stranger.token = here.token.clone();
    assert!(
        stranger.images().await.is_err(),
        "a token of one is no token of the other"
    );
    one.kill(Part::Rabbitmq).await?;
    assert_eq!(other.messages("no-such-queue").await?, None);
    other.finish().await?;
    here.delete_image(&image.id).await?;
    one.end().await
}

/// The test process itself is the owner here, so a second one is needed that can be killed.
#[tokio::test]
async fn everything_ends_with_a_killed_owner() -> anyhow::Result<()> {
    let directory = std::env::temp_dir().join(format!("testbed-owner-{}", std::process::id()));
    let mut owner = tokio::process::Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(["hold", "--no-services", "--state"])
        .arg(&directory)
        .kill_on_drop(true)
        .spawn()?;
    let document = eventually(
        Duration::from_secs(300),
        "the test bed of the other process",
        || async {
            let text = std::fs::read_to_string(directory.join("testbed.json"))?;
            Ok(serde_json::from_str::<Value>(&text)?)
        },
    )
    .await?;
    let mut pids: Vec<u64> = document["parts"]
        .as_object()
        .context("parts")?
        .values()
        .filter_map(|part| part["pid"].as_u64())
        .collect();
    pids.extend(document["supervisor"]["pid"].as_u64());
    assert!(pids.len() > 8, "{document:#}");
    owner.kill().await?;
    eventually(
        Duration::from_secs(20),
        "the end of every process",
        || async {
            let alive: Vec<_> = pids
                .iter()
                .filter(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists())
                .collect();
            ensure!(alive.is_empty(), "{alive:?} are there");
            Ok(())
        },
    )
    .await?;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
