//! The supervisor's own process.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::watch;

use super::protocol::{Launch, Operation, Request, Response, Running};
use super::{Address, family};
use crate::ports::PortBlock;
use crate::site::write_private;

/// How long a part may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a supervisor is to do.
#[derive(Debug)]
pub struct Duty {
    /// The test bed's state directory.
    pub directory: PathBuf,
    /// End everything when stdin closes.
    pub owned: bool,
    /// Remove the state directory at the end.
    pub remove: bool,
    /// First port of the block that is preferred.
    pub first_port: Option<u16>,
}

/// A part that was started; `ended` turns true when its process is gone.
#[derive(Clone)]
struct Child {
    running: Running,
    wave: u8,
    ended: watch::Receiver<bool>,
}

type Children = Arc<Mutex<BTreeMap<String, Child>>>;

/// Supervises until told to end, until the owner is gone, or until SIGTERM.
///
/// Must be called on a current-thread runtime: the kernel's parent-death signal follows the thread that starts a
/// part, and that one has to live as long as the process.
///
/// # Errors
/// When the supervisor cannot take ports or a socket.
pub async fn serve(duty: Duty) -> anyhow::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let block = PortBlock::take(duty.first_port)?;
    let socket = format!("image-replicator-testbed-{}", uuid::Uuid::new_v4());
    let listener = StdListener::bind_addr(&SocketAddr::from_abstract_name(&socket)?)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let address = Address {
        pid: std::process::id(),
        socket,
        first_port: block.ports().0,
    };
    let file = Address::file(&duty.directory);
    write_private(&file, &serde_json::to_string(&address)?)?;

    let lifeline = lifeline(duty.owned)?;
    let children = Children::default();
    let mut terminated = signal(SignalKind::terminate())?;
    let child_ended = signal(SignalKind::child())?;
    tokio::spawn(bury_orphans(child_ended, Arc::clone(&children)));
    let mut last_words = None;
    tokio::select! {
        asker = answer_all(&listener, &children) => last_words = Some(asker?),
        () = owner_is_gone(lifeline) => {}
        _ = terminated.recv() => {}
    }
    if last_words.is_some() {
        end_in_order(&children).await;
    }
    kill_all().await;
    // Whoever starts the next supervisor must not find this one's address.
    let _ = std::fs::remove_file(&file);
    if duty.remove {
        std::fs::remove_dir_all(&duty.directory)?;
    }
    if let Some(mut asker) = last_words {
        respond(&mut asker, &Response::Done).await?;
    }
    Ok(())
}

/// The end of stdin, of which the owner holds the other end; to be read only by a supervisor that is owned.
fn lifeline(owned: bool) -> anyhow::Result<Option<pipe::Receiver>> {
    if !owned {
        return Ok(None);
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(Some(pipe::Receiver::from_owned_fd(stdin)?))
}

/// Waits until the owner is gone; for ever, when there is none.
async fn owner_is_gone(lifeline: Option<pipe::Receiver>) {
    let Some(mut lifeline) = lifeline else {
        return std::future::pending().await;
    };
    // An error is as good as an end: nobody can be there any more.
    while matches!(lifeline.read(&mut [0; 64]).await, Ok(1..)) {}
}

/// Collects the exit status of inherited processes; that of the parts is awaited where they were started.
async fn bury_orphans(mut child_ended: Signals, children: Children) {
    while child_ended.recv().await.is_some() {
        let parts: Vec<u32> = lock(&children)
            .values()
            .map(|child| child.running.pid)
            .collect();
        for pid in family::dead_children() {
            if !parts.contains(&pid) {
                family::bury(pid);
            }
        }
    }
}

/// Answers requests until one asks for the end; returns that one's connection.
async fn answer_all(listener: &UnixListener, children: &Children) -> anyhow::Result<UnixStream> {
    let (ending, mut ended) = tokio::sync::mpsc::channel(1);
    loop {
        let stream = tokio::select! {
            connection = listener.accept() => connection?.0,
            Some(asker) = ended.recv() => return Ok(asker),
        };
        // The abstract namespace has no file permissions, so the peer is asked who it is.
        if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
            continue;
        }
        let (children, ending) = (Arc::clone(children), ending.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &children, &ending).await {
                // stderr is the supervisor's log file.
                crate::narrator::say(format_args!("a request failed: {error:#}"));
            }
        });
    }
}

