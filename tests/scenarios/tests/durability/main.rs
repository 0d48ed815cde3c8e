//! What is accepted outlives the loss of whatever may be lost; and when Redis is such that it would not, or did not, the
//! service says so.
//!
//! Test beds with one Redis each, on which the tests take turns. What happens to several is in `failover`.

mod doubt;
mod failed;
mod kills;
mod stage;
mod wiped;
