//! A user's rights on a tenant, asked in the Keystone of the tenant's region.

use domain::{Creator, TenantId, UserId};
use futures::join;
use openstack::{DomainRef, Error, Region, UserRef};

use crate::declined::Declined;
use crate::service_user::lookup_refusal;
use crate::{Caller, Policy, Refusal};

/// The caller holds one of the configured roles on the destination tenant.
pub(crate) async fn check(
    policy: &Policy,
    source: &Region,
    destination: &Region,
    caller: &Caller,
    tenant: &TenantId,
) -> Result<(), Refusal> {
    let held = roles_of(source, destination, &caller.info.user, tenant)
        .await
        .map_err(|error| lookup_refusal(destination, &error))?;
    if is_enough(&held, &policy.destination_roles) {
        Ok(())
    } else {
        Err(Refusal::NoRoleOnDestination {
            tenant: tenant.clone(),
            region: destination.id().clone(),
        })
    }
}

/// Who wrote a plan is still there, and still holds one of the roles that a copy needs on the source tenant
/// and one on the destination tenant.
pub(crate) async fn check_creator(
    policy: &Policy,
    source: &Region,
    source_tenant: &TenantId,
    destination: &Region,
    destination_tenant: &TenantId,
    creator: &Creator,
) -> Result<(), Declined> {
    let user = creator_now(source, creator).await?;
    let held = |region, tenant, roles| creator_holds(source, region, &user, tenant, roles);
    // Neither needs the other; the source is answered first.
    let (at_source, at_destination) = join!(
        held(source, source_tenant, &policy.copy_roles),
        held(destination, destination_tenant, &policy.destination_roles),
    );
    at_source.and(at_destination)
}

async fn roles_of(
    source: &Region,
    destination: &Region,
    user: &UserRef,
    tenant: &TenantId,
) -> Result<Vec<String>, Error> {
    let Some(user) = same_user_there(source, destination, user).await? else {
        return Ok(Vec::new());
    };
    let user = &user;
    destination
        .look_up(|keystone, token| async move {
            keystone.role_names(token.secret(), user, tenant).await
        })
        .await
}

/// The creator as the source's Keystone knows it today.
async fn creator_now(source: &Region, creator: &Creator) -> Result<UserRef, Declined> {
    let found = source
        .look_up(|keystone, token| async move { keystone.user(token.secret(), &creator.id).await })
        .await
        .map_err(|error| Declined::of(lookup_refusal(source, &error), source.id()))?
        .filter(|user| user.enabled);
    match found {
        // A user may be renamed; another who took the old name is not who wrote the plan.
        Some(user) => Ok(UserRef {
            id: user.id,
            name: user.name,
            domain: DomainRef {
                id: user.domain_id,
                name: creator.domain_name.clone(),
            },
        }),
        None => Err(Declined::creator_gone(creator, source.id())),
    }
}

async fn creator_holds(
    source: &Region,
    region: &Region,
    user: &UserRef,
    tenant: &TenantId,
    wanted: &[String],
) -> Result<(), Declined> {
    let held = roles_of(source, region, user, tenant)
        .await
        .map_err(|error| Declined::of(lookup_refusal(region, &error), source.id()))?;
    if is_enough(&held, wanted) {
        Ok(())
    } else {
        Err(Declined::creator_without_role(
            &user.name,
            tenant,
            region.id(),
            wanted,
        ))
    }
}

/// The user as another region's Keystone knows it: by id in the same Keystone, by user and domain name in
/// another.
async fn same_user_there(
    source: &Region,
    destination: &Region,
    user: &UserRef,
) -> Result<Option<UserId>, Error> {
    if source.shares_keystone_with(destination) {
        return Ok(Some(user.id.clone()));
    }
    let found = destination
        .look_up(|keystone, token| async move {
            keystone
                .find_user(token.secret(), &user.domain.name, &user.name)
                .await
        })
        .await?;
    Ok(found.filter(|found| found.enabled).map(|found| found.id))
}

/// Role names are compared without case, as Keystone does.
fn is_enough(held: &[String], wanted: &[String]) -> bool {
    held.iter()
        .any(|role| wanted.iter().any(|w| w.eq_ignore_ascii_case(role)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_configured_roles_is_enough() {
        let roles = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let wanted = roles(&["member", "admin"]);
        assert!(is_enough(&roles(&["reader", "Member"]), &wanted));
        assert!(!is_enough(&roles(&["reader"]), &wanted));
        assert!(!is_enough(&[], &wanted));
        assert!(!is_enough(&wanted, &[]));
    }
}
