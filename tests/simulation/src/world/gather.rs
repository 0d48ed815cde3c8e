//! The evidence of a world that has become quiet.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::TenantId;
use job_scheduler::reconciler;
use sha2::{Digest as _, Sha256};

use super::World;
use crate::caller::Caller;
use crate::cloud::Status;
use crate::evidence::{Ending, Evidence, Replica};
use crate::scheduler::KEEP_FINISHED;

/// Keys whose entries say nothing of any one job; or, as idempotency keys, go by themselves.
const STANDING: [&str; 4] = [
    "memory:regions ",
    "memory:serving ",
    "memory:virtual:",
    "memory:key:",
];
/// Keys whose entries stay for as long as a finished job is kept.
const OF_FINISHED: [&str; 3] = ["memory:list:", "memory:changed:", "memory:finished "];

impl World {
    pub(super) async fn gather(&self) -> Evidence {
        let mut evidence = Evidence {
            stories: self.callers.iter().map(Caller::story).collect(),
            commits: self.weather.journal.commits(),
            broken: self.broken(),
            found: self.weather.witness.found(),
            restless: self.restless(),
            ..Evidence::default()
        };
        (evidence.taken_back, evidence.fell_back) = self.weather.witness.taken_back();
        for (id, image) in self.cloud.source.all() {
            let id = id.parse().expect("only such ids are created");
            evidence.sources.insert(id, hash(&image.data));
        }
        for stored in self.all_jobs().await {
            let record = stored.record;
            let ending = Ending {
                status: record.status,
                image: record.image,
                leased: record.lease.is_some(),
                leftovers: record.leftovers,
                error: record.error.map(|error| error.to_string()),
            };
            let journal = &self.weather.journal;
            journal.meet(record.status.as_str(), format_args!("{ending:?}"));
            evidence.jobs.insert(record.id, ending);
        }
        for (id, image) in self.cloud.destination.all() {
            let size = image.attributes.get("size");
            let replica = Replica {
                active: image.has_status(Status::Active),
                hidden: image.is("os_hidden"),
                owner: image.text("owner").map(TenantId::new),
                size: size.and_then(serde_json::Value::as_u64),
                hash: Some(hash(&image.data)),
            };
            let id = id.parse().expect("only such ids are created");
            evidence.images.insert(id, replica);
        }
        evidence.index_entries = self.entries_but(&[&STANDING[..], &OF_FINISHED[..]].concat());
        evidence.remains = self.remains().await;
        evidence
    }

    /// What stays when the time has come for the janitor.
    async fn remains(&self) -> BTreeSet<String> {
        for scheduler in self.schedulers.iter().flatten() {
            scheduler.end_tasks().await;
        }
        let scheduler = self.schedulers.iter().flatten().next();
        let scheduler = scheduler.expect("all were started again");
        let later = KEEP_FINISHED + Duration::from_secs(60);
        let later = i64::try_from(later.as_millis()).expect("a month");
        scheduler.clock.set_ahead(later);
        let ticked = reconciler::tick(scheduler.jobs()).await;
        ticked.expect("all is well");
        self.entries_but(&STANDING)
    }

    fn entries_but(&self, expected: &[&str]) -> BTreeSet<String> {
        let entries = self.store.entries().into_iter();
        entries
            .filter(|entry| !expected.iter().any(|key| entry.starts_with(key)))
            .collect()
    }

    /// Workers that are still at something.
    fn restless(&self) -> Vec<String> {
        let workers = self.workers.iter().flatten();
        let restless = workers.filter(|worker| worker.is_at_work());
        restless
            .map(|worker| worker.process.name().to_owned())
            .collect()
    }

    fn broken(&self) -> Vec<String> {
        let schedulers = self.schedulers.iter().flatten();
        let schedulers = schedulers
            .filter(|scheduler| scheduler.is_broken())
            .map(|scheduler| scheduler.process.name().to_owned());
        let workers = self.workers.iter().flatten();
        let workers = workers
            .filter(|worker| worker.is_broken())
            .map(|worker| worker.process.name().to_owned());
        schedulers.chain(workers).collect()
    }
}

/// What the checker compares bytes by, whatever Glances say of them.
fn hash(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
