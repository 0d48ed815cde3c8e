//! Plans on real servers: written by a tenant, fired by schedulers, carried out by workers.
//!
//! All tests share one test bed and run side by side; none may disturb its parts.

mod life;
mod refusals;
mod schedule;

use serde_json::{Value, json};
use testbed::{Cloud, Region, TestBed};
use tokio::sync::OnceCell;

/// A request rate that polling tests stay below.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
";

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
async fn bed() -> anyhow::Result<&'static TestBed> {
    BED.get_or_try_init(|| TestBed::builder().config(CONFIG).start())
        .await
}

/// alice in her project of the source region, and carol, to whose project her plans copy.
async fn alice_and_carol() -> anyhow::Result<(&'static TestBed, Cloud, Cloud)> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let carol = bed.cloud("carol", Region::Ot2).await?;
    Ok((bed, alice, carol))
}

/// An action that copies what `key` and `value` select to `tenant`.
fn action(key: &str, value: &str, tenant: &str) -> Value {
    json!({"freezer_action": {
        "action": "backup", "mode": "glance-image", key: value, "tenant_id_dst": tenant,
    }})
}
