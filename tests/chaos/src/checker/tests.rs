//! Evidence of a clean run, and one thing planted in it at a time: each must be reported, and nothing else.

mod clean;

use std::time::Duration;

use serde_json::json;
use testbed::{Region, Secret};

use super::{Violation, check, residue};
use crate::evidence::{Cancel, Contents, Evidence, File};
use crate::fault::{Action, Victim};
use clean::{CANCELED, FAILED, OTHER, REPLICATED, clean, document, image_of, members, set};

/// The violations of a clean run after `plant` was done to its evidence.
fn after(plant: impl FnOnce(&mut Evidence)) -> Vec<Violation> {
    let mut evidence = clean();
    plant(&mut evidence);
    check(&evidence)
}

#[test]
fn a_clean_run_has_no_violations() {
    assert_eq!(check(&clean()), []);
}

#[test]
fn a_planted_orphan_image_is_reported() {
    let found = after(|evidence| {
        let images = evidence.images.get_mut(&Region::Ot2).expect("a region");
        images.push(json!({"id": "orphan", "status": "queued", "os_hidden": true}));
        images.push(json!({"id": "half deleted", "status": "deleted", "os_hidden": true}));
    });
    let orphan = Violation::Orphan {
        region: Region::Ot2,
        image: "orphan".to_owned(),
        status: "queued".to_owned(),
    };
    assert_eq!(found, [orphan]);
}

#[test]
fn a_secret_is_reported_with_its_place() {
    let secret = Secret {
        place: "worker-1.log".to_owned(),
        what: "alice-password",
        around: "as alice with alice-password".to_owned(),
    };
    let what = secret.to_string();
    let found = after(|evidence| evidence.secrets.push(secret));
    assert_eq!(found, [Violation::Secret { what }]);
}

#[test]
fn an_earlier_attempts_image_beside_the_replica_is_an_orphan() {
    let found = after(|evidence| {
        let mut second = image_of(REPLICATED);
        second["id"] = json!("attempt 1 of it");
        let images = evidence.images.get_mut(&Region::Ot2).expect("a region");
        images.push(second);
    });
    assert!(
        matches!(&found[..], [Violation::Orphan { .. }]),
        "{found:?}"
    );
}

#[test]
fn an_image_of_a_canceled_or_failed_job_is_an_orphan() {
    for job in [CANCELED, FAILED] {
        let found = after(|evidence| {
            let images = evidence.images.get_mut(&Region::Ot2).expect("a region");
            images.push(image_of(job));
        });
        assert!(
            matches!(&found[..], [Violation::Orphan { .. }]),
            "{found:?}"
        );
    }
}

#[test]
fn a_planted_file_is_reported_unless_glance_leaked_it() {
    let file = |staged| File {
        region: Region::Ot2,
        staged,
        image: "a job's attempt".to_owned(),
        size: 7,
        sha512: None,
    };
    let found = after(|evidence| evidence.files.push(file(false)));
    assert!(
        matches!(&found[..], [Violation::OrphanFile { staged: false, .. }]),
        "{found:?}"
    );

    let found = after(|evidence| {
        evidence.files.push(file(false));
        evidence.abandoned.insert((Region::Ot2, file(false).image));
    });
    assert_eq!(found, [], "a killed Glance was writing it");

    let found = after(|evidence| {
        evidence.files.push(file(false));
        evidence.abandoned.insert((Region::Ot1, file(false).image));
    });
    assert_eq!(found.len(), 1, "another Glance's kill excuses nothing");

    // Copies do not go through staging, so nothing of theirs may be there.
    let found = after(|evidence| {
        evidence.files.push(file(true));
        evidence.abandoned.insert((Region::Ot2, file(true).image));
    });
    assert!(
        matches!(&found[..], [Violation::OrphanFile { staged: true, .. }]),
        "{found:?}"
    );
}

