//! Finds a region's images whose job nobody knows.
//!
//! Looked at are all images that the service user can list, hidden ones too: with an administrator's token in one list,
//! else project by project with a token for each. An image is a candidate when the job that it names reproduces its id, its
//! owner is the project whose list it is in, and it is old enough; whether its job is known is the scheduler's to say. It
//! changes nothing, so it may be left at any moment and be done again.

#[cfg(test)]
mod tests;

use copy_engine::{Failure, maker_of};
use domain::{
    Destination, ErrorCode, ImageId, JobError, JobId, Orphan, OrphanSearch, OrphansFound, TenantId,
};
use futures::{StreamExt, TryStreamExt, stream};
use openstack::{Error, Glance, Image, ImageFilter, Region, Visibility};

use super::{ErrandEnd, request_context};
use crate::attempt::Attempt;
use crate::workshop::Workshop;

/// Orphans that one search tells of; they travel in one message and stay in one record.
const MOST: usize = 1_000;
/// Images a call; few in tests, so that they turn pages.
const PAGE: u32 = if cfg!(test) { 3 } else { 200 };
/// Projects that are looked at at once.
const AT_ONCE: usize = 8;

/// Does the errand.
pub(crate) async fn find_orphans(
    workshop: &Workshop,
    attempt: &Attempt,
    search: &OrphanSearch,
) -> ErrandEnd {
    match found(workshop, attempt, search, MOST).await {
        Ok(found) => ErrandEnd::OrphansFound(found),
        Err(failure) => ErrandEnd::Failed(failure),
    }
}

async fn found(
    workshop: &Workshop,
    attempt: &Attempt,
    search: &OrphanSearch,
    most: usize,
) -> Result<OrphansFound, Failure> {
    let region = workshop.region(&search.region, &request_context(attempt))?;
    let hunt = Hunt {
        workshop,
        attempt,
        search,
        most,
    };
    let of_admin = region.glance_of_admin().await;
    if let Some(glance) = of_admin.map_err(|error| hunt.failed(&error, None))? {
        let mut found = OrphansFound::default();
        let orphans = hunt.orphans_of(&glance, None).await?;
        hunt.add(&mut found, orphans);
        return Ok(found);
    }
    hunt.found_by_project(&region).await
}

/// One search.
struct Hunt<'a> {
    workshop: &'a Workshop,
    attempt: &'a Attempt,
    search: &'a OrphanSearch,
    /// Orphans that are told of.
    most: usize,
}

// === impl Hunt ===

