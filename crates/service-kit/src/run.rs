//! A service's life: arguments → configuration → telemetry → run until a signal → drain → exit code.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::{Config, ConfigError, follow};
use crate::shutdown::TerminationSignals;
use crate::telemetry::{LogFilter, Telemetry};
use crate::{Clock, SystemClock};

/// `EX_USAGE` of sysexits.h: the command line or the configuration is wrong; restarting won't help.
const USAGE_ERROR: u8 = 64;

/// How much longer than its own drain a service may take before it is given up.
pub(crate) const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// What a service is started with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The whole configuration.
    pub config: Arc<Config>,
    /// The file that it was read from, which may change; none: it never does.
    pub config_file: Option<PathBuf>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the service shall drain and return.
    pub shutdown: CancellationToken,
}

/// What tells one service from another.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// The binary's name, as in logs and traces.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// How long it may take from a signal to the end of its drain.
    pub drain: fn(&Config) -> Duration,
}

#[derive(Debug, Parser)]
struct Args {
    /// The configuration file; every key can be overridden with `IMAGE_REPLICATOR__SECTION__KEY`.
    #[arg(long, env = "IMAGE_REPLICATOR_CONFIG", value_name = "PATH")]
    config: PathBuf,
}

/// Runs a service until it ends by itself, or until a signal and its drain.
///
/// The exit code is 0 after a clean drain, 64 for a wrong command line or configuration and 1 for
/// every other failure.
#[allow(
    clippy::print_stderr,
    reason = "before telemetry is up there is no other place to say it"
)]
pub fn run<F, Fut>(service: Service, serve: F) -> ExitCode
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let args = match parse_args(service) {
        Ok(args) => args,
        Err(error) => {
            // `--help` and `--version` come this way too, and are no failure.
            let code = if error.use_stderr() {
                ExitCode::from(USAGE_ERROR)
            } else {
                ExitCode::SUCCESS
            };
            let _ = error.print();
            return code;
        }
    };
    let config = match Config::load(&args.config, std::env::vars()) {
        Ok(config) => Arc::new(config),
        Err(error) => {
            eprintln!("{}: {error}", service.name);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    // A second call (a test that runs services in-process) finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: no runtime: {error}", service.name);
            return ExitCode::FAILURE;
        }
    };
    let _inside = runtime.enter();
    let installed = Telemetry::install(service.name, service.version, &config.telemetry);
    let (telemetry, log_filter) = match installed {
        Ok(installed) => installed,
        Err(error) => {
            eprintln!("{}: telemetry: {error:#}", service.name);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let ended = runtime.block_on(async {
        let following = follow_log_filter(args.config.clone(), log_filter);
        let _following = AbortOnDropHandle::new(tokio::spawn(following));
        run_until_drained(service, args.config, config, serve).await
    });
    telemetry.flush();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{} failed", service.name);
            // What a service finds wrong in its own section is as much a usage error.
            if error.is::<ConfigError>() {
                ExitCode::from(USAGE_ERROR)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn parse_args(service: Service) -> Result<Args, clap::Error> {
    use clap::{CommandFactory, FromArgMatches};
    let matches = Args::command()
        .name(service.name)
        .version(service.version)
        .about(service.about)
        .try_get_matches()?;
    Args::from_arg_matches(&matches)
}

/// Lets the log filter be what the configuration file says, for as long as the process lives.
async fn follow_log_filter(file: PathBuf, mut filter: LogFilter) {
    let environment = std::env::vars().collect();
    let apply = |config: &Config| filter.follow(&config.telemetry);
    follow(&file, environment, CancellationToken::new(), apply).await;
}

async fn run_until_drained<F, Fut>(
    service: Service,
    config_file: PathBuf,
    config: Arc<Config>,
    serve: F,
) -> anyhow::Result<()>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let mut signals = TerminationSignals::listen()?;
    let shutdown = CancellationToken::new();
    let patience = (service.drain)(&config) + DRAIN_MARGIN;
    let context = Context {
        config,
        config_file: Some(config_file),
        clock: Arc::new(SystemClock),
        shutdown: shutdown.clone(),
    };
    tracing::info!(service.version = service.version, "{} starts", service.name);
    let serving = serve(context);
    tokio::pin!(serving);

    let signal = tokio::select! {
        ended = &mut serving => return ended,
        signal = signals.next() => signal,
    };
    tracing::info!(signal, "draining");
    shutdown.cancel();
    tokio::select! {
        ended = tokio::time::timeout(patience, serving) => match ended {
            Ok(ended) => ended?,
            Err(_) => anyhow::bail!("the drain took longer than {patience:?}"),
        },
        signal = signals.next() => anyhow::bail!("{signal} during the drain"),
    }
    tracing::info!("{} has drained", service.name);
    Ok(())
}
