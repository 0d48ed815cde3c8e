//! The test bed of this binary with everything in it that callers ask for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use reqwest::{Method, Response};
use scenarios::{Answer, Collector, Copies, Plans, Wiretap};
use serde_json::{Value, json};
use testbed::{Cloud, NewImage, Part, Region, TestBed};

use crate::callers::{self, Caller};
use crate::request::{About, Api};

/// Rates and a deadline that the walk stays below.
const CONFIG: &str = "
[gateway]
requests_per_second = 100000
request_burst = 100000
request_deadline = '2m'
drain = '3m'
termination_grace_period = '4m'
[scheduler.limits]
plans_per_tenant = 10000
";

/// The services whose logs are ours.
pub(crate) const SERVICES: [Part; 4] = [
    Part::Scheduler(1),
    Part::Gateway(Region::Ot1),
    Part::Gateway(Region::Ot2),
    Part::Worker(Region::Ot2, 1),
];

/// The two projects whose things others ask for.
pub(crate) const PROJECTS: [&str; 2] = ["proj-ot1", "proj-ot2"];

/// A cloud, its users and what they have.
pub(crate) struct World {
    pub(crate) bed: TestBed,
    pub(crate) api: Api,
    pub(crate) callers: Vec<Caller>,
    /// Everything between the services and Keystone.
    pub(crate) tap: Wiretap,
    /// What the services export.
    pub(crate) spans: Collector,
    /// Alice in each of the two projects, who made what belongs to it.
    pub(crate) owners: BTreeMap<&'static str, Cloud>,
    /// Ids of images, by the words of `rights.md`.
    pub(crate) images: BTreeMap<&'static str, String>,
    /// A job of each project that waits for ever.
    pub(crate) jobs: BTreeMap<&'static str, String>,
    /// A plan of each project.
    pub(crate) plans: BTreeMap<&'static str, String>,
    /// A later job of each project, by the project's id: a stream that has shown it has shown what came before.
    pub(crate) markers: BTreeMap<String, String>,
    asked: Mutex<Vec<Asked>>,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// By which the answer names it.
    pub(crate) id: String,
    pub(crate) operation: String,
    pub(crate) changes_something: bool,
    pub(crate) status: u16,
}

impl World {
    /// Nobody copies into `ot1`: jobs that go there wait.
    pub(crate) async fn make() -> anyhow::Result<Self> {
        let builder = TestBed::builder().config(CONFIG).workers(Region::Ot1, 0);
        let bed = builder.start().await?;
        let expired = callers::expired_token(&bed).await?;
        let (tap, spans) = listened_to(&bed).await?;
        let mut owners = BTreeMap::new();
        for project in PROJECTS {
            owners.insert(project, bed.cloud_in("alice", Region::Ot1, project).await?);
        }
        let mut world = Self {
            api: Api::of(&owners[PROJECTS[0]].gateway_url)?,
            callers: callers::all(&bed, expired).await?,
            images: images(&bed, &owners).await?,
            bed,
            tap,
            spans,
            owners,
            jobs: BTreeMap::new(),
            plans: BTreeMap::new(),
            markers: BTreeMap::new(),
            asked: Mutex::default(),
        };
        for project in PROJECTS {
            let (job, plan) = (
                world.new_job(project).await?,
                world.new_plan(project).await?,
            );
            world.jobs.insert(project, job);
            world.plans.insert(project, plan);
        }
        for caller in ["admin", "admin of service", "alice", "alice of proj-ot2"] {
            let caller = world.caller(caller)?.clone();
            let body = world.copy_home(&caller, &world.images["a public image"]);
            let about = About {
                body: Some(body),
                ..About::default()
            };
            let answer = world.ask("copyImage", &caller, &about).await?;
            world.markers.insert(caller.project, answer.accepted_job()?);
        }
        Ok(world)
    }

    /// The caller of this name.
    pub(crate) fn caller(&self, name: &str) -> anyhow::Result<&Caller> {
        let found = self.callers.iter().find(|caller| caller.name == name);
        found.with_context(|| format!("nobody is called {name}"))
    }

