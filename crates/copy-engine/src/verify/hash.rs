//! Hashes that the worker computes itself, for the images where both sides' Glances do not already
//! agree on one. It costs several times the copy, so only [`super`] decides when.

use md5::Md5;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The algorithms that can be computed here; Glance's default is `sha512`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash in the making.
#[derive(Debug, Clone)]
pub(crate) enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Box<Sha512>),
}

/// What was computed of a source that has no multihash, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamedHashes {
    pub(crate) md5: String,
    pub(crate) sha512: String,
}

/// Both hashes of a stream in the making.
#[derive(Debug, Clone)]
pub(crate) struct StreamHasher {
    md5: Hasher,
    sha512: Hasher,
}

// === impl Algorithm ===

impl Algorithm {
    /// Reads a name as Glance (Python's hashlib) writes it; none for one that is not known here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "md5" => Some(Self::Md5),
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(crate) fn hasher(self) -> Hasher {
        match self {
            Self::Md5 => Hasher::Md5(Md5::new()),
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha384 => Hasher::Sha384(Sha384::new()),
            Self::Sha512 => Hasher::Sha512(Box::new(Sha512::new())),
        }
    }
}

// === impl Hasher ===

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The hash in lower-case hex.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Md5(hash) => hex(&hash.finalize()),
            Self::Sha256(hash) => hex(&hash.finalize()),
            Self::Sha384(hash) => hex(&hash.finalize()),
            Self::Sha512(hash) => hex(&hash.finalize()),
        }
    }
}

// === impl StreamHasher ===

impl StreamHasher {
    pub(crate) fn new() -> Self {
        Self {
            md5: Algorithm::Md5.hasher(),
            sha512: Algorithm::Sha512.hasher(),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha512.update(bytes);
    }

    pub(crate) fn finish(self) -> StreamedHashes {
        StreamedHashes {
            md5: self.md5.finish(),
            sha512: self.sha512.finish(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of RFC 1321 A.5 (md5) and FIPS 180-2 (sha2) for "abc".
    #[test]
    fn hashes_agree_with_their_standards() {
        for (name, expected) in [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "sha256",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "SHA512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let mut hasher = Algorithm::named(name).expect("known").hasher();
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish(), expected, "{name}");
        }
        assert_eq!(Algorithm::named("blake2b"), None);
    }
}
