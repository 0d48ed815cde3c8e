//! `job-scheduler admin …`, run as an operator would: what it prints, and how it exits.

use std::process::Stdio;

use domain::{JobId, JobStatus};
use proto::v1::{self, finish_request};
use serde_json::Value;
use tokio::process::Command;

use super::{acts, show};
use crate::rig::{Rig, failed};
use crate::sample::settings;

/// How a command ended.
struct Ended {
    code: Option<i32>,
    printed: String,
    complained: String,
}

impl Ended {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.complained);
        serde_json::from_str(&self.printed).expect("JSON")
    }
}

async fn admin(address: &str, words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_job-scheduler"));
    let command = command
        .args(["admin", "--address", address])
        .args(words)
        .env_remove("IMAGE_REPLICATOR_OPERATOR")
        .stdin(Stdio::null());
    let output = command.output().await.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended {
        code: output.status.code(),
        printed: text(output.stdout),
        complained: text(output.stderr),
    }
}

async fn of(rig: &Rig, words: &[&str]) -> Ended {
    admin(&rig.address.to_string(), words).await
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_print_tables_for_people_and_json_for_scripts() {
    let rig = Rig::start(settings(2)).await;
    let job = rig.create("t1").await;
    let id = job.to_string();
    let table = of(&rig, &["jobs"]).await;
    assert_eq!(table.code, Some(0), "{}", table.complained);
    let lines: Vec<&str> = table.printed.lines().collect();
    assert!(
        lines[0].starts_with("JOB "),
        "{table}",
        table = table.printed
    );
    assert!(lines[1].contains(&id) && lines[1].contains("replicate_requested"));
    assert_eq!(lines.len(), 2);
    let page = of(&rig, &["jobs", "--json", "--status", "error"])
        .await
        .json();
    assert_eq!(page["jobs"], serde_json::json!([]));
    let shown = of(&rig, &["show", &id, "--json"]).await.json();
    assert_eq!(shown["job_id"], id.as_str());
    assert_eq!(shown["copy"]["source_image_name"], "debian");

    let grant = rig.claim().await.expect("work");
    let leases = of(&rig, &["leases"]).await;
    assert!(leases.printed.contains("worker") && leases.printed.contains(&id));
    assert!(!leases.printed.contains(&grant.lease_token));
    rig.finish(&grant, failed(false), &[]).await;
    assert!(of(&rig, &["leftovers"]).await.printed.contains(&id));
    let shown = of(&rig, &["show", &id]).await.printed;
    assert!(
        shown.contains("destination_unavailable: Glance of ot2 is down"),
        "{shown}"
    );

    let retried = of(&rig, &["--operator", "olga", "retry", &id, "--json"])
        .await
        .json();
    let new: JobId = retried["job"]["job_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let record = show(&rig, new).await.job.expect("a job");
    assert_eq!(acts(&record), [("olga", "retry")]);
    let canceled = of(&rig, &["cancel", &new.to_string()]).await;
    assert_eq!(canceled.printed, format!("job {new} is canceled\n"));
    assert_eq!(rig.status(new).await, JobStatus::Canceled);
    // Nobody said who it was: the system's user and host.
    let record = show(&rig, new).await.job.expect("a job");
    assert!(acts(&record)[1].0.contains('@'), "{record:?}");

    let drained = of(&rig, &["region", "drain", "ot2"]).await;
    assert!(
        drained.printed.starts_with("region ot2 is drained"),
        "{}",
        drained.printed
    );
    let limits = of(&rig, &["limits", "--json"]).await.json();
    assert_eq!(limits["limits"]["copies_per_tenant"], 2);
    assert_eq!(limits["regions"][1]["drain"]["region_id"], "ot2");
    assert!(of(&rig, &["limits"]).await.printed.contains("since "));
    let undrained = of(&rig, &["region", "undrain", "ot2", "--json"])
        .await
        .json();
    assert_eq!(undrained["was_drained"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_waited_for() {
    let rig = Rig::start(settings(2)).await;
    let searching = of(&rig, &["orphans", "ot2", "--json"]);
    let working = async {
        loop {
            if let Some(grant) = rig.claim().await {
                let found = v1::OrphansFound {
                    tenants_unseen: 3,
                    ..v1::OrphansFound::default()
                };
                let outcome = finish_request::Outcome::OrphansFound(found);
                rig.finish(&grant, outcome, &[]).await;
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (ended, ()) = tokio::join!(searching, working);
    let found = ended.json();
    assert_eq!(found["orphans"], serde_json::json!([]));
    assert_eq!(found["tenants_unseen"], 3);
    assert!(found["errand_id"].is_string());
    let late = of(&rig, &["orphans", "ot2", "--wait", "1ms"]).await;
    assert_eq!(late.code, Some(1));
    assert!(
        late.complained.contains("has not ended yet"),
        "{}",
        late.complained
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_a_refusal_from_a_wrong_command() {
    let rig = Rig::start(settings(2)).await;
    let open = rig.create("t1").await.to_string();
    let nobody = JobId::generate().to_string();
    for (words, word) in [
        (&["show", &nobody][..], "there is no such job"),
        (
            &["retry", &open],
            "only one that ended as `error` or `canceled`",
        ),
        (
            &["region", "drain", "ot9"],
            "region `ot9` is not configured",
        ),
        (&["jobs", "--limit", "0"], "limit: must be 1 to 1000"),
    ] {
        let ended = of(&rig, words).await;
        assert_eq!(ended.code, Some(1), "{words:?}");
        assert!(ended.complained.contains(word), "{}", ended.complained);
        assert_eq!(ended.printed, "");
    }
    for words in [
        &["melt"][..],
        &["show", "7"],
        &["jobs", "--status", "cancelled"],
        &["orphans", "ot2", "--whole"],
        // Nobody is there to say yes.
        &["orphans", "ot2", "--remove"],
    ] {
        assert_eq!(of(&rig, words).await.code, Some(64), "{words:?}");
    }
    let help = of(&rig, &["--help"]).await;
    assert_eq!(help.code, Some(0));
    assert!(help.printed.contains("orphans"), "{}", help.printed);
    let away = admin("127.0.0.1:1", &["limits"]).await;
    assert_eq!(away.code, Some(1));
    assert!(
        away.complained.contains("admin_grpc_listen"),
        "{}",
        away.complained
    );
}
