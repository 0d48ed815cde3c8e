//! Whose eyes a call is made with: other tenants' jobs do not exist for it.

use domain::{JobId, RegionId, TenantId};
use proto::v1;

use crate::job_record::{JobRecord, Owner};
use crate::status::CallError;
use crate::store::{Scope, Store, Stored};

/// Somebody who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    owner: Owner,
    all_tenants: bool,
}

impl Viewer {
    /// Reads the message.
    pub(crate) fn parse(viewer: Option<v1::Viewer>) -> Result<Self, CallError> {
        let viewer = viewer.ok_or_else(|| CallError::Invalid("viewer: is missing".to_owned()))?;
        let nobody = viewer.region_id.is_empty() || viewer.tenant_id.is_empty();
        if nobody && !viewer.all_tenants {
            let why = "viewer: needs a region_id and a tenant_id";
            return Err(CallError::Invalid(why.to_owned()));
        }
        Ok(Self {
            owner: Owner {
                region: RegionId::new(viewer.region_id),
                tenant: TenantId::new(viewer.tenant_id),
            },
            all_tenants: viewer.all_tenants,
        })
    }

    /// Whose idempotency keys it uses.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The jobs that it sees.
    pub(crate) fn scope(&self) -> Scope {
        if self.all_tenants {
            Scope::All
        } else {
            Scope::Owner(self.owner.clone())
        }
    }

    /// Whether it is an administrator's.
    pub(crate) fn sees_all_tenants(&self) -> bool {
        self.all_tenants
    }

    /// Whether it sees what is this owner's.
    pub(crate) fn sees(&self, owner: &Owner) -> bool {
        self.all_tenants || *owner == self.owner
    }

    /// A record, unless it is not the viewer's to see. Errands are nobody's.
    pub(crate) fn may_see(&self, record: &JobRecord) -> Result<(), CallError> {
        match record.owner() {
            Some(owner) if self.sees(&owner) => Ok(()),
            _ => Err(CallError::NotFound),
        }
    }

    /// Loads a job that it may see.
    pub(crate) async fn load(&self, store: &dyn Store, id: JobId) -> Result<Stored, CallError> {
        let stored = store.load(id).await?.ok_or(CallError::NotFound)?;
        self.may_see(&stored.record)?;
        Ok(stored)
    }
}
