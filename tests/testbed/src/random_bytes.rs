//! Random bytes that a seed reproduces: incompressible like a real image, and known without being kept.

use bytes::Bytes;
use futures::{Stream, stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha512};

/// Size of the pieces in which the bytes are made.
const PIECE: u64 = 1024 * 1024;

/// `size` bytes that `seed` determines.
#[derive(Debug)]
pub struct RandomBytes {
    generator: StdRng,
    left: u64,
}

impl RandomBytes {
    /// `size` bytes that follow from `seed`.
    #[must_use]
    pub fn new(seed: u64, size: u64) -> Self {
        Self {
            generator: StdRng::seed_from_u64(seed),
            left: size,
        }
    }

    /// The bytes as a request's body.
    pub fn into_stream(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
        stream::iter(self.map(Ok))
    }

    /// SHA-512 of all bytes, in lower-case hex as Glance writes it.
    #[must_use]
    pub fn sha512(self) -> String {
        let mut hash = Sha512::new();
        for piece in self {
            hash.update(&piece);
        }
        hex(&hash.finalize())
    }
}

impl Iterator for RandomBytes {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let length = self.left.min(PIECE);
        if length == 0 {
            return None;
        }
        self.left -= length;
        // At most a mebibyte, so it fits every usize.
        let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
        self.generator.fill_bytes(&mut piece);
        Some(piece.into())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_seed_others() {
        let bytes = |seed| {
            RandomBytes::new(seed, PIECE + 17)
                .flatten()
                .collect::<Vec<u8>>()
        };
        assert_eq!(bytes(1).len(), 1024 * 1024 + 17);
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
        assert_ne!(
            RandomBytes::new(1, 5).sha512(),
            RandomBytes::new(2, 5).sha512()
        );
    }
}
