//! When the packets of a large frame leave: one after the other, since an SFU drops what comes as a burst. And when those of any
//! frame do, where the track has a rate that it must not exceed.
//!
//! An SFU drops single packets while a subscriber's channel holds more than 100 ms of its recent bitrate (protocol §4.4), and
//! one lost packet loses the frame. So the last packet of a frame leaves 100 ms before the next frame is expected: a reader that is just
//! fast enough is behind by no more than that.

use std::time::{Duration, Instant};

use super::{channel::micros, numbers::Unnumbered};
use crate::{
    options::{DataTrackOptions, SendMode},
    packet::MTU,
};

/// The schedule of one track.
#[derive(Debug)]
pub(crate) struct Spread {
    /// Large frames are spread.
    spreads: bool,
    /// In bytes of packets a second; 0: none.
    most: u64,
    last_push: Option<Instant>,
    /// In µs.
    interval: Option<u64>,
    /// Of the frame that leaves, and of each of its packets.
    bytes: u64,
    each: u64,
    next_at: Option<Instant>,
}

impl Spread {
    pub(crate) fn new(options: &DataTrackOptions) -> Self {
        Self {
            spreads: options.send_mode == SendMode::Spread,
            most: options.max_bytes_per_second,
            last_push: None,
            interval: None,
            bytes: 0,
            each: 0,
            next_at: None,
        }
    }

    /// Whether the packets of a frame have to wait for their time.
    pub(crate) fn governs(&self, large: bool) -> bool {
        self.most > 0 || large && self.spreads
    }

    /// A large frame was accepted: learns how often that happens.
    pub(crate) fn pushed(&mut self, now: Instant) {
        let last = self.last_push.replace(now);
        let Some(latest) = last.map(|last| micros(last, now).min(LONGEST_INTERVAL)) else { return };
        let weighed = |interval| (interval * (WEIGHT - 1) + latest) / WEIGHT;
        self.interval = Some(self.interval.map_or(latest, weighed));
    }

    /// When the next packet may leave; `None`: at once.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.next_at
    }

    /// The first packet of `each` bytes leaves now.
    pub(crate) fn first_left(&mut self, bytes: usize, each: usize, now: Instant) {
        (self.bytes, self.each) = (bytes as u64, each as u64);
        if self.most > 0 {
            return self.another_left(now);
        }
        self.next_at = Some(self.next_at.map_or(now, |at| at.max(now)) + self.gap());
    }

    /// Another one leaves now. Late ones catch up, but only so many at once, and only what a timer may have been late.
    pub(crate) fn another_left(&mut self, now: Instant) {
        let (due, gap) = (self.next_at.unwrap_or(now), self.gap());
        let late = now.checked_sub((gap * CATCH_UP).min(LATEST)).unwrap_or(now);
        self.next_at = Some(due.max(late) + gap);
    }

    /// Between two packets of this frame, by what is known now of the next one.
    fn gap(&self) -> Duration {
        let packets = self.bytes.div_ceil(self.each.max(1)).max(1);
        let least = (self.bytes * 1_000_000 / packets).checked_div(self.most).unwrap_or(0);
        let spread = if self.bytes > LARGE as u64 && self.spreads { self.spread_gap() } else { 0 };
        Duration::from_micros(spread.max(least))
    }

    fn spread_gap(&self) -> u64 {
        let time = |interval: u64| interval.saturating_sub(HELD_BACK).max(interval / 2);
        let part = |interval| time(interval) / self.bytes.div_ceil(LARGEST).max(1);
        let is_often = self.interval.is_some_and(|interval| interval < SELDOM);
        let longest = if is_often { LONGEST_GAP } else { LONGEST_GAP_OF_RARE };
        let micros = self.interval.map_or(longest, part);
        micros.clamp(SHORTEST_GAP, longest) * self.each / LARGEST
    }
}

/// Whether a frame of these packets is spread.
pub(crate) fn is_large(packets: &Unnumbered) -> bool {
    packets.byte_len() > LARGE
}

/// Frames whose packets have more bytes are spread. The SFU was seen to pass bursts of 100 KB.
const LARGE: usize = 4 * MTU;

/// Gaps are those of the largest packets; between smaller ones they are in proportion.
const LARGEST: u64 = MTU as u64;

/// The latest interval counts for a quarter: frame rates change.
const WEIGHT: u64 = 4;

/// In µs: what a reader may be behind. Of 30 frames of 2 MB, 1.5 a second, 30 arrived so at a Python SDK that takes 3.4 MB/s; 7 when their
/// packets took seven tenths of the interval.
const HELD_BACK: u64 = 100_000;

/// In µs. At 1 ms a packet 50 of 50 frames of 500 KB arrived, at 0 ms 17; shorter gaps are more than a server on two cores drains.
const SHORTEST_GAP: u64 = 1_000;

/// In µs: 2.7 MB/s.
const LONGEST_GAP: u64 = 6_000;

/// In µs: 1 MB/s, which a link of 10 Mbit/s carries. For the first frame of a track, and for those that come seldom: what an SFU lets a reader
/// hold back follows from what that has just read, and is next to nothing after a pause. Of 12 frames of 1 MiB, each sent up to 6 times, 3
/// arrived at a Python SDK that takes some 1.2 MB/s at 10 ms a packet (6 ms: none), and all at 14 ms, 10 of them at once.
const LONGEST_GAP_OF_RARE: u64 = 16_000;

/// In µs, between frames.
const SELDOM: u64 = 1_000_000;

/// In µs. A pause says little of the frames that come after it: it counts for no more, lest they wait for each other.
const LONGEST_INTERVAL: u64 = 2_000_000;

/// Packets that make up for a late wake-up, besides the one that is due.
const CATCH_UP: u32 = 2;

/// Timers are late by less. What is later was a pause: it saves nothing up for a track that has a rate.
const LATEST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_that_are_late_take_nothing_from_a_rate() {
        let options =
            DataTrackOptions { max_bytes_per_second: 1_000_000, ..DataTrackOptions::new("a") };
        let (mut spread, start) = (Spread::new(&options), Instant::now());
        let mut now = start;
        for _ in 0..1_000 {
            spread.first_left(1_000, MTU, now);
            now = spread.next_at().unwrap_or(now).max(now) + Duration::from_micros(900);
        }
        let taken = now - start;
        assert!(taken < Duration::from_millis(1_002), "1 MB took {taken:?}");
        assert!(taken > Duration::from_millis(998), "1 MB took {taken:?}");
    }
}
