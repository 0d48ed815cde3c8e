//! Every scenario that ever broke a promise, as it was: see `regressions/`.

use std::path::PathBuf;

use simulation::{Scenario, run};

#[test]
fn what_once_failed_does_not_fail_again() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("it is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let scenario = Scenario::from_text(&text);
        let scenario = scenario.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let run = run(&scenario);
        assert!(
            run.violations.is_empty(),
            "{}\n{}\n{:#?}",
            file.display(),
            run.journal,
            run.violations
        );
    }
}
