//! One Keystone a region: nothing but names connects a user's identities, and a tenant's id says which region
//! it is of.
//!
//! All tests share one test bed. Those that stop or change a Keystone have it to themselves, and look at their
//! end that nobody has left anything behind.

mod destination;
mod outage;
mod rights;
mod token_end;

use testbed::{Part, Region, Sharing, TestBed};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A request rate that polling tests stay below, and a gateway that asks Keystone for each copy.
const CONFIG: &str = "
[gateway]
lookup_cache = '0s'
requests_per_second = 2000
request_burst = 10000
";

static BED: OnceCell<RwLock<TestBed>> = OnceCell::const_new();

/// What a region's Keystone is called.
pub(crate) const fn keystone(region: Region) -> Part {
    Part::Keystone(region, Sharing::Split)
}

/// The test bed, beside others who leave its parts alone.
pub(crate) async fn bed() -> anyhow::Result<RwLockReadGuard<'static, TestBed>> {
    Ok(cell().await?.read().await)
}

/// The test bed, alone; whoever takes it leaves it as it was.
pub(crate) async fn bed_alone() -> anyhow::Result<RwLockWriteGuard<'static, TestBed>> {
    Ok(cell().await?.write().await)
}

/// Never dropped: it ends when the process does.
async fn cell() -> anyhow::Result<&'static RwLock<TestBed>> {
    BED.get_or_try_init(|| async {
        let bed = TestBed::builder().split_keystone().config(CONFIG);
        bed.start().await.map(RwLock::new)
    })
    .await
}
