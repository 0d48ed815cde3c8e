//! Tables over what a destination takes.

use super::*;
use crate::samples::image;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn verdict(image: &Image, rules: &RegionRules) -> Result<(), String> {
    verdict_with(image, rules, None)
}

fn verdict_with(
    image: &Image,
    rules: &RegionRules,
    formats: Option<&Formats>,
) -> Result<(), String> {
    let policy = Policy {
        required_properties: texts(&["kernel_id", "cinder_encryption_key*"]),
        ..Policy::default()
    };
    let rules = Rules {
        policy: &policy,
        of_region: rules,
        formats,
    };
    rules
        .check(image, &RegionId::new("ot1"), &RegionId::new("ot2"))
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn a_refused_property_counts_when_it_is_not_empty() {
    let rules = RegionRules {
        refused_properties: texts(&["license_switch_type"]),
        ..RegionRules::default()
    };
    assert_eq!(
        verdict(&image(&[("license_switch_type", "")]), &rules),
        Ok(())
    );
    assert_eq!(
        verdict(
            &image(&[("license_switch_type", "a"), ("kernel_id", "b")]),
            &rules
        ),
        Err(
            "Images with the property license_switch_type cannot be copied to region ot2."
                .to_owned()
        )
    );
}

#[test]
fn an_image_that_needs_its_region_is_not_portable() {
    for property in ["kernel_id", "cinder_encryption_key_id"] {
        let error = verdict(&image(&[(property, "x")]), &RegionRules::default());
        assert!(error.is_err_and(|text| text.contains(property) && text.contains("ot1")));
    }
    assert_eq!(
        verdict(&image(&[("os_distro", "debian")]), &RegionRules::default()),
        Ok(())
    );
}

#[test]
fn the_size_limit_is_inclusive() {
    let limited = |limit| RegionRules {
        max_image_bytes: Some(limit),
        ..RegionRules::default()
    };
    assert_eq!(verdict(&image(&[]), &limited(1000)), Ok(()));
    assert!(verdict(&image(&[]), &limited(999)).is_err_and(|text| text.contains("999")));
}

#[test]
fn formats_must_be_in_the_schema_and_not_in_the_list() {
    let rules = RegionRules {
        unsupported_disk_formats: texts(&["QCOW2"]),
        ..RegionRules::default()
    };
    assert!(verdict(&image(&[]), &rules).is_err_and(|text| text.contains("disk format qcow2")));

    let formats = |disk: &[&str], container: &[&str]| Formats {
        disk: texts(disk).into_iter().collect(),
        container: texts(container).into_iter().collect(),
    };
    let taken = |image: &Image, disk: &[&str], container: &[&str]| {
        verdict_with(
            image,
            &RegionRules::default(),
            Some(&formats(disk, container)),
        )
    };
    assert_eq!(taken(&image(&[]), &["qcow2"], &["bare"]), Ok(()));
    assert!(taken(&image(&[]), &["raw"], &["bare"]).is_err_and(|text| text.contains("disk")));
    assert!(taken(&image(&[]), &["qcow2"], &["ova"]).is_err_and(|text| text.contains("container")));
    let mut unset = image(&[]);
    unset.disk_format = None;
    assert!(taken(&unset, &["qcow2"], &["bare"]).is_err_and(|text| text.contains("(none)")));
}
