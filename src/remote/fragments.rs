//! The fragments of one frame, in any order of arrival, until they are the whole frame.
//!
//! ```text
//!            Start
//!  Headless ───────► Headed: a buffer that has no gap, and pieces that are ahead of it
//! ```
//! What arrives in order is appended to the buffer: one copy. What is ahead of its turn is kept apart and appended when the
//! gap closes. Nothing is ever written at an offset that a packet merely claims, so that two packets cannot make us fill
//! megabytes, and packets may be cut to any lengths.

use super::pieces::{PIECE, Pieces};
use crate::packet::{Extensions, Marker, Packet};

/// What an incomplete frame consists of so far.
pub(super) struct Fragments {
    body: Body,
    /// Sequence number of the Final.
    last: Option<u16>,
}

enum Body {
    Headless(Pieces),
    Headed(Headed),
}

struct Headed {
    first: u16,
    extensions: Extensions,
    buffer: Vec<u8>,
    /// How many fragments the buffer holds.
    count: usize,
    ahead: Pieces,
}

/// How much memory there is for a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// How long it will probably be: its buffer is begun with room for that.
    pub(super) expected: usize,
    /// What the budget has left.
    pub(super) free: usize,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is a new part of the frame.
    New,
    /// It was there before.
    Duplicate,
    /// It contradicts what is there.
    Misfit,
}

/// A frame put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) extensions: Extensions,
    pub(super) bytes: Vec<u8>,
}

impl Fragments {
    pub(super) fn new() -> Self {
        Self { body: Body::Headless(Pieces::default()), last: None }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match &self.body {
            Body::Headless(pieces) => pieces.len(),
            Body::Headed(headed) => headed.count + headed.ahead.len(),
        }
    }

    /// Bytes of memory that they hold.
    pub(super) fn footprint(&self) -> usize {
        match &self.body {
            Body::Headless(pieces) => pieces.footprint(),
            Body::Headed(headed) => headed.buffer.capacity() + headed.ahead.footprint(),
        }
    }

    /// Most bytes by which `packet` lets the footprint grow.
    pub(super) fn growth(&self, packet: &Packet<'_>, room: Room) -> usize {
        let (sequence, length) = (packet.header.sequence, packet.payload.len());
        match &self.body {
            Body::Headless(pieces) if packet.header.marker == Marker::Start => {
                room.capacity(0, length + pieces.bytes())
            }
            Body::Headed(headed) if headed.index(sequence) == headed.count => {
                let capacity = headed.buffer.capacity();
                room.capacity(capacity, headed.end_after(length)) - capacity
            }
            Body::Headless(_) | Body::Headed(_) => length + PIECE,
        }
    }

    /// True when `packet` is a Start at another place than the Start that is there: the beginning of another frame.
    pub(super) fn is_another_start(&self, packet: &Packet<'_>) -> bool {
        let Body::Headed(headed) = &self.body else { return false };
        packet.header.marker == Marker::Start && packet.header.sequence != headed.first
    }

    pub(super) fn add(&mut self, packet: &Packet<'_>, room: Room) -> Added {
        let sequence = packet.header.sequence;
        if !self.is_within(packet) {
            return Added::Misfit;
        }
        let is_new = match &mut self.body {
            Body::Headless(pieces) if packet.header.marker == Marker::Start => {
                let pieces = std::mem::take(pieces);
                self.body = Body::Headed(Headed::begin(packet, pieces, room));
                true
            }
            Body::Headless(pieces) => pieces.insert(sequence, packet.payload),
            Body::Headed(headed) => headed.add(packet, room),
        };
        if !is_new {
            return Added::Duplicate;
        }
        if packet.header.marker == Marker::Final {
            self.last = Some(sequence);
            self.pieces_mut().retain(|piece| distance(piece, sequence) < MAX_FRAGMENTS);
        }
        Added::New
    }

    /// The frame, once it is whole.
    pub(super) fn join(&mut self) -> Option<Joined> {
        let Body::Headed(headed) = &mut self.body else { return None };
        let last = self.last.filter(|last| headed.index(*last) + 1 == headed.count)?;
        let bytes = std::mem::take(&mut headed.buffer);
        Some(Joined { first: headed.first, last, extensions: headed.extensions, bytes })
    }

    fn pieces_mut(&mut self) -> &mut Pieces {
        match &mut self.body {
            Body::Headless(pieces) => pieces,
            Body::Headed(headed) => &mut headed.ahead,
        }
    }

    /// Between Start and Final, as far as they are known, and not too far from them.
    fn is_within(&self, packet: &Packet<'_>) -> bool {
        let after_first = match &self.body {
            Body::Headless(_) => true,
            Body::Headed(headed) => {
                let index = headed.index(packet.header.sequence);
                index < MAX_FRAGMENTS && (index == 0) == (packet.header.marker == Marker::Start)
            }
        };
        let before_last = self.last.is_none_or(|last| {
            let left = distance(packet.header.sequence, last);
            left < MAX_FRAGMENTS && (left == 0) == (packet.header.marker == Marker::Final)
        });
        after_first && before_last
    }
}

impl Headed {
    fn begin(start: &Packet<'_>, mut pieces: Pieces, room: Room) -> Self {
        let first = start.header.sequence;
        pieces.retain(|piece| (1..MAX_FRAGMENTS).contains(&distance(first, piece)));
        let mut headed = Self {
            first,
            extensions: start.header.extensions,
            buffer: Vec::new(),
            count: 0,
            ahead: pieces,
        };
        headed.append(start.payload, room);
        headed
    }

