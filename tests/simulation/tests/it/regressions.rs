//! Every scenario that ever broke a promise, as it was: see `regressions/`.

use std::path::{Path, PathBuf};

use simulation::{Flaw, Scenario, run, run_with};

/// Begins the line that names the flaw with which the scenario fails.
const WITH: &str = "# with ";

#[test]
fn what_once_failed_does_not_fail_again() {
    let files = files();
    let failures: Vec<String> = files.iter().filter_map(|file| failure(file)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// So many chances are tried: a product that sends its requests in another order draws other latencies from the same one.
const CHANCES: u64 = 1_000;

/// A scenario that never fails holds nothing: where the flaw that it was found with can be put in, it is found again.
#[test]
fn what_once_failed_fails_again_with_its_flaw() {
    let mut flaws = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("a text");
        let Some(flaw) = text.lines().find_map(|line| line.strip_prefix(WITH)) else {
            continue;
        };
        let flaw: Flaw = serde_json::from_str(&format!("{flaw:?}")).expect("a flaw");
        assert!(is_found(scenario(&file), flaw), "{}", file.display());
        flaws += 1;
    }
    assert!(flaws > 0);
}

/// Whether the scenario breaks a promise with the flaw, by its own chance or one of those after it.
fn is_found(mut scenario: Scenario, flaw: Flaw) -> bool {
    let first = scenario.setting.chance;
    (first..first + CHANCES).any(|chance| {
        scenario.setting.chance = chance;
        !run_with(&scenario, flaw).violations.is_empty()
    })
}

/// What is wrong with the run of a file's scenario.
fn failure(file: &Path) -> Option<String> {
    let scenario = scenario(file);
    let run = run(&scenario);
    let violations = &run.violations;
    (!violations.is_empty())
        .then(|| format!("{}\n{}\n{violations:#?}", file.display(), run.journal))
}

fn scenario(file: &Path) -> Scenario {
    let text = std::fs::read_to_string(file).expect("a text");
    let scenario = Scenario::from_text(&text);
    scenario.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(&folder).expect("it is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|file| file.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
