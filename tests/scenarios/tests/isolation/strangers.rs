//! What a stranger could learn of others' things in other ways than by asking for them.

use anyhow::ensure;
use scenarios::Answer;
use serde_json::Value;

use crate::callers::Caller;
use crate::objects::unknown;
use crate::request::About;
use crate::walk::expect_alike;
use crate::world::World;

/// Markers of pages and keys of requests tell nothing.
pub(crate) async fn learn_nothing(world: &World) -> anyhow::Result<()> {
    markers_are_all_the_same(world).await?;
    idempotency_keys_belong_to_a_project(world).await
}

/// A page after somebody else's job or image is refused as one after nothing.
async fn markers_are_all_the_same(world: &World) -> anyhow::Result<()> {
    let carol = world.caller("carol of proj-ot2")?;
    let job = world.jobs["proj-ot1"].clone();
    let image = world.images["a private image of proj-ot1"].clone();
    for (operation, id) in [("listCopyJobs", job), ("listImages", image)] {
        let mut about = About {
            id,
            ..About::default()
        };
        about.path.insert("project_id", carol.project.clone());
        let mut nothing = unknown(&about);
        about.query = format!("?limit=1&marker={}", about.id);
        nothing.query = format!("?limit=1&marker={}", nothing.id);
        let to_theirs = world.ask(operation, carol, &about).await?;
        let to_nothing = world.ask(operation, carol, &nothing).await?;
        ensure!(to_theirs.status == 400, "{to_theirs}");
        expect_alike(&to_theirs, &about, &to_nothing, &nothing)?;
    }
    Ok(())
}

/// A key that another project has used is a new one.
async fn idempotency_keys_belong_to_a_project(world: &World) -> anyhow::Result<()> {
    let (alice, bob) = (world.caller("alice")?, world.caller("bob")?);
    let carol = world.caller("carol of proj-ot2")?;
    let image = &world.images["a public image"];
    let body = |caller: &Caller| world.copy_home(caller, image);

    let first = keyed(world, alice, body(alice)).await?.accepted_job()?;
    let same = keyed(world, bob, body(bob)).await?.accepted_job()?;
    ensure!(first == same, "the key is the project's");
    let theirs = keyed(world, carol, body(carol)).await?.accepted_job()?;
    ensure!(theirs != first, "another project's job is told");
    let again = keyed(world, carol, body(carol)).await?.accepted_job()?;
    ensure!(again == theirs, "the key is known in its own project");
    Ok(())
}

async fn keyed(world: &World, caller: &Caller, body: Value) -> anyhow::Result<Answer> {
    let about = About {
        body: Some(body),
        ..About::default()
    };
    let request = world.api.request("copyImage", caller, &about)?;
    let request = request.header("idempotency-key", "nightly");
    Answer::read(request.send().await?).await
}
