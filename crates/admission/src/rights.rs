//! A user's rights on a tenant, asked in the Keystone of the tenant's region.

use domain::{Creator, TenantId, UserId};
use futures::join;
use openstack::{DomainRef, Error, Region, UserRef};

use crate::declined::Declined;
use crate::service_user::lookup_refusal;
use crate::{Caller, Policy, Refusal};

/// Somebody whose rights count although nobody shows a token.
#[derive(Debug, Clone)]
pub(crate) struct Requester<'a> {
    /// The user, as the source's Keystone knows it.
    pub(crate) id: &'a UserId,
    /// The name when it was asked for; none when nobody noted it.
    name: Option<&'a str>,
    /// The name of the user's domain; none: as Keystone says now.
    domain_name: Option<&'a str>,
    /// What that user did, for sentences.
    deed: Deed,
}

/// What is done in somebody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A plan fires that the user wrote.
    Plan,
    /// A copy is made again that the user asked for.
    Copy,
}

/// One of some roles that must be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need<'a> {
    /// What they allow, for sentences.
    pub(crate) may: &'static str,
    /// Any of them will do.
    pub(crate) roles: &'a [String],
}

// === impl Need ===

impl<'a> Need<'a> {
    const fn to_copy(roles: &'a [String]) -> Self {
        Self {
            may: "copy images",
            roles,
        }
    }
}

// === impl Requester ===

impl<'a> Requester<'a> {
    /// Who wrote a plan.
    pub(crate) fn of_plan(creator: &'a Creator) -> Self {
        Self {
            id: &creator.id,
            name: Some(&creator.name),
            domain_name: Some(&creator.domain_name),
            deed: Deed::Plan,
        }
    }

    /// Who asked for a copy.
    pub(crate) fn of_copy(user: &'a UserId) -> Self {
        Self {
            id: user,
            name: None,
            domain_name: None,
            deed: Deed::Copy,
        }
    }
}

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

/// Who wants copies is still there, and still holds one of the roles that a copy needs on the source tenant,
/// one of those that write plans if a plan fires, and one on the destination tenant.
pub(crate) async fn check_absent(
    policy: &Policy,
    source: &Region,
    source_tenant: &TenantId,
    destination: &Region,
    destination_tenant: &TenantId,
    requester: &Requester<'_>,
) -> Result<(), Declined> {
    let user = user_now(source, destination, requester).await?;
    let deed = requester.deed;
    let held = |region, tenant, needs| holds(source, region, &user, deed, tenant, needs);
    let received = vec![Need::to_copy(&policy.destination_roles)];
    // Neither needs the other; the source is answered first.
    let (at_source, at_destination) = join!(
        held(source, source_tenant, needs_at_source(policy, deed)),
        held(destination, destination_tenant, received),
    );
    at_source.and(at_destination)
}

/// A plan's copies are copies, and its fires are the plan's.
fn needs_at_source(policy: &Policy, deed: Deed) -> Vec<Need<'_>> {
    let to_copy = Need::to_copy(&policy.copy_roles);
    let to_plan = Need {
        may: "have plans",
        roles: &policy.plan_roles,
    };
    match deed {
        Deed::Plan => vec![to_copy, to_plan],
        Deed::Copy => vec![to_copy],
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

/// The user as the source's Keystone knows it today.
async fn user_now(
    source: &Region,
    destination: &Region,
    requester: &Requester<'_>,
) -> Result<UserRef, Declined> {
    let failed = |error| Declined::of(lookup_refusal(source, &error), source.id());
    let found = source
        .look_up(|keystone, token| async move { keystone.user(token.secret(), requester.id).await })
        .await
        .map_err(failed)?
        .filter(|user| user.enabled);
    let Some(user) = found else {
        return Err(Declined::requester_gone(
            requester.id,
            requester.name,
            requester.deed,
            source.id(),
        ));
    };
    let domain_name = match requester.domain_name {
        Some(name) => name.to_owned(),
        // Names count only where Keystones differ.
        None if source.shares_keystone_with(destination) => String::new(),
        None => {
            let domain = source.look_up(|keystone, token| {
                let id = user.domain_id.clone();
                async move { keystone.domain(token.secret(), &id).await }
            });
            let domain = domain.await.map_err(failed)?;
            domain.map(|domain| domain.name).unwrap_or_default()
        }
    };
    // A user may be renamed; another who took the old name is somebody else.
    Ok(UserRef {
        id: user.id,
        name: user.name,
        domain: DomainRef {
            id: user.domain_id,
            name: domain_name,
        },
    })
}

async fn holds(
    source: &Region,
    region: &Region,
    user: &UserRef,
    deed: Deed,
    tenant: &TenantId,
    needs: Vec<Need<'_>>,
) -> Result<(), Declined> {
    let held = roles_of(source, region, user, tenant)
        .await
        .map_err(|error| Declined::of(lookup_refusal(region, &error), source.id()))?;
    match first_unmet(&needs, &held) {
        None => Ok(()),
        Some(unmet) => Err(Declined::requester_without_role(
            &user.name,
            deed,
            tenant,
            region.id(),
            unmet,
        )),
    }
}

/// The user as another region's Keystone knows it: by id in the same Keystone, by user and domain name in
/// another.
pub(crate) async fn same_user_there(
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

fn first_unmet<'a>(needs: &'a [Need<'a>], held: &[String]) -> Option<&'a Need<'a>> {
    needs.iter().find(|need| !is_enough(held, need.roles))
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

    #[test]
    fn a_plan_needs_both_kinds_of_roles_and_a_copy_one() {
        let roles = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let policy = Policy {
            copy_roles: roles(&["member"]),
            plan_roles: roles(&["planner"]),
            ..Policy::default()
        };
        let unmet = |deed, held: &[&str]| {
            let needs = needs_at_source(&policy, deed);
            first_unmet(&needs, &roles(held)).map(|need| need.may)
        };
        assert_eq!(unmet(Deed::Plan, &["member", "planner"]), None);
        assert_eq!(unmet(Deed::Plan, &["member"]), Some("have plans"));
        assert_eq!(unmet(Deed::Plan, &["planner"]), Some("copy images"));
        assert_eq!(unmet(Deed::Copy, &["member"]), None);
        assert_eq!(unmet(Deed::Copy, &["planner"]), Some("copy images"));
    }
}