    /// Sends a request and reads the answer; of an event stream its head.
    pub(crate) async fn ask(
        &self,
        operation: &str,
        caller: &Caller,
        about: &About,
    ) -> anyhow::Result<Answer> {
        let response = self.api.request(operation, caller, about)?.send().await?;
        self.note(operation, &response)?;
        let media_type = response.headers().get("content-type");
        if media_type.is_some_and(|value| value == "text/event-stream") {
            return Ok(Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: String::new(),
            });
        }
        Answer::read(response).await
    }

    fn note(&self, operation: &str, response: &Response) -> anyhow::Result<()> {
        let id = response.headers().get("x-openstack-request-id");
        let asked = Asked {
            id: id.context("no request id")?.to_str()?.to_owned(),
            operation: operation.to_owned(),
            changes_something: self.api.changes_something(operation)?,
            status: response.status().as_u16(),
        };
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(asked);
        Ok(())
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// A copy of an image for the caller's own project in the other region.
    pub(crate) fn copy_home(&self, caller: &Caller, image: &str) -> Value {
        json!({"image_id": image, "tenant_id_dst": caller.project, "region_id_dst": "ot2"})
    }

    /// A plan that copies the public image home.
    pub(crate) fn plan_of(&self, project: &str, name: &str) -> Value {
        json!({
            "name": name,
            "job_schedule": {"schedule_interval": "12 hours"},
            "job_actions": [{"freezer_action": {
                "action": "backup", "mode": "glance-image", "image_id": self.images["a public image"],
                "tenant_id_dst": project, "region_id_dst": "ot2",
            }}],
        })
    }

    /// A job of the project that nobody takes up.
    pub(crate) async fn new_job(&self, project: &str) -> anyhow::Result<String> {
        let other = PROJECTS.into_iter().find(|other| *other != project);
        let tenant = self
            .bed
            .project_id(Region::Ot1, other.context("one project only")?)?;
        let image = &self.images["a public image"];
        let body = json!({"image_id": image, "tenant_id_dst": tenant, "region_id_dst": "ot1"});
        Copies::of(&self.owners[project])
            .post(&body)
            .await?
            .accepted_job()
    }

    /// A plan of the project that has hours before it fires.
    pub(crate) async fn new_plan(&self, project: &str) -> anyhow::Result<String> {
        let owner = &self.owners[project];
        let plan = self.plan_of(&owner.project_id, "a plan of its owner");
        Plans::of(owner).create(&plan).await
    }

    /// Cancels what waits and removes what nobody would; then nothing may be left.
    pub(crate) async fn clean_up(&self) -> anyhow::Result<()> {
        let admin = self.bed.cloud("admin", Region::Ot1).await?;
        for job in self.bed.jobs().await? {
            if job["status"] == "replicate_requested" && job["destination_region_id"] == "ot1" {
                let id = job["job_id"].as_str().context("no job_id")?;
                Copies::of(&admin).cancel(id).await?.expect_no_content()?;
            }
        }
        for owner in self.owners.values() {
            for plan in Plans::of(owner).list("?limit=1000").await? {
                let id = plan["job_id"].as_str().context("no job_id")?;
                Plans::of(owner).delete(id).await?.expect_no_content()?;
            }
        }
        // Wake-ups that nobody hears; what is half-made because the test made it so; and an image that no list shows to an
        // administrator, whose file would seem to be nobody's.
        self.bed.purge("copy.ot1").await?;
        for image in [
            "a half-made image of proj-ot2",
            "a community image of proj-ot2",
        ] {
            let image = &self.images[image];
            self.owners["proj-ot2"].delete_image(image).await?;
        }
        self.bed.check_leftovers().await
    }
}

/// Has the services log everything, export their traces, and go through a tap to Keystone.
async fn listened_to(bed: &TestBed) -> anyhow::Result<(Wiretap, Collector)> {
    let keystone = bed.cloud("admin", Region::Ot1).await?.keystone_url;
    let keystone = keystone.strip_suffix("/v3").context("no /v3")?;
    let (tap, spans) = (Wiretap::before(keystone).await?, Collector::start().await?);
    let mut config = format!(
        "[telemetry]\nlog_filter = 'trace'\notlp_endpoint = '{}'\n",
        spans.url()
    );
    for region in Region::ALL {
        config += &format!("[regions.{region}]\nkeystone_url = '{}/v3'\n", tap.url());
    }
    bed.change_options(|options| options.config.push(config))?;
    for service in SERVICES {
        bed.restart(service).await?;
    }
    Ok((tap, spans))
}

/// Images of every visibility, and one that is not finished.
async fn images(
    bed: &TestBed,
    owners: &BTreeMap<&'static str, Cloud>,
) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let image = |name: &str, visibility: &str| {
        let mut image = NewImage::named(name, 0)
            .with("visibility", visibility)
            .with("architecture", "x86_64");
        image.size = 4096;
        image
    };
    let (ours, theirs) = (&owners["proj-ot1"], &owners["proj-ot2"]);
    let admin = bed.cloud("admin", Region::Ot1).await?;
    let mut images = BTreeMap::new();
    for (words, owner, visibility) in [
        ("a public image", &admin, "public"),
        ("a private image of proj-ot1", ours, "private"),
        ("a private image of proj-ot2", theirs, "private"),
        ("a community image of proj-ot2", theirs, "community"),
        (
            "an image that proj-ot2 shares with proj-ot1",
            theirs,
            "shared",
        ),
    ] {
        let made = owner.make_image(&image(words, visibility)).await?;
        images.insert(words, made.id);
    }
    let shared = &images["an image that proj-ot2 shares with proj-ot1"];
    let members = format!("/v2/images/{shared}/members");
    let member = json!({"member": ours.project_id});
    theirs
        .glance(Method::POST, &members)
        .json(&member)
        .send()
        .await?
        .error_for_status()?;
    ours.glance(Method::PUT, &format!("{members}/{}", ours.project_id))
        .json(&json!({"status": "accepted"}))
        .send()
        .await?
        .error_for_status()?;
    // As a worker begins one.
    let begun = image("begun", "private").with("os_hidden", true);
    let begun = theirs.create_image(&begun.attributes).await?;
    images.insert("a half-made image of proj-ot2", begun);
    Ok(images)
}
