//! Walks every state of a model, breadth first, and says what it found.
//!
//! Two questions are answered. Safety: which state or step breaks a property, by the shortest way there. Liveness: from
//! which state no end can be reached any more by steps that a fair world takes by itself; with a finite number of states,
//! such a world then reaches an end from everywhere. The second needs the whole graph backwards, which is why this is no
//! library: those that were looked at keep no edges, and their "eventually" is lost where two ways meet.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};

/// More states than any run is meant to have: a model that grows without bound fails instead of filling the memory.
const MOST_STATES: usize = 6_000_000;

/// What can be walked.
pub(crate) trait Model {
    type State: Clone + Eq + Hash + Debug;
    type Action: Copy + Debug;

    fn start(&mut self) -> Self::State;

    /// Every step that can be taken. One that leaves the state as it was is passed over.
    fn steps(&mut self, state: &Self::State) -> Vec<Step<Self::State, Self::Action>>;

    /// What is wrong with a state.
    fn check(&mut self, state: &Self::State) -> Result<(), Broken>;

    /// Whether everything that was to happen has happened.
    fn is_end(&mut self, state: &Self::State) -> bool;
}

/// One step.
pub(crate) struct Step<S, A> {
    pub(crate) action: A,
    pub(crate) after: S,
    /// Whether a fair world takes it by itself sooner or later: no fault and nobody's wish.
    pub(crate) fair: bool,
    /// What is worth counting about it, so that a run can show that it was not idle.
    pub(crate) seen: Vec<&'static str>,
    /// What is wrong with it.
    pub(crate) verdict: Result<(), Broken>,
}

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) property: &'static str,
    pub(crate) what: String,
}

/// What a walk found.
pub(crate) struct Walk {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    /// The longest of the shortest ways to a state.
    pub(crate) depth: usize,
    pub(crate) seen: BTreeMap<&'static str, usize>,
    pub(crate) broken: Option<(Broken, String)>,
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            states,
            steps,
            depth,
            ..
        } = self;
        write!(
            f,
            "{states} states, {steps} steps, depth {depth}, all of them walked; seen:"
        )?;
        for (what, times) in &self.seen {
            write!(f, " {what} {times},")?;
        }
        Ok(())
    }
}

/// Walks until there is nothing new, or up to the first property that breaks.
pub(crate) fn walk<M: Model>(model: &mut M) -> Walk {
    let mut graph = Graph::<M>::default();
    let mut found = Walk {
        states: 0,
        steps: 0,
        depth: 0,
        seen: BTreeMap::new(),
        broken: None,
    };
    let start = model.start();
    graph.place(start, None);
    let mut next = 0;
    while next < graph.states.len() {
        let state = graph.states[next].clone();
        if let Err(broken) = model.check(&state) {
            let way = graph.way(next, None);
            return Walk {
                states: graph.states.len(),
                broken: Some((broken, way)),
                ..found
            };
        }
        for step in model.steps(&state) {
            if step.after == state && step.verdict.is_ok() {
                continue;
            }
            found.steps += 1;
            for what in step.seen {
                *found.seen.entry(what).or_default() += 1;
            }
            if let Err(broken) = step.verdict {
                let way = graph.way(next, Some((step.action, &step.after)));
                return Walk {
                    states: graph.states.len(),
                    broken: Some((broken, way)),
                    ..found
                };
            }
            let after = graph.place(step.after, Some((next, step.action)));
            if step.fair {
                graph.fair.push((after, next));
            }
        }
        next += 1;
        assert!(next < MOST_STATES, "the model has no end");
    }
    found.states = graph.states.len();
    found.depth = graph.depths.iter().copied().max().unwrap_or_default();
    if let Some(stuck) = graph.stuck(model) {
        let broken = Broken {
            property: "every job ends",
            what: "no fair step leads on to an end".to_owned(),
        };
        found.broken = Some((broken, graph.way(stuck, None)));
    }
    found
}

