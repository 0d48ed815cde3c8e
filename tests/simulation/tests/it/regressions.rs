//! Every scenario that ever broke a promise, as it was: see `regressions/`.

use std::path::{Path, PathBuf};

use simulation::{Scenario, run};

#[test]
fn what_once_failed_does_not_fail_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(&folder).expect("it is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|file| file.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let failures: Vec<String> = files.iter().filter_map(|file| failure(file)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with the run of a file's scenario.
fn failure(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).expect("a text");
    let scenario = Scenario::from_text(&text);
    let scenario = scenario.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let run = run(&scenario);
    let violations = &run.violations;
    (!violations.is_empty())
        .then(|| format!("{}\n{}\n{violations:#?}", file.display(), run.journal))
}
