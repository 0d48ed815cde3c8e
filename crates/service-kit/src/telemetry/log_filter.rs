//! Which log lines are written, as the configuration file has it now. The audit trail's are, unless the filter names its target:
//! whoever wants fewer lines does not mean those.

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::audit;
use crate::config::TelemetryConfig;

/// What an empty filter means to `tracing`.
const EMPTY: &str = "error";

/// A handle to the filter of the installed log; what the spans of a trace are does not depend on it.
#[derive(Debug)]
pub struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
    known: String,
}

/// The filter as the subscriber takes it.
pub(super) type Filter = reload::Layer<EnvFilter, Registry>;

impl LogFilter {
    /// The filter of a configuration, and the handle to change it.
    ///
    /// # Errors
    /// When it can't be parsed.
    pub(super) fn of(config: &TelemetryConfig) -> anyhow::Result<(Filter, Self)> {
        let known = config.log_filter.clone();
        let (filter, handle) = reload::Layer::new(parse(&known)?);
        Ok((filter, Self { handle, known }))
    }

    /// Takes over the filter of a configuration if it is another than before. One that can't be used is said in the log,
    /// and what was before stays.
    pub fn follow(&mut self, config: &TelemetryConfig) {
        if config.log_filter == self.known {
            return;
        }
        self.known = config.log_filter.clone();
        let changed = parse(&self.known).and_then(|filter| Ok(self.handle.reload(filter)?));
        match changed {
            Ok(()) => tracing::info!(log.filter = self.known, "the log filter has changed"),
            Err(error) => tracing::warn!(
                log.filter = self.known,
                error.message = format!("{error:#}"),
                "the log filter cannot be used; what was before stays"
            ),
        }
    }
}

/// Of two directives for the same target the later one counts.
fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    let filter = if filter.is_empty() { EMPTY } else { filter };
    let with_audit = format!("{}=info,{filter}", audit::TARGET);
    EnvFilter::try_new(with_audit).context("telemetry.log_filter")
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn filtered(filter: &str) -> TelemetryConfig {
        TelemetryConfig {
            log_filter: filter.to_owned(),
            ..TelemetryConfig::default()
        }
    }

    #[test]
    fn a_filter_that_cannot_be_used_leaves_the_one_before() {
        let (filter, mut handle) = LogFilter::of(&filtered("info")).expect("a filter");
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            let debug = || tracing::enabled!(Level::DEBUG);
            assert!(!debug());
            handle.follow(&filtered("debug"));
            assert!(debug());
            handle.follow(&filtered("service_kit=loud"));
            assert!(debug());
            handle.follow(&filtered("info"));
            assert!(!debug());
        });
    }

    #[test]
    fn acts_are_on_record_unless_the_filter_names_them() {
        for (log_filter, expected) in [
            ("info", true),
            ("", true),
            ("off", true),
            ("error,service_kit=debug", true),
            ("info,audit=off", false),
            ("audit=warn", false),
        ] {
            let (filter, _handle) = LogFilter::of(&filtered(log_filter)).expect("a filter");
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
            let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
            tracing::subscriber::with_default(subscriber, || {
                let is_written = tracing::enabled!(target: audit::TARGET, Level::INFO);
                assert_eq!(is_written, expected, "{log_filter}");
            });
        }
    }

    #[test]
    fn a_service_does_not_start_with_a_filter_that_cannot_be_used() {
        let refused = LogFilter::of(&filtered("service_kit=loud")).expect_err("no filter");
        assert_eq!(refused.to_string(), "telemetry.log_filter");
    }
}
