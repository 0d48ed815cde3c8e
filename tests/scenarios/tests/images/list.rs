//! Lists: every filter, and pages that take several of Glance's.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use testbed::{Cloud, NewImage, Region};
use uuid::Uuid;

use crate::bed;
use crate::compute::{Compute, names_in};

/// Images without data, named so; the last one made comes first in lists.
async fn make(cloud: &Cloud, images: &[NewImage]) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for image in images {
        ids.push(cloud.create_image(&image.attributes).await?);
    }
    Ok(ids)
}

async fn remove(cloud: &Cloud, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        cloud.delete_image(id).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_finds_its_image() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    // Told from the images of other tests by a property of its own.
    let mark = Uuid::new_v4().to_string();
    let image = |name: &str| NewImage::named(name, 0).with("mark", mark.as_str());
    let server = "2f7ff8c5-4e1d-4b6f-9d2e-1c4a1f0f7a12";
    let images = [
        image("in:odd, name"),
        image("large").with("min_disk", 30).with("min_ram", 4096),
        image("snapshot")
            .with("image_type", "snapshot")
            .with("instance_uuid", server),
        image("red").with("colour", "red").with("hw_vcpu_max", "4"),
    ];
    let mut ids = make(&alice, &images).await?;
    ids.push(alice.make_image(&image("active")).await?.id);

    let marked = format!("property-mark={mark}");
    let found = async |query: &str| {
        let mut names = compute.names(&format!("?{marked}&{query}")).await?;
        names.sort_unstable();
        anyhow::Ok(names)
    };
    let all = ["active", "in:odd, name", "large", "red", "snapshot"];
    let address = format!("http://nova/v2/{}/servers/{server}", compute.tenant);
    for (query, expected) in [
        ("", &all[..]),
        ("name=in:odd,%20name", &["in:odd, name"]),
        ("name=nobody", &[]),
        ("status=ACTIVE", &["active"]),
        ("status=active", &["active"]),
        (
            "status=SAVING",
            &["in:odd, name", "large", "red", "snapshot"],
        ),
        ("status=ERROR", &[]),
        ("status=DELETED", &[]),
        ("minDisk=30", &["large"]),
        ("minDisk=29", &[]),
        ("minRam=4096", &["large"]),
        ("minRam=0&minDisk=0&name=large", &[]),
        ("changes-since=2026-01-01T00:00:00Z", &all),
        ("changes-since=2999-01-01", &[]),
        ("type=snapshot", &["snapshot"]),
        (&format!("server={server}"), &["snapshot"]),
        (&format!("server={address}"), &["snapshot"]),
        ("property-colour=red", &["red"]),
        ("property-colour=red&property-hw_vcpu_max=4", &["red"]),
        ("property-colour=blue", &[]),
        ("flavor=strange&offset=9", &all),
    ] {
        let names = found(query).await.with_context(|| query.to_owned())?;
        ensure!(names == expected, "{query}: {names:?}");
    }
    remove(&alice, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_their_links_across_glances_pages() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let mark = Uuid::new_v4().to_string();
    let names: Vec<String> = (0..9).map(|number| format!("page {number}")).collect();
    let images = names.iter().map(|name| {
        // Every second one is looked for: Glance cannot tell them apart.
        NewImage::named(name, 0).with(
            "mark",
            if name.ends_with(['1', '3', '5', '7']) {
                "no"
            } else {
                &mark
            },
        )
    });
    let ids = make(&alice, &images.collect::<Vec<_>>()).await?;
    let expected = ["page 0", "page 2", "page 4", "page 6", "page 8"];

    for list in ["/images", "/images/detail"] {
        let whole = compute
            .get(&format!("{list}?property-mark={mark}"))
            .await?
            .json(200)?;
        let mut seen = names_in(&whole)?;
        seen.sort_unstable();
        ensure!(seen == expected, "{whole}");
        ensure!(whole.get("images_links").is_none(), "{whole}");
        let is_detailed = whole["images"][0]["status"] == "SAVING";
        ensure!(is_detailed == (list == "/images/detail"), "{whole}");

        // Two at a time, in the same order, each once; the last page says that it is the last.
        let begin = format!("{list}?limit=2&property-mark={mark}");
        let (mut page, mut paged, mut sizes) = (
            compute.get(&begin).await?.json(200)?,
            Vec::new(),
            Vec::new(),
        );
        loop {
            let names = names_in(&page)?;
            sizes.push(names.len());
            paged.extend(names);
            let Some(links) = page.get("images_links") else {
                break;
            };
            ensure!(links[0]["rel"] == "next", "{links}");
            let next = links[0]["href"].as_str().context("no address")?;
            let here = format!("{}/v2/{}{list}?", compute.base, compute.tenant);
            ensure!(next.starts_with(&here), "{next}");
            page = compute.follow(next).await?.json(200)?;
        }
        ensure!(sizes == [2, 2, 1], "{sizes:?}");
        ensure!(paged == names_in(&whole)?, "{paged:?}");
    }
    remove(&alice, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_list_tells_three_things_of_an_image() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let compute = Compute::found_by(&alice).await?;
    let name = Uuid::new_v4().to_string();
    let ids = make(&alice, &[NewImage::named(&name, 0)]).await?;
    for version in ["v2", "v2.1"] {
        let path = format!("/{version}/{}/images?name={name}", compute.tenant);
        let list = compute.get_at(&path).await?.json(200)?;
        let links = compute.links(version, &ids[0]);
        let image = json!({"id": ids[0], "name": name, "links": links});
        ensure!(list == json!({"images": [image]}), "{list}");
    }
    remove(&alice, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_fit_is_refused_by_name() -> anyhow::Result<()> {
    let compute = Compute::of(bed().await?, "alice", Region::Ot1).await?;
    let nobody = format!("marker={}", Uuid::new_v4());
    for (query, name) in [
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("marker=7", "marker"),
        (nobody.as_str(), "marker"),
        ("status=fine", "status"),
        ("minDisk=big", "minDisk"),
        ("minRam=-1", "minRam"),
        ("changes-since=yesterday", "changes-since"),
    ] {
        for list in ["/images", "/images/detail"] {
            let refused = compute.get(&format!("{list}?{query}")).await?.json(400)?;
            let fault: &Value = &refused["badRequest"];
            let message = fault["message"].as_str().context("no message")?;
            ensure!(fault["code"] == 400 && message.contains(name), "{refused}");
        }
    }
    Ok(())
}
