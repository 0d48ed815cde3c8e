//! Which region a tenant id means.

use domain::{RegionId, TenantId};
use futures::future::try_join_all;
use openstack::{Cloud, Project, Region};

use crate::Refusal;
use crate::lookups::Lookups;
use crate::service_user::lookup_refusal;

/// Operators tag a project with `region:<id>` to say where copies for it go.
const REGION_TAG: &str = "region:";

/// A region whose Keystone knows the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Home {
    region: RegionId,
    tags: Vec<String>,
}

/// The region that copies for `tenant` go to; `named` is the one that the caller names, if any.
pub(crate) async fn find<'a>(
    cloud: &'a Cloud,
    lookups: &Lookups,
    source: &Region,
    source_tenant: &TenantId,
    tenant: &TenantId,
    named: Option<&RegionId>,
) -> Result<&'a Region, Refusal> {
    let unknown_region = |region: &RegionId| Refusal::UnknownRegion {
        region: region.clone(),
        known: cloud.regions().map(|known| known.id().clone()).collect(),
    };
    let asked: Vec<&Region> = match named {
        Some(id) => vec![cloud.region(id).ok_or_else(|| unknown_region(id))?],
        None => cloud.regions().collect(),
    };
    let homes = homes_of(&asked, lookups, tenant).await?;
    if let (Some(region), true) = (named, homes.is_empty()) {
        return Err(Refusal::TenantNotInRegion {
            tenant: tenant.clone(),
            region: region.clone(),
        });
    }
    let region = choose(&homes, source.id(), tenant)?;
    if &region == source.id() && tenant == source_tenant {
        return Err(Refusal::SamePlace {
            region,
            tenant: tenant.clone(),
        });
    }
    cloud.region(&region).ok_or_else(|| unknown_region(&region))
}

/// The region that copies for a tenant most likely go to, without asking anybody: the one that is named, else the only
/// other one.
pub(crate) fn likely<'a>(
    cloud: &'a Cloud,
    source: &Region,
    named: Option<&RegionId>,
) -> Option<&'a Region> {
    if let Some(named) = named {
        return cloud.region(named);
    }
    let mut others = cloud.regions().filter(|region| region.id() != source.id());
    others.next().filter(|_| others.next().is_none())
}

/// The tenant is still in the region that was found for it once.
pub(crate) async fn confirm(region: &Region, tenant: &TenantId) -> Result<(), Refusal> {
    let found = usable_project(region, tenant).await?;
    found.map(drop).ok_or_else(|| Refusal::TenantNotInRegion {
        tenant: tenant.clone(),
        region: region.id().clone(),
    })
}

/// The regions, of those asked, that know the tenant: a list a Keystone that knows it, none empty. Each
/// Keystone is asked once.
///
/// One that does not answer fails the whole: it might be the one that is meant.
async fn homes_of(
    asked: &[&Region],
    lookups: &Lookups,
    tenant: &TenantId,
) -> Result<Vec<Vec<Home>>, Refusal> {
    let mut keystones: Vec<(&Region, Vec<RegionId>)> = Vec::new();
    for region in asked {
        match keystones
            .iter_mut()
            .find(|(first, _)| first.shares_keystone_with(region))
        {
            Some((_, sharing)) => sharing.push(region.id().clone()),
            None => keystones.push((region, vec![region.id().clone()])),
        }
    }
    let asking = keystones
        .into_iter()
        .map(|(region, sharing)| homes_in_keystone(region, lookups, sharing, tenant));
    let mut homes = try_join_all(asking).await?;
    homes.retain(|sharing| !sharing.is_empty());
    Ok(homes)
}

/// The regions that share one Keystone, when it knows the tenant and lets it be used.
async fn homes_in_keystone(
    region: &Region,
    lookups: &Lookups,
    sharing: Vec<RegionId>,
    tenant: &TenantId,
) -> Result<Vec<Home>, Refusal> {
    let asking = usable_project(region, tenant);
    let Some(project) = lookups.project(region.id(), tenant, asking).await? else {
        return Ok(Vec::new());
    };
    Ok(sharing
        .into_iter()
        .map(|region| Home {
            region,
            tags: project.tags.clone(),
        })
        .collect())
}

async fn usable_project(region: &Region, tenant: &TenantId) -> Result<Option<Project>, Refusal> {
    let found = region
        .look_up(|keystone, token| async move { keystone.project(token.secret(), tenant).await })
        .await
        .map_err(|error| lookup_refusal(region, &error))?;
    Ok(found.filter(|project| project.enabled))
}

