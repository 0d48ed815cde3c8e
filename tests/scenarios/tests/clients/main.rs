//! Clients that others wrote, from the Python package index and unmodified, as callers run them: eclsdk for the image
//! copy API, openstacksdk for the image details, python-freezerclient for plans, and the ordinary `openstack` client, for
//! which Glance must go on working behind each region's front.
//!
//! Each test runs a client's own program, or a small Python script beside it that asserts what the client's functions
//! return and raise; what came of it is then looked at by plain HTTP. `docs/api.md` is followed here too, with curl.
//! All tests share one test bed and run side by side.

mod catalog;
mod documentation;
mod eclsdk;
mod freezerclient;
mod openstackclient;
mod openstacksdk;
mod run;

use testbed::{Region, TestBed};
use tokio::sync::OnceCell;

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
///
/// Nobody copies into `ot1`: jobs that go there wait until they are canceled.
async fn bed() -> anyhow::Result<&'static TestBed> {
    let builder = TestBed::builder().workers(Region::Ot1, 0);
    BED.get_or_try_init(|| builder.start()).await
}
