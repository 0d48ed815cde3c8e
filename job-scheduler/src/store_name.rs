//! Names the store in each answer to gateways and workers, by its identity: so they notice as well that it was wiped, fell
//! back or was replaced, and say so. Filled by the store watch.

use http::{HeaderValue, Response};
use tokio::sync::watch;
use tonic::body::Body;
use uuid::Uuid;

/// The name as far as it is known. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct StoreName(watch::Sender<Option<HeaderValue>>);

// === impl StoreName ===

impl StoreName {
    /// Not known yet.
    pub(crate) fn unknown() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The store has this identity.
    pub(crate) fn is(&self, identity: Option<Uuid>) {
        let name = identity.and_then(|it| HeaderValue::try_from(it.to_string()).ok());
        self.0.send_replace(name);
    }

    /// The answer with the name in its metadata.
    pub(crate) fn name(&self, mut answer: Response<Body>) -> Response<Body> {
        if let Some(name) = &*self.0.borrow() {
            answer.headers_mut().insert(proto::STORE, name.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_the_store_once_it_is_known() {
        let name = StoreName::unknown();
        let named = |name: &StoreName| {
            let answer = name.name(Response::new(Body::empty()));
            let header = answer.headers().get(proto::STORE);
            header.map(|it| it.to_str().expect("a UUID").to_owned())
        };
        assert_eq!(named(&name), None);
        for identity in [1, 2].map(Uuid::from_u128) {
            name.clone().is(Some(identity));
            assert_eq!(named(&name), Some(identity.to_string()));
        }
    }
}
