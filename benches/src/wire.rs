//! What is sent: payloads, and the packets of a frame under the numbers of later frames, as a publisher would go on.

use bytes::Bytes;

/// Gives the same frame again and again, on one track after the other, each time numbered as the track's next.
pub(crate) struct Sequel {
    packets: Vec<Bytes>,
    tracks: u64,
    frames: u64,
}

impl Sequel {
    pub(crate) fn new(packets: Vec<Bytes>, tracks: u64) -> Self {
        Self { packets, tracks, frames: 0 }
    }

    /// The next frames. Each packet's buffer is shared already, so that handing it on costs no allocation.
    pub(crate) fn frames(&mut self, count: usize) -> Vec<Vec<Bytes>> {
        (0..count).map(|_| self.frame()).collect()
    }

    /// So many frames, made whole: each track gets as many.
    pub(crate) fn whole_turns(&self, frames: usize) -> u64 {
        (frames as u64).clamp(1, 256).next_multiple_of(self.tracks)
    }

    fn frame(&mut self) -> Vec<Bytes> {
        let (handle, frame) = (1 + self.frames % self.tracks, self.frames / self.tracks);
        let first = frame * self.packets.len() as u64;
        self.frames += 1;
        (first..)
            .zip(&self.packets)
            .map(|(sequence, packet)| {
                let mut packet = packet.to_vec();
                for (place, number) in [(HANDLE, handle), (SEQUENCE, sequence), (FRAME, frame)] {
                    packet[place].copy_from_slice(&(number as u16).to_be_bytes());
                }
                let packet = Bytes::from(packet);
                drop(packet.clone());
                packet
            })
            .collect()
    }
}

/// A payload that no copy of a part of it resembles.
pub(crate) fn payload(size: usize) -> Bytes {
    let mut chance = Chance::new();
    std::iter::repeat_with(|| chance.below(256) as u8).take(size).collect()
}

/// The same chance in every run (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

// Where the numbers stand in a packet (protocol §1).
const HANDLE: std::ops::Range<usize> = 2..4;
const SEQUENCE: std::ops::Range<usize> = 4..6;
const FRAME: std::ops::Range<usize> = 6..8;
