//! The system's random numbers, fetched in blocks: an IV must not cost a system call each.

use zeroize::Zeroize;

use super::forks;
use crate::random::Random;

/// Random bytes of the operating system. What was handed out is erased.
pub(crate) struct SystemRandom {
    block: [u8; BLOCK],
    used: usize,
    /// Whose the block is: what a process has left is what its forks have left as well, and an IV must never come twice.
    fork: u32,
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self { block: [0; BLOCK], used: BLOCK, fork: 0 }
    }
}

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) {
        let fork = forks::generation();
        if std::mem::replace(&mut self.fork, fork) != fork {
            self.used = BLOCK;
        }
        for byte in out {
            if self.used == BLOCK {
                refill(&mut self.block);
                self.used = 0;
            }
            if let Some(next) = self.block.get_mut(self.used) {
                *byte = *next;
                next.zeroize();
            }
            self.used += 1;
        }
    }
}

/// Waits until the system has random numbers: going on without them would break encryption.
fn refill(block: &mut [u8; BLOCK]) {
    while getrandom::fill(block).is_err() {
        std::thread::yield_now();
    }
}

/// Up to 256 bytes come without interruption (getrandom(2)).
const BLOCK: usize = 252;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn what_was_handed_out_is_erased_and_what_is_used_up_is_fetched_anew() {
        let mut random = SystemRandom::default();
        let mut out = [0; BLOCK - 10];
        random.fill(&mut out);
        assert!(random.block[..BLOCK - 10].iter().all(|byte| *byte == 0));
        assert!(random.block[BLOCK - 10..].iter().any(|byte| *byte != 0));
        let mut more = [0; 30];
        random.fill(&mut more);
        assert!(more[10..].iter().any(|byte| *byte != 0), "of the next block");
    }

    #[test]
    fn a_fork_hands_out_nothing_that_its_parent_has_left() {
        let mut random = SystemRandom::default();
        random.fill(&mut [0; 16]);
        let mut left = [0; 16];
        left.copy_from_slice(&random.block[16..32]);
        // What a fork finds: the block, and another generation.
        random.fork = random.fork.wrapping_add(1);
        let mut drawn = [0; 16];
        random.fill(&mut drawn);
        assert_ne!(drawn, left);
    }
}