struct Graph<M: Model> {
    states: Vec<M::State>,
    /// By hash; states of one hash are compared.
    places: HashMap<u64, Vec<usize>>,
    came: Vec<Option<(usize, M::Action)>>,
    depths: Vec<usize>,
    /// Fair steps, backwards.
    fair: Vec<(usize, usize)>,
}

impl<M: Model> Default for Graph<M> {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            places: HashMap::new(),
            came: Vec::new(),
            depths: Vec::new(),
            fair: Vec::new(),
        }
    }
}

impl<M: Model> Graph<M> {
    fn place(&mut self, state: M::State, came: Option<(usize, M::Action)>) -> usize {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let same_hash = match self.places.entry(hasher.finish()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(Vec::new()),
        };
        if let Some(known) = same_hash.iter().find(|at| self.states[**at] == state) {
            return *known;
        }
        let at = self.states.len();
        same_hash.push(at);
        self.states.push(state);
        self.depths
            .push(came.map_or(0, |(from, _)| self.depths[from] + 1));
        self.came.push(came);
        at
    }

    /// A state from which no end can be reached, the nearest to the start.
    fn stuck(&mut self, model: &mut M) -> Option<usize> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.states.len()];
        for (after, from) in self.fair.drain(..) {
            before[after].push(from);
        }
        let mut ends_well: Vec<bool> = self
            .states
            .iter()
            .map(|state| model.is_end(state))
            .collect();
        let mut todo: Vec<usize> = (0..ends_well.len()).filter(|at| ends_well[*at]).collect();
        while let Some(at) = todo.pop() {
            for from in std::mem::take(&mut before[at]) {
                if !ends_well[from] {
                    ends_well[from] = true;
                    todo.push(from);
                }
            }
        }
        ends_well.iter().position(|well| !well)
    }

    /// How a state is reached, in words.
    fn way(&self, to: usize, last: Option<(M::Action, &M::State)>) -> String {
        let mut steps = Vec::new();
        let mut at = to;
        while let Some((from, action)) = self.came[at] {
            steps.push(action);
            at = from;
        }
        steps.reverse();
        steps.extend(last.map(|(action, _)| action));
        let mut words = String::new();
        for (number, action) in steps.iter().enumerate() {
            let _ = writeln!(words, "{:>4}. {action:?}", number + 1);
        }
        let state = last.map_or(&self.states[to], |(_, after)| after);
        let _ = writeln!(words, "{state:#?}");
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up to four, by one or two; from three nothing fair leads on.
    struct Counting {
        wrong: Option<u8>,
    }

    impl Model for Counting {
        type State = u8;
        type Action = u8;

        fn start(&mut self) -> u8 {
            0
        }

        fn steps(&mut self, state: &u8) -> Vec<Step<u8, u8>> {
            let steps = [1, 2].into_iter().filter(|by| state + by <= 4);
            steps
                .map(|by| Step {
                    action: by,
                    after: state + by,
                    fair: *state != 3,
                    seen: Vec::new(),
                    verdict: Ok(()),
                })
                .collect()
        }

        fn check(&mut self, state: &u8) -> Result<(), Broken> {
            match self.wrong {
                Some(wrong) if wrong == *state => Err(Broken {
                    property: "not that number",
                    what: wrong.to_string(),
                }),
                _ => Ok(()),
            }
        }

        fn is_end(&mut self, state: &u8) -> bool {
            *state == 4
        }
    }

    #[test]
    fn a_wrong_state_is_found_by_the_shortest_way() {
        let found = walk(&mut Counting { wrong: Some(4) });
        let (broken, way) = found.broken.expect("a counterexample");
        assert_eq!(broken.property, "not that number");
        assert_eq!(way.lines().count(), 3, "two steps and the state: {way}");
    }

    #[test]
    fn a_state_without_a_fair_way_to_an_end_is_found() {
        let found = walk(&mut Counting { wrong: None });
        assert_eq!((found.states, found.steps, found.depth), (5, 7, 2));
        let (broken, way) = found.broken.expect("a dead end");
        assert_eq!(broken.property, "every job ends");
        assert!(way.ends_with("3\n"), "{way}");
    }
}
