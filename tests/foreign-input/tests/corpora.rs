//! The properties against the kept corpora, and against mutations of them.
//!
//! `FOREIGN_INPUT_CASES` says how many mutations of each property are tried, and makes them others each time;
//! without it they are the same 2000.

use std::path::{Path, PathBuf};

use foreign_input::{TARGETS, check};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES: u32 = 2000;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(name);
    let entries = std::fs::read_dir(&place).expect("every property has a corpus");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

/// What is done to bytes.
#[derive(Debug, Clone)]
enum Change {
    /// Other bytes from here on, as many as there are.
    Overwrite(prop::sample::Index, Vec<u8>),
    /// More bytes here.
    Insert(prop::sample::Index, Vec<u8>),
    /// Less bytes from here on.
    Remove(prop::sample::Index, usize),
    /// A part of them once more, as often as this.
    Repeat(prop::sample::Index, usize, usize),
    /// The rest is that of another seed.
    Splice(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let telling = prop::sample::select(vec![
        "\"",
        "{",
        "}",
        "[",
        "null",
        "-1",
        "1e999",
        "\\u0000",
        "\\ud800",
        "\0",
        "\n",
        "*/0",
        "99999999999999999999",
        "é",
        "٣",
        "=",
        "&",
        "%00",
        "%ff",
        "+",
        "<hr>",
        "</h1>",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let bytes = prop_oneof![telling, prop::collection::vec(any::<u8>(), 0..8)];
    prop_oneof![
        (place(), bytes.clone()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        (place(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (place(), 1..16_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (place(), 1..16_usize, 1..300_usize)
            .prop_map(|(at, size, times)| Change::Repeat(at, size, times)),
        (place(), place()).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change, seeds: &[Vec<u8>]) {
    let end = bytes.len();
    match change {
        Change::Overwrite(at, new) => {
            let at = at.index(end + 1);
            let until = end.min(at + new.len());
            bytes.splice(at..until, new.iter().copied());
        }
        Change::Insert(at, new) => {
            let at = at.index(end + 1);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = at.index(end + 1);
            bytes.drain(at..end.min(at + count));
        }
        Change::Repeat(at, size, times) => {
            let at = at.index(end + 1);
            let part = bytes[at..end.min(at + size)].repeat(*times);
            bytes.splice(at..at, part);
        }
        Change::Splice(at, other) => {
            let other = &seeds[other.index(seeds.len())];
            let at = at.index(end + 1);
            bytes.truncate(at);
            bytes.extend(other.iter().skip(at));
        }
    }
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
