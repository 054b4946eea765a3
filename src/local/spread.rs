//! When the packets of a large frame leave: one after the other, since an SFU drops what comes as a burst.
//!
//! An SFU drops single packets while a subscriber's channel holds more than 100 ms of its recent bitrate (protocol §4.4), and
//! one lost packet loses the frame. Packets leave at a gap that ends the frame before the next one is expected.

use std::time::{Duration, Instant};

/// The schedule of one track.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    last_push: Option<Instant>,
    interval: Option<Duration>,
    gap: Duration,
    next_at: Option<Instant>,
}

impl Spread {
    /// A large frame was accepted: learns how often that happens.
    pub(crate) fn pushed(&mut self, now: Instant) {
        let last = self.last_push.replace(now);
        let Some(latest) = last.map(|last| now.saturating_duration_since(last)) else { return };
        self.interval = Some(match self.interval {
            None => latest,
            Some(interval) => (interval * (WEIGHT - 1) + latest) / WEIGHT,
        });
    }

    /// When the next packet of a large frame may leave; `None`: at once.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.next_at
    }

    /// The first of `packets` leaves now.
    pub(crate) fn first_left(&mut self, packets: usize, now: Instant) {
        self.gap = self.gap_of(packets);
        self.next_at = Some(self.next_at.map_or(now, |at| at.max(now)) + self.gap);
    }

    /// Another one leaves now. Late ones catch up, but only so many at once.
    pub(crate) fn another_left(&mut self, now: Instant) {
        let due = self.next_at.unwrap_or(now);
        let late = now.checked_sub(self.gap * CATCH_UP).unwrap_or(now);
        self.next_at = Some(due.max(late) + self.gap);
    }

    fn gap_of(&self, packets: usize) -> Duration {
        let packets = u32::try_from(packets).unwrap_or(u32::MAX).max(1);
        match self.interval {
            None => UNKNOWN_GAP,
            Some(interval) => (interval * 7 / 10 / packets).clamp(SHORTEST_GAP, LONGEST_GAP),
        }
    }
}

/// Frames of more packets are spread. The SFU was seen to pass bursts of 100 KB, that is seven packets.
pub(crate) const LARGE: usize = 4;

/// The latest interval counts for a quarter: frame rates change.
const WEIGHT: u32 = 4;

/// At 1 ms a packet 50 of 50 frames of 500 KB arrived, at 0 ms 17; shorter gaps are more than a server on two cores drains.
const SHORTEST_GAP: Duration = Duration::from_millis(1);

/// At 3 ms a packet 46 of 50 frames of 2 MB arrived; longer gaps add delay and gain nothing.
const LONGEST_GAP: Duration = Duration::from_millis(3);

/// For the first frame of a track.
const UNKNOWN_GAP: Duration = Duration::from_millis(2);

/// Packets that make up for a late wake-up, besides the one that is due.
const CATCH_UP: u32 = 2;
