//! Who may do what, and what nobody may find: every operation of the API document, called as every kind of caller for
//! everybody's jobs, images and plans, is held against the table of `rights.md`, and against the gateway's audit trail; then
//! whatever that run has left behind is searched for tokens and passwords.
//!
//! The services run with every log line there is, export their traces to this test, and talk to Keystone through a tap, so
//! that the tokens are known that they take for themselves.

mod callers;
mod objects;
mod request;
mod rights;
mod search;
mod strangers;
mod trail;
mod walk;
mod world;

use anyhow::ensure;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_what_the_table_says_and_no_secret_stays() -> anyhow::Result<()> {
    let world = World::make().await?;
    let table = rights::table()?;
    table.covers(&world.api)?;
    let wrong = walk::differences(&world, &table).await?;
    ensure!(
        wrong.is_empty(),
        "these rows of rights.md are otherwise:\n{}",
        wrong.join("\n")
    );
    trail::is_complete(&world)?;
    strangers::learn_nothing(&world).await?;
    search::find_nothing(&world).await?;
    world.clean_up().await?;
    search::find_what_is_planted(&world).await?;
    // What was planted stays in files and logs: there is nothing more to be checked.
    world.bed.end().await
}
