//! The pages of the gateway, as people use them: in a real browser without a window, on real servers.
//!
//! One test bed with one worker; the tests take turns on it, each with a browser of its own, and each leaves nothing behind.
//! What the pages look like is left in `target/tmp/dashboard`.

mod administrators;
mod browser;
mod cancel;
mod copy;
mod docs;
mod endpoints;
mod keyboard;
mod looks;
mod page;
mod plans;
mod refusals;
mod stage;
mod token_end;