async fn answer(
    mut stream: UnixStream,
    children: &Children,
    ending: &tokio::sync::mpsc::Sender<UnixStream>,
) -> anyhow::Result<()> {
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line).await?;
    let response = match serde_json::from_str(&line)? {
        Request::End => return Ok(ending.send(stream).await?),
        Request::List => Ok(Response::Parts(list(children))),
        Request::Start(launch) => start(children, &launch).await.map(|()| Response::Done),
        Request::Do { part, operation } => act(children, &part, operation)
            .await
            .map(|()| Response::Done),
    };
    let response = response.unwrap_or_else(|error| Response::Refused(format!("{error:#}")));
    respond(&mut stream, &response).await
}

async fn respond(stream: &mut UnixStream, response: &Response) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    Ok(stream.write_all(&line).await?)
}

async fn start(children: &Children, launch: &Launch) -> anyhow::Result<()> {
    if lock(children).contains_key(&launch.part) {
        bail!("{} runs already", launch.part);
    }
    let mut child = spawn(launch).with_context(|| format!("cannot start {}", launch.part))?;
    let pid = child.id().context("it ended at once")?;
    let pid_file = launch.log.with_extension("pid");
    std::fs::write(&pid_file, format!("{pid}\n"))?;
    let (end, ended) = watch::channel(false);
    let running = Running {
        pid,
        log: launch.log.clone(),
    };
    let entry = Child {
        running,
        wave: launch.wave,
        ended,
    };
    lock(children).insert(launch.part.clone(), entry);
    let (children, part) = (Arc::clone(children), launch.part.clone());
    tokio::spawn(async move {
        // Waiting can only fail for a child that is not ours.
        let _ = child.wait().await;
        end_group(pid).await;
        lock(&children).remove(&part);
        let _ = std::fs::remove_file(pid_file);
        end.send_replace(true);
    });
    Ok(())
}

fn spawn(launch: &Launch) -> anyhow::Result<tokio::process::Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&launch.log)?;
    let path = std::env::var("PATH").unwrap_or_default();
    // setpriv asks the kernel for a SIGKILL at the supervisor's death and then becomes the part.
    Ok(Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(&launch.program)
        .args(&launch.arguments)
        .env_clear()
        .env("PATH", format!("{path}:/usr/sbin:/usr/bin:/sbin:/bin"))
        .env("HOME", launch.log.parent().unwrap_or(Path::new("/")))
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONWARNINGS", "ignore")
        .envs(&launch.environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?)
}

async fn act(children: &Children, part: &str, operation: Operation) -> anyhow::Result<()> {
    let Some(mut child) = lock(children).get(part).cloned() else {
        bail!("{part} does not run");
    };
    let pid = child.running.pid;
    match operation {
        Operation::Freeze => family::signal_group(pid, Signal::STOP),
        Operation::Thaw => family::signal_group(pid, Signal::CONT),
        Operation::Kill => {
            family::signal_group(pid, Signal::KILL);
            child.ended.wait_for(|ended| *ended).await?;
        }
        Operation::Stop => {
            // A frozen process would never see the SIGTERM.
            family::signal_group(pid, Signal::CONT);
            family::signal_process(pid, Signal::TERM);
            let ended = child.ended.wait_for(|ended| *ended);
            if tokio::time::timeout(PATIENCE, ended).await.is_err() {
                family::signal_group(pid, Signal::KILL);
                child.ended.wait_for(|ended| *ended).await?;
            }
        }
    }
    Ok(())
}

/// Ends what a part's first process left of its group: a worker process that outlives its master still holds the
/// socket that the next start of the part is to bind.
async fn end_group(leader: u32) {
    while family::group_exists(leader) {
        family::signal_group(leader, Signal::KILL);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn end_in_order(children: &Children) {
    for wave in 0..=2 {
        let parts: Vec<String> = lock(children)
            .iter()
            .filter(|(_, child)| child.wave == wave)
            .map(|(part, _)| part.clone())
            .collect();
        let stops = parts
            .iter()
            .map(|part| act(children, part, Operation::Stop));
        // A part that has ended by itself meanwhile is as good as stopped.
        futures::future::join_all(stops).await;
    }
}

/// Kills until nobody is left: a process may have forked between the look and the signal.
async fn kill_all() {
    loop {
        let family = family::descendants();
        if family.is_empty() {
            return;
        }
        for pid in family {
            family::signal_process(pid, Signal::KILL);
        }
        family::dead_children().into_iter().for_each(family::bury);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn list(children: &Children) -> BTreeMap<String, Running> {
    lock(children)
        .iter()
        .map(|(part, child)| (part.clone(), child.running.clone()))
        .collect()
}

fn lock(children: &Children) -> MutexGuard<'_, BTreeMap<String, Child>> {
    // No code panics while it holds the lock; and a supervisor must go on in any case.
    children.lock().unwrap_or_else(PoisonError::into_inner)
}
