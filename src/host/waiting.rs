//! Messages that were taken and are not sent yet: bounded by their memory, whatever their size.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much waits, and how much may.
pub(super) struct Waiting {
    bytes: AtomicUsize,
    most: usize,
}

impl Waiting {
    pub(super) const fn up_to(most: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), most }
    }

    /// Takes a message of so many bytes; false when there is no room for it.
    pub(super) fn take(&self, length: usize) -> bool {
        let size = length + MESSAGE_COST;
        let fits = self.bytes.fetch_add(size, Ordering::Relaxed) + size <= self.most;
        if !fits {
            self.release(length);
        }
        fits
    }

    /// A message of so many bytes waits no more.
    pub(super) fn release(&self, length: usize) {
        self.bytes.fetch_sub(length + MESSAGE_COST, Ordering::Relaxed);
    }
}

/// Memory of a message besides its bytes.
pub(super) const MESSAGE_COST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_wait_by_their_bytes_and_make_room_when_they_are_sent() {
        let (waiting, large) = (Waiting::up_to(16 << 20), 2 << 20);
        let taken = (0..100).filter(|_| waiting.take(large)).count();
        assert_eq!(taken, 7);
        let small = (0..16 << 20).take_while(|_| waiting.take(0)).count();
        assert!(small > 10_000, "{small} small ones beside them");
        assert!(!waiting.take(large));
        (0..small).for_each(|_| waiting.release(0));
        waiting.release(large);
        assert!(waiting.take(large));
    }
}
