//! Memory for the payloads of small frames that come faster than their reader wakes up.
//!
//! Such frames are allocated by one thread and freed by another, and allocators let one wait for the other. So they share two
//! pieces that are filled in turns, again and again, as long as their frames are read in time. Any other frame gets memory of its
//! own: what an application keeps of a calm track keeps nothing else alive.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::budget::Budget;

/// See the module.
pub(super) struct Memory {
    /// The one that is being filled, and the one before; charged to the manager's budget.
    pieces: Option<Box<[BytesMut; 2]>>,
    budget: Arc<Budget>,
}

impl Memory {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { pieces: None, budget }
    }

    /// The reader takes frames of which many wait.
    pub(super) fn begin(&mut self) {
        if self.pieces.is_none() && self.budget.take(2 * PIECE) {
            self.pieces = Some(Box::new([(); 2].map(|()| BytesMut::with_capacity(PIECE))));
        }
    }

    /// The reader waits for a single frame, or for none any more. Frames that it keeps keep their piece.
    pub(super) fn rest(&mut self) {
        if self.pieces.take().is_some() {
            self.budget.give(2 * PIECE);
        }
    }

    /// A copy of a payload.
    pub(super) fn copy(&mut self, payload: &[u8]) -> Bytes {
        let shared = match &mut self.pieces {
            Some(pieces) if payload.len() <= PIECE / 4 => copy_into(pieces, payload),
            Some(_) | None => return Bytes::copy_from_slice(payload),
        };
        shared.unwrap_or_else(|| {
            // The reader is too far behind.
            self.rest();
            Bytes::copy_from_slice(payload)
        })
    }
}

#[inline(never)]
fn copy_into([piece, before]: &mut [BytesMut; 2], payload: &[u8]) -> Option<Bytes> {
    if !piece.try_reclaim(payload.len()) {
        std::mem::swap(piece, before);
        if !piece.try_reclaim(payload.len()) {
            return None;
        }
    }
    piece.extend_from_slice(payload);
    Some(piece.split().freeze())
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.rest();
    }
}

/// As many frames of 1 KiB as come until a reader has woken up.
const PIECE: usize = 32 << 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use std::collections::{BTreeSet, VecDeque};

    use super::*;

    fn memory(limit: usize) -> (Memory, Arc<Budget>) {
        let budget = Budget::new(limit);
        (Memory::new(Arc::clone(&budget)), budget)
    }

    #[test]
    fn memory_of_frames_that_were_read_is_used_again_and_no_other() {
        let (mut memory, _) = memory(2 * PIECE);
        memory.begin();
        let mut waiting = VecDeque::new();
        let mut places = BTreeSet::new();
        for number in 0..1000_u32 {
            let frame = memory.copy(&[number as u8; 1000]);
            places.insert(frame.as_ptr().addr());
            waiting.push_back((number, frame));
            assert!(waiting.iter().all(|(number, frame)| *frame == [*number as u8; 1000][..]));
            if waiting.len() > 20 {
                waiting.pop_front();
            }
        }
        assert_eq!(places.len(), 64, "two pieces of 32 frames");
    }

    #[test]
    fn pieces_are_charged_until_the_reader_is_slow_or_rests() {
        let (mut memory, budget) = memory(2 * PIECE);
        let calm = memory.copy(&[1; 10]);
        assert_eq!(budget.used(), 0);
        memory.begin();
        assert_eq!(budget.used(), 2 * PIECE);
        assert_eq!(memory.copy(&[1; PIECE]).len(), PIECE, "by itself");
        let held: Vec<_> = (0..64).map(|_| memory.copy(&[2; 1000])).collect();
        assert_eq!(budget.used(), 2 * PIECE);
        assert_eq!(memory.copy(&[3; 1000]), [3; 1000][..]);
        assert_eq!(budget.used(), 0, "too far behind");
        assert!(held.iter().all(|frame| *frame == [2; 1000][..]) && calm == [1; 10][..]);
        memory.begin();
        memory.rest();
        assert_eq!(budget.used(), 0);
        assert!(budget.take(1), "no room for pieces");
        memory.begin();
        assert_eq!((memory.copy(&[9; 10]), budget.used()), (Bytes::from_static(&[9; 10]), 1));
        budget.give(1);
        memory.begin();
        drop(memory);
        assert_eq!(budget.used(), 0);
    }
}
