//! Looks for an image that makes a copy needless: one that this service has made for the same tenant before and that is, at
//! this moment, what the copy would become. It changes nothing.
//!
//! Only equal hashes prove equal bytes here: nothing is read back, for that costs as much as a copy.

use domain::{CopySpec, ErrorCode, ImageDigest, ImageId};
use openstack::{Glance, Image, ImageFilter, ImageStatus, NewImage};

use crate::Failure;
use crate::outcome::Step;
use crate::properties::carried;
use crate::provenance::{is_revealed, maker_of};
use crate::remove_replica::look;
use crate::reveal::Appearance;
use crate::unit::{Halt, Unit};
use crate::verify::{Verdict, compare};

/// Images of one call.
const PAGE: u32 = 100;
/// Pages that are looked at. So many images of the same bytes have other uses than to be copies; one more does no harm.
const MOST_PAGES: usize = 10;

/// An image to be reused, the newest if there are several.
pub(crate) async fn find_identical(
    unit: &Unit<'_>,
    wanted: &NewImage,
    appearance: &Appearance,
) -> Result<Option<ImageId>, Halt> {
    let digest = &unit.spec().source_digest;
    let Some(filter) = filter(wanted, appearance, digest) else {
        return Ok(None);
    };
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let page = unit
            .control
            .unless_interrupted(unit.destination.list(&filter, PAGE, marker))
            .await?
            .map_err(|error| unit.judge(Step::ReadDestination, &error))?;
        let mut images = page.images.iter();
        if let Some(found) = images.find(|image| is_identical(image, wanted, appearance, digest)) {
            return Ok(Some(found.id));
        }
        if page.next.is_none() {
            break;
        }
        marker = page.next;
    }
    Ok(None)
}

/// Makes sure that an image that was found is still there. By now the scheduler keeps plans from removing it.
///
/// # Errors
/// A transient failure when it is not, or when it cannot be told: the next attempt finds another, or makes a copy.
pub async fn still_stands(
    destination: &Glance,
    spec: &CopySpec,
    image: ImageId,
) -> Result<(), Failure> {
    let place = &spec.destination;
    let found = look(destination, place, image).await?;
    let stands = found.is_some_and(|found| {
        found.status == ImageStatus::Active
            && found.owner.as_ref() == Some(&place.tenant)
            && is_replica(&found)
    });
    if stands {
        return Ok(());
    }
    Err(Failure::transient(
        ErrorCode::DestinationUnavailable,
        format!(
            "the identical image {image} in region {} went away while it was taken for the copy",
            place.region
        ),
    ))
}

/// Whether this service has made it, to stay.
fn is_replica(image: &Image) -> bool {
    is_revealed(image) && maker_of(image).is_some()
}

/// What Glance can tell apart by itself; none without a hash to ask for.
fn filter(wanted: &NewImage, appearance: &Appearance, digest: &ImageDigest) -> Option<ImageFilter> {
    let filter = ImageFilter::default()
        .owner(&wanted.owner)
        .status(&ImageStatus::Active);
    let filter = match (&digest.os_hash_value, &digest.checksum) {
        (Some(hash), _) => filter.os_hash_value(hash),
        (None, Some(checksum)) => filter.checksum(checksum),
        (None, None) => return None,
    };
    Some(if appearance.os_hidden {
        filter.hidden()
    } else {
        filter
    })
}

/// Whether `found` has the bytes of `digest` and is in everything else what `wanted` would be once it has its
/// `appearance`. Where the two came from may differ.
fn is_identical(
    found: &Image,
    wanted: &NewImage,
    appearance: &Appearance,
    digest: &ImageDigest,
) -> bool {
    let has_bytes = || {
        found
            .digest()
            .is_some_and(|found| compare(digest, &found, None) == Verdict::Same)
    };
    let looks_alike = Appearance::like(found, found.visibility.clone()) == *appearance
        && found.name == wanted.name
        && found.disk_format == wanted.disk_format
        && found.container_format == wanted.container_format
        && found.min_disk == wanted.min_disk
        && found.min_ram == wanted.min_ram
        && found.tags == wanted.tags
        && carried(&found.properties, &[]).eq(carried(&wanted.properties, &[]));
    found.status == ImageStatus::Active
        && found.owner.as_ref() == Some(&wanted.owner)
        && looks_alike
        && has_bytes()
        && is_replica(found)
}

