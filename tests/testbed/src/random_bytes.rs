//! Random bytes that a seed reproduces: incompressible like a real image, and known without being kept.
//!
//! Random numbers are made for one piece only, for in an unoptimised build they are slow. Each further piece is that
//! one, rotated and stamped with its number, so no two places of an image are alike: bytes that are lost, doubled
//! or swapped change the hash.

use bytes::Bytes;
use futures::{Stream, stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha512};

/// Size of the pieces in which the bytes are made.
const PIECE: usize = 1024 * 1024;

/// Distance between two stamps, as large as a page.
const PAGE: usize = 4096;

/// By how much each piece is rotated against the one before; odd, so that no rotation comes twice.
const TURN: usize = 4099;

/// `size` bytes that `seed` determines.
#[derive(Debug)]
pub struct RandomBytes {
    first: Vec<u8>,
    number: u64,
    left: u64,
}

impl RandomBytes {
    /// `size` bytes that follow from `seed`.
    #[must_use]
    pub fn new(seed: u64, size: u64) -> Self {
        let mut first = vec![0; PIECE];
        StdRng::seed_from_u64(seed).fill_bytes(&mut first);
        Self {
            first,
            number: 0,
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
        let length = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        if length == 0 {
            return None;
        }
        let mut piece = self.first.clone();
        piece.rotate_left(
            usize::try_from(self.number)
                .unwrap_or_default()
                .wrapping_mul(TURN)
                % PIECE,
        );
        for page in piece.chunks_exact_mut(PAGE) {
            // Mixed in, not written over: an image smaller than a stamp is random too.
            for (byte, stamp) in page.iter_mut().zip(self.number.to_le_bytes()) {
                *byte ^= stamp;
            }
        }
        piece.truncate(length);
        self.number += 1;
        self.left -= length as u64;
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
            RandomBytes::new(seed, 1024 * 1024 + 17)
                .collect::<Vec<_>>()
                .concat()
        };
        assert_eq!(bytes(1).len(), 1024 * 1024 + 17);
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
        assert_ne!(
            RandomBytes::new(1, 5).sha512(),
            RandomBytes::new(2, 5).sha512()
        );
    }

    #[test]
    fn no_piece_is_like_another() {
        let pieces: Vec<Bytes> = RandomBytes::new(1, 8 * 1024 * 1024).collect();
        for (number, piece) in pieces.iter().enumerate() {
            assert!(!pieces[number + 1..].contains(piece));
        }
    }
}