impl Hunt<'_> {
    /// With a token for each of the projects that the service user has one for.
    async fn found_by_project(&self, region: &Region) -> Result<OrphansFound, Failure> {
        let all = region.look_up(|keystone, token| async move {
            let own = keystone.own_projects(token.secret()).await?;
            Ok((own, keystone.projects(token.secret()).await?))
        });
        let (own, all) = all.await.map_err(|error| self.failed(&error, None))?;
        let enabled = own.projects.iter().filter(|project| project.enabled);
        let tenants: Vec<TenantId> = enabled.map(|project| project.id.clone()).collect();
        let unseen = all.projects.iter().filter(|it| !tenants.contains(&it.id));
        let mut found = OrphansFound {
            tenants_unseen: u32::try_from(unseen.count()).unwrap_or(u32::MAX),
            is_cut_off: own.is_truncated || all.is_truncated,
            ..OrphansFound::default()
        };
        let mut looks = stream::iter(tenants)
            .map(|tenant| async move { self.orphans_of_tenant(region, &tenant).await })
            .buffered(AT_ONCE);
        while let Some(orphans) = looks.try_next().await? {
            match orphans {
                Some(orphans) => self.add(&mut found, orphans),
                None => found.tenants_unseen = found.tenants_unseen.saturating_add(1),
            }
            if found.orphans.len() >= self.most {
                break;
            }
        }
        Ok(found)
    }

    /// None when the service user gets no token for the project after all, or may list no images there.
    async fn orphans_of_tenant(
        &self,
        region: &Region,
        tenant: &TenantId,
    ) -> Result<Option<Vec<Orphan>>, Failure> {
        let glance = match region.glance_for_tenant(tenant).await {
            Ok(glance) => glance,
            Err(error @ Error::NoToken { .. }) if !error.is_outage() => return Ok(None),
            Err(error) => return Err(self.failed(&error, Some(tenant))),
        };
        self.orphans_of(&glance, Some(tenant)).await.map(Some)
    }

    /// The orphans of a project's lists, or of the administrator's.
    async fn orphans_of(
        &self,
        glance: &Glance,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<Orphan>, Failure> {
        let all = match tenant {
            Some(tenant) => ImageFilter::default().owner(tenant),
            // An administrator's list leaves out other projects' community images otherwise.
            None => ImageFilter::default().visibility(&Visibility::Other("all".to_owned())),
        };
        let mut orphans = Vec::new();
        for filter in [all.clone(), all.hidden()] {
            let mut marker = None;
            loop {
                let page = glance.list(&filter, PAGE, marker).await;
                let page = page.map_err(|error| self.failed(&error, tenant))?;
                orphans.extend(self.unknown_among(&page.images, tenant).await?);
                marker = page.next;
                if marker.is_none() || orphans.len() > self.most {
                    break;
                }
            }
        }
        Ok(orphans)
    }

    async fn unknown_among(
        &self,
        images: &[Image],
        tenant: Option<&TenantId>,
    ) -> Result<Vec<Orphan>, Failure> {
        let candidates: Vec<Orphan> = images
            .iter()
            .filter(|image| image.created_at < self.search.made_before)
            .filter(|image| tenant.is_none() || image.owner.as_ref() == tenant)
            .filter_map(candidate)
            .collect();
        let asked: Vec<_> = candidates.iter().map(|it| (it.image, it.job)).collect();
        let unknown = unknown(self.workshop, self.attempt, &asked).await?;
        let orphans = candidates.into_iter();
        Ok(orphans.filter(|it| unknown.contains(&it.image)).collect())
    }

    /// Takes what there is room for.
    fn add(&self, found: &mut OrphansFound, orphans: Vec<Orphan>) {
        let room = self.most.saturating_sub(found.orphans.len());
        found.is_cut_off |= orphans.len() > room;
        found.orphans.extend(orphans.into_iter().take(room));
        // Nobody looked further.
        found.is_cut_off |= found.orphans.len() >= self.most;
    }

    fn failed(&self, error: &Error, tenant: Option<&TenantId>) -> Failure {
        let place = Destination {
            region: self.search.region.clone(),
            tenant: tenant.cloned().unwrap_or_else(|| TenantId::new("any")),
        };
        let failure = Failure::at_replica(error, &place);
        // A page may have lost its beginning, a project its images: another look is another look.
        Failure {
            transient: true,
            ..failure
        }
    }
}

/// An image that the job which it names has made.
fn candidate(image: &Image) -> Option<Orphan> {
    let (job, attempt) = maker_of(image)?;
    Some(Orphan {
        image: image.id,
        tenant: image.owner.clone()?,
        job,
        attempt,
        name: image.name.clone().unwrap_or_default(),
        status: image.status.to_string(),
        is_hidden: image.os_hidden,
        is_protected: image.protected,
        size_bytes: image.size,
        made_at: image.created_at,
    })
}

/// Of images with the jobs that they name, those that nobody knows, by the scheduler's word under this errand's lease.
///
/// # Errors
/// When no scheduler answers, or this errand is another attempt's by now.
pub(super) async fn unknown(
    workshop: &Workshop,
    attempt: &Attempt,
    images: &[(ImageId, JobId)],
) -> Result<Vec<ImageId>, Failure> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let grant = &attempt.grant;
    let answer = workshop
        .scheduler
        .unknown_images(grant.job_id, grant.lease_token, images)
        .await;
    answer.map_err(|error| Failure {
        error: JobError::new(
            ErrorCode::Internal,
            format!("nobody could say which jobs are known: {error}"),
        ),
        transient: true,
    })
}
