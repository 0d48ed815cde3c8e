//! Which images a tenant may have copied when nobody shows a token: its own, public and community ones, and those
//! that are shared with it.
//!
//! A token of the tenant's own project shows no others. An administrator's shows everybody's, and must not widen what
//! the tenant may have.

use domain::TenantId;
use openstack::{Error, Glance, Image, Visibility};

/// What an image's owner and visibility say of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Yes,
    No,
    IfSharedWithIt,
}

/// Whether the image, as `glance` showed it, is for the tenant. `is_admin`: whether with an administrator's token.
pub(crate) async fn is_for(
    glance: &Glance,
    is_admin: bool,
    tenant: &TenantId,
    image: &Image,
) -> Result<bool, Error> {
    match of(image, tenant) {
        Reach::Yes => Ok(true),
        Reach::No => Ok(false),
        // What is shared was offered to the token's project, or the token would not show it.
        Reach::IfSharedWithIt if !is_admin => Ok(true),
        Reach::IfSharedWithIt => glance.is_shared_with(image.id, tenant).await,
    }
}

fn of(image: &Image, tenant: &TenantId) -> Reach {
    if image.owner.as_ref() == Some(tenant) {
        return Reach::Yes;
    }
    match image.visibility {
        Visibility::Public | Visibility::Community => Reach::Yes,
        Visibility::Shared => Reach::IfSharedWithIt,
        Visibility::Private | Visibility::Other(_) => Reach::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::image;

    #[test]
    fn only_what_is_owned_or_offered_is_within_reach() {
        let tenant = TenantId::new("t");
        for (owner, visibility, expected) in [
            (Some("t"), Visibility::Private, Reach::Yes),
            (Some("other"), Visibility::Private, Reach::No),
            (None, Visibility::Private, Reach::No),
            (Some("other"), Visibility::Shared, Reach::IfSharedWithIt),
            (Some("other"), Visibility::Community, Reach::Yes),
            (Some("other"), Visibility::Public, Reach::Yes),
            (
                Some("other"),
                Visibility::Other("odd".to_owned()),
                Reach::No,
            ),
        ] {
            let mut image = image(&[]);
            image.owner = owner.map(TenantId::new);
            image.visibility = visibility;
            assert_eq!(of(&image, &tenant), expected, "{image:?}");
        }
    }
}
