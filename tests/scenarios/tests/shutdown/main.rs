//! Processes that are told to end in the middle of their work, alone and one after the other.
//!
//! One test bed, on which the tests take turns. What a single service does when it drains is shown by
//! `messages/drain.rs`; that a copy which can't end in time is handed back, by `crashes/workers.rs`.

mod hand_back;
mod load;
mod rolling;
mod stage;
