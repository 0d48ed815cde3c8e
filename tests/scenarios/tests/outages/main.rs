//! RabbitMQ and Redis go away, for long or with all their data.
//!
//! One test bed, on which the tests take turns. No service is ever started anew here: whatever was cut
//! off has to come back by itself.

mod rabbitmq;
mod redis;
mod stage;
