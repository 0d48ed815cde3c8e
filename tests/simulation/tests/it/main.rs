//! Runs of the simulation.

mod determinism;
mod regressions;
mod seeds;
