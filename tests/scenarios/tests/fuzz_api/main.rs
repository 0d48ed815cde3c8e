//! A fuzzer that others wrote against the gateway: schemathesis makes requests out of the gateway's own API document, such
//! as it allows and such as it doesn't, and holds every answer to it. No answer may be a failure of the service, have a
//! status or a form that the document doesn't name, accept what it excludes or refuse what it allows.
//!
//! The run is bounded and repeatable. `FUZZ_API_SECONDS` makes it go on for so long with seeds of its own;
//! `FUZZ_API_SEED` repeats one that found something.

mod counts;
mod fuzzer;
mod pool;
mod sensitivity;

use anyhow::ensure;
use testbed::{Cloud, Part, Region, TestBed};
use tokio::sync::OnceCell;

use crate::fuzzer::Fuzzer;
use crate::pool::Pool;

/// Rates and numbers that the fuzzer stays below: it shall be refused for what it sends, not for how much.
const CONFIG: &str = "
[gateway]
requests_per_second = 100000
request_burst = 100000
[scheduler.limits]
plans_per_tenant = 10000
";

/// Cases for each operation and phase.
const CASES: u32 = 25;

/// The least that a whole run sends; it is several times as much.
const FEWEST_REQUESTS: u64 = 1000;

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
///
/// Nobody copies into `ot1`: jobs that go there wait until they are canceled.
async fn bed() -> anyhow::Result<&'static TestBed> {
    let builder = TestBed::builder().config(CONFIG).workers(Region::Ot1, 0);
    BED.get_or_try_init(|| builder.start()).await
}

/// Alice in the region whose gateway is fuzzed.
async fn alice() -> anyhow::Result<Cloud> {
    bed().await?.cloud("alice", Region::Ot1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_keeps_to_its_document_whatever_it_is_sent() -> anyhow::Result<()> {
    let (bed, alice) = (bed().await?, alice().await?);
    let pool = Pool::filled(bed, &alice).await?;
    let document = fuzzer::document()?;
    let run = Fuzzer::new(bed, &alice, &pool)
        .whole_document(&document)
        .await?;

    ensure!(run.found_nothing, "{}", run.report);
    run.counts.reached_everything(&document)?;
    let sent = run.counts.requests();
    testbed::say(format!("schemathesis has sent {sent} requests"));
    ensure!(sent >= FEWEST_REQUESTS, "only {sent} requests");

    // Nothing of what was accepted is left hanging, and nothing went wrong unseen.
    pool::delete_plans(&alice).await?;
    pool::cancel_waiting(&alice).await?;
    // Wake-ups that nobody hears.
    bed.purge("copy.ot1").await?;
    bed.check_leftovers().await?;
    for part in [
        Part::Gateway(Region::Ot1),
        Part::Scheduler(1),
        Part::Worker(Region::Ot2, 1),
    ] {
        let log = bed.log(part)?;
        let wrong = log
            .lines()
            .find(|line| line.contains("ERROR") || line.contains("panicked"));
        ensure!(wrong.is_none(), "{part}: {wrong:?}");
    }
    Ok(())
}
