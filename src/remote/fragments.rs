//! The fragments of one frame, in any order of arrival, until they are the whole frame.
//!
//! Every sender known fills all packets of a frame but the last to the same length, the stride. So the fragment with index `i`
//! (its distance from the Start) belongs at `i × stride`, and is written there when it arrives: one copy, one buffer. What
//! comes before its Start, or from a sender that cuts otherwise, is kept piece by piece and put together at the end.
//!
//! ```text
//!            Start                      another length
//!  Headless ───────► Even ─────────────────────────────► Uneven
//!      └──────────── pieces of several lengths ────────────┘
//! ```

use std::collections::BTreeMap;

use crate::packet::{Extensions, Marker, Packet};

/// What an incomplete frame consists of so far.
pub(super) struct Fragments {
    body: Body,
    /// Sequence number of the Final.
    last: Option<u16>,
    count: usize,
}

enum Body {
    Headless(Pieces),
    Even { start: Start, stride: usize, buffer: Vec<u8>, seen: Bits },
    Uneven { start: Start, pieces: Pieces },
}

#[derive(Clone, Copy)]
struct Start {
    sequence: u16,
    extensions: Extensions,
}

/// By sequence number.
type Pieces = BTreeMap<u16, Vec<u8>>;

/// How much memory there is for a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// How long it will probably be: its buffer is begun with room for that.
    pub(super) expected: usize,
    /// What the budget has left.
    pub(super) free: usize,
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
pub(super) struct Joined {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) extensions: Extensions,
    pub(super) bytes: Vec<u8>,
}

