//! Images and files: each replicated job has exactly the one it names, with the source's bytes, and nothing else is
//! there but the sources.

use std::collections::BTreeSet;

use serde_json::Value;
use testbed::Region;

use super::{Violation, documents};
use crate::evidence::Evidence;

/// Replicated jobs whose image is missing, another's, not active, hidden, or not the source's bytes.
pub(super) fn whole(evidence: &Evidence) -> Vec<Violation> {
    let mut taken = BTreeSet::new();
    let replicated = documents(evidence)
        .into_iter()
        .filter(|(_, job)| job["status"] == "replicated");
    replicated
        .filter_map(|(job, document)| {
            let image = document["destination_image_id"]
                .as_str()
                .unwrap_or_default();
            let what = if taken.insert(image) {
                flaw(evidence, job, image)?
            } else {
                format!("image {image} is another job's too")
            };
            Some(Violation::NotWhole {
                job: job.to_owned(),
                what,
            })
        })
        .collect()
}

/// What is wrong with a replicated job's image; none when all is well. A job that nobody asked for is told apart.
fn flaw(evidence: &Evidence, job: &str, image: &str) -> Option<String> {
    let accepted = evidence.accepted.get(job)?;
    let Some(source) = evidence.sources.get(&accepted.source) else {
        return Some(format!("its source {} is unknown", accepted.source));
    };
    let region = accepted.destination;
    let Some(shown) = image_of(evidence, region, image) else {
        return Some(format!("image {image} is not in {region}"));
    };
    let expected = [
        ("status", Value::from("active")),
        ("os_hidden", Value::from(false)),
        ("owner", Value::from(accepted.project.as_str())),
        ("size", Value::from(source.size)),
        ("os_hash_value", Value::from(source.sha512.as_str())),
        ("replicated_by_job", Value::from(job)),
    ];
    for (key, value) in expected {
        if shown[key] != value {
            return Some(format!(
                "the {key} of image {image} is {}, not {value}",
                shown[key]
            ));
        }
    }
    let mut files = evidence
        .files
        .iter()
        .filter(|file| file.region == region && file.image == image && !file.staged);
    let Some(file) = files.next() else {
        return Some(format!("image {image} has no bytes in the store"));
    };
    if file.size != source.size
        || file
            .sha512
            .as_ref()
            .is_some_and(|hash| *hash != source.sha512)
    {
        return Some(format!(
            "the {} stored bytes of image {image} are not the source's",
            file.size
        ));
    }
    None
}

/// Images that are neither a source nor a replicated job's. A Glance that is killed in the middle of a DELETE shows the
/// image as `deleted` for ever, and nobody can delete it: that is its own leak.
pub(super) fn orphans(evidence: &Evidence) -> Vec<Violation> {
    let ours: BTreeSet<(Region, &str)> = documents(evidence)
        .into_iter()
        .filter(|(_, job)| job["status"] == "replicated")
        .filter_map(|(id, job)| {
            let destination = evidence.accepted.get(id)?.destination;
            Some((destination, job["destination_image_id"].as_str()?))
        })
        .collect();
    let all = evidence
        .images
        .iter()
        .flat_map(|(region, images)| images.iter().map(move |image| (*region, image)));
    all.filter_map(|(region, image)| {
        let id = image["id"].as_str().unwrap_or_default();
        let is_source = evidence
            .sources
            .get(id)
            .is_some_and(|source| source.region == region);
        let is_deleted = image["status"] == "deleted";
        let expected = is_source || is_deleted || ours.contains(&(region, id));
        (!expected).then(|| Violation::Orphan {
            region,
            image: id.to_owned(),
            status: image["status"].as_str().unwrap_or_default().to_owned(),
        })
    })
    .collect()
}

/// Files without an image, but for those that a killed Glance process was writing: Glance leaks exactly these.
pub(super) fn orphan_files(evidence: &Evidence) -> Vec<Violation> {
    let orphans = evidence.files.iter().filter(|file| {
        let leaked = !file.staged
            && evidence
                .abandoned
                .contains(&(file.region, file.image.clone()));
        file.staged || (!leaked && image_of(evidence, file.region, &file.image).is_none())
    });
    orphans
        .map(|file| Violation::OrphanFile {
            region: file.region,
            image: file.image.clone(),
            size: file.size,
            staged: file.staged,
        })
        .collect()
}

fn image_of<'a>(evidence: &'a Evidence, region: Region, id: &str) -> Option<&'a Value> {
    let images = evidence.images.get(&region)?;
    images.iter().find(|image| image["id"] == id)
}