/// The only home; else the one that the project's tag names; else, of regions that share the one Keystone that
/// knows the tenant, the only one that is not the source.
///
/// That a shared Keystone knows a tenant says nothing of its regions, so the one that a copy can reach is meant.
/// Where Keystones of their own know it, each says that the tenant is at home there, the source's too.
fn choose(homes: &[Vec<Home>], source: &RegionId, tenant: &TenantId) -> Result<RegionId, Refusal> {
    let all: Vec<&Home> = homes.iter().flatten().collect();
    let ids = |homes: &[&Home]| homes.iter().map(|home| home.region.clone()).collect();
    let tagged: Vec<&Home> = all
        .iter()
        .copied()
        .filter(|home| {
            home.tags
                .iter()
                .any(|tag| tag.strip_prefix(REGION_TAG) == Some(home.region.as_str()))
        })
        .collect();
    let others: Vec<&Home> = match homes {
        [sharing] => sharing
            .iter()
            .filter(|home| home.region != *source)
            .collect(),
        _ => Vec::new(),
    };
    match (all.as_slice(), tagged.as_slice(), others.as_slice()) {
        ([], _, _) => Err(Refusal::TenantNotFound {
            tenant: tenant.clone(),
        }),
        ([only], _, _) | (_, [only], _) | (_, [], [only]) => Ok(only.region.clone()),
        (_, [], _) => Err(Refusal::AmbiguousRegion {
            tenant: tenant.clone(),
            candidates: ids(&all),
        }),
        (_, [_, ..], _) => Err(Refusal::AmbiguousRegion {
            tenant: tenant.clone(),
            candidates: ids(&tagged),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(described: &[(&str, &[&str])]) -> Vec<Home> {
        described
            .iter()
            .map(|(region, tags)| Home {
                region: RegionId::new(*region),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            })
            .collect()
    }

    #[test]
    fn the_destination_follows_home_then_tag_then_the_only_other_region() {
        let to_ot2: &[&str] = &["blue", "region:ot2"];
        let to_ot1: &[&str] = &["region:ot1"];
        let to_elsewhere: &[&str] = &["region:ot9"];
        let to_two: &[&str] = &["region:ot2", "region:ot3"];
        type Row<'a> = (
            &'a [(&'a str, &'a [&'a str])],
            Result<&'a str, &'a [&'a str]>,
        );
        let table: [Row<'_>; 10] = [
            (&[("ot2", &[])], Ok("ot2")),
            (&[("ot1", &[])], Ok("ot1")),
            (&[("ot1", &[]), ("ot2", &[])], Ok("ot2")),
            (&[("ot1", to_ot1), ("ot2", to_ot1)], Ok("ot1")),
            (
                &[("ot1", to_ot2), ("ot2", to_ot2), ("ot3", to_ot2)],
                Ok("ot2"),
            ),
            (&[("ot1", to_elsewhere), ("ot2", to_elsewhere)], Ok("ot2")),
            (
                &[("ot1", &[]), ("ot2", &[]), ("ot3", &[])],
                Err(&["ot1", "ot2", "ot3"]),
            ),
            (
                &[("ot1", to_two), ("ot2", to_two), ("ot3", to_two)],
                Err(&["ot2", "ot3"]),
            ),
            (&[("ot2", &[]), ("ot3", &[])], Err(&["ot2", "ot3"])),
            (&[], Err(&[])),
        ];
        for (described, expected) in table {
            let tenant = TenantId::new("t");
            let mut shared = vec![homes(described)];
            shared.retain(|homes| !homes.is_empty());
            let chosen = choose(&shared, &RegionId::new("ot1"), &tenant);
            let expected = match expected {
                Ok(region) => Ok(RegionId::new(region)),
                Err([]) => Err(Refusal::TenantNotFound { tenant }),
                Err(regions) => Err(Refusal::AmbiguousRegion {
                    tenant,
                    candidates: regions.iter().copied().map(RegionId::new).collect(),
                }),
            };
            assert_eq!(chosen, expected, "{described:?}");
        }
    }

    #[test]
    fn a_tenant_that_several_keystones_know_is_ambiguous_until_a_tag_tells() {
        let choose_of = |here: &[&str], there: &[&str]| {
            let known = [homes(&[("ot1", here)]), homes(&[("ot2", there)])];
            choose(&known, &RegionId::new("ot1"), &TenantId::new("t"))
        };
        assert_eq!(
            choose_of(&[], &[]),
            Err(Refusal::AmbiguousRegion {
                tenant: TenantId::new("t"),
                candidates: vec![RegionId::new("ot1"), RegionId::new("ot2")],
            })
        );
        assert_eq!(choose_of(&[], &["region:ot2"]), Ok(RegionId::new("ot2")));
        assert_eq!(choose_of(&["region:ot2"], &[]).ok(), None);
    }
}
