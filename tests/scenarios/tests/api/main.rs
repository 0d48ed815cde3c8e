//! The image copy API on real servers: what callers send and what they must get.
//!
//! All tests share one test bed and run side by side; none may disturb its parts. The rules that
//! refuse images are those of the test bed below.

mod awkward_images;
mod copy;
mod refusals;

use testbed::TestBed;
use tokio::sync::OnceCell;

/// What the destinations refuse, and a request rate that dozens of polling tests stay below.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[regions.ot1.rules]
max_image_bytes = 1048576
[regions.ot2.rules]
refused_properties = ['license_switch_type', 'official_template_type']
unsupported_disk_formats = ['vhd']
";

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
async fn bed() -> anyhow::Result<&'static TestBed> {
    BED.get_or_try_init(|| TestBed::builder().config(CONFIG).start())
        .await
}
