//! What the second column of `rights.md` means: an object as a part of a request, and where its owner looks whether
//! anything was done to it.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use scenarios::Answer;
use serde_json::json;
use uuid::Uuid;

use crate::callers::Caller;
use crate::request::About;
use crate::world::World;

/// Operations that change a job or plan, each of which gets a new one.
const CHANGES: [&str; 5] = [
    "cancelCopyJob",
    "updatePlan",
    "replacePlan",
    "deletePlan",
    "signalPlan",
];

/// An object that somebody asks for.
pub(crate) struct Object {
    /// The request for it.
    pub(crate) about: About,
    /// Its owner and the operation that shows it, if it can be changed.
    watched: Option<(Caller, &'static str, About)>,
}

impl Object {
    /// The object of a row, for an operation of `caller`.
    pub(crate) async fn of(
        world: &World,
        operation: &str,
        words: &str,
        caller: &Caller,
    ) -> anyhow::Result<Self> {
        let (what, place) = words.split_once(", ").unwrap_or((words, "at home"));
        let project = match place {
            "at home" => caller.project.clone(),
            "in proj-ot1" => world.owners["proj-ot1"].project_id.clone(),
            "in proj-ot2" => world.owners["proj-ot2"].project_id.clone(),
            "for proj-ot2" => world.owners["proj-ot2"].project_id.clone(),
            other => bail!("{other} is no place"),
        };
        let mut about = About::default();
        about.path.insert("project_id", project.clone());
        about.path.insert("key", "architecture".to_owned());
        about.body = body(world, operation, caller, &project);
        let mut watched = None;
        if let Some(owner) = what.strip_prefix("a job of ") {
            about.id = match CHANGES.contains(&operation) {
                true => world.new_job(owner).await?,
                false => world.jobs[owner].clone(),
            };
            about.path.insert("job_id", about.id.clone());
            watched = Some((owner_of(world, owner)?, "showCopyJob", about.clone()));
        } else if let Some(owner) = what.strip_prefix("a plan of ") {
            about.id = match CHANGES.contains(&operation) {
                true => world.new_plan(owner).await?,
                false => world.plans[owner].clone(),
            };
            about.path.insert("job_id", about.id.clone());
            let owner = owner_of(world, owner)?;
            let mut shown = about.clone();
            shown.path.insert("project_id", owner.project.clone());
            watched = Some((owner, "showPlan", shown));
        } else if let Some(owner) = what.strip_prefix("jobs of ") {
            about.id = world.jobs[owner].clone();
        } else if let Some(owner) = what.strip_prefix("plans of ") {
            about.id = world.plans[owner].clone();
            about.query = "?limit=1000".to_owned();
        } else if let Some(owner) = what.strip_prefix("a plan with the id of one of ") {
            about.id = world.plans[owner].clone();
            if let Some(body) = &mut about.body {
                body["job_id"] = json!(about.id);
            }
        } else if what == "everybody's jobs" {
            about.query = "?all_tenants=true".to_owned();
        } else if what == "everybody's plans" {
            about.query = "?all_projects=true".to_owned();
        } else if let Some(image) = world.images.get(what) {
            about.id = image.clone();
            about.path.insert("image_id", image.clone());
        } else if ["no job", "no plan", "no image"].contains(&what) {
            about = unknown(&about);
        } else if !["a new plan", "the API"].contains(&what) {
            bail!("{what} is no object");
        }
        if operation == "copyImage"
            && let Some(body) = &mut about.body
        {
            body["image_id"] = json!(about.id);
        }
        Ok(Self { about, watched })
    }

    /// What its owner sees of it.
    pub(crate) async fn as_owned(&self, world: &World) -> anyhow::Result<Option<Answer>> {
        match &self.watched {
            None => Ok(None),
            Some((owner, operation, about)) => world.ask(operation, owner, about).await.map(Some),
        }
    }

    /// Whether it can be changed at all.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.is_some()
    }
}

/// The same request for something that has never been.
pub(crate) fn unknown(about: &About) -> About {
    let mut unknown = about.clone();
    unknown.id = Uuid::new_v4().to_string();
    for name in ["job_id", "image_id"] {
        unknown.path.insert(name, unknown.id.clone());
    }
    if let Some(body) = &mut unknown.body
        && body["image_id"].is_string()
    {
        body["image_id"] = json!(unknown.id);
    }
    unknown
}

fn body(
    world: &World,
    operation: &str,
    caller: &Caller,
    project: &str,
) -> Option<serde_json::Value> {
    match operation {
        "copyImage" => {
            let mut body = world.copy_home(caller, "");
            body["tenant_id_dst"] = json!(project);
            Some(body)
        }
        "createPlan" | "replacePlan" => Some(world.plan_of(&caller.project, "by somebody")),
        "updatePlan" => Some(json!({"name": "changed by somebody"})),
        "signalPlan" => Some(json!({"stop": null})),
        _ => None,
    }
}

fn owner_of(world: &World, project: &str) -> anyhow::Result<Caller> {
    let names = BTreeMap::from([("proj-ot1", "alice"), ("proj-ot2", "alice of proj-ot2")]);
    let name = names.get(project).context("nobody owns it")?;
    world.caller(name).cloned()
}
