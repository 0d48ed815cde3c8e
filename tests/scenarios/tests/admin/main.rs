//! What operators do, on real servers, with `job-scheduler admin` as they would type it.
//!
//! One test bed with two schedulers and one worker that makes one copy at a time. The tests take turns on it; each ends
//! without drained regions, and with nothing left behind.

mod drain;
mod orphans;
mod page;
mod retry;
mod stage;
