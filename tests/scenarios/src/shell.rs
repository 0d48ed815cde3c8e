//! One shell that a page's commands are typed into, so that what one sets the next one has.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long one example may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// Ends what a command printed; nothing prints it by itself.
const END: u8 = 0x1e;

/// A running bash.
pub struct Shell {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Child,
}

impl Shell {
    /// A bash with a client's variables and, in its path, the client's programs.
    ///
    /// # Errors
    /// When there is no bash.
    pub fn start(client: Command) -> anyhow::Result<Self> {
        let client = client.as_std();
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile"]).env_clear();
        for (name, value) in client.get_envs() {
            bash.env(name, value.unwrap_or_default());
        }
        let programs = Path::new(client.get_program());
        bash.env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
        );
        let mut process = bash
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            input: process.stdin.take().context("no stdin")?,
            output: BufReader::new(process.stdout.take().context("no stdout")?),
            _process: process,
        })
    }

    /// Runs commands; gives what they printed.
    ///
    /// # Errors
    /// When the last one exits with anything but 0, or they don't end.
    pub async fn run(&mut self, commands: &str) -> anyhow::Result<String> {
        let typed = format!("{{ {commands}\n}} 2>&1 </dev/null\nprintf '\\036%d\\n' $?\n");
        self.input.write_all(typed.as_bytes()).await?;
        let mut printed = Vec::new();
        let reading = self.output.read_until(END, &mut printed);
        timeout(PATIENCE, reading)
            .await
            .with_context(|| format!("{commands}\ndoesn't end"))??;
        let mut status = String::new();
        self.output.read_line(&mut status).await?;
        printed.pop();
        let printed = String::from_utf8(printed)?;
        ensure!(status == "0\n", "{commands}\nends with {status}{printed}");
        Ok(printed)
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// When the shell is gone.
    pub async fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        self.run(&format!("{name}='{value}'")).await?;
        Ok(())
    }
}
