//! Whether a replica from before still stands for its image, so that no new copy is needed. Pure.

use domain::{ImageDigest, RecoveryPoint};
use openstack::{Image, ImageStatus};

use crate::verify::{Verdict, compare};

/// Whether an image of digest `source` needs no new copy: it has the bytes that `point` was made of, and the
/// point's replica, as its Glance shows it now, is there and whole.
///
/// Only hashes that both sides know prove an image equal; the replica was verified when it was made, if need be by
/// reading it back, so it has to show nothing to the contrary.
#[must_use]
pub fn stands_for(point: &RecoveryPoint, replica: &Image, source: &ImageDigest) -> bool {
    let is_there = replica.id == point.image_id
        && replica.status == ImageStatus::Active
        && replica.owner.as_ref() == Some(&point.destination.tenant);
    let is_whole = || {
        replica.digest().is_some_and(|found| {
            matches!(
                compare(&point.digest, &found, None),
                Verdict::Same | Verdict::ReadBack { .. }
            )
        })
    };
    is_there && compare(&point.digest, source, None) == Verdict::Same && is_whole()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::samples::{order, source_image, spec};

    fn point() -> RecoveryPoint {
        let order = order();
        RecoveryPoint {
            job_id: order.job_id,
            image_id: order.image(),
            source_image_id: order.spec.source.image,
            digest: order.spec.source_digest,
            destination: order.spec.destination,
            made_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_replica_stands_for_its_image_while_both_are_what_they_were() {
        let point = point();
        let source = spec().source_digest;
        let mut replica = source_image();
        replica.id = point.image_id;
        replica.owner = Some(point.destination.tenant.clone());
        assert!(stands_for(&point, &replica, &source));

        type Change = fn(&mut Image, &mut ImageDigest);
        let changes: [(&str, bool, Change); 8] = [
            ("another image", false, |_, source| {
                source.os_hash_value = Some("ff".to_owned());
            }),
            ("a longer one", false, |_, source| source.size_bytes += 1),
            ("without any hash", false, |_, source| {
                source.os_hash_algo = None;
                source.os_hash_value = None;
                source.checksum = None;
            }),
            ("deactivated", false, |replica, _| {
                replica.status = ImageStatus::Deactivated;
            }),
            ("given away", false, |replica, _| replica.owner = None),
            ("broken", false, |replica, _| {
                replica.os_hash_value = Some("ff".to_owned());
            }),
            ("without a size", false, |replica, _| replica.size = None),
            ("hashed otherwise there", true, |replica, _| {
                replica.os_hash_algo = Some("sha256".to_owned());
                replica.os_hash_value = Some("c3".to_owned());
            }),
        ];
        for (name, expected, change) in changes {
            let (mut replica, mut source) = (replica.clone(), source.clone());
            change(&mut replica, &mut source);
            assert_eq!(stands_for(&point, &replica, &source), expected, "{name}");
        }
    }
}
