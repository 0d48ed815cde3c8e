//! A service that the test starts itself, in the place of one of the test bed, to see how it ends.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use scenarios::AdminPort;
use testbed::{Part, TestBed, eventually};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::exposition::Exposition;

/// How long a service may take to start, or to end after its drain.
const PATIENCE: Duration = Duration::from_secs(90);

/// The service as a child of this process; killed when it is dropped.
pub(crate) struct OwnService {
    part: Part,
    child: Child,
    admin: AdminPort,
    log: PathBuf,
}

impl OwnService {
    /// Ends `part` and starts the same program with the same arguments.
    pub(crate) async fn replace(bed: &TestBed, part: Part) -> anyhow::Result<Self> {
        let pid = bed.pid(part).await?.context("the part does not run")?;
        let program = std::fs::read_link(format!("/proc/{pid}/exe"))?;
        let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
        let arguments = arguments.trim_end_matches('\0').split('\0').skip(1);
        bed.stop(part).await?;
        let log = bed.directory().join(format!("{part}-of-the-test.log"));
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let service = Self {
            part,
            child,
            admin: AdminPort::of(bed, part)?,
            log,
        };
        service.until_readiness(StatusCode::OK, "").await?;
        Ok(service)
    }

    /// Sends SIGTERM and waits until the service, still running, says that it is not ready. Something
    /// must keep it from ending at once.
    pub(crate) async fn begin_drain(&self) -> anyhow::Result<()> {
        self.signal("TERM").await?;
        self.until_readiness(StatusCode::SERVICE_UNAVAILABLE, "draining")
            .await
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.child.id().context("has ended already")?;
        let status = Command::new("kill")
            .args(["-s", name, &pid.to_string()])
            .status()
            .await?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }

    /// What the service has counted under the name `series`.
    pub(crate) async fn count(&self, series: &str) -> anyhow::Result<f64> {
        let (_, _, text) = self.admin.get("/metrics").await?;
        Ok(Exposition::parse(&text)?.value(series))
    }

    /// Waits until the service has counted up to `least`.
    pub(crate) async fn until_counted(&self, series: &str, least: f64) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("{least} of {series}"), || async {
            let count = self.count(series).await?;
            ensure!(count >= least, "only {count}");
            Ok(())
        })
        .await
    }

    /// Waits for the end, which must be a success (a drain beyond its time is none), and gives the test bed its part back.
    pub(crate) async fn end(mut self, bed: &TestBed) -> anyhow::Result<()> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let log = std::fs::read_to_string(&self.log)?;
        let status = ended.with_context(|| format!("{} does not end:\n{log}", self.part))??;
        ensure!(status.success(), "{}: {status}\n{log}", self.part);
        ensure!(log.contains("has drained"), "{log}");
        bed.start(self.part).await
    }

    async fn until_readiness(&self, expected: StatusCode, why: &str) -> anyhow::Result<()> {
        let what = format!("{expected} from {}", self.part);
        eventually(PATIENCE, what, || async {
            let (status, _, text) = self.admin.get("/readyz").await?;
            ensure!(status == expected && text.contains(why), "{status}: {text}");
            Ok(())
        })
        .await
    }
}
