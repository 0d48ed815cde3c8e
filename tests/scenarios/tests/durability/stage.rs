//! The test beds of this binary, and what its Redis is set up like.

use scenarios::{PATIENCE, Stage, Turn, quick_bed};
use testbed::{MadeImage, Part, TestBed, eventually};

/// How many workers copy into `ot2`.
const WORKERS: u16 = 2;

/// A lease outlives what an outage of Redis costs at its beginning and end.
const CONFIG: &str = "
[scheduler]
lease_length = '10s'
serving_gap = '5s'
";

static STAGE: Stage<2> = Stage::new();

/// This test's turn on the test bed, whose Redis loses nothing.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let build = || quick_bed(WORKERS).config(CONFIG).start();
    STAGE.turn(build).await
}

/// Ends Redis, takes its data away and starts it with these directives instead of those that lose nothing.
pub(crate) async fn start_redis_empty(
    bed: &TestBed,
    directives: &[(&str, &str)],
) -> anyhow::Result<()> {
    bed.kill(Part::Redis).await?;
    std::fs::remove_dir_all(bed.directory().join("redis"))?;
    bed.change_options(|options| {
        let directives = directives.iter();
        options.redis = directives
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
    })?;
    bed.start(Part::Redis).await
}

/// Starts the schedulers anew, so that they refuse what is new while it could be lost, or do not.
pub(crate) async fn refuse_what_could_be_lost(turn: &Turn, refuse: bool) -> anyhow::Result<()> {
    let layer = "[scheduler]\nrequire_durable_redis = true\n";
    turn.bed.change_options(|options| {
        options.config.retain(|other| other != layer);
        if refuse {
            options.config.push(layer.to_owned());
        }
    })?;
    for scheduler in turn.schedulers() {
        turn.bed.restart(scheduler).await?;
    }
    Ok(())
}

/// Asks until a copy is accepted: the services have found the store again.
pub(crate) async fn until_accepted(turn: &Turn, image: &MadeImage) -> anyhow::Result<String> {
    eventually(PATIENCE, "a job being accepted", || async {
        turn.ask(image).await?.accepted_job()
    })
    .await
}
