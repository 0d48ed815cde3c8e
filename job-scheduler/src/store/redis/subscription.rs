//! One subscription to all changes, on a connection of its own.
//!
//! Redis keeps nothing for a subscriber that is away, so the stream ends with its connection and
//! whoever reads it re-reads everything after subscribing again. It also ends when another server has become
//! the master: the old one may hold the connection for long and say nothing.

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::timeout;

use super::connection::CONNECT_DEADLINE;
use super::servers::Servers;
use crate::job_record::Owner;
use crate::store::keys::unescape;
use crate::store::{ChangeNotice, StoreError};

/// Subscribes; the stream ends when the connection is lost.
pub(super) async fn subscribe(
    servers: &Servers,
    channel: &str,
) -> Result<BoxStream<'static, ChangeNotice>, StoreError> {
    // A Redis that accepts a connection and then says nothing must not hold the subscriber for ever.
    let pubsub = timeout(CONNECT_DEADLINE, async {
        let master = servers.master().await?;
        let moves = servers.moves();
        let mut pubsub = master.get_async_pubsub().await?;
        pubsub.subscribe(channel).await?;
        Ok::<_, redis::RedisError>((pubsub, moves))
    });
    let (pubsub, mut moves) = pubsub
        .await
        .map_err(|_| StoreError::Unavailable("no subscription in time".to_owned()))?
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let messages = pubsub.into_on_message();
    let notices = messages.filter_map(|message| {
        let text: Option<String> = message.get_payload().ok();
        std::future::ready(text.as_deref().and_then(read))
    });
    let moved = async move {
        // Ends with the store, too.
        let _ = moves.changed().await;
    };
    Ok(notices.take_until(Box::pin(moved)).boxed())
}

/// `<job> <region> <tenant> <version>`, as the scripts write it.
fn read(text: &str) -> Option<ChangeNotice> {
    let mut words = text.split(' ');
    Some(ChangeNotice {
        job: words.next()?.parse().ok()?,
        owner: Owner {
            region: domain::RegionId::new(unescape(words.next()?)?),
            tenant: domain::TenantId::new(unescape(words.next()?)?),
        },
        version: words.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_read_and_nonsense_is_not() {
        let notice = read("33911588-c299-4369-a240-7e5b741cdb6a ot%201 t 12").expect("well-formed");
        assert_eq!(notice.owner.region.as_str(), "ot 1");
        assert_eq!(notice.version, 12);
        assert_eq!(read("hello"), None);
    }
}
