//! The whole gateway, started as the binary starts it, over real sockets: only Keystone, Glance and
//! the scheduler are doubles, because the real ones cannot be made to fail, hang or lose an answer at
//! a chosen moment. RabbitMQ is away in all of these tests: nothing here may depend on it.

mod cloud;
mod gateway;
mod jobs;
mod plan_table;
mod scheduler;

mod audit;
mod authentication;
mod copying;
mod dashboard;
mod events;
mod idempotency;
mod images;
mod listing;
mod plans;
mod policy;
mod surroundings;
mod trouble;
