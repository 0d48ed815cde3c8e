//! Schedulers, workers and gateways that crash, freeze or are told to end while copies run.
//!
//! Test beds with two schedulers and three workers, all of their times shortened. The tests take
//! turns on them, for each of them breaks something; each ends with everything running and nothing
//! left behind.

mod cancels;
mod clocks;
mod crowd;
mod gateways;
mod schedulers;
mod stage;
mod takeovers;
mod workers;
