//! Every row of `rights.md` as every caller, and what came of it in the words of the table.

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use scenarios::{Answer, EventStream};

use crate::callers::Caller;
use crate::objects::{Object, unknown};
use crate::request::About;
use crate::rights::{Row, Table};
use crate::world::World;

/// Operations that list or stream: whether the object is among what they show is what counts.
const LISTS: [&str; 7] = [
    "listCopyJobs",
    "watchCopyJobs",
    "listPlans",
    "listImages",
    "listImagesV21",
    "listImageDetails",
    "listImageDetailsV21",
];

/// Callers who ask at the same time.
const AT_ONCE: usize = 4;

/// The rows that are not as the table has them, as they are.
pub(crate) async fn differences(world: &World, table: &Table) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for row in &table.rows {
        for operation in &row.operations {
            let outcomes = table.callers.iter().map(async |name| {
                let caller = world.caller(name)?;
                let outcome = outcome(world, operation, row, caller).await;
                outcome.with_context(|| format!("{operation} as {name}"))
            });
            // What one of them changes is nobody else's.
            let outcomes = stream::iter(outcomes).buffered(AT_ONCE);
            let seen: Vec<String> = outcomes.try_collect().await?;
            if seen != row.expected {
                let cells = seen.join(" | ");
                wrong.push(format!("| {operation} | {} | {cells} |", row.object));
            }
        }
    }
    Ok(wrong)
}

/// What the caller gets, as a cell.
async fn outcome(
    world: &World,
    operation: &str,
    row: &Row,
    caller: &Caller,
) -> anyhow::Result<String> {
    let object = Object::of(world, operation, &row.object, caller).await?;
    let before = object.as_owned(world).await?;
    let answer = world.ask(operation, caller, &object.about).await?;
    answer.expect_request_id()?;
    let after = object.as_owned(world).await?;
    let untouched = before.map(|answer| answer.body) == after.map(|answer| answer.body);

    let status = answer.status;
    if status == 200 && LISTS.contains(&operation) && !object.about.id.is_empty() {
        let shown = match operation {
            "watchCopyJobs" => is_streamed(world, caller, &object.about).await?,
            _ => names(&answer.body, &object.about.id),
        };
        return Ok(if shown { "shown" } else { "omitted" }.to_owned());
    }
    if status >= 400 && !untouched {
        return Ok(format!("{status} touched"));
    }
    // Whoever may not see a thing is told what anybody is told of one that is not there.
    let is_hidden = status == 404 || (status == 204 && object.is_watched() && untouched);
    if is_hidden {
        let unknown = unknown(&object.about);
        let to_unknown = world.ask(operation, caller, &unknown).await?;
        if !are_alike(&answer, &object.about, &to_unknown, &unknown) {
            return Ok(format!("{status} told apart"));
        }
    }
    if status == 204 && object.is_watched() && untouched {
        return Ok(format!("{status} untouched"));
    }
    Ok(status.to_string())
}

/// Whether a stream of all changes since the beginning has the job in it.
async fn is_streamed(world: &World, caller: &Caller, about: &About) -> anyhow::Result<bool> {
    let request = world.api.request("watchCopyJobs", caller, about)?;
    let mut stream = EventStream::open(request.header("last-event-id", "0")).await?;
    let marker = &world.markers[&caller.project];
    let mut shown = false;
    loop {
        let document = stream.next_document().await?;
        shown |= document["job_id"] == about.id.as_str();
        if document["job_id"] == marker.as_str() {
            return Ok(shown);
        }
    }
}

/// Whether an answer speaks of an id, with dashes or without.
fn names(body: &str, id: &str) -> bool {
    body.contains(id) || body.contains(&dashed(id))
}

/// Whether two answers differ in nothing but the ids that were asked for.
pub(crate) fn are_alike(one: &Answer, about: &About, other: &Answer, its: &About) -> bool {
    let told = |answer: &Answer, id: &str| {
        let mut headers: Vec<(String, String)> = answer
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), format!("{value:?}")))
            .filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()))
            .filter(|(name, _)| !name.ends_with("request-id"))
            .collect();
        headers.sort();
        let body = answer.body.replace(id, "ID").replace(&dashed(id), "ID");
        (answer.status, headers, body)
    };
    told(one, &about.id) == told(other, &its.id)
}

/// An id of 32 digits as Glance and jobs write it.
fn dashed(id: &str) -> String {
    uuid::Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |id| id.to_string())
}

/// A refusal that is the same for what is there and what is not.
pub(crate) fn expect_alike(
    one: &Answer,
    about: &About,
    other: &Answer,
    its: &About,
) -> anyhow::Result<()> {
    ensure!(
        are_alike(one, about, other, its),
        "told apart:\n{one}\n{other}"
    );
    Ok(())
}
