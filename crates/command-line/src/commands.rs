//! Each command: what it asks of whom, and what it writes.

mod copy;
mod generated;
mod jobs;
mod plan;
mod plan_document;
mod regions;

use std::sync::Arc;

use crate::arguments::{Arguments, CloudChoice, Command};
use crate::direct;
use crate::failure::{Exit, Failure};
use crate::gateway::Gateway;
use crate::session::Session;
use crate::sign_in::chosen_cloud;

/// Does what was typed.
pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let cloud = arguments.cloud;
    match arguments.command {
        Command::Copy(copy) if copy.direct => direct::copy(&copy).await,
        Command::Copy(copy) => copy::run(&gateway(&cloud).await?, &copy).await,
        Command::List(list) => jobs::list(&gateway(&cloud).await?, &list).await,
        Command::Show { job, output } => jobs::show(&gateway(&cloud).await?, &job, &output).await,
        Command::Watch { jobs } => jobs::watch(&gateway(&cloud).await?, jobs).await,
        Command::Cancel { jobs } => jobs::cancel(&gateway(&cloud).await?, &jobs).await,
        Command::Plan(command) => plan::run(&gateway(&cloud).await?, command).await,
        Command::Regions { output } => regions::list(&cloud, &output).await,
        Command::Completion { shell } => generated::completion(shell),
        Command::Man { directory } => generated::man(directory.as_deref()),
    }
}

async fn gateway(cloud: &CloudChoice) -> Result<Gateway, Failure> {
    let session = Arc::new(Session::open(chosen_cloud(cloud)?).await?);
    let region = session.region()?;
    Gateway::of(session, region, cloud.endpoint.clone())
}
