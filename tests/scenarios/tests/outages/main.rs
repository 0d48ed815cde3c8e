//! RabbitMQ and Redis go away, for long or with all their data.
//!
//! The tests take turns on two test beds. No service is ever started anew here: whatever was cut
//! off has to come back by itself.

mod rabbitmq;
mod redis;
mod stage;
