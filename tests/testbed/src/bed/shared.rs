//! One test bed for all tests of a test binary, started by the first that asks.

use tokio::sync::OnceCell;

use super::TestBed;

static SHARED: OnceCell<TestBed> = OnceCell::const_new();

/// The test binary's shared test bed, with default options.
///
/// It is never dropped: it ends when the process does, because its supervisor then sees its stdin close.
///
/// # Errors
/// When the test bed cannot be started; the next caller tries again.
pub async fn shared() -> anyhow::Result<&'static TestBed> {
    SHARED.get_or_try_init(|| TestBed::builder().start()).await
}
