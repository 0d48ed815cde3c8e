//! Searches of a real region, with images that a copy would have left and some that only look like it. Other tests' projects
//! and images are there too: these look at their own.

use copy_engine::{REPLICATED_BY_JOB, Ungated};
use domain::{JobId, OrphanRemoval, RegionId, ReplicaFate, UnitKind};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;
use testbed::{Cloud, NewImage};

use super::*;
use crate::plan_stage::PlanStage;
use crate::scheduler_double::{SchedulerDouble, claimed};

/// An image of a project, with the id that a job gave it and what it says of that job.
async fn made_by(owner: &Cloud, job: JobId, id: ImageId, hidden: bool) -> anyhow::Result<ImageId> {
    let image = NewImage::named("left behind", 1)
        .with("id", id.to_string())
        .with("os_hidden", hidden)
        .with(REPLICATED_BY_JOB, job.to_string());
    owner.make_image(&image).await?;
    Ok(id)
}

/// Three orphans, one of them hidden, and what is none.
struct Scene {
    stage: PlanStage,
    jobs: [JobId; 3],
    orphans: Vec<ImageId>,
    known: JobId,
}

impl Scene {
    async fn set() -> anyhow::Result<Self> {
        let stage = PlanStage::set().await?;
        let there = &stage.destination;
        let jobs = [(); 3].map(|()| JobId::generate());
        let mut orphans = Vec::new();
        for (number, job) in jobs.into_iter().enumerate() {
            let id = job.image_of_attempt(2);
            orphans.push(made_by(there, job, id, number == 0).await?);
        }
        // A snapshot of a machine that was booted from a copy has an id of its own.
        let snapshot = JobId::generate().image_of_attempt(1);
        made_by(there, jobs[1], snapshot, false).await?;
        let known = JobId::generate();
        made_by(there, known, known.image_of_attempt(1), false).await?;
        there.make_image(&NewImage::named("a tenant's", 1)).await?;
        orphans.sort();
        Ok(Self {
            stage,
            jobs,
            orphans,
            known,
        })
    }

    /// What a worker finds, and of it what this scene has made.
    async fn found(
        &self,
        workshop: &Workshop,
        made_before: Timestamp,
        most: usize,
    ) -> anyhow::Result<(OrphansFound, Vec<Orphan>)> {
        let search = OrphanSearch {
            region: RegionId::new("ot2"),
            made_before,
        };
        let attempt = Attempt::new(claimed(UnitKind::FindOrphans));
        let found = found(workshop, &attempt, &search, most).await?;
        let owner = TenantId::new(&self.stage.destination.project_id);
        let own = found.orphans.iter().filter(|it| it.tenant == owner);
        let own = own.cloned().collect();
        Ok((found, own))
    }

    fn scheduler(&self) -> SchedulerDouble {
        let scheduler = SchedulerDouble::default();
        scheduler.knows(self.known);
        scheduler
    }

    fn workshop(&self, as_admin: bool) -> anyhow::Result<Workshop> {
        let workshop = if as_admin {
            self.stage.workshop_of_admin()?
        } else {
            self.stage.workshop()?
        };
        Ok(Workshop {
            scheduler: self.scheduler().client(),
            ..workshop
        })
    }
}

fn ids(orphans: &[Orphan]) -> Vec<ImageId> {
    let mut ids: Vec<ImageId> = orphans.iter().map(|orphan| orphan.image).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn images_without_a_known_job_are_found_and_no_others() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let disabled = json!({"project": {
        "name": format!("disabled-{}", scene.jobs[0]), "domain_id": "default", "enabled": false,
    }});
    let admin = &scene.stage.admin;
    let made = admin.keystone(Method::POST, "/projects").json(&disabled);
    made.send().await?.error_for_status()?;
    for as_admin in [false, true] {
        let workshop = scene.workshop(as_admin)?;
        let (found, own) = scene.found(&workshop, Timestamp::MAX, 1000).await?;
        assert_eq!(ids(&own), scene.orphans, "as an administrator: {as_admin}");
        assert!(!found.is_cut_off);
        let hidden = own.iter().find(|it| it.is_hidden).expect("the first");
        assert_eq!((hidden.job, hidden.attempt), (scene.jobs[0], 2));
        assert_eq!(
            (hidden.status.as_str(), hidden.is_whole()),
            ("active", false)
        );
        // Nobody gets a token for a project that is disabled; an administrator needs none.
        assert_eq!(found.tenants_unseen > 0, !as_admin, "{found:?}");
        let (_, young) = scene.found(&workshop, Timestamp::UNIX_EPOCH, 1000).await?;
        assert_eq!(young, []);
        let (cut, _) = scene.found(&workshop, Timestamp::MAX, 2).await?;
        assert!(cut.is_cut_off && cut.orphans.len() == 2);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_scheduler_nobody_is_an_orphan() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let scheduler = scene.scheduler();
    let workshop = Workshop {
        scheduler: scheduler.client(),
        ..scene.stage.workshop()?
    };
    scheduler.set_away(true);
    let failed = scene.found(&workshop, Timestamp::MAX, 1000).await;
    let failed = failed.expect_err("nobody says what is known");
    let failure: &Failure = failed.downcast_ref().expect("a failure");
    assert!(failure.transient, "{failure}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_is_removed_and_its_snapshot_and_a_known_one_stay() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let workshop = scene.workshop(false)?;
    let there = &scene.stage.destination;
    let removal = |job: JobId, image| OrphanRemoval {
        region: RegionId::new("ot2"),
        image,
        tenant: TenantId::new(&there.project_id),
        job,
        made_before: Timestamp::MAX,
        even_if_whole: true,
        even_if_protected: false,
    };
    let remove = async |removal: &OrphanRemoval| {
        let attempt = Attempt::new(claimed(UnitKind::RemoveOrphan));
        let glance = workshop
            .region(&removal.region, &request_context(&attempt))?
            .glance_for_tenant(&removal.tenant)
            .await?;
        let is_unknown = || async {
            let asked = [(removal.image, removal.job)];
            Ok(!unknown(&workshop, &attempt, &asked).await?.is_empty())
        };
        let fate = copy_engine::remove_orphan(&glance, removal, is_unknown, &Ungated).await;
        anyhow::Ok(fate?)
    };
    let known = removal(scene.known, scene.known.image_of_attempt(1));
    assert!(matches!(remove(&known).await?, ReplicaFate::Kept(_)));
    assert!(there.image(&known.image.to_string()).await?.is_some());
    let orphan = removal(scene.jobs[0], scene.jobs[0].image_of_attempt(2));
    assert_eq!(remove(&orphan).await?, ReplicaFate::Gone);
    assert!(there.image(&orphan.image.to_string()).await?.is_none());
    Ok(())
}
