//! Chance from a seed: the same seed gives the same SIDs and the same faults.

use crate::random::Random;

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, good enough for simulations; not for keys.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True once in `1 / probability` times.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        const RANGE: f64 = (1_u64 << 53) as f64;
        probability > 0.0 && ((self.next_u64() >> 11) as f64) < probability * RANGE
    }

    /// A number from 0 to `most`.
    pub(super) fn up_to(&mut self, most: u32) -> u32 {
        let range = u64::from(most) + 1;
        // The bias of a remainder of 64 bits by 33 is far below what any test here could see.
        u32::try_from(self.next_u64() % range).unwrap_or(most)
    }

    /// A SID: `prefix` and 12 characters (protocol §3.1).
    pub(super) fn sid(&mut self, prefix: &str) -> String {
        let last = u32::try_from(SID_ALPHABET.len()).map_or(0, |length| length - 1);
        let characters =
            (0..12).filter_map(|_| SID_ALPHABET.chars().nth(self.up_to(last) as usize));
        prefix.chars().chain(characters).collect()
    }
}

impl Random for Chance {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next_u64().to_be_bytes()) {
                *byte = random;
            }
        }
    }
}

/// Base 57: letters and digits that are not mistaken for each other, as the server's.
const SID_ALPHABET: &str = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
