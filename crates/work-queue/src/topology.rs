//! Every queue and every argument, and why it is so. There are no exchanges of our own: the default
//! exchange routes by queue name, and what does not exist cannot be missing or bound wrongly.
//!
//! Invariant: a name never changes its arguments. RabbitMQ answers a declaration with other arguments
//! by closing the channel, so during an upgrade old and new processes would fight. Whoever changes an
//! argument gives the queue a new name (`<prefix>.v2.<region>`) and lets the old one run dry.

use domain::RegionId;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Queue};

use crate::error::QueueError;
use crate::settings::InvalidSettings;

/// The longest name that AMQP can carry.
const LONGEST_NAME: usize = 255;
/// Leaves room for the name of a region.
const LONGEST_PREFIX: usize = 100;
/// Enough to see what arrives, too little to fill a disk.
const DEAD_LETTERS_KEPT: i32 = 10_000;
/// A week: somebody has looked by then, or never will.
const DEAD_LETTER_AGE_MILLISECONDS: i32 = 7 * 24 * 60 * 60 * 1000;

/// More than any message can come to.
const DELIVERIES_WITHOUT_LIMIT: i32 = i32::MAX;

/// Last part of the dead-letter queue's name, which no region may take.
const DEAD_LETTER: &str = "dead-letter";

/// A region that no queue can be named after.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no queue can be named after region `{region}`: the name is taken or beyond {LONGEST_NAME} bytes"
)]
pub struct UnusableRegion {
    region: RegionId,
}

/// The names of all queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
}

impl Topology {
    /// The queues under `prefix`.
    ///
    /// # Errors
    /// [`InvalidSettings::Prefix`] when no region's name would fit behind it.
    pub fn new(prefix: &str) -> Result<Self, InvalidSettings> {
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX {
            return Err(InvalidSettings::Prefix {
                longest: LONGEST_PREFIX,
            });
        }
        Ok(Self {
            prefix: prefix.to_owned(),
        })
    }

    /// The queue that workers in `region` are woken through: `<prefix>.<region>`.
    ///
    /// # Errors
    /// [`UnusableRegion`] when AMQP cannot carry the name or it is the dead-letter queue's.
    pub fn work_queue(&self, region: &RegionId) -> Result<String, UnusableRegion> {
        let name = format!("{}.{region}", self.prefix);
        if name.len() > LONGEST_NAME || region.as_str() == DEAD_LETTER {
            return Err(UnusableRegion {
                region: region.clone(),
            });
        }
        Ok(name)
    }

    /// The queue of what could not be parsed: `<prefix>.dead-letter`.
    #[must_use]
    pub fn dead_letter_queue(&self) -> String {
        format!("{}.{DEAD_LETTER}", self.prefix)
    }

    /// Declares a region's queue and the one that its refused messages go to. Safe to repeat.
    pub(crate) async fn declare(
        &self,
        channel: &Channel,
        region: &RegionId,
    ) -> Result<Queue, QueueError> {
        let work_queue = self.work_queue(region)?;
        declare_durable(channel, &self.dead_letter_queue(), dead_letter_arguments()).await?;
        declare_durable(channel, &work_queue, self.work_arguments()).await
    }

    fn work_arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        // Replicated and fsynced: a wake-up survives the loss of a broker node. Losing one would cost
        // a ticket period, not a job.
        arguments.insert("x-queue-type".into(), text("quorum"));
        // A worker refuses (without requeue) only what it cannot parse. The default exchange takes it
        // to the queue that the routing key names.
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert(
            "x-dead-letter-routing-key".into(),
            text(&self.dead_letter_queue()),
        );
        // A full worker requeues what was on its way, as often as it takes; good messages must not die
        // of it. RabbitMQ 4 has a default limit of 20. Its word for none, -1, is taken by 3.10 for a limit
        // that the first requeue exceeds; a limit out of reach means the same to all of them.
        arguments.insert(
            "x-delivery-limit".into(),
            AMQPValue::LongInt(DELIVERIES_WITHOUT_LIMIT),
        );
        // Deliberately absent:
        // - `x-consumer-timeout`: nothing is held while a copy runs, so the broker's own timeout (30
        //   minutes unless configured) never comes near.
        // - length and age limits: the scheduler publishes at most as many messages as work waits.
        arguments
    }
}

fn dead_letter_arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    // The oldest go first: a flood of garbage shows its latest kind and never fills the disk.
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(DEAD_LETTERS_KEPT));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments.insert(
        "x-message-ttl".into(),
        AMQPValue::LongInt(DEAD_LETTER_AGE_MILLISECONDS),
    );
    arguments
}

async fn declare_durable(
    channel: &Channel,
    name: &str,
    arguments: FieldTable,
) -> Result<Queue, QueueError> {
    let options = QueueDeclareOptions {
        passive: false,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
    };
    let queue = channel
        .queue_declare(ShortString::from(name), options, arguments)
        .await?;
    Ok(queue)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology() -> Topology {
        Topology::new("copy").expect("a good prefix")
    }

    #[test]
    fn names_follow_the_region_and_never_meet_the_dead_letters() {
        let region = RegionId::new("ot2");
        assert_eq!(topology().work_queue(&region).as_deref(), Ok("copy.ot2"));
        assert_eq!(topology().dead_letter_queue(), "copy.dead-letter");
        let taken = RegionId::new("dead-letter");
        assert!(topology().work_queue(&taken).is_err());
    }

    #[test]
    fn names_that_amqp_cannot_carry_are_refused() {
        let region = RegionId::new("r".repeat(251));
        assert!(topology().work_queue(&region).is_err());
        assert!(Topology::new("").is_err());
        assert!(Topology::new(&"p".repeat(101)).is_err());
    }

    /// A change here needs a new queue name: see the head of this file.
    #[test]
    fn arguments_are_frozen_under_their_names() {
        let names = |arguments: &FieldTable| -> Vec<String> {
            arguments.inner().keys().map(ToString::to_string).collect()
        };
        assert_eq!(
            names(&topology().work_arguments()),
            [
                "x-dead-letter-exchange",
                "x-dead-letter-routing-key",
                "x-delivery-limit",
                "x-queue-type"
            ]
        );
        assert_eq!(
            names(&dead_letter_arguments()),
            [
                "x-max-length",
                "x-message-ttl",
                "x-overflow",
                "x-queue-type"
            ]
        );
    }
}
