//! How many records a sink gets: a bucket of tokens.

use std::time::{Duration, Instant};

/// Lets [`BURST`] records through at once and one each [`REFILL`] in the long run; counts the others.
pub(super) struct Limit {
    tokens: u32,
    /// When the latest token was earned.
    refilled: Instant,
    dropped: u64,
}

impl Limit {
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: BURST, refilled: now, dropped: 0 }
    }

    /// Admits a record and answers how many were dropped since the one before it, or drops it.
    pub(super) fn admit(&mut self, now: Instant) -> Option<u64> {
        self.refill(now);
        match self.tokens.checked_sub(1) {
            Some(left) => {
                self.tokens = left;
                Some(std::mem::take(&mut self.dropped))
            }
            None => {
                self.drop_one();
                None
            }
        }
    }

    /// Counts a record that is not even asked for.
    pub(super) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled).as_nanos();
        // Not in 128 bits: that division is a call into a library that Apple's linkers would have to find.
        let earned = u64::try_from(elapsed).unwrap_or(u64::MAX) / REFILL_NANOS;
        match u32::try_from(earned) {
            Ok(earned) if earned < BURST - self.tokens => {
                self.tokens += earned;
                self.refilled += REFILL * earned;
            }
            _ => {
                self.tokens = BURST;
                self.refilled = now.max(self.refilled);
            }
        }
    }
}

/// What a reconnect with many tracks may say at once.
const BURST: u32 = 200;

/// 100 records a second: what a mobile system's log takes without dropping lines of its own.
const REFILL: Duration = Duration::from_nanos(REFILL_NANOS);
const REFILL_NANOS: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_rest_is_counted() {
        let now = Instant::now();
        let mut limit = Limit::new(now);
        assert!((0..BURST).all(|_| limit.admit(now) == Some(0)));
        assert!((0..7).all(|_| limit.admit(now).is_none()));
        assert_eq!(limit.admit(now + REFILL - Duration::from_nanos(1)), None);
        assert_eq!(limit.admit(now + REFILL), Some(8));
        assert_eq!(limit.admit(now + REFILL), None);
    }

    #[test]
    fn in_the_long_run_one_passes_each_interval_however_often_it_is_asked() {
        let start = Instant::now();
        let mut limit = Limit::new(start);
        let asked = (0..1000_u32).map(|at| start + REFILL * 100 * at / 1000);
        let passed = asked.filter(|now| limit.admit(*now).is_some()).count();
        assert_eq!(passed, BURST as usize + 99);
    }

    #[test]
    fn a_long_pause_earns_one_burst_and_no_more() {
        let now = Instant::now();
        let mut limit = Limit::new(now);
        while limit.admit(now).is_some() {}
        let later = now + Duration::from_secs(1 << 32);
        assert_eq!((0..1000).filter(|_| limit.admit(later).is_some()).count(), BURST as usize);
    }
}
