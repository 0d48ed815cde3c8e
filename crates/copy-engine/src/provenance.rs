//! Which images are this service's own, and the properties that say where they came from.
//!
//! Invariant: properties prove nothing by themselves. Nova hands them down to snapshots and tenants
//! can write them, so an image counts as a job's own only when its id is one that the job's attempts
//! reproduce (UUIDv5) and its owner is the job's destination tenant.

use domain::{CopySpec, ImageId, JobId, TenantId};
use openstack::Image;

/// The region that the image was copied from.
pub const REPLICATED_FROM_REGION: &str = "replicated_from_region";
/// The image that it was copied from, in that region.
pub const REPLICATED_FROM_IMAGE: &str = "replicated_from_image";
/// The job that made it.
pub const REPLICATED_BY_JOB: &str = "replicated_by_job";

/// What a copy is while it is made. Whoever takes this away decides what becomes of the copy: whoever reveals it, or
/// whoever marks it to be deleted. Glance lets only one of them.
pub const REPLICATED_STATE: &str = "replicated_state";
/// Its only value.
const UNVERIFIED: &str = "unverified";
/// Stands before the job of an image that is to be deleted.
const DISCARDED: &str = "discarded ";

/// Attempts that are tried to find an image's maker; far more than any job has.
const MOST_ATTEMPTS: u32 = 1_000;

/// The provenance that a copy carries, and its state at first.
pub(crate) fn provenance_of(job: JobId, spec: &CopySpec) -> [(&'static str, String); 4] {
    [
        (REPLICATED_FROM_REGION, spec.source.region.to_string()),
        (REPLICATED_FROM_IMAGE, spec.source.image.to_string()),
        (REPLICATED_BY_JOB, job.to_string()),
        (REPLICATED_STATE, UNVERIFIED.to_owned()),
    ]
}

/// Whether the image still waits to be revealed. Then it may also be about to be deleted by a worker that has seen it
/// unfinished, however whole it is by now.
pub(crate) fn is_unverified(image: &Image) -> bool {
    image.properties.contains_key(REPLICATED_STATE)
}

/// Whether the image was verified and shown to its users by whoever made it, to stay.
pub(crate) fn is_revealed(image: &Image) -> bool {
    !is_unverified(image) && !is_discarded(image)
}

/// Whether a property is one of the four.
pub(crate) fn is_provenance(name: &str) -> bool {
    [
        REPLICATED_FROM_REGION,
        REPLICATED_FROM_IMAGE,
        REPLICATED_BY_JOB,
        REPLICATED_STATE,
    ]
    .contains(&name)
}

/// Whether an image is one that `job` made in its attempts 1 to `attempts`.
///
/// `owner` is the image's as Glance tells it; an image without an owner is nobody's, hence not ours.
#[must_use]
pub fn is_own_image(
    job: JobId,
    attempts: u32,
    tenant: &TenantId,
    image: ImageId,
    owner: Option<&TenantId>,
) -> bool {
    is_own_id(job, attempts, image) && owner == Some(tenant)
}

/// In place of the job's id, once its image is to be deleted.
pub(crate) fn discarded(job: JobId) -> String {
    format!("{DISCARDED}{job}")
}

/// Whether somebody is about to delete the image: then nobody else has a use for it.
pub(crate) fn is_discarded(image: &Image) -> bool {
    let made_by = image.properties.get(REPLICATED_BY_JOB);
    made_by.is_some_and(|job| job.starts_with(DISCARDED))
}

/// The job that an image names, whether it is to be deleted or not, and the attempt of it that made the image; none when no attempt of that job has the
/// image's id. So a snapshot of a machine that was booted from a copy has no maker, though it inherits what the copy says.
#[must_use]
pub fn maker_of(image: &Image) -> Option<(JobId, u32)> {
    let named = image.properties.get(REPLICATED_BY_JOB)?;
    let job: JobId = named
        .strip_prefix(DISCARDED)
        .unwrap_or(named)
        .parse()
        .ok()?;
    let attempt = (1..=MOST_ATTEMPTS).find(|it| job.image_of_attempt(*it) == image.id)?;
    Some((job, attempt))
}

/// Whether an id is one that `job` reserved for its attempts 1 to `attempts`.
pub(crate) fn is_own_id(job: JobId, attempts: u32, image: ImageId) -> bool {
    (1..=attempts).any(|attempt| job.image_of_attempt(attempt) == image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_with_the_id_that_its_job_gave_it_has_a_maker() {
        let job = JobId::generate();
        let named = |id: ImageId, job: &str| {
            let mut image = crate::samples::source_image();
            image.id = id;
            let property = (REPLICATED_BY_JOB.to_owned(), job.to_owned());
            image.properties.extend([property]);
            maker_of(&image)
        };
        let own = job.image_of_attempt(17);
        assert_eq!(named(own, &job.to_string()), Some((job, 17)));
        assert_eq!(named(own, &discarded(job)), Some((job, 17)));
        let snapshot = JobId::generate().image_of_attempt(1);
        assert_eq!(named(snapshot, &job.to_string()), None);
        assert_eq!(named(own, &JobId::generate().to_string()), None);
        assert_eq!(named(own, "a job"), None);
        assert_eq!(maker_of(&crate::samples::source_image()), None);
    }

    #[test]
    fn an_image_is_ours_by_its_id_and_owner_only() {
        let job: JobId = "33911588-c299-4369-a240-7e5b741cdb6a"
            .parse()
            .expect("a UUID");
        let other: JobId = "33911588-c299-4369-a240-7e5b741cdb6b"
            .parse()
            .expect("a UUID");
        let tenant = TenantId::new("91b5c7c09cbd45caa3c146fd67ae471e");
        let stranger = TenantId::new("00000000000000000000000000000000");
        let second = job.image_of_attempt(2);
        for (name, attempts, image, owner, expected) in [
            ("the last attempt's", 2, second, Some(&tenant), true),
            ("an earlier one's", 3, second, Some(&tenant), true),
            ("of an attempt yet to come", 1, second, Some(&tenant), false),
            ("of a job without attempts", 0, second, Some(&tenant), false),
            ("another tenant's", 2, second, Some(&stranger), false),
            ("nobody's", 2, second, None, false),
            (
                "another job's",
                2,
                other.image_of_attempt(2),
                Some(&tenant),
                false,
            ),
        ] {
            assert_eq!(
                is_own_image(job, attempts, &tenant, image, owner),
                expected,
                "{name}"
            );
        }
    }
}