impl Fragments {
    pub(super) fn new() -> Self {
        Self { body: Body::Headless(Pieces::new()), last: None, count: 0 }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of memory that they hold.
    pub(super) fn footprint(&self) -> usize {
        match &self.body {
            Body::Headless(pieces) | Body::Uneven { pieces, .. } => footprint(pieces),
            Body::Even { buffer, seen, .. } => buffer.capacity() + seen.footprint(),
        }
    }

    /// Most bytes by which `packet` lets the footprint grow.
    pub(super) fn growth(&self, packet: &Packet<'_>, room: Room) -> usize {
        let length = packet.payload.len();
        match &self.body {
            Body::Headless(_) if packet.header.marker == Marker::Start => {
                self.reach(packet).max(room.expected) + PIECE
            }
            Body::Even { start, stride, buffer, seen } if is_even(packet, *stride) => {
                let index = index(start.sequence, packet.header.sequence);
                let capacity = room.capacity(buffer.capacity(), index * stride + length);
                capacity - buffer.capacity() + seen.growth(index)
            }
            Body::Even { .. } => length + PIECE * (self.count + 1),
            Body::Headless(_) | Body::Uneven { .. } => length + PIECE,
        }
    }

    /// True when `packet` is a Start at another place than the Start that is there: the beginning of another frame.
    pub(super) fn is_another_start(&self, packet: &Packet<'_>) -> bool {
        packet.header.marker == Marker::Start
            && self.start().is_some_and(|start| start.sequence != packet.header.sequence)
    }

    pub(super) fn add(&mut self, packet: &Packet<'_>, room: Room) -> Added {
        if !self.is_within(packet) {
            return Added::Misfit;
        }
        let added = match packet.header.marker {
            Marker::Start => self.begin(packet, room),
            Marker::Single | Marker::Inter | Marker::Final => self.put(packet, room),
        };
        if added == Added::New {
            self.count += 1;
            if packet.header.marker == Marker::Final {
                self.last = Some(packet.header.sequence);
                self.forget_pieces_behind(packet.header.sequence);
            }
        }
        added
    }

    /// The frame, once it is whole.
    pub(super) fn join(&mut self) -> Option<Joined> {
        let (start, last) = (self.start()?, self.last?);
        if self.count != index(start.sequence, last) + 1 {
            return None;
        }
        let bytes = match &mut self.body {
            Body::Headless(_) => return None,
            Body::Even { buffer, .. } => std::mem::take(buffer),
            Body::Uneven { pieces, .. } => concat(start.sequence, pieces),
        };
        Some(Joined { first: start.sequence, last, extensions: start.extensions, bytes })
    }

    fn start(&self) -> Option<Start> {
        match &self.body {
            Body::Headless(_) => None,
            Body::Even { start, .. } | Body::Uneven { start, .. } => Some(*start),
        }
    }

    /// Between Start and Final, as far as they are known, and not too far from them.
    fn is_within(&self, packet: &Packet<'_>) -> bool {
        let sequence = packet.header.sequence;
        let is_final = packet.header.marker == Marker::Final;
        let after_start = self.start().is_none_or(|start| {
            let index = index(start.sequence, sequence);
            index < MAX_FRAGMENTS && (index > 0 || packet.header.marker == Marker::Start)
        });
        let before_last = self.last.is_none_or(|last| {
            let before = index(sequence, last);
            before < MAX_FRAGMENTS && (before > 0) != is_final
        });
        after_start && before_last
    }

    fn begin(&mut self, packet: &Packet<'_>, room: Room) -> Added {
        let reach = self.reach(packet);
        let Body::Headless(pieces) = &mut self.body else { return Added::Duplicate };
        let start =
            Start { sequence: packet.header.sequence, extensions: packet.header.extensions };
        let mut pieces = std::mem::take(pieces);
        pieces.retain(|sequence, _| (1..MAX_FRAGMENTS).contains(&index(start.sequence, *sequence)));
        self.count = pieces.len();
        let stride = packet.payload.len();
        if !self.are_even(&pieces, stride) {
            pieces.insert(start.sequence, packet.payload.to_vec());
            self.body = Body::Uneven { start, pieces };
            return Added::New;
        }
        let mut buffer = Vec::with_capacity(room.expected.max(reach));
        let mut seen = Bits::default();
        write(&mut buffer, 0, packet.payload);
        seen.insert(0);
        for (sequence, piece) in pieces {
            let index = index(start.sequence, sequence);
            write(&mut buffer, index * stride, &piece);
            seen.insert(index);
        }
        self.body = Body::Even { start, stride, buffer, seen };
        Added::New
    }

    /// Where the last of the pieces at hand would end if they were as long as this Start.
    fn reach(&self, start: &Packet<'_>) -> usize {
        let Body::Headless(pieces) = &self.body else { return 0 };
        let indices = pieces.keys().map(|sequence| index(start.header.sequence, *sequence));
        let farthest = indices.filter(|index| *index < MAX_FRAGMENTS).max().unwrap_or(0);
        (farthest + 1) * start.payload.len()
    }

    fn are_even(&self, pieces: &Pieces, stride: usize) -> bool {
        stride > 0
            && pieces.iter().all(|(sequence, piece)| match self.last == Some(*sequence) {
                true => piece.len() <= stride,
                false => piece.len() == stride,
            })
    }

    fn put(&mut self, packet: &Packet<'_>, room: Room) -> Added {
        match &mut self.body {
            Body::Headless(pieces) | Body::Uneven { pieces, .. } => put_piece(pieces, packet),
            Body::Even { start, stride, buffer, seen } => {
                let index = index(start.sequence, packet.header.sequence);
                let offset = index * *stride;
                if seen.has(index) {
                    return Added::Duplicate;
                }
                let cuts_short = packet.header.marker == Marker::Final && offset < buffer.len();
                if cuts_short || !is_even(packet, *stride) {
                    return self.put_uneven(packet, room);
                }
                let capacity = room.capacity(buffer.capacity(), offset + packet.payload.len());
                buffer.reserve_exact(capacity - buffer.len());
                write(buffer, offset, packet.payload);
                seen.insert(index);
                Added::New
            }
        }
    }

    /// A fragment of another length: from here on the pieces are kept one by one.
    fn put_uneven(&mut self, packet: &Packet<'_>, room: Room) -> Added {
        if let Body::Even { start, stride, buffer, seen } = &self.body {
            let piece_at = |index: usize| {
                let rest = buffer.get(index * stride..).unwrap_or_default();
                rest.get(..*stride).unwrap_or(rest).to_vec()
            };
            let indices = (0..=buffer.len() / stride).filter(|index| seen.has(*index));
            let pieces = indices
                .map(|index| (start.sequence.wrapping_add(index as u16), piece_at(index)))
                .collect();
            self.body = Body::Uneven { start: *start, pieces };
        }
        self.put(packet, room)
    }

    fn forget_pieces_behind(&mut self, last: u16) {
        match &mut self.body {
            Body::Headless(pieces) | Body::Uneven { pieces, .. } => {
                pieces.retain(|sequence, _| index(*sequence, last) < MAX_FRAGMENTS);
                self.count = pieces.len();
            }
            Body::Even { .. } => {}
        }
    }
}

fn put_piece(pieces: &mut Pieces, packet: &Packet<'_>) -> Added {
    if pieces.contains_key(&packet.header.sequence) {
        return Added::Duplicate;
    }
    pieces.insert(packet.header.sequence, packet.payload.to_vec());
    Added::New
}

/// How many packets `sequence` comes after `start`.
fn index(start: u16, sequence: u16) -> usize {
    usize::from(sequence.wrapping_sub(start))
}

/// True when `packet` has the length that its place in a buffer of this stride asks for.
fn is_even(packet: &Packet<'_>, stride: usize) -> bool {
    let length = packet.payload.len();
    length == stride || packet.header.marker == Marker::Final && length < stride
}

/// Puts `bytes` at `offset`; what is missing before them is filled in later.
fn write(buffer: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if offset > buffer.len() {
        buffer.resize(offset, 0);
    }
    match buffer.get_mut(offset..offset + bytes.len()) {
        Some(place) => place.copy_from_slice(bytes),
        None => {
            buffer.truncate(offset);
            buffer.extend_from_slice(bytes);
        }
    }
}

fn concat(start: u16, pieces: &Pieces) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pieces.values().map(Vec::len).sum());
    let (before_wrap, after_wrap) = (pieces.range(start..), pieces.range(..start));
    before_wrap.chain(after_wrap).for_each(|(_, piece)| bytes.extend_from_slice(piece));
    bytes
}

