//! What every service of the product has in common, written once: configuration, the process's life
//! from arguments to exit code, telemetry, the admin port, clocks and backoff.
//!
//! A service's `main` is a call of [`run()`] with a function from [`Context`] to a result; tests build
//! a [`Context`] of their own and call the same function.

pub mod admin;
#[cfg(feature = "admission")]
mod admission_rules;
pub mod audit;
mod backoff;
mod clock;
#[cfg(feature = "cloud")]
mod cloud;
pub mod config;
pub mod rpc;
mod run;
mod shutdown;
mod store_news;
pub mod telemetry;
pub mod tls;

#[cfg(feature = "admission")]
pub use admission_rules::admission;
pub use backoff::{Backoff, InvalidBackoff};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "cloud")]
pub use cloud::cloud;
pub use run::{Context, Service, run};
pub use store_news::StoreNews;
