//! What can go wrong between this process and RabbitMQ.

use std::time::Duration;

use crate::settings::InvalidSettings;
use crate::topology::UnusableRegion;

/// A request to RabbitMQ that failed. Trying again later is always allowed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The work queue of this process was shut down.
    #[error("the work queue is shut down")]
    ShutDown,
    /// There is no connection and none came within half a second.
    #[error("rabbitmq is not connected")]
    NotConnected,
    /// The broker has said that it takes no messages: its memory or its disk is full.
    #[error("rabbitmq takes no messages for now")]
    Blocked,
    /// The broker did not answer in time.
    #[error("rabbitmq did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The connection or the channel broke, or the broker refused.
    #[error("rabbitmq refused or went away")]
    Broker(#[from] lapin::Error),
    /// The broker ended the subscription, for example because the queue was deleted.
    #[error("rabbitmq ended the subscription")]
    SubscriptionEnded,
    /// What was changed since the start cannot be used.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// No queue can be named after the region.
    #[error(transparent)]
    Region(#[from] UnusableRegion),
}

impl QueueError {
    /// The error with its cause, in one line, for a log.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Broker(cause) => format!("{self}: {cause}"),
            Self::ShutDown
            | Self::NotConnected
            | Self::Blocked
            | Self::NoAnswer(_)
            | Self::SubscriptionEnded
            | Self::Settings(_)
            | Self::Region(_) => self.to_string(),
        }
    }
}

/// A message that is not known to be stored by RabbitMQ. It may be there all the same; publishing it
/// again is harmless.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No confirmation came in time.
    #[error("rabbitmq did not confirm the message within {0:?}")]
    Unconfirmed(Duration),
    /// The broker said that it did not take the message.
    #[error("rabbitmq refused the message")]
    Refused,
    /// The message had no queue to go to, also after the queue was declared.
    #[error("rabbitmq has no queue for the message")]
    Unroutable,
    /// There is no connection, or the channel broke or could not be opened.
    #[error(transparent)]
    Queue(QueueError),
}

impl PublishError {
    /// In a word or two, for a trace.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Refused => "refused",
            Self::Unroutable => "unroutable",
            Self::Queue(_) => "queue",
        }
    }
}

impl<E: Into<QueueError>> From<E> for PublishError {
    fn from(error: E) -> Self {
        Self::Queue(error.into())
    }
}
