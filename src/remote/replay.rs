//! Sealed frames that were opened lately, so that none is taken for new when it is sent again under other numbers.
//!
//! Headers are not authenticated, an IV is: a frame opens under its own only, and no honest sender uses one twice. What a
//! provider of the application's does with IVs is its own affair, so its frames are told apart by their contents too. Only
//! frames that opened are kept, so that nobody without the key can put one in. Never forgets between subscriptions, but knows
//! the last [`WINDOW`] only.

use crate::packet::Encryption;

/// See the module. Empty, it has no buffer.
#[derive(Default)]
pub(super) struct Opened(Vec<Mark>);

/// What tells a sealed frame from others: the IV or a hash. Not the key index, which is not authenticated either: a ring may have
/// the same key under several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark([u8; 12]);

impl Mark {
    /// Of a frame that our own cipher opens.
    pub(crate) fn of_iv(encryption: &Encryption) -> Self {
        Self(encryption.iv)
    }

    /// Of a frame that a provider of the application's opens.
    pub(crate) fn of_contents(encryption: &Encryption, sealed: &[u8]) -> Self {
        let mut iv = encryption.iv;
        iv.iter_mut().zip(digest(sealed).to_ne_bytes()).for_each(|(byte, other)| *byte ^= other);
        Self(iv)
    }
}

/// FNV-1a, of words instead of bytes: tells honest frames apart. To take one for another costs an adversary its own frame.
fn digest(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_ne_bytes(*word));
    words.chain(rest.iter().map(|byte| u64::from(*byte))).fold(FNV_OFFSET, |digest, word| {
        (digest ^ word).wrapping_mul(FNV_PRIME).rotate_left(FNV_TURN)
    })
}

/// Of the function with 64 bits (draft-eastlake-fnv); the turn brings what only high bits differ in down again.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const FNV_TURN: u32 = 31;

impl Opened {
    /// Notes a frame that opened. False: it is a replay.
    pub(super) fn note(&mut self, mark: Mark) -> bool {
        if self.0.contains(&mark) {
            return false;
        }
        if self.0.len() == WINDOW {
            self.0.remove(0);
        } else {
            self.0.reserve_exact(WINDOW - self.0.len());
        }
        self.0.push(mark);
        true
    }
}

/// 768 bytes a track. A wider one costs each frame more time and an adversary no more than patience.
const WINDOW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(number: u8) -> Mark {
        Mark([number; 12])
    }

    #[test]
    fn knows_the_last_window_and_nothing_before() {
        let mut opened = Opened::default();
        for round in 0..3 {
            assert!((0..=WINDOW as u8).all(|number| opened.note(sealed(number))), "{round}");
            assert!(!(1..=WINDOW as u8).any(|number| opened.note(sealed(number))), "{round}");
        }
        assert!(opened.0.capacity() * size_of::<Mark>() <= 768);
        assert_eq!(Opened::default().0.capacity(), 0);
    }

    #[test]
    fn a_key_index_tells_no_frames_apart() {
        let [one, other] = [0, 1].map(|key_index| Encryption { key_index, iv: [7; 12] });
        assert_eq!(Mark::of_iv(&one), Mark::of_iv(&other));
        assert_eq!(Mark::of_contents(&one, b"sealed"), Mark::of_contents(&other, b"sealed"));
    }
}
