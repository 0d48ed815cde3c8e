//! `job-scheduler admin …`: one call of the running scheduler, and what it answers, as a table or as JSON.
//!
//! Exit codes: 0 done, 1 refused, not found or not reachable (stderr says why), 64 a wrong command line. It reads nothing
//! of Redis and changes nothing by itself.

mod arguments;
mod connection;
mod document;
mod orphans;
mod printout;
mod table;
mod verbs;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::arguments::Arguments;

/// `EX_USAGE` of sysexits.h.
const USAGE_ERROR: u8 = 64;

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The scheduler says no, or does not answer; or the terminal is gone.
    #[error("{0:#}")]
    Refused(#[from] anyhow::Error),
}

/// The arguments of `job-scheduler admin …`; none when the program is started as something else.
pub fn asked_for(arguments: impl IntoIterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut arguments = arguments.into_iter().skip(1);
    (arguments.next()? == "admin").then(|| arguments.collect())
}

/// Does what the arguments say.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let name = OsString::from("job-scheduler admin");
    let arguments = match Arguments::try_parse_from(std::iter::once(name).chain(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` comes this way too, and is no failure.
            let code = if error.use_stderr() {
                ExitCode::from(USAGE_ERROR)
            } else {
                ExitCode::SUCCESS
            };
            let _ = error.print();
            return code;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(verbs::run(&arguments)),
        Err(error) => Err(anyhow::Error::from(error).into()),
    };
    // Whoever closed the pipe has seen enough.
    match done {
        Ok(printout) => {
            let _ = std::io::stdout().write_all(printout.render(arguments.json).as_bytes());
            if printout.is_whole {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "job-scheduler admin: {failure}");
            match failure {
                Failure::Usage(_) => ExitCode::from(USAGE_ERROR),
                Failure::Refused(_) => ExitCode::FAILURE,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<Vec<OsString>> {
        asked_for(words.iter().map(OsString::from))
    }

    #[test]
    fn only_the_first_word_makes_it_an_operators_command() {
        assert_eq!(of(&["job-scheduler"]), None);
        assert_eq!(of(&["job-scheduler", "--config", "admin"]), None);
        let verb = of(&["job-scheduler", "admin", "show"]).expect("asked for");
        assert_eq!(verb, ["show"]);
    }
}
