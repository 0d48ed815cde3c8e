//! Sentinels make a replica of Redis the master, while callers ask for copies: nothing that was accepted is lost.
//!
//! One test bed with three Redis servers and three Sentinels.

mod load;
mod servers;
mod under_load;
