//! The properties against the kept corpora, and against mutations of them; and what they cost.
//!
//! `FOREIGN_INPUT_CASES` says how many mutations of each property are tried, and makes them others each time;
//! without it they are the same 2000.

mod memory;
mod mutation;

use std::path::{Path, PathBuf};

use foreign_input::{TARGETS, check};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::mutation::{apply, change};

const CASES: u32 = 2000;

/// Begins the names of what the fuzzer came upon; the rest of a corpus was written by hand.
const FOUND: &str = "found-";

/// Every file of a directory of `tests/fuzz`, by name.
fn files_of_fuzz(directory: &str) -> Vec<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(directory);
    let entries = std::fs::read_dir(&place).expect("it is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn read(paths: impl Iterator<Item = PathBuf>) -> Vec<Vec<u8>> {
    paths
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

/// All of a corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    read(files_of_fuzz(&format!("corpus/{name}")).into_iter())
}

/// What of a corpus was written by hand.
fn written(name: &str) -> Vec<Vec<u8>> {
    let is_found = |path: &PathBuf| {
        let file = path.file_name().expect("a file").to_string_lossy();
        file.starts_with(FOUND)
    };
    let paths = files_of_fuzz(&format!("corpus/{name}")).into_iter();
    read(paths.filter(|path| !is_found(path)))
}

#[test]
fn every_property_holds_for_its_corpus() {
    for (name, property) in TARGETS {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "{name} has no corpus");
        for seed in seeds {
            property(&seed);
        }
    }
}

#[test]
fn every_property_holds_for_mutations_of_its_corpus() {
    let more = std::env::var("FOREIGN_INPUT_CASES").ok();
    let cases = more
        .as_ref()
        .map_or(CASES, |cases| cases.parse().expect("a number of cases"));
    for (name, _) in TARGETS {
        let seeds = corpus(name);
        let chosen = prop::sample::select(seeds.clone());
        let mutated = (chosen, prop::collection::vec(change(), 1..6)).prop_map(
            move |(mut bytes, changes)| {
                for change in &changes {
                    apply(&mut bytes, change, &seeds);
                }
                bytes
            },
        );
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        // The suite's mutations are always the same; a search for more has its own.
        let mut runner = match more {
            Some(_) => TestRunner::new(config),
            None => {
                TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
            }
        };
        let outcome = runner.run(&mutated, |bytes| {
            check(name, &bytes);
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{name}: {failure}; keep what broke it in tests/fuzz/corpus/{name}");
        }
    }
}

#[test]
fn every_property_has_a_fuzz_target() {
    let targets: Vec<String> = files_of_fuzz("fuzz_targets")
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a file"))
        .collect();
    assert_eq!(targets.len(), TARGETS.len());
    for (name, _) in TARGETS {
        let check = format!("foreign_input::check(\"{name}\", bytes)");
        let count = targets.iter().filter(|text| text.contains(&check)).count();
        assert_eq!(count, 1, "fuzz targets of {name}");
    }
}

#[test]
fn seeds_are_understood_and_not_only_refused() {
    use api_gateway::foreign_bytes::bodies;
    let understood = |name: &str, is: fn(&[u8]) -> bool| {
        let count = corpus(name).iter().filter(|seed| is(seed)).count();
        assert!(count > 0, "no seed of {name} is understood");
    };
    understood("glance", |seed| {
        serde_json::from_slice::<openstack::Image>(seed).is_ok()
    });
    understood("glance", |seed| {
        serde_json::from_slice::<openstack::ImagePage>(seed).is_ok()
    });
    understood("keystone", |seed| {
        serde_json::from_slice::<openstack::TokenInfo>(seed).is_ok()
    });
    understood("keystone", |seed| {
        serde_json::from_slice::<openstack::Project>(seed).is_ok()
    });
    understood("message", |seed| work_queue::CopyJob::decode(seed).is_ok());
    understood("configuration", |seed| {
        let table = std::str::from_utf8(seed)
            .ok()
            .and_then(|text| text.parse().ok());
        table.is_some_and(|table| service_kit::config::Config::from_table(table, []).is_ok())
    });
    for place in 0..4 {
        let is_understood = corpus("request")
            .iter()
            .any(|seed| bodies(seed)[place].1.is_ok());
        assert!(is_understood, "no seed is {}", bodies(b"")[place].0);
    }
}
