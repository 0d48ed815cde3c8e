//! The broker's memory, as far as it lets itself have any.

use anyhow::Context;
use tokio::process::Command;

use super::TestBed;
use crate::command::output_of;
use crate::parts::rabbitmq::in_node_of;

impl TestBed {
    /// Sets the fraction of the machine's memory from which on RabbitMQ takes no more messages: `0` is an alarm at
    /// once, until it is set to more.
    ///
    /// # Errors
    /// When the broker does not run.
    pub async fn set_rabbitmq_memory(&self, fraction: &str) -> anyhow::Result<()> {
        let site = self.site();
        let control = site.installed.rabbitmq_server.with_file_name("rabbitmqctl");
        let mut command = Command::new(control);
        command.args(["set_vm_memory_high_watermark", fraction]);
        in_node_of(&site, &mut command)?;
        output_of(command)
            .await
            .map(drop)
            .context("rabbitmqctl failed")
    }
}
