//! Where a request came from: the address at the other end of the connection, or, behind a front that is known, the one
//! that the front has seen.
//!
//! Invariant: what stands in `X-Forwarded-For` counts for as far as known fronts have written it; whoever is none of them may
//! write what it likes.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub IpAddr);

/// The fronts before this gateway.
#[derive(Debug, Clone)]
pub(crate) struct Fronts(Vec<IpNet>);

impl Fronts {
    /// Fronts whose addresses are in one of these networks.
    #[must_use]
    pub(crate) fn new(networks: &[IpNet]) -> Self {
        Self(networks.to_vec())
    }

    /// Where a request came from; none when its connection did not say.
    #[must_use]
    pub(crate) fn origin(&self, request: &Parts) -> Option<IpAddr> {
        let Peer(peer) = *request.extensions.get::<Peer>()?;
        Some(self.beyond(peer.to_canonical(), &request.headers))
    }

    /// From the right, for each front adds whom it has seen: the first who is none of them, or the last who can be read.
    fn beyond(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer;
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let texts = values.map(|value| value.to_str().unwrap_or_default());
        for seen in texts.flat_map(|text| text.rsplit(',')) {
            if !self.0.iter().any(|network| network.contains(&origin)) {
                break;
            }
            let Ok(address) = seen.trim().parse::<IpAddr>() else {
                break;
            };
            origin = address.to_canonical();
        }
        origin
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn origin(peer: &str, forwarded: &[&'static str]) -> String {
        let networks =
            ["10.0.0.0/8", "fd00::1/128"].map(|network| network.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let peer: IpAddr = peer.parse().expect("an address");
        let fronts = Fronts::new(&networks);
        fronts.beyond(peer.to_canonical(), &headers).to_string()
    }

    #[test]
    fn only_fronts_are_believed() {
        for (peer, forwarded, expected) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            // Two fronts, in one header and in two.
            ("10.0.0.1", &["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            // What the caller has written itself stands to the left of what the first front has seen.
            ("10.0.0.1", &["192.0.2.1, 203.0.113.7"], "203.0.113.7"),
            ("203.0.113.7", &["192.0.2.1"], "203.0.113.7"),
            ("fd00::2", &["192.0.2.1"], "fd00::2"),
            ("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["unknown, 10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(origin(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
