//! The caller's rights on the destination tenant, asked in the destination's Keystone.

use domain::{TenantId, UserId};
use openstack::{Error, Region, UserRef};

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

/// The caller as the destination's Keystone knows it: by id in the same Keystone, by user and domain
/// name in another.
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
