//! Limits and abuse: jobs that always fail, Glances that misbehave in every way, stores and brokers without room,
//! regions without workers. For each: what the caller sees, what the operator sees, and that it recovers.
//!
//! One test bed, on which the tests take turns. `docs/failures.md` is the operators' table of what is shown here.

mod at_the_gateway;
mod disk_full;
mod front;
mod misbehaving;
mod no_worker;
mod pausing;
mod poison;
mod rabbitmq_alarm;
mod redis_full;
mod stage;
