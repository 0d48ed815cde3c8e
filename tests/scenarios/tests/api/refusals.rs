//! Requests that are refused: with which status, in which words, and which reason comes first when
//! there are several.

mod authentication;
mod destination;
mod jobs;
mod order;
mod paths;
mod request_body;
mod rules;

use testbed::{Cloud, Region};

use crate::bed;

/// Text of every 401 for want of a token.
const AUTHENTICATION_REQUIRED: &str = "Authentication required.";
/// Text of a POST whose Content-Type is not JSON.
const NO_CONTENT_TYPE: &str = "There is no such action: Content-Type in header";
/// Text for a job that does not exist, or not for the caller.
const NO_SUCH_JOB: &str = "There is no such copy job.";

/// A caller in `ot1` and the tenant in `ot2` that the refused copies would go to.
async fn alice() -> anyhow::Result<(Cloud, String)> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    Ok((alice, bed.project_id(Region::Ot2, "proj-ot2")?))
}

/// An id that nothing has.
fn nowhere() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// What is answered for an image that does not exist, or not for the caller.
fn no_such_image(image: &str) -> String {
    format!("Image {image} does not exist, or you may not download it.")
}
