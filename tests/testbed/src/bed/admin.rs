//! `job-scheduler admin …`, as an operator runs it beside a scheduler.

use std::process::Stdio;

use tokio::process::Command;

use super::TestBed;
use crate::parts::Part;

impl TestBed {
    /// A command for the first scheduler, which is found by its configuration file; the verb is still to be added.
    ///
    /// # Errors
    /// When the services were not built.
    pub fn admin(&self) -> anyhow::Result<Command> {
        let site = self.site();
        let config = site.part_directory(Part::Scheduler(1))?.join("config.toml");
        let mut command = Command::new(site.binaries.service("job-scheduler")?);
        command
            .arg("admin")
            .env("IMAGE_REPLICATOR_CONFIG", config)
            .env_remove("IMAGE_REPLICATOR_ADMIN_ADDRESS")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }
}
