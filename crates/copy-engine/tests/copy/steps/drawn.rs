//! Several disturbances of one job, in units that follow each other, drawn from a seed.
//!
//! `IMAGE_REPLICATOR_STEP_SEEDS=0..10000` draws those. A seed that fails is told, with everything that happened to its job.

use std::ops::Range;

use domain::JobStatus;
use futures::StreamExt;
use openstack::HttpClient;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::course::{EndState, Ends, Memory};
use super::disturbance::Disturbance;
use super::kinds::Kind;
use super::{AT_ONCE, Side, impatient, may_end, nothing, undisturbed};
use crate::fake_glance::Operation;

/// The seeds, unless the environment names others.
const SEEDS: Range<u64> = 0..250;
/// Units of one job that are disturbed.
const UNITS: usize = 3;
/// The most disturbances of one unit.
const MOST: usize = 2;
/// The first requests of a unit, of which some are disturbed.
const REQUESTS: usize = 9;

#[tokio::test]
async fn whatever_happens_to_a_job_in_a_row_it_ends_alike() {
    let seeds = std::env::var("IMAGE_REPLICATOR_STEP_SEEDS").map_or(SEEDS, |text| range(&text));
    let number = seeds.end.saturating_sub(seeds.start);
    let mut expected = Vec::new();
    for kind in Kind::ALL {
        expected.push(undisturbed(kind).await.1);
    }
    let http = impatient();
    let ended = futures::stream::iter(seeds).map(|seed| one(seed, &http, &expected));
    let disturbances: usize = ended
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .iter()
        .sum();
    assert!(
        disturbances as u64 >= number,
        "{disturbances} requests were disturbed"
    );
}

fn range(text: &str) -> Range<u64> {
    let range = text.split_once("..");
    let range = range.and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.expect("IMAGE_REPLICATOR_STEP_SEEDS: two numbers, as in 0..10000")
}

/// One job; how many of its requests were disturbed.
async fn one(seed: u64, http: &HttpClient, expected: &[EndState]) -> usize {
    let mut draw = StdRng::seed_from_u64(seed);
    let number = draw.random_range(0..Kind::ALL.len());
    let kind = Kind::ALL[number];
    let mut course = kind.course(http).await;
    let half = course.rig.data.len() / 2;
    // What is canceled and then forgotten altogether is nobody's to clean up.
    let may_forget = may_end(kind) && draw.random_bool(0.3);
    let (mut met, mut told) = (0, format!("seed {seed}: {kind:?}"));
    for _ in 0..UNITS {
        let ends = Ends::default();
        let memory = match draw.random_range(0..3) {
            0 => Memory::Told,
            1 => Memory::Untold,
            _ if may_forget => Memory::Forgotten,
            _ => Memory::Told,
        };
        let mut planned = 0;
        for _ in 0..draw.random_range(1..=MOST) {
            let (side, operation) = match draw.random_range(0..4) {
                0 => (Side::Source, Operation::Download),
                _ => (Side::Destination, Operation::Upload),
            };
            let all = Disturbance::of(operation, may_end(kind) && !may_forget);
            let disturbance = *all.choose(&mut draw).expect("there are some");
            let request = draw.random_range(0..REQUESTS);
            let fault = disturbance.fault(operation, half, &ends, &course.cancel);
            course.glance(side).plan_after(request, fault);
            told.push_str(&format!("; {side:?} {request} {disturbance:?}"));
            planned += 1;
        }
        told.push_str(&format!(" ({memory:?})"));
        let granted = course.unit(&ends, memory).await;
        let unmet: usize = [Side::Source, Side::Destination]
            .map(|side| course.glance(side).forget_plans())
            .iter()
            .sum();
        met += planned - unmet.min(planned);
        if granted.is_none() {
            break;
        }
    }
    course.go_on().await;
    for side in [Side::Source, Side::Destination] {
        course.glance(side).let_late_requests_come();
    }
    let end = course.end_state();
    match end.status {
        // Before the end, that is.
        JobStatus::Canceled if course.cancel.is_cancelled() => assert_eq!(end, nothing(), "{told}"),
        _ => assert_eq!(end, expected[number], "{told}"),
    }
    assert_eq!(course.record.leftovers, [], "{told}");
    if kind != Kind::Removal && end.status == JobStatus::Replicated {
        let state = course.rig.destination.state();
        let revealed = &state.images.deleted_revealed;
        assert!(
            revealed.is_empty(),
            "{told} deletes what users have: {revealed:?}"
        );
    }
    met
}