    /// Takes a fragment; false when it is there already.
    fn add(&mut self, packet: &Packet<'_>, room: Room) -> bool {
        let index = self.index(packet.header.sequence);
        if index == self.count {
            self.append(packet.payload, room);
            return true;
        }
        index > self.count && self.ahead.insert(packet.header.sequence, packet.payload)
    }

    /// Appends the next fragment, and the pieces that follow it.
    fn append(&mut self, payload: &[u8], room: Room) {
        let capacity = room.capacity(self.buffer.capacity(), self.end_after(payload.len()));
        self.buffer.reserve_exact(capacity - self.buffer.len());
        self.buffer.extend_from_slice(payload);
        self.count += 1;
        while let Some(piece) = self.ahead.take(self.first.wrapping_add(self.count as u16)) {
            self.buffer.extend_from_slice(&piece);
            self.count += 1;
        }
    }

    /// Where the buffer ends at most when the next fragment closes the gap.
    fn end_after(&self, length: usize) -> usize {
        self.buffer.len() + length + self.ahead.bytes()
    }

    fn index(&self, sequence: u16) -> usize {
        distance(self.first, sequence)
    }
}

impl Room {
    /// The capacity of a buffer that must hold `end` bytes: in few steps, without taking all that is free.
    fn capacity(self, capacity: usize, end: usize) -> usize {
        if end <= capacity {
            return capacity;
        }
        let step = capacity.min(self.free / 2);
        end.max(self.expected).max(capacity + step)
    }
}

/// How many packets `to` comes after `from`.
fn distance(from: u16, to: u16) -> usize {
    usize::from(to.wrapping_sub(from))
}

/// Most packets of a frame. SDKs take 128 (protocol §1.10); a quarter of the sequence numbers leaves no doubt about their order.
const MAX_FRAGMENTS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{packet::Header, track::Handle};

    const ROOM: Room = Room { expected: 0, free: 1 << 20 };

    fn packet(marker: Marker, sequence: u16, payload: &[u8]) -> Packet<'_> {
        let header = Header {
            marker,
            handle: Handle::MIN,
            sequence,
            frame_number: 0,
            timestamp: 0,
            extensions: Extensions::default(),
        };
        Packet { header, payload }
    }

    /// Adds, and holds what was foretold against what came.
    fn add(fragments: &mut Fragments, marker: Marker, sequence: u16, payload: &[u8]) -> Added {
        let packet = packet(marker, sequence, payload);
        let most = fragments.footprint() + fragments.growth(&packet, ROOM);
        let added = fragments.add(&packet, ROOM);
        assert!(fragments.footprint() <= most);
        added
    }

    #[test]
    fn any_order_across_the_wrap_makes_the_frame() {
        let parts: [(Marker, u16, &[u8]); 4] = [
            (Marker::Start, 65_534, b"ab"),
            (Marker::Inter, 65_535, b""),
            (Marker::Inter, 0, b"cdefg"),
            (Marker::Final, 1, b"h"),
        ];
        for first in 0..4 {
            for step in [1, 3] {
                let mut fragments = Fragments::new();
                for at in 0..4 {
                    assert_eq!(fragments.join(), None);
                    let (marker, sequence, payload) = parts[(first + at * step) % 4];
                    assert_eq!(add(&mut fragments, marker, sequence, payload), Added::New);
                    assert_eq!(add(&mut fragments, marker, sequence, payload), Added::Duplicate);
                }
                let joined = fragments.join().unwrap();
                assert_eq!(
                    (joined.first, joined.last, &*joined.bytes),
                    (65_534, 1, &b"abcdefgh"[..])
                );
            }
        }
    }

    #[test]
    fn what_contradicts_start_or_final_is_no_part() {
        let mut fragments = Fragments::new();
        assert_eq!(add(&mut fragments, Marker::Inter, 12, b"x"), Added::New);
        assert_eq!(add(&mut fragments, Marker::Inter, 99, b"beyond the final"), Added::New);
        assert_eq!(add(&mut fragments, Marker::Final, 13, b"y"), Added::New);
        assert_eq!(fragments.count(), 2);
        assert_eq!(add(&mut fragments, Marker::Inter, 14, b"x"), Added::Misfit);
        assert_eq!(add(&mut fragments, Marker::Final, 15, b"x"), Added::Misfit);
        assert_eq!(add(&mut fragments, Marker::Final, 11, b"x"), Added::Misfit);
        assert_eq!(add(&mut fragments, Marker::Inter, 3, b"before the start"), Added::New);
        assert_eq!(add(&mut fragments, Marker::Start, 11, b"w"), Added::New);
        assert_eq!(fragments.count(), 3, "what came before the start is none of it");
        assert_eq!(add(&mut fragments, Marker::Inter, 10, b"x"), Added::Misfit);
        assert!(fragments.is_another_start(&packet(Marker::Start, 10, b"")));
        assert_eq!(fragments.join().unwrap().bytes, b"wxy");
    }

    #[test]
    fn a_far_claim_costs_no_more_than_its_packet() {
        let mut fragments = Fragments::new();
        add(&mut fragments, Marker::Start, 0, &[0; 1000]);
        add(&mut fragments, Marker::Final, 16_000, &[0; 1000]);
        assert_eq!(fragments.footprint(), 2_000 + PIECE);
        assert_eq!(add(&mut fragments, Marker::Inter, 16_384, b""), Added::Misfit);
    }

    #[test]
    fn a_buffer_begins_as_large_as_expected() {
        let room = Room { expected: 5_000, free: 1 << 20 };
        let mut fragments = Fragments::new();
        fragments.add(&packet(Marker::Start, 0, &[0; 1000]), room);
        assert_eq!(fragments.footprint(), 5_000);
    }
}
