//! Reads the source image and makes sure that it is still the one that was asked for.

use domain::{CopySpec, ErrorCode, ImageDigest};
use openstack::{Glance, Image, ImageStatus};

use crate::Failure;
use crate::outcome::Step;
use crate::unit::{Halt, Unit};

/// The source image, unchanged since the job was accepted.
pub(crate) async fn read_source(unit: &Unit<'_>, source: &Glance) -> Result<Image, Halt> {
    let image = unit
        .control
        .unless_interrupted(source.show(unit.spec().source.image))
        .await?
        .map_err(|error| unit.judge(Step::ReadSource, &error))?;
    check_unchanged(unit.spec(), &image)?;
    Ok(image)
}

fn check_unchanged(spec: &CopySpec, image: &Image) -> Result<(), Failure> {
    let changed = |what: String| {
        Failure::fatal(
            ErrorCode::SourceChanged,
            format!(
                "the source image in region {} is no longer the one that was to be copied: {what}",
                spec.source.region
            ),
        )
    };
    if image.status != ImageStatus::Active {
        return Err(changed(format!("its status is {}", image.status)));
    }
    let Some(found) = image.digest() else {
        return Err(changed("its size is not known".to_owned()));
    };
    match difference(&spec.source_digest, &found) {
        Some(what) => Err(changed(what)),
        // Glance would make an active image of an empty body.
        None if found.size_bytes == 0 => Err(changed("it has no bytes of its own".to_owned())),
        None => Ok(()),
    }
}

/// A hash that only one side knows is no difference: Glance may learn one later, never another.
fn difference(admitted: &ImageDigest, found: &ImageDigest) -> Option<String> {
    if admitted.size_bytes != found.size_bytes {
        return Some(format!(
            "it has {} bytes instead of {}",
            found.size_bytes, admitted.size_bytes
        ));
    }
    [
        (&admitted.checksum, &found.checksum),
        (&admitted.os_hash_algo, &found.os_hash_algo),
        (&admitted.os_hash_value, &found.os_hash_value),
    ]
    .into_iter()
    .any(|pair| matches!(pair, (Some(then), Some(now)) if !then.eq_ignore_ascii_case(now)))
    .then(|| "its hash differs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::spec;

    #[test]
    fn a_difference_is_another_size_or_another_hash() {
        let admitted = spec().source_digest;
        let with = |change: fn(&mut ImageDigest)| {
            let mut found = admitted.clone();
            change(&mut found);
            difference(&admitted, &found)
        };
        assert_eq!(with(|_| ()), None);
        assert_eq!(with(|found| found.checksum = None), None);
        assert!(with(|found| found.size_bytes = 0).is_some());
        assert!(with(|found| found.checksum = Some("00".to_owned())).is_some());
        assert!(with(|found| found.os_hash_value = Some("00".to_owned())).is_some());
    }
}
