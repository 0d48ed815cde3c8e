//! The evidence of a small run in which all went well: forty replicated jobs, one canceled, one failed for a reason.

use std::collections::BTreeMap;
use std::time::Duration;

use scenarios::Moment;
use serde_json::{Value, json};
use testbed::Region;

use crate::evidence::{Accepted, Cancel, Contents, Evidence, File, Source};
use crate::fault::Struck;
use crate::schedule::Schedule;

/// A job that is replicated.
pub(super) const REPLICATED: &str = "job-0";
/// Another one.
pub(super) const OTHER: &str = "job-1";
/// A job that is canceled.
pub(super) const CANCELED: &str = "job-canceled";
/// A job that failed, for a reason that the schedule has.
pub(super) const FAILED: &str = "job-failed";

const PROJECT: &str = "t";
const SIZE: u64 = 1000;

pub(super) fn clean() -> Evidence {
    let mut evidence = Evidence {
        sources: [(
            "source".to_owned(),
            Source {
                region: Region::Ot1,
                size: SIZE,
                sha512: "hash".to_owned(),
            },
        )]
        .into(),
        faults: faults(),
        queues: [("copy.ot2".to_owned(), 0)].into(),
        ..Evidence::default()
    };
    let source = json!({"id": "source", "status": "active"});
    evidence.images = [(Region::Ot1, vec![source]), (Region::Ot2, Vec::new())].into();
    evidence.files.push(file(Region::Ot1, "source"));
    let replicated: Vec<String> = (0..40).map(|number| format!("job-{number}")).collect();
    for job in &replicated {
        add(&mut evidence, job, "replicated");
        let image = image_of(job);
        evidence.files.push(file(Region::Ot2, &id_of(job)));
        evidence.images.entry(Region::Ot2).or_default().push(image);
    }
    add(&mut evidence, CANCELED, "canceled");
    add(&mut evidence, FAILED, "error");
    if let Some(accepted) = evidence.accepted.get_mut(CANCELED) {
        accepted.cancel = Cancel::Granted;
    }
    evidence.redis = redis(&evidence);
    evidence
}

/// A job's document in both lists.
pub(super) fn document<'a>(evidence: &'a mut Evidence, job: &str) -> Documents<'a> {
    let lists = evidence.listed.values_mut();
    let found = lists.filter_map(|list| list.iter_mut().find(|one| one["job_id"] == job));
    Documents(found.collect())
}

/// The same document, as each gateway has it; what is written to one key is written to all.
pub(super) struct Documents<'a>(Vec<&'a mut Value>);

impl Documents<'_> {
    pub(super) fn set(&mut self, key: &str, value: &Value) {
        for document in &mut self.0 {
            document[key] = value.clone();
        }
    }
}

/// Changes a key of the image of a replicated job.
pub(super) fn set(evidence: &mut Evidence, job: &str, key: &str, value: Value) {
    let id = id_of(job);
    let images = evidence.images.values_mut().flatten();
    for image in images.filter(|image| image["id"] == id.as_str()) {
        image[key] = value.clone();
    }
}

pub(super) fn image_of(job: &str) -> Value {
    json!({
        "id": id_of(job),
        "status": "active",
        "os_hidden": false,
        "owner": PROJECT,
        "size": SIZE,
        "os_hash_value": "hash",
        "replicated_by_job": job,
    })
}

pub(super) fn members(jobs: &[&str]) -> Contents {
    Contents::Members(jobs.iter().map(|job| (*job).to_owned()).collect())
}

fn id_of(job: &str) -> String {
    format!("image of {job}")
}

fn file(region: Region, image: &str) -> File {
    File {
        region,
        staged: false,
        image: image.to_owned(),
        size: SIZE,
        sha512: Some("hash".to_owned()),
    }
}

fn add(evidence: &mut Evidence, job: &str, status: &str) {
    let replicated = status == "replicated";
    let error = json!({"code": "destination_unavailable", "message": "it was away"});
    let document = json!({
        "copy_progress": if replicated { 100 } else { 50 },
        "destination_image_id": if replicated { json!(id_of(job)) } else { Value::Null },
        "destination_region_id": "ot2",
        "destination_tenant_id": PROJECT,
        "job_id": job,
        "source_image_id": "source",
        "source_image_name": "n",
        "source_region_id": "ot1",
        "source_tenant_id": "s",
        "status": status,
        "error": if status == "error" { error } else { Value::Null },
    });
    let moment = Moment::of(&document).expect("a document");
    evidence.testimony.seen.insert(job.to_owned(), moment);
    let end = Duration::from_secs(30);
    evidence.testimony.ended.insert(job.to_owned(), end);
    let accepted = Accepted {
        source: "source".to_owned(),
        destination: Region::Ot2,
        project: PROJECT.to_owned(),
        at: Duration::from_secs(5),
        cancel: Cancel::No,
    };
    evidence.accepted.insert(job.to_owned(), accepted);
    for region in Region::ALL {
        evidence
            .listed
            .entry(region)
            .or_default()
            .push(document.clone());
    }
}

/// Seven sets of seven rounds, all in the jobs' time and all of the destination's Glance.
fn faults() -> Vec<Struck> {
    let mut schedule = Schedule::new(1);
    let faults = (0..49).filter_map(|_| schedule.next(|_, _| true));
    faults
        .map(|mut fault| {
            fault.region = Region::Ot2;
            Struck {
                fault,
                target: String::new(),
                mattered: true,
                at: Duration::from_secs(10),
                healed: Duration::from_secs(12),
                caught: Vec::new(),
            }
        })
        .collect()
}

fn redis(evidence: &Evidence) -> BTreeMap<String, Contents> {
    let jobs: Vec<&str> = evidence.accepted.keys().map(String::as_str).collect();
    let mut redis: BTreeMap<String, Contents> = ["finished", "list:~all", "changed:~all"]
        .map(|key| (format!("image-replicator:{key}"), members(&jobs)))
        .into();
    redis.insert(
        "image-replicator:sequence".to_owned(),
        Contents::Text("9".to_owned()),
    );
    redis.insert(
        "image-replicator:list:ot1:s:error".to_owned(),
        members(&[FAILED]),
    );
    redis
}
