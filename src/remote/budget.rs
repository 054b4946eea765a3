//! Byte budgets that the tracks of a manager share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// So many bytes and no more, whoever holds them.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// Takes `bytes` if there is room for them.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        self.take_leaving(bytes, 0)
    }

    /// Takes `bytes` if there is room for them and for `left` more.
    pub(crate) fn take_leaving(&self, bytes: usize, left: usize) -> bool {
        let before = self.used.fetch_add(bytes, Relaxed);
        let most = self.limit.saturating_sub(left);
        let fits = before.checked_add(bytes).is_some_and(|after| after <= most);
        if !fits {
            self.give(bytes);
        }
        fits
    }

    /// Gives back what was taken.
    pub(crate) fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    /// Bytes taken now.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

/// The budgets of one manager.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    /// What incomplete frames hold.
    pub(crate) partial: Arc<Budget>,
    /// What complete frames hold that wait: to be opened, for an earlier frame, for `next`.
    pub(crate) waiting: Arc<Budget>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { partial: Budget::new(PARTIAL_BYTES), waiting: Budget::new(WAITING_BYTES) }
    }
}

/// Eight tracks at the default of `max_partial_bytes`.
const PARTIAL_BYTES: usize = 64 << 20;

/// Almost two streams at their own bound, or a thousand that hold sixteen frames of 8 KiB.
const WAITING_BYTES: usize = 128 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_up_to_the_limit_and_not_a_byte_more() {
        let budget = Budget::new(10);
        assert!(budget.take(4) && budget.take(6));
        for too_much in [1, usize::MAX] {
            assert!(!budget.take(too_much));
            assert_eq!(budget.used(), 10, "what was not given is not taken");
        }
        budget.give(1);
        assert!(!budget.take_leaving(1, 1) && budget.take(1));
        assert_eq!(budget.used(), 10);
    }
}
