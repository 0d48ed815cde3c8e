//! Image details in the compute style on real servers: what clients of Nova's images API ask, and what
//! they must get.
//!
//! All tests share one test bed and run side by side; each makes its own images. The Glance of `ot1`
//! gives three images at a time, so that every longer list takes several of its pages.

mod compute;
mod document;
mod list;
mod metadata;
mod progress;
mod refusals;
mod versions;

use scenarios::Hold;
use testbed::{GlanceOptions, Region, TestBed};
use tokio::sync::OnceCell;

/// A request rate that polling tests stay below, and reports at a pace that a test can wait for.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[worker]
report_every = '100ms'
";

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
async fn bed() -> anyhow::Result<&'static TestBed> {
    let short_lists = GlanceOptions {
        longest_list: 3,
        ..GlanceOptions::default()
    };
    let builder = TestBed::builder()
        .config(CONFIG)
        .faulty_link(Hold::LINK)
        .glance(Region::Ot1, short_lists);
    BED.get_or_try_init(|| builder.start()).await
}
