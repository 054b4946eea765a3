//! When to try again: at once, then at growing distances, then no more (protocol §7). Pure.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait before the next attempt; `None`: enough.
    pub(super) fn next_delay(&mut self) -> Option<Duration> {
        let doublings = match self.attempts {
            0 => None,
            attempts @ 1..MAX_ATTEMPTS => Some(attempts - 1),
            _ => return None,
        };
        self.attempts += 1;
        Some(doublings.map_or(Duration::ZERO, |doublings| {
            FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY)
        }))
    }
}

/// What other SDKs do (protocol §7).
const MAX_ATTEMPTS: u32 = 10;
const FIRST_DELAY: Duration = Duration::from_millis(300);
const LONGEST_DELAY: Duration = Duration::from_secs(7);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_end() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> =
            std::iter::from_fn(|| backoff.next_delay()).map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [0, 300, 600, 1200, 2400, 4800, 7000, 7000, 7000, 7000]);
        assert_eq!(backoff.next_delay(), None);
    }
}
