//! How many event streams may be open: in all, and of one tenant, so that none can take them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::TenantId;

use crate::fault::Fault;

const IN_ALL: usize = 8192;
const OF_ONE_TENANT: usize = 128;
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Counts open event streams. Cheap to clone; all clones are the same count.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamPermits {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    by_tenant: HashMap<TenantId, usize>,
}

/// The right to one open stream; given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    tenant: TenantId,
    of: StreamPermits,
}

impl StreamPermits {
    /// Takes a permit for a stream of `tenant`.
    ///
    /// # Errors
    /// [`Fault::TooMany`] or [`Fault::Unavailable`] when there is none left.
    pub(crate) fn take(&self, tenant: &TenantId) -> Result<StreamPermit, Fault> {
        let mut open = self.lock();
        if open.in_all >= IN_ALL {
            return Err(Fault::Unavailable {
                message: "Too many event streams are open. Poll the job instead.".to_owned(),
                retry_after: RETRY_AFTER,
            });
        }
        let of_tenant = open.by_tenant.entry(tenant.clone()).or_default();
        if *of_tenant >= OF_ONE_TENANT {
            return Err(Fault::TooMany {
                message: format!(
                    "Your project has {OF_ONE_TENANT} event streams open. Close some, or watch all \
                     jobs on one stream."
                ),
                retry_after: RETRY_AFTER,
            });
        }
        *of_tenant += 1;
        open.in_all += 1;
        Ok(StreamPermit {
            tenant: tenant.clone(),
            of: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.of.lock();
        open.in_all -= 1;
        if let Some(of_tenant) = open.by_tenant.get_mut(&self.tenant) {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                open.by_tenant.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_share_and_gets_it_back() {
        let permits = StreamPermits::default();
        let (greedy, modest) = (TenantId::new("greedy"), TenantId::new("modest"));
        let mut taken: Vec<StreamPermit> =
            std::iter::from_fn(|| permits.take(&greedy).ok()).collect();
        assert_eq!(taken.len(), OF_ONE_TENANT);
        assert!(permits.take(&modest).is_ok());
        taken.pop();
        assert!(permits.take(&greedy).is_ok());
        drop(taken);
        assert!(permits.lock().by_tenant.is_empty());
        assert_eq!(permits.lock().in_all, 0);
    }
}
