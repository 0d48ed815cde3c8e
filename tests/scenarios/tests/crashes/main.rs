//! Schedulers, workers and gateways that crash, freeze or are told to end while copies run.
//!
//! One test bed with two schedulers and three workers, all of its times shortened. The tests take
//! turns on it, for each of them breaks something; each ends with everything running and nothing
//! left behind.

mod cancels;
mod clocks;
mod crowd;
mod gateways;
mod schedulers;
mod stage;
mod takeovers;
mod workers;
