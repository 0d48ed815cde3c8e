//! The test bed of a run, and the images that copies are asked of.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use testbed::{
    Behaviour, Cloud, GlanceOptions, Link, MadeImage, NewImage, Part, Region, TestBed, eventually,
};

use crate::evidence::Source;

/// How long the workers may take to declare their queues.
const DECLARED: Duration = Duration::from_secs(120);

/// Schedulers of a run.
pub(crate) const SCHEDULERS: u16 = 2;
/// Workers that copy into each region.
const WORKERS: [(Region, u16); 2] = [(Region::Ot1, 1), (Region::Ot2, 3)];
/// Processes and threads of each Glance: enough that one can be killed and the other goes on.
const GLANCE: (u16, u16) = (2, 8);

/// What a connection to a Glance carries when nothing is wrong, as over a long way: so that bytes move for seconds,
/// and can be hit, without keeping the machine busy.
const PACE: Behaviour = Behaviour::Slow {
    bytes_per_second: 3 << 19,
};

/// What takes minutes or hours in production takes seconds here, in the same proportions: a lease is six heartbeats
/// long, an outage is noticed within half a lease, attempts go on for longer than any fault lasts. Tokens are
/// trusted for so short a time that Keystone is always asked.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
request_deadline = '8s'
token_cache = '1s'
drain = '10s'
[scheduler]
lease_length = '6s'
heartbeat = '1s'
serving_gap = '3s'
reconcile_every = '250ms'
ticket_first = '2s'
ticket_longest = '5s'
max_attempts = 8
retry_first = '1s'
retry_longest = '8s'
drain = '4s'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
drain = '4s'
[copy]
idle_timeout = '5s'
[rabbitmq]
heartbeat = '2s'
[redis]
response_timeout = '2s'
";

/// Names and sizes in bytes, and how many of twenty copies are of each.
const IMAGES: [(&str, u64, u32); 5] = [
    ("tiny", 5_000, 4),
    ("small", 300_001, 5),
    ("middling", 2 << 20, 5),
    ("large", (6 << 20) + 17, 5),
    ("huge", 20 << 20, 1),
];

/// Where copies go from each region, and whose they are there.
const HOME: [(Region, &str); 2] = [(Region::Ot1, "proj-ot1"), (Region::Ot2, "proj-ot2")];

/// A source image and how often it is copied.
#[derive(Debug, Clone)]
pub(crate) struct Original {
    pub(crate) image: MadeImage,
    pub(crate) weight: u32,
}

/// A test bed with everything that a run needs.
pub(crate) struct Stage {
    pub(crate) bed: TestBed,
    /// Alice in each region, by way of its gateway's link.
    pub(crate) alice: BTreeMap<Region, Cloud>,
    /// An administrator, the same way.
    pub(crate) admin: BTreeMap<Region, Cloud>,
    /// What can be copied from each region.
    pub(crate) originals: BTreeMap<Region, Vec<Original>>,
    /// Each region's project that copies into it go to.
    pub(crate) projects: BTreeMap<Region, String>,
}

impl Stage {
    /// Starts the test bed and makes the images.
    pub(crate) async fn set(release: bool) -> anyhow::Result<Self> {
        let mut builder = TestBed::builder()
            .schedulers(SCHEDULERS)
            .token_expiration(Duration::from_secs(24 * 3600))
            .faulty_links()
            .config(CONFIG);
        for (region, count) in WORKERS {
            builder = builder.workers(region, count);
        }
        for region in Region::ALL {
            let (processes, threads) = GLANCE;
            builder = builder.glance(
                region,
                GlanceOptions {
                    processes,
                    threads,
                    ..GlanceOptions::default()
                },
            );
        }
        if release {
            builder = builder.release();
        }
        let bed = builder.start().await?;
        settle_queues(&bed).await?;
        let mut stage = Self {
            alice: BTreeMap::new(),
            admin: BTreeMap::new(),
            originals: BTreeMap::new(),
            projects: BTreeMap::new(),
            bed,
        };
        for (region, project) in HOME {
            let gateway = format!(
                "http://127.0.0.1:{}",
                stage.bed.link(Link::Gateway(region))?.port()
            );
            let by_link = |mut cloud: Cloud| {
                cloud.front_url.clone_from(&gateway);
                cloud.gateway_url.clone_from(&gateway);
                cloud
            };
            let alice = stage.bed.cloud_in("alice", region, project).await?;
            let mut originals = Vec::new();
            for (name, size, weight) in IMAGES {
                let mut image = NewImage::named(name, 0);
                image.size = size;
                let image = alice.make_image(&image).await?;
                originals.push(Original { image, weight });
            }
            stage.originals.insert(region, originals);
            let admin = stage.bed.cloud("admin", region).await?;
            stage
                .projects
                .insert(region, stage.bed.project_id(region, project)?);
            stage.alice.insert(region, by_link(alice));
            stage.admin.insert(region, by_link(admin));
            stage.mend(Link::Glance(region))?;
        }
        Ok(stage)
    }

    /// Lets a link be as it is when nothing is wrong.
    pub(crate) fn mend(&self, link: Link) -> anyhow::Result<()> {
        let usual = match link {
            Link::Glance(_) => PACE,
            _ => Behaviour::Pass,
        };
        self.bed.link(link)?.set(usual);
        Ok(())
    }

    /// The originals, as the checker knows them.
    pub(crate) fn sources(&self) -> BTreeMap<String, Source> {
        let all = self.originals.iter().flat_map(|(region, originals)| {
            originals.iter().map(|original| {
                let MadeImage { id, size, sha512 } = original.image.clone();
                let region = *region;
                (
                    id,
                    Source {
                        region,
                        size,
                        sha512,
                    },
                )
            })
        });
        all.collect()
    }
}

/// Has RabbitMQ write its queues down. One (3.10) that is killed within moments of a quorum queue's declaration may
/// come back with a queue that answers nobody until it is deleted, which is no fault of what is tested here.
async fn settle_queues(bed: &TestBed) -> anyhow::Result<()> {
    eventually(DECLARED, "the queues of both regions", || async {
        for region in Region::ALL {
            let queue = format!("copy.{region}");
            bed.messages(&queue).await?.context(queue)?;
        }
        Ok(())
    })
    .await?;
    bed.restart(Part::Rabbitmq).await
}