#[test]
fn a_wrong_hash_is_reported_whoever_knows_it() {
    // Glance's word …
    let found = after(|evidence| {
        set(evidence, REPLICATED, "os_hash_value", json!("another"));
    });
    assert!(
        matches!(&found[..], [Violation::NotWhole { .. }]),
        "{found:?}"
    );
    // … and the bytes themselves.
    let found = after(|evidence| {
        let id = image_of(REPLICATED)["id"].clone();
        let mut files = evidence.files.iter_mut();
        let file = files.find(|file| id == file.image.as_str());
        file.expect("it has a file").sha512 = Some("another".to_owned());
    });
    assert!(
        matches!(&found[..], [Violation::NotWhole { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_replica_that_is_missing_hidden_half_or_anothers_is_reported() {
    for (key, value) in [
        ("status", json!("saving")),
        ("os_hidden", json!(true)),
        ("owner", json!("somebody else")),
        ("size", json!(1)),
        ("replicated_by_job", json!("another job")),
    ] {
        let found = after(|evidence| set(evidence, REPLICATED, key, value));
        assert!(
            matches!(&found[..], [Violation::NotWhole { .. }]),
            "{key}: {found:?}"
        );
    }
    let found = after(|evidence| {
        let id = image_of(REPLICATED)["id"].clone();
        evidence.files.retain(|file| id != file.image.as_str());
        for images in evidence.images.values_mut() {
            images.retain(|image| image["id"] != id);
        }
    });
    assert!(
        matches!(&found[..], [Violation::NotWhole { .. }]),
        "{found:?}"
    );
}

#[test]
fn one_image_for_two_jobs_is_reported() {
    let found = after(|evidence| {
        let id = image_of(REPLICATED)["id"].clone();
        document(evidence, OTHER).set("destination_image_id", &id);
    });
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Violation::NotWhole { .. })),
        "{found:?}"
    );
}

#[test]
fn a_lost_job_is_reported_by_each_gateway_that_lost_it() {
    let found = after(|evidence| {
        let list = evidence.listed.get_mut(&Region::Ot2).expect("a region");
        list.retain(|job| job["job_id"] != FAILED);
    });
    let lost = Violation::Lost {
        job: FAILED.to_owned(),
        gateway: Region::Ot2,
    };
    assert_eq!(found, [lost]);
}

#[test]
fn a_job_that_nobody_was_told_of_is_reported() {
    let found = after(|evidence| {
        evidence.accepted.remove(FAILED);
    });
    assert!(
        matches!(&found[..], [Violation::Unasked { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_job_that_has_not_ended_is_reported() {
    let found = after(|evidence| {
        document(evidence, CANCELED).set("status", &json!("canceling"));
    });
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Violation::Open { .. })),
        "{found:?}"
    );
}

#[test]
fn an_end_that_goes_back_behind_what_callers_saw_is_reported() {
    let found = after(|evidence| {
        let seen = &mut evidence.testimony.seen;
        let replicated = seen[REPLICATED];
        seen.insert(CANCELED.to_owned(), replicated);
    });
    assert!(
        matches!(&found[..], [Violation::WentBack { .. }]),
        "{found:?}"
    );
}

#[test]
fn what_the_witness_heard_is_part_of_the_verdict() {
    let went_back = Violation::WentBack {
        job: REPLICATED.to_owned(),
        by: "a poll".to_owned(),
        what: "progress 3 after 4".to_owned(),
    };
    let found = after(|evidence| evidence.testimony.violations.push(went_back.clone()));
    assert_eq!(found, [went_back]);
}

#[test]
fn a_cancel_that_was_granted_and_not_kept_is_reported() {
    let cancel = |job: &'static str, cancel| {
        after(|evidence| {
            let accepted = evidence.accepted.get_mut(job).expect("it was accepted");
            accepted.cancel = cancel;
        })
    };
    let found = cancel(REPLICATED, Cancel::Granted);
    assert!(
        matches!(&found[..], [Violation::CancelBroken { .. }]),
        "{found:?}"
    );
    assert_eq!(cancel(REPLICATED, Cancel::TooLate), []);
    assert_eq!(cancel(CANCELED, Cancel::Asked), []);
    let found = cancel(CANCELED, Cancel::TooLate);
    assert!(
        matches!(&found[..], [Violation::Uncalled { .. }]),
        "{found:?}"
    );
}

#[test]
fn an_error_that_no_fault_explains_is_reported() {
    // Another region's Glance, another time, a cause that no fault may have: none of them explains it.
    let found = after(|evidence| {
        for struck in &mut evidence.faults {
            struck.fault.region = Region::Ot1;
            if struck.fault.victim == Victim::Keystone {
                struck.fault.victim = Victim::Redis;
                struck.mattered = false;
            }
        }
    });
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Violation::Unexplained { .. })),
        "{found:?}"
    );
    let found = after(|evidence| {
        for struck in &mut evidence.faults {
            struck.at += Duration::from_secs(1000);
            struck.healed += Duration::from_secs(1000);
        }
    });
    assert!(
        matches!(&found[..], [Violation::Unexplained { .. }]),
        "{found:?}"
    );
    for code in ["verification_failed", "destination_gone", "internal"] {
        let error = json!({"code": code, "message": "so it says"});
        let found = after(|evidence| document(evidence, FAILED).set("error", &error));
        assert!(
            matches!(&found[..], [Violation::Unexplained { .. }]),
            "{found:?}"
        );
    }
    let found = after(|evidence| document(evidence, FAILED).set("error", &json!(null)));
    assert!(
        matches!(&found[..], [Violation::Unexplained { .. }]),
        "{found:?}"
    );
}

