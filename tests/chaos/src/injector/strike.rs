//! The blow, its length, and the way back.

use std::time::Duration;

use anyhow::{Context, bail};
use testbed::{Behaviour, Link, Part, Region, TestBed, eventually};
use tokio::time::sleep;

use super::Injector;
use super::aim::Target;
use crate::fault::{Action, Fault};

/// How long a part may need to come back, also when what it starts with is broken at the same time.
const RETURN: Duration = Duration::from_secs(240);

/// Does it, for the fault's length, and returns when everything is as before.
pub(super) async fn strike(
    injector: &Injector<'_>,
    fault: Fault,
    target: &Target,
) -> anyhow::Result<()> {
    let bed = injector.bed();
    match (target, fault.action) {
        (Target::Link(link), action) => {
            bed.link(*link)?.set(behaviour(action, fault.bytes)?);
            sleep(fault.length).await;
            injector.stage.mend(*link)
        }
        (Target::GlanceProcess(region, pid), Action::Freeze) => {
            bed.freeze_glance_process(*region, *pid).await?;
            sleep(fault.length).await;
            bed.thaw_glance_process(*region, *pid).await
        }
        (Target::GlanceProcess(region, pid), _) => {
            let abandoned = bed.kill_glance_process(*region, *pid).await?;
            injector.abandon(*region, abandoned);
            // Its master starts another by itself.
            sleep(fault.length).await;
            until_answers(bed, *region).await
        }
        (Target::Part(Part::Glance(region)), _) => {
            let abandoned = bed.stop_glance(*region).await?;
            injector.abandon(*region, abandoned);
            start(bed, Part::Glance(*region)).await
        }
        (Target::Part(part), Action::Freeze) => {
            bed.freeze(*part).await?;
            sleep(fault.length).await;
            bed.thaw(*part).await
        }
        (Target::Part(part), Action::Kill) => {
            bed.kill(*part).await?;
            sleep(fault.length).await;
            start(bed, *part).await
        }
        (Target::Part(part), _) => {
            bed.stop(*part).await?;
            start(bed, *part).await
        }
    }
}

fn behaviour(action: Action, bytes: u64) -> anyhow::Result<Behaviour> {
    Ok(match action {
        Action::Reset => Behaviour::Reset,
        Action::BlackHole => Behaviour::BlackHole,
        Action::Slow => Behaviour::Slow {
            bytes_per_second: bytes,
        },
        Action::Cut => Behaviour::Cut { after: bytes },
        Action::Kill | Action::Freeze | Action::Restart => bail!("a link has no processes"),
    })
}

/// Starts a part as whatever runs services would: again and again, while what it needs is broken too.
async fn start(bed: &TestBed, part: Part) -> anyhow::Result<()> {
    eventually(RETURN, format!("the return of {part}"), || async {
        if bed.pid(part).await?.is_some() {
            // It was started by a try whose wait has ended in an error.
            bed.kill(part).await?;
        }
        bed.start(part).await
    })
    .await
}

/// Waits until a Glance whose process was killed answers by each of its processes.
async fn until_answers(bed: &TestBed, region: Region) -> anyhow::Result<()> {
    let processes = bed.options().glance[&region].processes;
    eventually(RETURN, format!("the return of glance-{region}"), || async {
        let running = bed.glance_processes(region).await?.len();
        anyhow::ensure!(running >= usize::from(processes), "{running} processes");
        let port = bed.link(Link::Glance(region))?.port();
        let url = format!("http://127.0.0.1:{port}/");
        let answer = testbed::http_client()?.get(url).send();
        let status = answer.await.context("no answer")?.status().as_u16();
        anyhow::ensure!(status == 300, "{status}");
        Ok(())
    })
    .await
}
