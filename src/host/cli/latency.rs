//! How long frames took: a histogram of fixed size, exact to 1 in 32.

use std::time::Duration;

/// Counts by microseconds. Below [`FINE`] each microsecond has a bucket, above that each octave has [`FINE`] of them.
#[derive(Clone)]
pub(crate) struct Latencies {
    buckets: Box<[u64]>,
    count: u64,
    longest: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into(), count: 0, longest: Duration::ZERO }
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket(micros)) {
            *bucket += 1;
        }
        self.count += 1;
        self.longest = self.longest.max(latency);
    }

    /// The latency that `per_mille` of the frames kept, rounded up to the end of its bucket.
    pub(crate) fn percentile(&self, per_mille: u64) -> Duration {
        let mut below = (self.count * per_mille).div_ceil(1000);
        for (index, count) in self.buckets.iter().enumerate() {
            if below <= *count {
                return Duration::from_micros(upper_end(index)).min(self.longest);
            }
            below -= count;
        }
        self.longest
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }
}

fn bucket(micros: u64) -> usize {
    let octave = (micros | 1).ilog2().saturating_sub(FINE_BITS);
    let index = u64::from(octave) * FINE + (micros >> octave);
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let octave = (bucket / FINE).saturating_sub(1);
    ((bucket - octave * FINE + 1) << octave) - 1
}

/// Buckets an octave.
const FINE: u64 = 1 << FINE_BITS;
const FINE_BITS: u32 = 5;

/// Reaches past two minutes; what takes longer counts in the last.
const BUCKETS: usize = FINE as usize * 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_one_in_32() {
        let mut latencies = Latencies::default();
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        for (per_mille, exact) in [(1, 10), (500, 5_000), (990, 9_900), (1000, 10_000)] {
            let micros = latencies.percentile(per_mille).as_micros();
            assert!((exact..=exact + exact / 32).contains(&micros), "{per_mille}: {micros}");
        }
        assert_eq!(latencies.longest(), Duration::from_millis(10));
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for index in 0..BUCKETS - 1 {
            assert_eq!(bucket(upper_end(index)), index);
            assert_eq!(bucket(upper_end(index) + 1), index + 1);
        }
    }

    #[test]
    fn nothing_recorded_is_zero_and_hours_fit() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(990), Duration::ZERO);
        latencies.record(Duration::from_secs(7200));
        assert!(latencies.percentile(500) > Duration::from_secs(120));
    }
}
