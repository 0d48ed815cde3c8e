//! A seed that failed once fails again.

use simulation::{Scenario, run};

#[test]
fn the_same_scenario_gives_the_same_run() {
    for seed in 0..40 {
        let scenario = Scenario::of_seed(seed);
        let (first, second) = (run(&scenario), run(&scenario));
        assert_eq!(first.journal, second.journal, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

#[test]
fn different_seeds_give_different_runs() {
    let digest = |seed| run(&Scenario::of_seed(seed)).digest;
    assert_ne!(digest(1), digest(2));
}
