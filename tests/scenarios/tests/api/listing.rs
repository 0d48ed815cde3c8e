//! Lists of jobs: order, pages, filters, and whose jobs they show.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use scenarios::{Answer, Copies, JOBS};
use serde_json::Value;
use testbed::Region;

use crate::bed;
use crate::own_project::OwnProject;
use crate::waiting::{start_waiting, tiny_image};

/// Jobs that the long list holds at least.
const MANY: usize = 240;
/// Requests at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_jobs_are_paged_each_exactly_once() -> anyhow::Result<()> {
    let bed = bed().await?;
    let project = OwnProject::make(bed, &[]).await?;
    let alice = project.alice(bed, Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "copied often").await?;
    let copies = Copies::of(&alice);
    let mut jobs: Vec<String> = stream::iter(0..MANY - 3)
        .map(|_| start_waiting(&copies, &image.id, &tenant))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    for _ in 0..3 {
        jobs.push(start_waiting(&copies, &image.id, &tenant).await?);
    }
    let newest = ids(&copies.list("?limit=3").await?)?;
    let expected: Vec<&String> = jobs.iter().rev().take(3).collect();
    ensure!(newest.iter().eq(expected), "{newest:?} are not the newest");
    let whole = ids(&copies.list("").await?)?;
    expect_exactly(&jobs, &whole).context("no query")?;

    // New jobs come while the pages are turned: they are newer than the first page.
    let (pages, more) = tokio::try_join!(
        all_pages(&copies, "?limit=50"),
        stream::iter(0..10)
            .map(|_| start_waiting(&copies, &image.id, &tenant))
            .buffer_unordered(2)
            .try_collect::<Vec<String>>()
    )?;
    ensure!(pages.len() >= MANY.div_ceil(50), "{} pages", pages.len());
    let paged = pages.concat();
    let different: BTreeSet<&String> = paged.iter().collect();
    ensure!(different.len() == paged.len(), "some twice: {paged:?}");
    let old = paged.iter().filter(|job| !more.contains(job));
    ensure!(old.eq(&whole), "pages show another order");
    jobs.extend(more);

    let mut oldest_first = all_pages(&copies, "?limit=100&sort_dir=asc")
        .await?
        .concat();
    oldest_first.reverse();
    let newest_first = ids(&copies.list("?limit=1000").await?)?;
    ensure!(
        oldest_first == newest_first,
        "asc is not the reverse of desc"
    );

    // Half of them end: the filters tell them apart.
    let (ended, open) = jobs.split_at(jobs.len() / 2);
    cancel_all(&copies, ended).await?;
    for (query, expected) in [
        ("?limit=30&status=canceled", ended),
        ("?limit=30&status=replicate_requested", open),
        ("?limit=70&status=canceled,replicate_requested", &jobs),
        ("?status=error,replicating", &[]),
    ] {
        let found = all_pages(&copies, query).await?.concat();
        expect_exactly(expected, &found).context(query)?;
    }

    cancel_all(&copies, open).await?;
    let left = ids(&copies.list("?status=replicate_requested").await?)?;
    ensure!(left.is_empty(), "{left:?}");
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_callers_project_in_the_callers_region() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "listed for some").await?;
    let copies = Copies::of(&alice);
    let job = start_waiting(&copies, &image.id, &tenant).await?;
    let list = |user: &'static str, region, query: &'static str| async move {
        let cloud = bed.cloud(user, region).await?;
        let answer = Copies::of(&cloud).list(query).await?;
        anyhow::Ok((cloud, answer))
    };

    // bob and rita share the project; what they see is the project's and nobody else's.
    for user in ["alice", "bob", "rita"] {
        let (cloud, answer) = list(user, Region::Ot1, "").await?;
        ensure!(ids(&answer)?.contains(&job), "{user} misses {job}");
        for document in answer.json(200)?.as_array().context("no array")? {
            ensure!(
                document["source_tenant_id"] == cloud.project_id.as_str()
                    && document["source_region_id"] == "ot1",
                "{user} sees {document}"
            );
        }
    }
    for (user, region) in [
        ("carol", Region::Ot1),
        ("admin", Region::Ot1),
        ("bob", Region::Ot2),
    ] {
        let (_, answer) = list(user, region, "").await?;
        ensure!(!ids(&answer)?.contains(&job), "{user} sees {job}");
    }
    let (_, everything) = list("admin", Region::Ot1, "?all_tenants=true&limit=1000").await?;
    ensure!(ids(&everything)?.contains(&job), "admin misses {job}");
    let (_, refused) = list("alice", Region::Ot1, "?all_tenants=true").await?;
    refused.expect_fault_naming(403, "Forbidden", &["all_tenants"])?;

    let (_, foreign) = list("carol", Region::Ot1, "").await?;
    foreign.json(200)?;
    let carol = bed.cloud("carol", Region::Ot1).await?;
    let marker = Copies::of(&carol).list(&format!("?marker={job}")).await?;
    marker.expect_fault_naming(400, "Bad Request", &["marker", &job])?;
    copies.cancel(&job).await?.expect_no_content()?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_not_understood_is_refused() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let copies = Copies::of(&alice);
    for (query, key) in [
        ("?colour=red", "colour"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?marker=7", "marker"),
        ("?marker=33911588-c299-4369-a240-7e5b741cdb6a", "marker"),
        ("?status=cancelled", "status"),
        ("?sort_dir=up", "sort_dir"),
        ("?all_tenants=maybe", "all_tenants"),
    ] {
        let refused = copies.list(query).await?;
        refused.expect_fault_naming(400, "Bad Request", &[key])?;
    }
    Ok(())
}

/// The ids in a page, which must be a bare array.
fn ids(page: &Answer) -> anyhow::Result<Vec<String>> {
    let documents = page.json(200)?;
    let documents: &Vec<Value> = documents.as_array().context("no bare array")?;
    documents
        .iter()
        .map(|job| Ok(job["job_id"].as_str().context("no job_id")?.to_owned()))
        .collect()
}

/// Every page from `query` on, by its `Link`.
async fn all_pages(copies: &Copies<'_>, query: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let mut pages = Vec::new();
    let mut next = Some(query.to_owned());
    while let Some(query) = next {
        let answer = copies.send(copies.request(Method::GET, &query)).await?;
        pages.push(ids(&answer)?);
        next = match answer.header("link") {
            "" => None,
            link => {
                let target = link
                    .strip_prefix('<')
                    .and_then(|link| link.strip_suffix(r#">; rel="next""#));
                let query = target.and_then(|target| target.strip_prefix(JOBS));
                Some(query.with_context(|| link.to_owned())?.to_owned())
            }
        };
    }
    Ok(pages)
}

async fn cancel_all(copies: &Copies<'_>, jobs: &[String]) -> anyhow::Result<()> {
    stream::iter(jobs)
        .map(|job| async move { copies.cancel(job).await?.expect_no_content() })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

fn expect_exactly(expected: &[String], found: &[String]) -> anyhow::Result<()> {
    let sorted = |jobs: &[String]| {
        let mut jobs = jobs.to_vec();
        jobs.sort();
        jobs
    };
    ensure!(
        sorted(expected) == sorted(found),
        "{expected:?}, not {found:?}"
    );
    Ok(())
}
