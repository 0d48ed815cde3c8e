//! Runs of schemathesis: `schemathesis.toml` says what is checked, `hooks.py` steers what is generated, and the command line
//! says how much.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use testbed::{Cloud, ForeignClient, Region, TestBed};
use tokio::time::timeout;

use crate::CASES;
use crate::counts::Counts;
use crate::pool::Pool;

/// How long a bounded run may take on a machine that is busy with other things; a longer one gets its time on top.
const PATIENCE: Duration = Duration::from_secs(1200);

/// How schemathesis ends when it is interrupted, whatever it has found by then.
const INTERRUPTED: i32 = 130;

/// The seed of the run that is part of the test suite.
const SEED: &str = "1";

/// The API document that the gateway serves.
pub(crate) fn document() -> anyhow::Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-gateway/openapi.json");
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// Schemathesis, ready to call a region's gateway as somebody.
pub(crate) struct Fuzzer<'a> {
    bed: &'a TestBed,
    caller: &'a Cloud,
    pool: &'a Pool,
}

/// How a run ended.
pub(crate) struct Run {
    /// Whether every answer was as the document has it.
    pub(crate) found_nothing: bool,
    /// What schemathesis has printed.
    pub(crate) report: String,
    /// How often what was answered how.
    pub(crate) counts: Counts,
}

impl<'a> Fuzzer<'a> {
    pub(crate) fn new(bed: &'a TestBed, caller: &'a Cloud, pool: &'a Pool) -> Self {
        Self { bed, caller, pool }
    }

    /// All operations in all phases; for as long as the environment says, or once.
    pub(crate) async fn whole_document(&self, document: &Value) -> anyhow::Result<Run> {
        let cases = CASES.to_string();
        let mut arguments = vec!["--max-examples", &cases];
        let seconds = std::env::var("FUZZ_API_SECONDS").ok();
        let seed = std::env::var("FUZZ_API_SEED").ok();
        let mut patience = PATIENCE;
        if let Some(seconds) = &seconds {
            arguments.extend(["--max-time", seconds]);
            patience += Duration::from_secs(seconds.parse().context("FUZZ_API_SECONDS")?);
        }
        match (&seed, &seconds) {
            (Some(seed), _) => arguments.extend(["--seed", seed]),
            (None, None) => arguments.extend(["--seed", SEED]),
            (None, Some(_)) => {}
        }
        timeout(patience, self.run("whole", document, &arguments))
            .await
            .context("schemathesis does not end")?
    }

    /// One operation, just enough to see every answer of it.
    pub(crate) async fn one_operation(&self, document: &Value, id: &str) -> anyhow::Result<Run> {
        let arguments = [
            "--include-operation-id",
            id,
            "--max-examples",
            "20",
            "--phases",
            "coverage,fuzzing",
            "--seed",
            SEED,
        ];
        timeout(PATIENCE, self.run(id, document, &arguments))
            .await
            .context("schemathesis does not end")?
    }

    async fn run(&self, name: &str, document: &Value, arguments: &[&str]) -> anyhow::Result<Run> {
        let place = self.place(name)?;
        std::fs::write(place.join("openapi.json"), document.to_string())?;
        std::fs::write(place.join("pool.json"), self.pool.as_json())?;
        let mut command = self
            .bed
            .client(ForeignClient::Schemathesis, "st", "alice", Region::Ot1)
            .await?;
        let output = command
            .current_dir(&place)
            .env("FUZZ_POOL", "pool.json")
            .env("FUZZ_COUNTS", "counts.json")
            .args(["run", "openapi.json", "--no-color", "--continue-on-failure"])
            // What it learnt of another run must not matter, and to make a failure smaller takes long.
            .args(["--generation-database", "none", "--no-shrink"])
            .args(["--url", &self.caller.gateway_url])
            .args(["--header", &format!("X-Auth-Token: {}", self.caller.token)])
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let report = [output.stdout, output.stderr].concat();
        let report = String::from_utf8_lossy(&report).into_owned();
        let counts = std::fs::read(place.join("counts.json"))
            .with_context(|| format!("schemathesis has not run: {report}"))?;
        Ok(Run {
            found_nothing: output.status.success() || is_only_out_of_time(output.status, &report),
            report,
            counts: Counts::of(&counts)?,
        })
    }

    /// A directory of the run's own, for schemathesis leaves its notes where it runs.
    fn place(&self, name: &str) -> anyhow::Result<PathBuf> {
        let place = self.bed.directory().join(format!("schemathesis-{name}"));
        std::fs::create_dir_all(&place)?;
        let files = [
            (
                "schemathesis.toml",
                include_str!("schemathesis/schemathesis.toml"),
            ),
            ("hooks.py", include_str!("schemathesis/hooks.py")),
        ];
        for (file, text) in files {
            std::fs::write(place.join(file), text)?;
        }
        Ok(place)
    }
}

/// Whether a run was cut off and has found nothing by then: one whose `--max-time` runs out in its last phase says that somebody
/// has interrupted it.
fn is_only_out_of_time(status: ExitStatus, report: &str) -> bool {
    let found = ["= FAILURES =", "= ERRORS ="];
    status.code() == Some(INTERRUPTED) && !found.iter().any(|heading| report.contains(heading))
}

#[test]
fn a_run_that_was_cut_off_is_judged_by_what_it_has_found() {
    let cut_off = ExitStatus::from_raw(INTERRUPTED << 8);
    let clean = "==== SUMMARY ====\n 2983 generated, 2983 passed";
    assert!(is_only_out_of_time(cut_off, clean));
    for heading in ["FAILURES", "ERRORS"] {
        let report = format!("==== {heading} ====\n{clean}");
        assert!(!is_only_out_of_time(cut_off, &report), "{heading}");
    }
    assert!(!is_only_out_of_time(ExitStatus::from_raw(1 << 8), clean));
}
