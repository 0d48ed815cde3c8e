//! Where a caller may have copies made at all: what a form offers before anything is asked for.
//!
//! An offer, not a decision: each copy is still decided when it is requested.

use domain::{RegionId, TenantId};
use futures::future::join_all;
use openstack::{Error, ProjectRole, Region, RequestContext};

use crate::rights::same_user_there;
use crate::service_user::lookup_refusal;
use crate::{Admission, Caller, Policy, Refusal};

/// A region with the tenants there for which the caller may have copies made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The region.
    pub region: RegionId,
    /// The tenants, by name; or why they are not known.
    pub tenants: Result<Vec<NamedTenant>, Refusal>,
}

/// A tenant as people know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedTenant {
    /// Its name in its domain.
    pub name: String,
    /// Its id.
    pub id: TenantId,
}

impl Admission {
    /// Every region, by id, with what the caller may choose there. The tenant that is copied from is no choice in its own
    /// region.
    pub async fn choices(&self, caller: &Caller, context: &RequestContext) -> Vec<Choice> {
        let cloud = self.cloud.with_context(context);
        let source = self.source.with_context(context);
        let asking = cloud.regions().map(async |region| {
            let mut tenants = tenants(&self.policy, &source, region, caller).await;
            if let Ok(tenants) = &mut tenants
                && region.id() == source.id()
            {
                tenants.retain(|tenant| tenant.id != caller.tenant);
            }
            Choice {
                region: region.id().clone(),
                tenants,
            }
        });
        join_all(asking).await
    }
}

/// The tenants on which the caller holds one of the roles that a destination needs.
async fn tenants(
    policy: &Policy,
    source: &Region,
    region: &Region,
    caller: &Caller,
) -> Result<Vec<NamedTenant>, Refusal> {
    let held = project_roles(source, region, caller)
        .await
        .map_err(|error| lookup_refusal(region, &error))?;
    let mut tenants: Vec<NamedTenant> = held
        .into_iter()
        .filter(|held| {
            let mut enough = policy.destination_roles.iter();
            enough.any(|role| role.eq_ignore_ascii_case(&held.role))
        })
        .map(|held| NamedTenant {
            name: held.project.name,
            id: held.project.id,
        })
        .collect();
    tenants.sort();
    tenants.dedup();
    Ok(tenants)
}

async fn project_roles(
    source: &Region,
    region: &Region,
    caller: &Caller,
) -> Result<Vec<ProjectRole>, Error> {
    let Some(user) = same_user_there(source, region, &caller.info.user).await? else {
        return Ok(Vec::new());
    };
    let user = &user;
    region
        .look_up(
            |keystone, token| async move { keystone.project_roles(token.secret(), user).await },
        )
        .await
}
