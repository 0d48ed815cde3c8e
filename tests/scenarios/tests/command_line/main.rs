//! `image-replicator`, the command line, as people and scripts run it: the real program on real servers, in a real terminal
//! where it behaves otherwise there.
//!
//! One test bed with one worker; the tests take turns on it, and each leaves nothing behind.

mod copies;
mod direct;
mod man_pages;
mod plan_times;
mod plans;
mod refusals;
mod stage;
mod terminal;
mod token;
mod wishes;
