//! Sealed frames that were opened lately, so that none is taken for new when it is sent again under other numbers.
//!
//! Headers are not authenticated, an IV is: a frame opens under its own only, and no honest sender uses one twice. Only frames
//! that opened are kept, so that nobody without the key can put one in. Never forgets between subscriptions, but knows the last
//! [`WINDOW`] only.

use crate::packet::Encryption;

/// See the module. Empty, it has no buffer.
#[derive(Default)]
pub(super) struct Opened(Vec<Encryption>);

impl Opened {
    /// Notes a frame that opened. False: it is a replay.
    pub(super) fn note(&mut self, encryption: Encryption) -> bool {
        if self.0.contains(&encryption) {
            return false;
        }
        if self.0.len() == WINDOW {
            self.0.remove(0);
        } else {
            self.0.reserve_exact(WINDOW - self.0.len());
        }
        self.0.push(encryption);
        true
    }
}

/// 832 bytes a track. A wider one costs each frame more time and an adversary no more than patience.
const WINDOW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(number: u8) -> Encryption {
        Encryption { key_index: 0, iv: [number; 12] }
    }

    #[test]
    fn knows_the_last_window_and_nothing_before() {
        let mut opened = Opened::default();
        for round in 0..3 {
            assert!((0..=WINDOW as u8).all(|number| opened.note(sealed(number))), "{round}");
            assert!(!(1..=WINDOW as u8).any(|number| opened.note(sealed(number))), "{round}");
        }
        assert!(opened.note(Encryption { key_index: 1, ..sealed(1) }), "another key");
        assert!(opened.0.capacity() * size_of::<Encryption>() <= 1024);
        assert_eq!(Opened::default().0.capacity(), 0);
    }
}
