use domain::{Outcome, ReplicaFate};

use super::*;
use crate::lifecycle::sample::{self, at, finish_of};
use crate::lifecycle::{Jitter, cancel, finish, lapse, plan_told};

/// The short names of the keys that a record stands in, but for lists.
fn places(record: &JobRecord) -> Vec<String> {
    let keys = Keys::new("p");
    let names = entries(record, &keys).into_iter().map(|entry| match entry {
        Entry::Member { key, .. } | Entry::Scored { key, .. } | Entry::Field { key, .. } => key,
    });
    let mut names: Vec<String> = names
        .filter(|key| !key.starts_with("p:list:") && !key.starts_with("p:using:"))
        .map(|key| key.trim_start_matches("p:").to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_job_is_eligible() {
    assert_eq!(
        places(&sample::accepted()),
        [
            "deadlines",
            "eligible:ot2:ot1:t1",
            "open:ot1:t1",
            "pair:ot1:ot2:replicate_requested",
        ]
    );
}

#[test]
fn a_granted_one_holds_its_slots() {
    assert_eq!(
        places(&sample::granted()),
        [
            "claims",
            "deadlines",
            "leases",
            "open:ot1:t1",
            "pair:ot1:ot2:replicating",
            "running:destination:ot2",
            "running:pair:ot1:ot2",
            "running:source:ot1",
            "running:tenant:ot2:t1",
        ]
    );
}

#[test]
fn a_lapsed_one_is_eligible_again_and_holds_no_slot() {
    let lapsed = lapse(&sample::granted(), at(30), Jitter(0.0), &sample::rules()).expect("expired");
    assert_eq!(
        places(&lapsed),
        [
            "claims",
            "deadlines",
            "eligible:ot2:ot1:t1",
            "leftovers:ot2",
            "open:ot1:t1",
            "pair:ot1:ot2:replicating",
        ]
    );
}

#[test]
fn one_in_backoff_waits() {
    assert_eq!(
        places(&sample::failed_once()),
        [
            "deadlines",
            "leftovers:ot2",
            "open:ot1:t1",
            "pair:ot1:ot2:replicating",
            "waiting",
        ]
    );
}

#[test]
fn a_canceled_one_with_leftovers_queues_for_clean_up() {
    let canceled = cancel(&sample::failed_once(), at(1), &sample::rules()).expect("cancelable");
    assert_eq!(
        places(&canceled),
        [
            "deadlines",
            "eligible:ot2:~errands:~errands",
            "leftovers:ot2",
            "open:ot1:t1",
            "pair:ot1:ot2:cancel_requested",
        ]
    );
}

#[test]
fn a_finished_one_waits_for_the_janitor_only_when_nothing_is_left() {
    let record = sample::granted();
    let end = |outcome| {
        let word = finish_of(&record, outcome);
        let ended = finish(&record, &word, at(1), Jitter(0.0), &sample::rules()).expect("legal");
        ended.0.expect("written")
    };
    let image = record.attempt_image();
    assert_eq!(places(&end(Outcome::Replicated { image })), ["finished"]);
    assert_eq!(
        places(&end(sample::failed(false))),
        ["eligible:ot2:~errands:~errands", "leftovers:ot2"]
    );
}

#[test]
fn an_errand_is_seen_by_workers_and_its_plan_only() {
    let is_listed = |record: &JobRecord| {
        let entries = entries(record, &Keys::new("p"));
        entries.iter().any(|entry| {
            let (Entry::Member { key, .. } | Entry::Scored { key, .. } | Entry::Field { key, .. }) =
                entry;
            let is_list = key.starts_with("p:list:") && !key.starts_with("p:list:~errands");
            is_list || key.starts_with("p:open:")
        })
    };
    let accepted = sample::accepted_as(sample::remove());
    assert_eq!(
        places(&accepted),
        ["deadlines", "eligible:ot2:~errands:~errands"]
    );
    let held = sample::leased(&accepted, 0);
    assert_eq!(places(&held), ["claims", "deadlines", "leases"]);
    let word = finish_of(&held, Outcome::Removed(ReplicaFate::Gone));
    let ended = finish(&held, &word, at(1), Jitter(0.0), &sample::rules()).expect("legal");
    let done = ended.0.expect("written");
    assert_eq!(places(&done), ["plan-news"]);
    for record in [&accepted, &held, &done] {
        assert!(!is_listed(record), "a caller would see it");
    }
    assert_eq!(places(&plan_told(&done).expect("news")), ["finished"]);
}

#[test]
fn operators_find_errands_in_a_list_of_their_own() {
    for task in sample::errands() {
        let record = sample::accepted_as(task);
        let listed: Vec<String> = entries(&record, &Keys::new("p"))
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Scored { key, .. } if key.starts_with("p:list:") => Some(key),
                _ => None,
            })
            .collect();
        assert_eq!(
            listed,
            ["p:list:~errands", "p:list:~errands:replicate_requested"]
        );
    }
}

#[test]
fn a_plans_copy_is_news_to_its_plan_as_soon_as_it_is_final() {
    let record = sample::leased(&sample::accepted_as(sample::planned()), 0);
    let word = finish_of(&record, sample::failed(false));
    let ended = finish(&record, &word, at(1), Jitter(0.0), &sample::rules()).expect("legal");
    let failed = ended.0.expect("written");
    assert_eq!(
        places(&failed),
        [
            "eligible:ot2:~errands:~errands",
            "leftovers:ot2",
            "plan-news"
        ]
    );
    let told = plan_told(&failed).expect("news");
    assert_eq!(
        places(&told),
        ["eligible:ot2:~errands:~errands", "leftovers:ot2"]
    );
}