fn footprint(pieces: &Pieces) -> usize {
    pieces.values().map(|piece| piece.capacity() + PIECE).sum()
}

/// A set of indices: the first 128, as many as SDKs put into a frame, without an allocation.
#[derive(Default)]
struct Bits {
    low: u128,
    high: Vec<u64>,
}

impl Bits {
    fn has(&self, index: usize) -> bool {
        match index.checked_sub(LOW_BITS) {
            None => self.low & (1 << index) != 0,
            Some(index) => {
                self.high.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
            }
        }
    }

    fn insert(&mut self, index: usize) {
        let Some(index) = index.checked_sub(LOW_BITS) else {
            self.low |= 1 << index;
            return;
        };
        if self.high.len() <= index / 64 {
            self.high.resize(index / 64 + 1, 0);
        }
        if let Some(word) = self.high.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    fn footprint(&self) -> usize {
        self.high.capacity() * size_of::<u64>()
    }

    /// Vectors grow by doubling.
    fn growth(&self, index: usize) -> usize {
        let words = index.checked_sub(LOW_BITS).map_or(0, |index| index / 64 + 1);
        if words <= self.high.capacity() { 0 } else { 2 * words * size_of::<u64>() + 64 }
    }
}

const LOW_BITS: usize = 128;

/// What a piece costs besides its bytes: its place in the map and the allocator's share.
const PIECE: usize = 96;

/// Most packets of a frame. SDKs take 128 (protocol §1.10); a quarter of the sequence numbers leaves no doubt about their order.
const MAX_FRAGMENTS: usize = 1 << 14;
