//! Starts supervisors and speaks to them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream as StdStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::protocol::{Launch, Operation, Request, Response, Running};
use super::{Address, family};
use crate::ports::Ports;
use crate::wait::eventually;

/// How long a supervisor may take to answer its first call.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running supervisor. When it is owned, it ends with this value (or with this process), for the write end
/// of its stdin is in `child`.
#[derive(Debug)]
pub(crate) struct Client {
    address: Address,
    child: Option<Child>,
}

/// Starts the supervisor of `directory`, with the block of `first_port` when that is free.
///
/// # Errors
/// When the program cannot be started or does not answer.
pub(crate) async fn start(
    program: &Path,
    directory: &Path,
    owned: bool,
    remove: bool,
    first_port: Option<u16>,
) -> anyhow::Result<Client> {
    fs::create_dir_all(directory.join("log"))?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("log/supervisor.log"))?;
    let mut command = Command::new(program);
    command.arg("supervise").arg("--state").arg(directory);
    for (flag, wanted) in [("--owned", owned), ("--remove", remove)] {
        if wanted {
            command.arg(flag);
        }
    }
    if let Some(port) = first_port {
        command.args(["--first-port", &port.to_string()]);
    }
    let child = command
        .stdin(if owned { Stdio::piped() } else { Stdio::null() })
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C at the owner's terminal is for the owner.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let pid = child.id();
    let address = eventually(PATIENCE, "the supervisor's address", || async {
        match Address::read(directory) {
            Some(address) if address.pid == pid => Ok(address),
            _ => bail!(
                "no answer from the supervisor, see its log in {}",
                directory.display()
            ),
        }
    })
    .await?;
    Ok(Client {
        address,
        child: Some(child),
    })
}

impl Client {
    /// The running supervisor of `directory`.
    ///
    /// # Errors
    /// When none runs.
    pub(crate) fn find(directory: &Path) -> anyhow::Result<Self> {
        let address = Address::read(directory)
            .with_context(|| format!("no test bed runs in {}", directory.display()))?;
        Ok(Self {
            address,
            child: None,
        })
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports(self.address.first_port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.address.pid
    }

    pub(crate) async fn start(&self, launch: Launch) -> anyhow::Result<()> {
        self.ask(&Request::Start(launch)).await.map(drop)
    }

    pub(crate) async fn act(&self, part: &str, operation: Operation) -> anyhow::Result<()> {
        let part = part.to_owned();
        self.ask(&Request::Do { part, operation }).await.map(drop)
    }

    pub(crate) async fn list(&self) -> anyhow::Result<BTreeMap<String, Running>> {
        match self.ask(&Request::List).await? {
            Response::Parts(parts) => Ok(parts),
            other => bail!("the supervisor answers {other:?} to a list"),
        }
    }

    /// Ends all parts in order, and the supervisor; returns when it is gone.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.ask(&Request::End).await?;
        let pid = self.address.pid;
        eventually(PATIENCE, "the supervisor's end", || async move {
            ensure!(!family::is_alive(pid), "process {pid} still runs");
            Ok(())
        })
        .await?;
        if let Some(child) = &mut self.child {
            // It has ended: this only collects its exit status.
            child.wait()?;
        }
        Ok(())
    }

    async fn ask(&self, request: &Request) -> anyhow::Result<Response> {
        let name = SocketAddr::from_abstract_name(&self.address.socket)?;
        let stream = StdStream::connect_addr(&name).context("the supervisor does not answer")?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream)?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        match serde_json::from_str(&answer).context("the supervisor ended without an answer")? {
            Response::Refused(reason) => bail!(reason),
            response => Ok(response),
        }
    }
}
