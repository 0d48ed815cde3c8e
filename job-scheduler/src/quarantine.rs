//! Ids in the indexes whose records cannot be read: taken out of the way of the others, and looked at
//! again now and then.
//!
//! A record may be damaged, or written by a newer scheduler while schedulers are being replaced. So
//! nothing is deleted: whoever can read it puts it back into all its places. Called by the claims and
//! the reconciler, which find such ids.

use std::time::Duration;

use domain::JobId;
use jiff::Timestamp;

use crate::jobs::Jobs;
use crate::lifecycle::after;
use crate::store::{Place, StoreError};

/// When a record that could not be read is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Records that are looked at again in one go.
const BATCH: usize = 100;

/// Takes an id out of a place, unless its record can be read after all.
///
/// # Errors
/// The store's.
pub(crate) async fn set_aside(jobs: &Jobs, id: JobId, place: &Place) -> Result<(), StoreError> {
    match jobs.store.load(id).await {
        Ok(Some(_)) => return Ok(()),
        // Removed just now, or lost by a store that fell back: the next look forgets it.
        Ok(None) => {}
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(job.id = %id, error = %error, "set a job aside");
            jobs.metrics.unreadable();
        }
        Err(error) => return Err(error),
    }
    let now = jobs.now();
    let again = after(now, LOOK_AGAIN);
    jobs.store.set_aside(id, place, now, again).await
}

/// Puts back what can be read by now.
///
/// # Errors
/// The store's.
pub(crate) async fn look_again(jobs: &Jobs, now: Timestamp) -> Result<(), StoreError> {
    for id in jobs.store.aside(now, BATCH).await? {
        match jobs.store.load(id).await {
            Ok(found) => {
                if found.is_some() {
                    tracing::info!(job.id = %id, "a job that was set aside can be read again");
                }
                jobs.store.put_back(id, found.as_ref(), now).await?;
            }
            Err(StoreError::Unreadable { .. }) => set_aside(jobs, id, &Place::Aside).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
