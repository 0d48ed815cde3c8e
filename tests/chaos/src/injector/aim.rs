//! Where to hit, and whether it would matter right now.

use std::fmt;
use std::time::Duration;

use testbed::{Link, Part, Region, Sharing};
use tokio::time::sleep;

use super::{Injector, is_of_process};
use crate::fault::{Action, Fault, Victim};
use crate::in_flight::{busy, held};
use crate::stage::SCHEDULERS;

/// For so long it is watched whether bytes move on a link.
const GLANCE_AT: Duration = Duration::from_millis(150);
/// So many bytes in that time are an image on its way, and not only talk about it.
const MOVING: u64 = 16 * 1024;

/// What can be hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Part(Part),
    GlanceProcess(Region, u32),
    Link(Link),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => write!(f, "{part}"),
            Self::GlanceProcess(region, pid) => write!(f, "process {pid} of glance-{region}"),
            Self::Link(Link::Keystone(_)) => f.write_str("the way to keystone"),
            Self::Link(Link::Glance(region)) => write!(f, "the way to glance-{region}"),
            Self::Link(Link::Rabbitmq) => f.write_str("the way to rabbitmq"),
            Self::Link(Link::Redis) => f.write_str("the way to redis"),
            Self::Link(Link::Schedulers) => f.write_str("the gateways' way to the schedulers"),
            Self::Link(Link::Worker(region, number)) => {
                let worker = Part::Worker(*region, *number);
                write!(f, "{worker}'s way to the schedulers")
            }
            Self::Link(Link::Gateway(region)) => {
                write!(f, "the way to {}", Part::Gateway(*region))
            }
        }
    }
}

/// A target, and whether hitting it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) target: Target,
    pub(super) sure: bool,
}

impl Aim {
    /// The link whose traffic shows that somebody feels the fault.
    pub(super) fn link(&self, fault: Fault) -> anyhow::Result<Link> {
        Ok(match &self.target {
            Target::Link(link) => *link,
            Target::Part(Part::Worker(region, number)) => Link::Worker(*region, *number),
            Target::Part(_) | Target::GlanceProcess(..) => link_to(fault.victim, fault.region),
        })
    }
}

/// Looks once.
pub(super) async fn aim(injector: &Injector<'_>, fault: Fault) -> anyhow::Result<Aim> {
    let bed = injector.bed();
    let held = held(bed).await;
    let in_flight = !held.is_empty();
    let region = fault.region;
    match fault.victim {
        Victim::Worker => {
            let workers: Vec<(Part, Option<u32>)> = bed.parts().await?;
            let mut busy = busy(&held, &workers);
            let sure = !busy.is_empty();
            if !sure {
                let all = workers.iter().map(|(part, _)| *part);
                busy.extend(all.filter(|part| matches!(part, Part::Worker(..))));
            }
            let part = busy[fault.pick % busy.len()];
            let target = match part {
                Part::Worker(region, number) if !is_of_process(fault.action) => {
                    Target::Link(Link::Worker(region, number))
                }
                part => Target::Part(part),
            };
            Ok(Aim { target, sure })
        }
        Victim::Glance if is_of_process(fault.action) => {
            let processes = bed.glance_processes(region).await?;
            let at_work = |process: &&testbed::GlanceProcess| {
                !process.reading.is_empty() || !process.writing.is_empty()
            };
            let working = processes.iter().find(at_work);
            let sure = in_flight && working.is_some();
            let target = match working.or(processes.first()) {
                Some(process) if fault.action != Action::Restart => {
                    Target::GlanceProcess(region, process.pid)
                }
                _ => Target::Part(Part::Glance(region)),
            };
            Ok(Aim { target, sure })
        }
        Victim::Glance => {
            let link = Link::Glance(region);
            let sure = in_flight && moves(injector, link, MOVING).await?;
            Ok(Aim {
                target: Target::Link(link),
                sure,
            })
        }
        Victim::Gateway => {
            let link = Link::Gateway(region);
            let sure = in_flight && moves(injector, link, 1).await?;
            let target = if is_of_process(fault.action) {
                Target::Part(Part::Gateway(region))
            } else {
                Target::Link(link)
            };
            Ok(Aim { target, sure })
        }
        Victim::Scheduler | Victim::Rabbitmq | Victim::Redis | Victim::Keystone => {
            let target = if is_of_process(fault.action) {
                Target::Part(part_of(fault))
            } else {
                Target::Link(link_to(fault.victim, region))
            };
            Ok(Aim {
                target,
                sure: in_flight,
            })
        }
    }
}

/// Whether at least so many bytes pass through a link while it is watched.
async fn moves(injector: &Injector<'_>, link: Link, bytes: u64) -> anyhow::Result<bool> {
    let proxy = injector.bed().link(link)?;
    let before = proxy.traffic();
    sleep(GLANCE_AT).await;
    let after = proxy.traffic();
    Ok(after.open > 0 && after.bytes() - before.bytes() >= bytes)
}

fn part_of(fault: Fault) -> Part {
    match fault.victim {
        Victim::Rabbitmq => Part::Rabbitmq,
        Victim::Redis => Part::Redis,
        Victim::Keystone => Part::Keystone(Region::Ot1, Sharing::Shared),
        _ => {
            let number = fault.pick % usize::from(SCHEDULERS);
            Part::Scheduler(u16::try_from(number).unwrap_or_default() + 1)
        }
    }
}

fn link_to(victim: Victim, region: Region) -> Link {
    match victim {
        Victim::Worker | Victim::Scheduler => Link::Schedulers,
        Victim::Gateway => Link::Gateway(region),
        Victim::Rabbitmq => Link::Rabbitmq,
        Victim::Redis => Link::Redis,
        Victim::Glance => Link::Glance(region),
        Victim::Keystone => Link::Keystone(Region::Ot1),
    }
}
