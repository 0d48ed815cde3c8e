//! Each call of an operator is one line in the audit trail, whatever came of it.

use domain::JobId;
use proto::v1;
use serde_json::Value;
use service_kit::audit::Trail;
use service_kit::config::LogFormat;

use super::OPERATOR;
use crate::rig::Rig;
use crate::sample;

/// Makes each call of the service once, in the order of its contract; `job` and `region` may be nobody's.
async fn each_call(rig: &Rig, operator: &str, job: &str, region: &str) {
    let mut admin = rig.admin.clone();
    let (operator, job_id) = (operator.to_owned(), job.to_owned());
    let region_id = region.to_owned();
    let shown = v1::AdminShowJobRequest {
        operator: operator.clone(),
        job_id: job_id.clone(),
    };
    // What came of each is in the trail.
    let _ = admin
        .list_jobs(v1::AdminListJobsRequest {
            operator: operator.clone(),
            limit: 10,
            ..Default::default()
        })
        .await;
    let _ = admin.show_job(shown.clone()).await;
    let _ = admin.follow_job(shown).await;
    let _ = admin
        .cancel_job(v1::AdminCancelJobRequest {
            operator: operator.clone(),
            job_id: job_id.clone(),
        })
        .await;
    let _ = admin
        .retry_job(v1::AdminRetryJobRequest {
            operator: operator.clone(),
            job_id,
        })
        .await;
    let _ = admin
        .list_leases(v1::AdminListLeasesRequest {
            operator: operator.clone(),
            limit: 10,
        })
        .await;
    let _ = admin
        .list_leftovers(v1::AdminListLeftoversRequest {
            operator: operator.clone(),
            limit: 10,
        })
        .await;
    let _ = admin
        .find_orphans(v1::AdminFindOrphansRequest {
            operator: operator.clone(),
            errand_id: JobId::generate().to_string(),
            region_id: region_id.clone(),
            ..Default::default()
        })
        .await;
    let _ = admin
        .remove_orphan(v1::AdminRemoveOrphanRequest {
            operator: operator.clone(),
            errand_id: JobId::generate().to_string(),
            search_id: JobId::generate().to_string(),
            image_id: JobId::generate().to_string(),
            ..Default::default()
        })
        .await;
    let _ = admin
        .show_limits(v1::AdminShowLimitsRequest {
            operator: operator.clone(),
        })
        .await;
    let _ = admin
        .drain_region(v1::AdminDrainRegionRequest {
            operator: operator.clone(),
            region_id: region_id.clone(),
        })
        .await;
    let _ = admin
        .undrain_region(v1::AdminUndrainRegionRequest {
            operator,
            region_id,
        })
        .await;
}

/// Action, type and outcome of each line.
fn acts(lines: &[Value]) -> Vec<(&str, &str, &str)> {
    lines
        .iter()
        .map(|line| {
            let part = |key: &str| line[key].as_str().unwrap_or_default();
            (
                part("audit.action"),
                part("audit.target.type"),
                part("audit.outcome"),
            )
        })
        .collect()
}

fn read(trail: &Trail) -> Vec<Value> {
    let lines = trail.lines();
    let parsed = lines.iter().map(|line| line.parse());
    parsed.collect::<Result<_, _>>().expect("JSON")
}

#[tokio::test]
async fn each_call_is_one_line_however_it_ends() {
    let rig = Rig::start(sample::settings(8)).await;
    let job = rig.create("t1").await.to_string();

    let trail = Trail::begin(LogFormat::Json);
    each_call(&rig, OPERATOR, &job, "ot2").await;
    let lines = read(&trail);
    let expected = [
        ("jobs", "", "success"),
        ("show", "copy_job", "success"),
        ("follow", "copy_job", "success"),
        ("cancel", "copy_job", "success"),
        ("retry", "copy_job", "success"),
        ("leases", "", "success"),
        ("leftovers", "", "success"),
        ("orphans", "region", "success"),
        // There was no such search.
        ("orphans --remove", "image", "failure"),
        ("limits", "", "success"),
        ("region drain", "region", "success"),
        ("region undrain", "region", "success"),
    ];
    assert_eq!(acts(&lines), expected);
    for line in &lines {
        assert_eq!(line["audit.initiator.name"], OPERATOR);
        assert_eq!(line["audit.initiator.host.address"], "127.0.0.1");
    }
    assert_eq!(lines[3]["audit.target.id"], job.as_str());
    assert!(lines[8]["audit.reason.text"].is_string(), "{}", lines[8]);
    drop(trail);

    // Nobody, at nothing.
    let trail = Trail::begin(LogFormat::Json);
    each_call(&rig, "", "no id\n", "nowhere").await;
    let lines = read(&trail);
    let refused = expected.map(|(verb, kind, _)| (verb, kind, "failure"));
    assert_eq!(acts(&lines), refused);
    assert_eq!(lines[3]["audit.target.id"], "no id\n");
}
