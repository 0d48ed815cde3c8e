//! `plan …`.

use serde_json::Value;
use uuid::Uuid;

use super::plan_document::{changes, document};
use crate::arguments::{Output, PlanCommand, PlanWishes};
use crate::failure::{Exit, Failure};
use crate::gateway::{Gateway, PLAN_COLUMNS};
use crate::names;
use crate::output::{write_list, write_one};

/// The columns of a list, unless others are asked for.
const LISTED: [&str; 4] = ["job_id", "name", "status", "next_fire_at"];

pub(super) async fn run(gateway: &Gateway, command: PlanCommand) -> Result<Exit, Failure> {
    match command {
        PlanCommand::Create {
            name,
            wishes,
            output,
        } => {
            let wishes = with_ids(gateway, wishes).await?;
            let id = gateway.create_plan(&document(&name, &wishes)?).await?;
            show(gateway, &id, &output).await?;
        }
        PlanCommand::List { output } => {
            let plans = gateway.all_plans().await?;
            write_list(&output, &PLAN_COLUMNS, &LISTED, &plans)?;
        }
        PlanCommand::Show { plan, output } => {
            show(gateway, &find(gateway, &plan).await?, &output).await?;
        }
        PlanCommand::Update {
            plan,
            name,
            wishes,
            output,
        } => {
            let id = find(gateway, &plan).await?;
            let wishes = with_ids(gateway, wishes).await?;
            let now = gateway.plan(&id).await?;
            gateway
                .change_plan(&id, &changes(&now, name.as_deref(), &wishes)?)
                .await?;
            show(gateway, &id, &output).await?;
        }
        PlanCommand::Start { plan } => {
            gateway
                .send_event(&find(gateway, &plan).await?, "start")
                .await?;
        }
        PlanCommand::Stop { plan, abort } => {
            let event = if abort { "abort" } else { "stop" };
            gateway
                .send_event(&find(gateway, &plan).await?, event)
                .await?;
        }
        PlanCommand::Delete { plan } => gateway.delete_plan(&find(gateway, &plan).await?).await?,
    }
    Ok(Exit::Done)
}

async fn show(gateway: &Gateway, id: &str, output: &Output) -> Result<(), Failure> {
    write_one(output, &PLAN_COLUMNS, &gateway.plan(id).await?)
}

/// The wishes with the project's id in place of its name.
async fn with_ids(gateway: &Gateway, mut wishes: PlanWishes) -> Result<PlanWishes, Failure> {
    if let Some(to) = &wishes.to {
        let project = names::project(gateway.session(), to).await;
        wishes.to = Some(project.map_err(|f| f.while_doing("--to"))?.to_string());
    }
    Ok(wishes)
}

/// The id of the plan that is meant.
async fn find(gateway: &Gateway, text: &str) -> Result<String, Failure> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(id.simple().to_string());
    }
    let mut plans = gateway.all_plans().await?;
    plans.retain(|plan| plan["name"] == text);
    let id = |plan: &Value| plan["job_id"].as_str().unwrap_or_default().to_owned();
    let describe = |plan: &Value| format!("{} ({})", id(plan), plan["status"]);
    names::one_of("plan", text, plans, describe).map(|plan| id(&plan))
}
