//! `cargo testbed`: the test bed for people and scripts.
#![allow(
    clippy::print_stdout,
    reason = "printing what was asked for is this program's job"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use testbed::{Builder, Duty, GlanceOptions, Part, Region, Target, TestBed};
use tokio::time::Instant;

/// A private two-region cloud with our services, on this machine.
#[derive(Parser)]
#[command(name = "testbed", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, without starting anything.
    Install,
    /// Starts a test bed, or what is missing of one, and leaves it running.
    Up(Up),
    /// As `up`, but stays and ends the test bed with itself, however it ends.
    Hold(Up),
    /// Ends a test bed.
    Down {
        #[command(flatten)]
        state: State,
        /// Remove the state directory too.
        #[arg(long)]
        wipe: bool,
    },
    /// Shows the parts and whether they run.
    Status {
        #[command(flatten)]
        state: State,
    },
    /// Prints `export OS_…` lines for the openstack client.
    Env(Env),
    /// Starts a part.
    Start(OnePart),
    /// Stops a part in an orderly way.
    Stop(OnePart),
    /// Kills a part (SIGKILL).
    Kill(OnePart),
    /// Stops a part and starts it again.
    Restart(OnePart),
    /// Freezes a part (SIGSTOP).
    Freeze(OnePart),
    /// Lets a frozen part go on.
    Thaw(OnePart),
    /// The parent of all parts; started by the others.
    #[command(hide = true)]
    Supervise(Supervise),
    /// The common address of schedulers or gateways; started by the others.
    #[command(hide = true)]
    Relay { port: u16, targets: Vec<Target> },
}

#[derive(Args)]
struct State {
    /// The test bed's state directory.
    #[arg(long = "state", value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Args)]
struct OnePart {
    /// The part's name, as `status` shows it.
    part: Part,
    #[command(flatten)]
    state: State,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    state: State,
    /// One Keystone a region instead of a shared one.
    #[arg(long)]
    split_keystone: bool,
    /// Workers that copy into ot2.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(..=23))]
    workers: u16,
    /// Workers that copy into ot1.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(..=23))]
    workers_ot1: u16,
    /// Schedulers.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(..=9))]
    schedulers: u16,
    /// The cloud and the brokers only.
    #[arg(long)]
    no_services: bool,
    /// Build our services with the release profile.
    #[arg(long)]
    release: bool,
    /// How long a Keystone token is valid, in seconds.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    token_expiration: u64,
    /// uwsgi processes of each Glance.
    #[arg(long, default_value_t = GlanceOptions::default().processes, value_name = "N")]
    glance_processes: u16,
    /// TOML file that is laid over the configuration of every service.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Env {
    #[command(flatten)]
    state: State,
    /// A seeded user.
    #[arg(long)]
    user: String,
    /// The region whose Keystone and endpoints are used.
    #[arg(long)]
    region: Region,
    /// The project of the token; by default one on which the user has a role, the region's own if possible.
    #[arg(long)]
    project: Option<String>,
}

#[derive(Args)]
struct Supervise {
    #[command(flatten)]
    state: State,
    #[arg(long)]
    owned: bool,
    #[arg(long)]
    remove: bool,
    #[arg(long)]
    first_port: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Fails only when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error.into()),
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

fn failure(error: &anyhow::Error) -> ExitCode {
    testbed::say(format_args!("{error:#}"));
    ExitCode::FAILURE
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Install => testbed::install_everything().await,
        Command::Up(up) => {
            let started = Instant::now();
            ready(&builder(up)?.up().await?, started);
            Ok(())
        }
        Command::Hold(up) => {
            let started = Instant::now();
            let bed = builder(up)?.start().await?;
            ready(&bed, started);
            tokio::signal::ctrl_c().await?;
            bed.end().await
        }
        Command::Down { state, wipe } => testbed::down(&state.directory, wipe).await,
        Command::Status { state } => show(&state.directory).await,
        Command::Env(env) => {
            let lines = testbed::openrc(
                &env.state.directory,
                &env.user,
                env.region,
                env.project.as_deref(),
            )?;
            print!("{lines}");
            Ok(())
        }
        Command::Start(one) => attach(&one, true).await?.start(one.part).await,
        Command::Stop(one) => attach(&one, false).await?.stop(one.part).await,
        Command::Kill(one) => attach(&one, false).await?.kill(one.part).await,
        Command::Restart(one) => attach(&one, true).await?.restart(one.part).await,
        Command::Freeze(one) => attach(&one, false).await?.freeze(one.part).await,
        Command::Thaw(one) => attach(&one, false).await?.thaw(one.part).await,
        Command::Supervise(duty) => {
            testbed::serve(Duty {
                directory: duty.state.directory,
                owned: duty.owned,
                remove: duty.remove,
                first_port: duty.first_port,
            })
            .await
        }
        Command::Relay { port, targets } => testbed::relay(port, targets).await,
    }
}

async fn attach(one: &OnePart, launch: bool) -> anyhow::Result<TestBed> {
    TestBed::attach(&one.state.directory, launch && one.part.is_service()).await
}

fn builder(up: Up) -> anyhow::Result<Builder> {
    let mut builder = TestBed::builder()
        .state_directory(&up.state.directory)
        .workers(Region::Ot2, up.workers)
        .workers(Region::Ot1, up.workers_ot1)
        .schedulers(up.schedulers)
        .token_expiration(Duration::from_secs(up.token_expiration));
    for region in Region::ALL {
        let processes = up.glance_processes;
        builder = builder.glance(
            region,
            GlanceOptions {
                processes,
                ..GlanceOptions::default()
            },
        );
    }
    if up.split_keystone {
        builder = builder.split_keystone();
    }
    if up.no_services {
        builder = builder.without_services();
    }
    if up.release {
        builder = builder.release();
    }
    if let Some(config) = up.config {
        builder = builder.config(&std::fs::read_to_string(config)?);
    }
    Ok(builder)
}

fn ready(bed: &TestBed, started: Instant) {
    testbed::say(format_args!(
        "ready after {:.1} s: {}",
        started.elapsed().as_secs_f64(),
        bed.directory().join("testbed.json").display()
    ));
}

async fn show(directory: &Path) -> anyhow::Result<()> {
    for (part, pid) in TestBed::attach(directory, false).await?.parts().await? {
        match pid {
            Some(pid) => println!("{:<14} runs, pid {pid}", part.to_string()),
            None => println!("{:<14} does not run", part.to_string()),
        }
    }
    Ok(())
}
