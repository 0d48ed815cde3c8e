//! The test bed, its authority, and the certificates that single services have for themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::{AdminPort, Copies, PATIENCE};
use testbed::{Authority, Cloud, NewImage, Part, Region, ServerCertificate, TestBed, eventually};

pub(crate) const GATEWAY: Part = Part::Gateway(Region::Ot1);
pub(crate) const SCHEDULER: Part = Part::Scheduler(1);
pub(crate) const WORKER: Part = Part::Worker(Region::Ot2, 1);

/// A worker soon notices that no scheduler takes it, or is taken by it.
const CONFIG: &str = "
[worker]
poll_shortest = '1s'
poll_longest = '2s'
";

/// Everything that the steps stand on.
pub(crate) struct Ground {
    pub(crate) bed: TestBed,
    pub(crate) authority: Authority,
    /// Nobody trusts this one.
    pub(crate) stranger: Authority,
    pub(crate) alice: Cloud,
    there: Cloud,
}

impl Ground {
    pub(crate) async fn prepare() -> anyhow::Result<Self> {
        let (authority, stranger) = (Authority::new()?, Authority::new()?);
        let of = |part: Part, section: &str, with_authority: bool| {
            let files = authority.server(&place(&part.to_string()))?;
            let mut toml = format!(
                "[{section}]\ncertificate_file = '{}'\nkey_file = '{}'\n",
                files.certificate.display(),
                files.key.display(),
            );
            if with_authority {
                toml += &format!("ca_file = '{}'\n", files.authority.display());
            }
            anyhow::Ok(toml)
        };
        let bed = TestBed::builder()
            .workers(Region::Ot1, 0)
            .config(CONFIG)
            .tls(authority.server(&place("all"))?)
            .part_config(GATEWAY, &of(GATEWAY, "gateway.tls", false)?)
            .part_config(SCHEDULER, &of(SCHEDULER, "grpc.tls", true)?)
            .part_config(WORKER, &of(WORKER, "grpc.tls", true)?)
            .start()
            .await?;
        Ok(Self {
            alice: bed.cloud_in("alice", Region::Ot1, "proj-ot1").await?,
            there: bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?,
            bed,
            authority,
            stranger,
        })
    }

    /// A copy that is asked for at the front, which speaks TLS with the gateway.
    pub(crate) async fn copy_passes(&self) -> anyhow::Result<()> {
        let image = self.alice.make_image(&NewImage::named("sealed", 1)).await?;
        let copies = Copies::of(&self.alice);
        let tenant = self.bed.project_id(Region::Ot2, "proj-ot2")?;
        let job = copies.start(&image.id, &tenant).await?;
        let document = copies.until_replicated(&job).await?;
        let replica = document["destination_image_id"].as_str();
        self.there
            .delete_image(replica.context("no image")?)
            .await?;
        self.alice.delete_image(&image.id).await
    }

    /// The certificate that every part without one of its own has.
    pub(crate) fn common(&self) -> ServerCertificate {
        let certificate = self.bed.options().tls;
        certificate.expect("the test bed was built with it")
    }

    /// Host and port of a service, as its configuration has it.
    pub(crate) fn address(&self, part: Part) -> anyhow::Result<String> {
        let path = self.bed.directory().join(part.to_string());
        let config = std::fs::read_to_string(path.join("config.toml"))?;
        let mut lines = config.lines();
        let address = lines.find_map(|line| line.strip_prefix("listen = "));
        Ok(address.context("no address")?.trim_matches('"').to_owned())
    }

    /// Waits until the log of a part, behind what it was before, has a line with each of `words`.
    pub(crate) async fn until_logged(
        &self,
        part: Part,
        before: &str,
        words: &[&str],
    ) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("{words:?} of {part}"), || async {
            let log = self.bed.log(part)?;
            let news = log.get(before.len()..).unwrap_or_default();
            let mut lines = news.lines();
            let is_there = lines.any(|line| words.iter().all(|word| line.contains(word)));
            ensure!(is_there, "{news}");
            Ok(())
        })
        .await
    }

    /// Waits until a metric of a part is so.
    pub(crate) async fn until_metric(
        &self,
        part: Part,
        series: &str,
        is_so: impl Fn(f64) -> bool,
    ) -> anyhow::Result<()> {
        let admin = AdminPort::of(&self.bed, part)?;
        eventually(PATIENCE, format!("{series} of {part}"), || async {
            let value = admin.metric(series).await?;
            ensure!(value.is_some_and(&is_so), "{value:?}");
            Ok(())
        })
        .await
    }

    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.bed.check_leftovers().await?;
        self.bed.end().await
    }
}

/// Where the files of `name` are.
pub(crate) fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("encryption")
        .join(name)
}

/// Longer than a knock takes.
pub(crate) const KNOCK: Duration = Duration::from_secs(30);
