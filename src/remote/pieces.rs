//! Fragments that are ahead of their turn, by sequence number.

use crate::sorted::SortedMap;

/// See the module.
#[derive(Default)]
pub(super) struct Pieces {
    by_sequence: SortedMap<u16, Box<[u8]>>,
    bytes: usize,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.by_sequence.len()
    }

    /// Bytes of the pieces themselves.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of memory that they hold.
    pub(super) fn footprint(&self) -> usize {
        self.bytes + self.len() * PIECE
    }

    /// Keeps a copy of a piece; false when it is there already.
    pub(super) fn insert(&mut self, sequence: u16, piece: &[u8]) -> bool {
        if self.by_sequence.contains_key(&sequence) {
            return false;
        }
        self.bytes += piece.len();
        self.by_sequence.insert(sequence, piece.into());
        true
    }

    pub(super) fn retain(&mut self, keep: impl Fn(u16) -> bool) {
        self.by_sequence.retain(|sequence, _| keep(*sequence));
        self.bytes = self.by_sequence.values().map(|piece| piece.len()).sum();
    }

    /// Takes a piece out.
    pub(super) fn take(&mut self, sequence: u16) -> Option<Box<[u8]>> {
        let piece = self.by_sequence.remove(&sequence)?;
        self.bytes -= piece.len();
        Some(piece)
    }
}

/// What a piece costs besides its bytes: its place in the map and the allocator's share.
pub(super) const PIECE: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_pieces_that_are_there() {
        let mut pieces = Pieces::default();
        for sequence in 1..5 {
            assert!(pieces.insert(sequence, &vec![0; usize::from(sequence)]));
        }
        assert!(!pieces.insert(4, &[0; 100]));
        assert_eq!(pieces.bytes(), 10);
        pieces.take(2).unwrap();
        assert_eq!((pieces.bytes(), pieces.footprint()), (8, 8 + 3 * PIECE));
        pieces.retain(|sequence| sequence != 3);
        assert_eq!((pieces.bytes(), pieces.len()), (5, 2));
    }
}
