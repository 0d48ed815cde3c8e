//! `image-replicator`, as a tenant runs it.

use std::process::Command;

use super::TestBed;

impl TestBed {
    /// The command line, with nothing of this process's environment: whom it signs in as is still to be said.
    ///
    /// # Errors
    /// When the services were not built.
    pub fn command_line(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(self.site().binaries.service("image-replicator")?);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.directory())
            .current_dir("/");
        Ok(command)
    }
}
