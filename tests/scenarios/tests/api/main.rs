//! The image copy API on real servers: what callers send and what they must get.
//!
//! All tests share one test bed and run side by side; none may disturb its parts. The rules that
//! refuse images are those of the test bed below.

mod awkward_images;
mod cancel;
mod copy;
mod delivered;
mod destination;
mod events;
mod front;
mod idempotency;
mod listing;
mod own_project;
mod refusals;
mod reuse;
mod waiting;

use scenarios::Hold;
use testbed::{Region, TestBed};
use tokio::sync::OnceCell;

/// What the destinations refuse, a request rate and a deadline that dozens of polling tests stay below on a busy
/// machine, and event streams and reports at a pace that a test can wait for.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
request_deadline = '2m'
lookup_cache = '1s'
drain = '3m'
termination_grace_period = '4m'
sse_keep_alive = '500ms'
[worker]
report_every = '100ms'
[regions.ot1.rules]
max_image_bytes = 8388608
[regions.ot2.rules]
refused_properties = ['license_switch_type', 'official_template_type']
unsupported_disk_formats = ['vhd']
";

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
///
/// Nobody copies into `ot1`: jobs that go there wait for as long as a test likes, at no cost.
async fn bed() -> anyhow::Result<&'static TestBed> {
    let builder = TestBed::builder()
        .config(CONFIG)
        .workers(Region::Ot1, 0)
        .faulty_link(Hold::LINK);
    BED.get_or_try_init(|| builder.start()).await
}
