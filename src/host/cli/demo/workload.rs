//! What the demo publishes: frames that prove, byte for byte, which they are and that they came through unharmed.

use std::time::Duration;

/// One of the demo's tracks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// Bytes of a frame.
    pub(super) size: usize,
    /// Time between two frames.
    pub(super) period: Duration,
}

/// A small sensor, a fast one, and one whose frames take many packets.
pub(super) const WORKLOADS: [Workload; 3] = [
    Workload { name: "imu", size: 200, period: Duration::from_millis(10) },
    Workload { name: "pose", size: 64, period: Duration::from_millis(1) },
    Workload { name: "cloud", size: 256 << 10, period: Duration::from_millis(200) },
];

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Frames of a track count up from 0.
    pub(super) number: u64,
    /// When it was pushed, since the start of the demo.
    pub(super) pushed: Duration,
}

impl Workload {
    /// How many frames there are in `time`.
    pub(super) fn frames_in(&self, time: Duration) -> u32 {
        u32::try_from(time.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX)
    }

    /// The bytes of a frame: number, time, and a pattern that follows from both.
    pub(super) fn frame(&self, stamp: Stamp) -> Vec<u8> {
        let nanos = u64::try_from(stamp.pushed.as_nanos()).unwrap_or(u64::MAX);
        let mut frame = Vec::with_capacity(self.size);
        frame.extend(stamp.number.to_be_bytes());
        frame.extend(nanos.to_be_bytes());
        for word in self.pattern(stamp.number, nanos) {
            frame.extend(word.to_le_bytes().into_iter().take(self.size - frame.len()));
        }
        frame
    }

    /// Reads a frame; `None` when it is not exactly one that [`frame`](Self::frame) makes.
    pub(super) fn read(&self, frame: &[u8]) -> Option<Stamp> {
        let (number, rest) = frame.split_first_chunk()?;
        let (nanos, pattern) = rest.split_first_chunk()?;
        let (number, nanos) = (u64::from_be_bytes(*number), u64::from_be_bytes(*nanos));
        let intact = |(bytes, word): (&[u8], u64)| word.to_le_bytes().starts_with(bytes);
        let intact = frame.len() == self.size
            && pattern.chunks(WORD).zip(self.pattern(number, nanos)).all(intact);
        intact.then(|| Stamp { number, pushed: Duration::from_nanos(nanos) })
    }

    /// The words after the stamp (SplitMix64).
    fn pattern(&self, number: u64, nanos: u64) -> impl Iterator<Item = u64> + use<> {
        let seed = mix(number.wrapping_mul(STEP) ^ mix(nanos) ^ self.size as u64);
        let words = self.size.saturating_sub(STAMP).div_ceil(WORD) as u64;
        (1..=words).map(move |index| mix(seed.wrapping_add(index.wrapping_mul(STEP))))
    }
}

const fn mix(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes of number and time.
const STAMP: usize = 16;

const WORD: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    const STAMP: Stamp = Stamp { number: 70_000, pushed: Duration::from_nanos(1_234_567_890) };

    #[test]
    fn frames_say_which_they_are() {
        for workload in WORKLOADS {
            let frame = workload.frame(STAMP);
            assert_eq!(frame.len(), workload.size);
            assert_eq!(workload.read(&frame), Some(STAMP));
        }
    }

    #[test]
    fn any_flipped_bit_shows() {
        let workload = WORKLOADS[1];
        let frame = workload.frame(STAMP);
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(workload.read(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn frames_of_another_length_or_track_show() {
        let [imu, pose, _] = WORKLOADS;
        let mut frame = pose.frame(STAMP);
        assert_eq!(imu.read(&frame), None);
        frame.push(0);
        assert_eq!(pose.read(&frame), None);
        assert_eq!(pose.read(&[]), None);
    }
}
