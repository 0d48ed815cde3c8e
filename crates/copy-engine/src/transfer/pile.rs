//! Bytes that wait, in order, charged with the memory that they keep.
//!
//! A frame is cut from a read buffer and keeps all of it alive. One that fills most of it waits as it is, and so does any
//! while there is plenty of memory; else smaller ones are copied together, or a slow line would hold many times what it
//! has brought.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::memory::{Charge, Share};

/// What small frames are copied into.
const PIECE: usize = 256 * 1024;

/// A row of waiting bytes.
#[derive(Debug, Default)]
pub(super) struct Pile {
    pieces: VecDeque<(Bytes, Charge)>,
    /// The last piece, while it takes more.
    open: Option<(BytesMut, Charge)>,
}

/// A frame as it came.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    /// The size of what it was cut from.
    pub(super) buffer: usize,
}

// === impl Pile ===

impl Pile {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.open.is_none()
    }

    /// Takes a frame, if there is memory for it. A frame that is waited for does not stay, so it is not copied.
    pub(super) fn push(&mut self, frame: &Frame, share: &Share, is_waited_for: bool) -> bool {
        let length = frame.bytes.len();
        let stays_whole = length * 2 >= frame.buffer
            || (is_waited_for && self.is_empty())
            || share.has_plenty(frame.buffer);
        if stays_whole {
            let Some(charge) = share.charge(frame.buffer.max(length), is_waited_for) else {
                return false;
            };
            self.close();
            self.pieces.push_back((frame.bytes.clone(), charge));
            return true;
        }
        if let Some((open, _)) = &mut self.open
            && open.capacity() - open.len() >= length
        {
            open.extend_from_slice(&frame.bytes);
            return true;
        }
        let size = PIECE.max(length);
        let Some(charge) = share.charge(size, is_waited_for) else {
            return false;
        };
        self.close();
        let mut open = BytesMut::with_capacity(size);
        open.extend_from_slice(&frame.bytes);
        self.open = Some((open, charge));
        true
    }

    /// The first bytes, with what they are charged.
    pub(super) fn pop(&mut self) -> Option<(Bytes, Charge)> {
        self.pieces.pop_front().or_else(|| {
            let (open, charge) = self.open.take()?;
            Some((open.freeze(), charge))
        })
    }

    /// Puts all of another behind this one.
    pub(super) fn append(&mut self, mut other: Self) {
        self.close();
        self.pieces.append(&mut other.pieces);
        self.open = other.open;
    }

    /// The bytes, in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces.iter().map(|(bytes, _)| &bytes[..]);
        pieces.chain(self.open.iter().map(|(bytes, _)| &bytes[..]))
    }

    fn close(&mut self) {
        if let Some((open, charge)) = self.open.take() {
            self.pieces.push_back((open.freeze(), charge));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::memory::ReadAheadMemory;

    const BUFFER: usize = 1 << 20;

    fn frame(byte: u8, length: usize) -> Frame {
        Frame {
            bytes: Bytes::from(vec![byte; length]),
            buffer: BUFFER,
        }
    }

    fn share(bytes: usize) -> Share {
        ReadAheadMemory::new(bytes).share(bytes)
    }

    #[test]
    fn small_frames_share_a_piece_and_large_ones_stay_whole() {
        let share = share(BUFFER + 2 * PIECE);
        let mut pile = Pile::default();
        for byte in 1..=3 {
            assert!(pile.push(&frame(byte, 1000), &share, false));
        }
        let large = frame(4, BUFFER);
        assert!(pile.push(&large, &share, false));
        assert!(pile.push(&frame(5, 1000), &share, false));
        let (first, _) = pile.pop().expect("the small ones");
        assert_eq!(
            first,
            [vec![1; 1000], vec![2; 1000], vec![3; 1000]].concat()
        );
        let (second, _) = pile.pop().expect("the large one");
        assert_eq!(second.as_ptr(), large.bytes.as_ptr(), "not copied");
        assert_eq!(pile.pop().expect("the last").0, vec![5; 1000]);
        assert!(pile.pop().is_none() && pile.is_empty());
    }

    #[test]
    fn many_small_frames_hold_no_more_than_they_are_charged() {
        let share = share(BUFFER);
        let mut pile = Pile::default();
        let taken = (0..)
            .take_while(|_| pile.push(&frame(7, 50_000), &share, false))
            .count();
        // Five fit a piece, and four pieces the memory.
        assert_eq!(taken, 20);
        assert_eq!(
            pile.slices().map(<[u8]>::len).sum::<usize>(),
            taken * 50_000
        );
        pile.pop();
        assert!(pile.push(&frame(7, 50_000), &share, false));
    }

    #[test]
    fn nothing_is_copied_while_there_is_plenty() {
        let share = share(4 * BUFFER);
        let mut pile = Pile::default();
        let frames = [1, 2, 3].map(|byte| frame(byte, 10));
        for frame in &frames {
            assert!(pile.push(frame, &share, false));
        }
        let mut is_copied = frames.iter().map(|frame| {
            let (bytes, _) = pile.pop().expect("a piece");
            bytes.as_ptr() != frame.bytes.as_ptr()
        });
        assert!(is_copied.by_ref().take(2).all(|copied| !copied));
        assert!(is_copied.all(|copied| copied));
    }

    #[test]
    fn what_is_waited_for_goes_through_as_it_came() {
        let share = share(BUFFER);
        let mut pile = Pile::default();
        let small = frame(7, 10);
        assert!(pile.push(&small, &share, true));
        let (bytes, _) = pile.pop().expect("a piece");
        assert_eq!(bytes.as_ptr(), small.bytes.as_ptr());
    }

    #[test]
    fn a_pile_is_put_behind_another() {
        let share = share(BUFFER);
        let (mut first, mut second) = (Pile::default(), Pile::default());
        for (pile, byte) in [(&mut first, 1), (&mut second, 2)] {
            assert!(pile.push(&frame(byte, 10), &share, false));
        }
        first.append(second);
        assert!(first.push(&frame(3, 10), &share, false));
        assert_eq!(first.pop().expect("the first").0, vec![1; 10]);
        assert_eq!(
            first.pop().expect("the rest").0,
            [vec![2; 10], vec![3; 10]].concat()
        );
    }
}
