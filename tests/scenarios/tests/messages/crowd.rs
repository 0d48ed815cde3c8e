//! Many jobs at once: posted, canceled, watched to their end.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use scenarios::{Copies, is_final};
use serde_json::Value;
use testbed::eventually;

/// Requests that are under way at the same time.
const AT_ONCE: usize = 8;

/// The longest page that the API gives.
const PAGE: usize = 1000;

/// How long a few hundred copies may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(300);

/// Posts `count` copies of `image`; gives the jobs' ids.
pub(crate) async fn post(
    copies: &Copies<'_>,
    image: &str,
    tenant: &str,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let posts = (0..count).map(|_| copies.start(image, tenant));
    stream::iter(posts)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Cancels jobs that nobody has started on.
pub(crate) async fn cancel(copies: &Copies<'_>, jobs: &[String]) -> anyhow::Result<()> {
    let cancels = jobs.iter().map(|job| async {
        let answer = copies.cancel(job).await?;
        ensure!(answer.status == 204, "{answer}");
        Ok(())
    });
    stream::iter(cancels)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The documents of `jobs`, by id.
pub(crate) async fn documents(
    copies: &Copies<'_>,
    jobs: &[String],
) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    let mut query = format!("?limit={PAGE}");
    loop {
        let page = copies.list(&query).await?.json(200)?;
        let page = page.as_array().context("no list")?;
        for document in page {
            let id = document["job_id"].as_str().context("no job_id")?;
            all.insert(id.to_owned(), document.clone());
            query = format!("?limit={PAGE}&marker={id}");
        }
        if page.len() < PAGE {
            break;
        }
    }
    all.retain(|id, _| jobs.contains(id));
    ensure!(all.len() == jobs.len(), "{} jobs are listed", all.len());
    Ok(all)
}

/// Waits until all of `jobs` are `replicated`; gives their documents.
pub(crate) async fn until_replicated(
    copies: &Copies<'_>,
    jobs: &[String],
) -> anyhow::Result<BTreeMap<String, Value>> {
    let ended = eventually(PATIENCE, "the end of all jobs", || async {
        let documents = documents(copies, jobs).await?;
        let open = documents.values().find(|document| !is_final(document));
        ensure!(open.is_none(), "still open: {open:?}");
        Ok(documents)
    })
    .await?;
    let other = ended
        .values()
        .find(|document| document["status"] != "replicated");
    ensure!(other.is_none(), "not replicated: {other:?}");
    Ok(ended)
}
