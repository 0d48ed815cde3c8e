//! The documented sample, key by key, and what the service adds to it.

use std::time::Duration;

use domain::{
    Destination, ImageDigest, ImageSelector, JobId, PlanDocument, RegionId, TenantId, UserId,
};

use super::*;

/// The example of the public cloud product that serves these documents.
const DOCUMENTED: &str = r#"{ "created_at": "2024-05-09T09:51:10.785289", "updated_at": "2024-05-09T09:52:58.261715", "job_id": "e632eb1884e0468c8a41e656942df500", "job_id_hash": "d91e52f5117e95d8cf094071a7923289951a433c", "project_id": "3046fb2c2a314a0fbb32607caa1e5277", "user_id": "d1899d7f32d64b1bb95e262e7a6a4bc2", "job_schedule": { "schedule_day_of_week": "0,1,2,3,4,5,6", "schedule_month": "1,2,3,4,5,6,7,8,9,10,11,12", "schedule_day": "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31", "schedule_minute": "00", "schedule_hour": "13" }, "client_id": "hci", "session_id": "", "session_tag": 0, "name": "myplan", "description": "My new plan", "job_actions": [ { "freezer_action": { "action": "backup", "mode": "hci-volumes", "recovery_points_rotation": 7 }, "user_id": "d1899d7f32d64b1bb95e262e7a6a4bc2", "project_id": "3046fb2c2a314a0fbb32607caa1e5277", "action_id": "b9dc9e548b914b80a06d752342828371" } ], "status": "scheduled", "disabled": false, "started_at": null, "ended_at": null }"#;

