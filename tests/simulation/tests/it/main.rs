//! Runs of the simulation.

mod determinism;
mod flaws;
mod regressions;
mod seeds;
