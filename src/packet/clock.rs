//! The clock of packet timestamps (protocol §1.7).

use std::time::{Duration, Instant};

/// Timestamps at 90 kHz from a random base. They wrap after 13 hours and never go back.
#[derive(Clone, Debug)]
pub struct MediaClock {
    base: u32,
    start: Instant,
    /// Ticks since the start at the latest reading, not wrapped: comparing these instead of timestamps keeps the clock
    /// going after a gap of more than 2^31 ticks (6 h 38 min), such as a device asleep over night.
    latest: u64,
}

impl MediaClock {
    /// A clock that reads `base` at `start`.
    pub fn new(base: u32, start: Instant) -> Self {
        Self { base, start, latest: 0 }
    }

    /// The timestamp at `now`, or the previous one when `now` is before that.
    pub fn at(&mut self, now: Instant) -> u32 {
        let ticks = ticks(now.saturating_duration_since(self.start));
        self.latest = self.latest.max(ticks);
        // The low 32 bits: timestamps wrap.
        self.base.wrapping_add(self.latest as u32)
    }
}

/// `elapsed` in ticks, rounded to the nearest. A whole second is a whole number of ticks, so only its fraction is rounded.
fn ticks(elapsed: Duration) -> u64 {
    let fraction = (u64::from(elapsed.subsec_nanos()) * TICKS_PER_SECOND + NANOS_PER_SECOND / 2)
        / NANOS_PER_SECOND;
    elapsed.as_secs().saturating_mul(TICKS_PER_SECOND).saturating_add(fraction)
}

/// RTP's customary video clock, and DTP's (protocol §1.1).
const TICKS_PER_SECOND: u64 = 90_000;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