fn documented() -> Value {
    DOCUMENTED.parse().expect("JSON")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The plan of the sample.
fn plan() -> PlanView {
    let mut schedule = documented()["job_schedule"].take();
    let fields = serde_json::from_value(schedule.take()).expect("a schedule");
    let freezer_action = &documented()["job_actions"][0]["freezer_action"];
    PlanView {
        id: "e632eb1884e0468c8a41e656942df500".parse().expect("an id"),
        region: RegionId::new("ot1"),
        tenant: TenantId::new("3046fb2c2a314a0fbb32607caa1e5277"),
        creator: UserId::new("d1899d7f32d64b1bb95e262e7a6a4bc2"),
        document: PlanDocument {
            name: "myplan".to_owned(),
            description: "My new plan".to_owned(),
            client_id: "hci".to_owned(),
            schedule: fields,
            actions: vec![PlanAction {
                id: "b9dc9e548b914b80a06d752342828371".parse().expect("an id"),
                selector: ImageSelector::Name("golden".to_owned()),
                destination: destination(),
                rotation: None,
                max_retries: 0,
                retry_interval: Duration::ZERO,
                mandatory: false,
                as_written: json!({"freezer_action": freezer_action}).to_string(),
            }],
            ..Default::default()
        },
        revision: 2,
        status: PlanStatus::Scheduled,
        created_at: at("2024-05-09T09:51:10.785289Z"),
        updated_at: at("2024-05-09T09:52:58.261715Z"),
        scheduled_at: at("2024-05-09T09:51:10.785289Z"),
        next_fire_at: Some(at("2024-05-10T13:00:00Z")),
        last_event: None,
        started_at: None,
        ended_at: None,
        last_run: None,
        recovery_points: Vec::new(),
    }
}

fn destination() -> Destination {
    Destination {
        region: RegionId::new("ot2"),
        tenant: TenantId::new("there"),
    }
}

fn rendered(plan: PlanView) -> Value {
    serde_json::to_value(BackupJob::whole(plan)).expect("JSON")
}

#[test]
fn the_documented_sample_is_rendered_key_by_key() {
    let rendered = rendered(plan());
    for (key, value) in documented().as_object().expect("an object") {
        match key.as_str() {
            // A hash of an unknown kind.
            "job_id_hash" => {
                let hash = rendered[key].as_str().expect("a text");
                assert_eq!(hash.len(), 40);
                assert!(hash.bytes().all(|digit| digit.is_ascii_hexdigit()));
            }
            "job_schedule" => {
                for (field, value) in value.as_object().expect("an object") {
                    assert_eq!(&rendered[key][field], value, "{field}");
                }
            }
            _ => assert_eq!(rendered.get(key), Some(value), "{key}"),
        }
    }
}

#[test]
fn the_documented_keys_come_first_and_in_their_order() {
    // Without actions, whose keys repeat some of these.
    let mut plan = plan();
    plan.document.actions.clear();
    let text = serde_json::to_string(&BackupJob::whole(plan)).expect("JSON");
    let places: Vec<usize> = [
        "created_at",
        "updated_at",
        "job_id",
        "job_id_hash",
        "project_id",
        "user_id",
        "job_schedule",
        "client_id",
        "session_id",
        "session_tag",
        "name",
        "description",
        "job_actions",
        "status",
        "disabled",
        "started_at",
        "ended_at",
        "next_fire_at",
    ]
    .iter()
    .map(|key| text.rfind(&format!("\"{key}\":")).expect(key))
    .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_plan_that_never_ran_says_so() {
    let rendered = rendered(plan());
    let schedule = &rendered["job_schedule"];
    assert_eq!(schedule["time_created"], 1_715_248_270);
    assert_eq!(
        (&schedule["time_started"], &schedule["time_ended"]),
        (&json!(-1), &json!(-1))
    );
    assert_eq!(
        (&schedule["event"], &schedule["result"]),
        (&json!(""), &json!(""))
    );
    assert_eq!(schedule["status"], "scheduled");
    assert_eq!(rendered["last_run"], Value::Null);
    assert_eq!(rendered["next_fire_at"], "2024-05-10T13:00:00.000000");
    assert_eq!(rendered["recovery_points"], json!([]));
}

#[test]
fn a_run_is_told_in_both_ways() {
    let job = JobId::generate();
    let run = RunView {
        scheduled_for: at("2024-05-10T13:00:00Z"),
        started_at: at("2024-05-10T13:00:01Z"),
        ended_at: Some(at("2024-05-10T13:05:00Z")),
        result: Some(RunResult::Fail),
        messages: vec!["There is no such image.".to_owned()],
        jobs: vec![job],
    };
    let shown = rendered(PlanView {
        status: PlanStatus::Stop,
        last_event: Some(PlanEvent::Stop),
        started_at: Some(run.started_at),
        ended_at: run.ended_at,
        last_run: Some(run.clone()),
        ..plan()
    });
    assert_eq!(shown["started_at"], "2024-05-10T13:00:01.000000");
    assert_eq!(shown["ended_at"], "2024-05-10T13:05:00.000000");
    assert_eq!(shown["status"], "stop");
    let schedule = &shown["job_schedule"];
    assert_eq!(
        (&schedule["event"], &schedule["result"]),
        (&json!("stop"), &json!("fail"))
    );
    assert_eq!(schedule["time_started"], 1_715_346_001);
    assert_eq!(
        shown["last_run"],
        json!({
            "scheduled_for": "2024-05-10T13:00:00.000000",
            "started_at": "2024-05-10T13:00:01.000000",
            "ended_at": "2024-05-10T13:05:00.000000", "result": "fail",
            "messages": ["There is no such image."], "job_ids": [job.to_string()],
        })
    );

    let missed = RunView {
        result: Some(RunResult::Missed),
        ..run
    };
    let mut plan = PlanView {
        last_run: Some(missed),
        ..plan()
    };
    let shown = rendered(plan.clone());
    assert_eq!(shown["started_at"], Value::Null);
    assert_eq!(shown["job_schedule"]["time_started"], -1);
    assert_eq!(shown["job_schedule"]["result"], "missed");
    // It ran before.
    plan.started_at = Some(at("2024-05-09T13:00:01Z"));
    let shown = rendered(plan);
    assert_eq!(shown["started_at"], "2024-05-09T13:00:01.000000");
}

#[test]
fn replicas_are_shown_but_not_in_lists() {
    let point = RecoveryPoint {
        job_id: JobId::generate(),
        image_id: "335eef3f-551d-46e1-8781-173f43209d48"
            .parse()
            .expect("an id"),
        source_image_id: "0c6d7f8e-6a7c-5b43-9d0e-2f6f1d0a9b11"
            .parse()
            .expect("an id"),
        digest: ImageDigest {
            size_bytes: 1,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
        },
        destination: destination(),
        made_at: at("2024-05-10T13:05:00Z"),
    };
    let plan = PlanView {
        recovery_points: vec![point],
        ..plan()
    };
    let shown = rendered(plan.clone());
    assert_eq!(
        shown["recovery_points"][0]["image_id"],
        "335eef3f-551d-46e1-8781-173f43209d48"
    );
    assert_eq!(shown["recovery_points"][0]["region_id"], "ot2");
    let listed = serde_json::to_value(BackupJob::in_list(plan)).expect("JSON");
    assert_eq!(listed.get("recovery_points"), None);
}
