//! Whose turn it is to send: as many bytes as a large packet has, so that many small packets count as one large one.

use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Turn {
    index: usize,
    /// Bytes that are left of a turn that has begun, and since when there are so many.
    credit: usize,
    since: Option<Instant>,
}

impl Turn {
    /// Whose it is, or that of the next one that is ready.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// It has credit, and what was handed over last is probably still being called out with.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now < since + SHORT_CALL)
    }

    /// So much of `index` is handed over, where a turn has `whole` bytes.
    pub(super) fn spend(&mut self, index: usize, bytes: usize, whole: usize, now: Instant) {
        let credit = if index == self.index && self.since.is_some() { self.credit } else { whole };
        *self = match credit.saturating_sub(bytes) {
            0 => Self { index: index + 1, credit: 0, since: None },
            credit => Self { index, credit, since: Some(now) },
        };
    }
}

/// A callback that takes longer holds up nobody else.
const SHORT_CALL: Duration = Duration::from_millis(1);
