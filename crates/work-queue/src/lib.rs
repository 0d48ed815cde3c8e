//! The work queue: how RabbitMQ wakes workers.
//!
//! A message is a wake-up with a hint, never a count of work and never an authority: losing,
//! doubling or forging one does no harm. The gateway publishes one for each accepted job, the
//! scheduler publishes again for work that nobody took, workers consume while they have a free slot.
//!
//! [`WorkQueue`] owns the process's one connection and rebuilds it for as long as the process lives;
//! [`Publisher`], [`Consumer`] and [`WorkQueue::ready_count`] each use a channel of their own on it,
//! so that the failure of one role's channel never disturbs another's.

mod connection;
mod consumer;
mod delivery;
mod depth;
mod encryption;
mod ends;
mod error;
mod message;
mod publisher;
mod settings;
mod subscription;
mod topology;
pub mod trace_headers;
mod work_queue;

pub use consumer::Consumer;
pub use delivery::{Delivery, DeliveryLost};
pub use ends::{Announcer, Listener};
pub use error::{PublishError, QueueError};
pub use message::{CopyJob, InvalidMessage};
pub use publisher::Publisher;
pub use settings::{InvalidSettings, Settings};
pub use topology::{Topology, UnusableRegion};
pub use work_queue::WorkQueue;