#[cfg(test)]
mod tests {
    use domain::{JobId, TenantId};
    use openstack::Visibility;

    use super::*;
    use crate::EngineSettings;
    use crate::properties::image_to_create;
    use crate::provenance::{REPLICATED_BY_JOB, REPLICATED_STATE};
    use crate::samples::{order, source_image};

    /// What another job has made of the same source.
    fn replica(wanted: &NewImage) -> Image {
        let maker = JobId::generate();
        let mut image = source_image();
        image.id = maker.image_of_attempt(2);
        image.owner = Some(wanted.owner.clone());
        image.visibility = Visibility::Private;
        image.properties.clone_from(&wanted.properties);
        let made_by = (REPLICATED_BY_JOB.to_owned(), maker.to_string());
        image.properties.extend([made_by]);
        image.properties.remove(REPLICATED_STATE);
        image
    }

    #[test]
    fn an_image_is_reused_only_while_it_is_what_the_copy_would_be() {
        let source = source_image();
        let order = order();
        let wanted = image_to_create(&source, &order, &EngineSettings::default());
        let wanted = wanted.expect("portable");
        let appearance = Appearance::like(&source, Visibility::Private);
        let replica = replica(&wanted);
        type Change = fn(&mut Image);
        let changes: [(&str, bool, Change); 15] = [
            ("nothing", true, |_| {}),
            ("where it came from", true, |image| {
                let from = ("replicated_from_image".to_owned(), "another".to_owned());
                image.properties.extend([from]);
            }),
            ("what Glance adds", true, |image| {
                let added = ("os_glance_failed_import".to_owned(), String::new());
                image.properties.extend([added]);
            }),
            ("its name", false, |image| image.name = None),
            ("a tag", false, |image| {
                image.tags.insert("new".to_owned());
            }),
            ("a property", false, |image| {
                let changed = ("os_distro".to_owned(), "another".to_owned());
                image.properties.extend([changed]);
            }),
            ("its protection", false, |image| {
                image.protected = !image.protected;
            }),
            ("who sees it", false, |image| {
                image.visibility = Visibility::Shared;
            }),
            ("that it is offered", false, |image| {
                image.os_hidden = !image.os_hidden;
            }),
            ("its status", false, |image| {
                image.status = ImageStatus::Deactivated;
            }),
            ("its owner", false, |image| {
                image.owner = Some(TenantId::new("another"));
            }),
            ("its hash", false, |image| {
                image.os_hash_value = Some("00".to_owned());
            }),
            ("its hash's algorithm", false, |image| {
                image.os_hash_algo = Some("sha256".to_owned());
            }),
            ("that it is not verified yet", false, |image| {
                let state = (REPLICATED_STATE.to_owned(), "unverified".to_owned());
                image.properties.extend([state]);
            }),
            ("that it goes", false, |image| {
                let mark = (REPLICATED_BY_JOB.to_owned(), "discarded".to_owned());
                image.properties.extend([mark]);
            }),
        ];
        let digest = &order.spec.source_digest;
        for (what, expected, change) in changes {
            let mut replica = replica.clone();
            change(&mut replica);
            let found = is_identical(&replica, &wanted, &appearance, digest);
            assert_eq!(found, expected, "{what} has changed");
        }
    }

    #[test]
    fn a_snapshot_that_says_it_is_a_copy_is_not_reused() {
        let source = source_image();
        let order = order();
        let wanted = image_to_create(&source, &order, &EngineSettings::default());
        let wanted = wanted.expect("portable");
        let mut snapshot = replica(&wanted);
        snapshot.id = JobId::generate().image_of_attempt(1);
        let appearance = Appearance::like(&source, Visibility::Private);
        let digest = &order.spec.source_digest;
        assert!(!is_identical(&snapshot, &wanted, &appearance, digest));
    }

    #[test]
    fn without_a_hash_nothing_is_looked_for() {
        let source = source_image();
        let order = order();
        let wanted = image_to_create(&source, &order, &EngineSettings::default());
        let wanted = wanted.expect("portable");
        let appearance = Appearance::like(&source, Visibility::Private);
        let mut digest = order.spec.source_digest;
        assert!(filter(&wanted, &appearance, &digest).is_some());
        digest.os_hash_value = None;
        assert!(filter(&wanted, &appearance, &digest).is_some());
        digest.checksum = None;
        assert_eq!(filter(&wanted, &appearance, &digest), None);
    }
}