#[test]
fn too_many_failed_jobs_are_reported() {
    let found = after(|evidence| {
        for list in evidence.listed.values_mut() {
            for job in list
                .iter_mut()
                .filter(|job| job["status"] == "replicated")
                .take(2)
            {
                job["status"] = json!("error");
                job["copy_progress"] = json!(99);
            }
        }
    });
    assert!(
        found
            .iter()
            .any(|one| matches!(one, Violation::TooFew { .. })),
        "{found:?}"
    );
}

#[test]
fn a_kind_of_fault_that_mattered_too_seldom_fails_the_run() {
    let found = after(|evidence| {
        let cuts = evidence.faults.iter_mut();
        let mut cuts = cuts.filter(|struck| struck.fault.action == Action::Cut);
        let kept = cuts.by_ref().take(2).count();
        assert_eq!(kept, 2);
        cuts.for_each(|struck| struck.mattered = false);
    });
    let too_seldom = Violation::TooSeldom {
        kind: "cut".to_owned(),
        count: 2,
    };
    assert_eq!(found, [too_seldom]);
    let found = after(|evidence| {
        for struck in &mut evidence.faults {
            struck.mattered &= struck.fault.victim != Victim::Redis;
        }
    });
    assert!(
        found.contains(&Violation::TooSeldom {
            kind: "Redis".to_owned(),
            count: 0,
        }),
        "{found:?}"
    );
}

#[test]
fn messages_that_are_left_are_reported() {
    let found = after(|evidence| {
        evidence.queues.insert("copy.ot2".to_owned(), 3);
    });
    assert!(
        matches!(&found[..], [Violation::Messages { count: 3, .. }]),
        "{found:?}"
    );
}

#[test]
fn leases_and_index_entries_that_are_left_are_reported() {
    for key in [
        "leases",
        "waiting",
        "deadlines",
        "eligible:ot2:ot1:t",
        "running:destination:ot2",
        "leftovers:ot2",
        "open:ot1:t",
        "tickets:ot2",
        "using:ot2",
        "aside",
        "what nobody knows",
    ] {
        let found = after(|evidence| {
            let key = format!("image-replicator:{key}");
            evidence.redis.insert(key, members(&[REPLICATED]));
        });
        assert!(
            matches!(&found[..], [Violation::Redis { .. }]),
            "{key}: {found:?}"
        );
    }
    let found = after(|evidence| {
        let claims = [("a claim".to_owned(), REPLICATED.to_owned())].into();
        let key = "image-replicator:claims".to_owned();
        evidence.redis.insert(key, Contents::Hash(claims));
    });
    assert!(matches!(&found[..], [Violation::Redis { .. }]), "{found:?}");
}

#[test]
fn a_record_with_a_lease_or_leftovers_is_reported() {
    for (field, value) in [
        ("lease", json!({"worker": "w"})),
        ("leftovers", json!(["an image"])),
        ("status", json!("replicating")),
    ] {
        let found = after(|evidence| {
            let key = format!("image-replicator:job:{REPLICATED}");
            let mut record = json!({"status": "replicated", "lease": null, "leftovers": []});
            record[field] = value;
            let fields = [("r".to_owned(), record.to_string())].into();
            evidence.redis.insert(key, Contents::Hash(fields));
        });
        assert!(
            matches!(&found[..], [Violation::Redis { .. }]),
            "{field}: {found:?}"
        );
    }
}

#[test]
fn a_list_that_misses_a_job_or_names_a_stranger_is_reported() {
    let found = after(|evidence| {
        let key = "image-replicator:finished".to_owned();
        evidence
            .redis
            .insert(key, members(&[REPLICATED, OTHER, CANCELED]));
    });
    assert!(
        !found.is_empty()
            && found
                .iter()
                .all(|one| matches!(one, Violation::Redis { .. })),
        "{found:?}"
    );
    let found = after(|evidence| {
        let key = "image-replicator:list:ot1:t:error".to_owned();
        evidence.redis.insert(key, members(&[FAILED, REPLICATED]));
    });
    assert!(matches!(&found[..], [Violation::Redis { .. }]), "{found:?}");
}

#[test]
fn gateways_that_disagree_are_reported() {
    let found = after(|evidence| {
        let list = evidence.listed.get_mut(&Region::Ot2).expect("a region");
        let job = list.iter_mut().find(|job| job["job_id"] == REPLICATED);
        job.expect("it is listed")["bytes_copied"] = json!(1);
    });
    assert!(
        matches!(&found[..], [Violation::Disagreement { .. }]),
        "{found:?}"
    );
}

/// What may still be going away is waited for; what is wrong for good is not.
#[test]
fn only_what_can_pass_is_residue() {
    let mut evidence = clean();
    evidence.queues.insert("copy.ot2".to_owned(), 1);
    assert_eq!(residue(&evidence).len(), 1);
    let mut evidence = clean();
    set(&mut evidence, REPLICATED, "os_hash_value", json!("another"));
    assert_eq!(residue(&evidence), []);
}
