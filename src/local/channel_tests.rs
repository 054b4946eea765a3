//! A flood into channels that drain as transports do, in virtual time: the link is kept busy, and little waits before it.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::time::{Duration, Instant};

use crate::local::pacing::Pacing;

/// A link behind a channel.
struct Link {
    /// Bytes a second.
    rate: u64,
    /// Packets count as waiting until they are acknowledged: the round trip, and how much it varies.
    round_trip: Duration,
    jitter: Duration,
    reports: Reports,
    /// When each part of a packet no longer counts, and its bytes.
    chunks: Vec<(Instant, usize)>,
    taken: u32,
    idle_from: Instant,
}

/// When the host says what waits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reports {
    /// After sending and every 2 ms, as the reference host.
    Often,
    /// After sending, and when the amount falls through 64 KiB.
    AfterSending,
    /// When it falls through 64 KiB.
    LowOnly,
}

#[derive(Debug, Default)]
struct Seen {
    bytes: usize,
    most_waiting: usize,
}

impl Link {
    fn new(rate: u64, round_trip_ms: u64, reports: Reports) -> Self {
        let round_trip = Duration::from_millis(round_trip_ms);
        let (chunks, idle_from) = (Vec::new(), Instant::now());
        Self { rate, round_trip, jitter: Duration::ZERO, reports, chunks, taken: 0, idle_from }
    }

    fn waiting(&mut self, now: Instant) -> usize {
        self.chunks.retain(|(gone, _)| *gone > now);
        self.chunks.iter().map(|(_, bytes)| bytes).sum()
    }

    /// In chunks, as SCTP does.
    fn take(&mut self, bytes: usize, now: Instant) {
        let varied = self.jitter * (self.taken % 5) / 4;
        self.taken += 1;
        for at in (0..bytes).step_by(CHUNK) {
            let bytes = CHUNK.min(bytes - at);
            let time = Duration::from_nanos(bytes as u64 * 1_000_000_000 / self.rate);
            self.idle_from = self.idle_from.max(now) + time;
            self.chunks.push((self.idle_from + self.round_trip + varied, bytes));
        }
    }

    /// Frames leave as soon as they may, for `seconds`; what was seen in the last half of them. `most`: bytes of their packets,
    /// or less on slow links, but not so little that a frame of 1 MiB would have too many of them.
    fn flood(&mut self, pacing: &mut Pacing, most: usize, start: Instant, seconds: u64) -> Seen {
        let (mut seen, mut before, mut next_report) = (Seen::default(), 0, start);
        let half = start + Duration::from_secs(seconds) / 2;
        for step in 0..seconds * 10_000 {
            let now = start + Duration::from_micros(step * 100);
            let waiting = self.waiting(now);
            let low = before > LOW && waiting <= LOW;
            let often = self.reports == Reports::Often && now >= next_report;
            if low || (often && before > 0) {
                next_report = now + Duration::from_millis(2);
                pacing.report(waiting, now);
            }
            let packet = pacing.packet_len().clamp(most.min(OF_1_MIB), most);
            while pacing.allowance(true, packet, now).is_some() {
                self.take(packet, now);
                pacing.handed(packet, now);
                if self.reports != Reports::LowOnly {
                    pacing.report(self.waiting(now), now);
                }
                seen.bytes += if now >= half { packet } else { 0 };
            }
            before = self.waiting(now);
            seen.most_waiting = seen.most_waiting.max(if now >= half { before } else { 0 });
        }
        seen
    }
}

fn flooded(link: &mut Link, packet: usize) -> Seen {
    let (mut pacing, start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    link.flood(&mut pacing, packet, start, SECONDS)
}

/// Of the link's bytes in the time that is looked at, in percent.
fn used(seen: &Seen, link: &Link) -> usize {
    seen.bytes * 100 / (link.rate as usize * SECONDS as usize / 2)
}

#[test]
fn p12_a_slow_link_is_kept_busy_and_little_waits_before_it() {
    for reports in [Reports::Often, Reports::AfterSending] {
        for rate in [50_000, 500_000, 2_500_000] {
            let mut link = Link::new(rate, 0, reports);
            let seen = flooded(&mut link, SMALL);
            assert!(used(&seen, &link) >= 95, "{reports:?}, {rate} B/s: {seen:?}");
            let most = 8_192 + 4 * SMALL + rate as usize / 80;
            assert!(seen.most_waiting <= most, "{reports:?}, {rate} B/s: {seen:?}");
        }
    }
}

#[test]
fn p12_no_more_than_three_large_packets_wait_before_a_slow_link() {
    for rate in [50_000, 500_000, 2_500_000] {
        let mut link = Link::new(rate, 0, Reports::Often);
        let seen = flooded(&mut link, LARGE);
        assert!(used(&seen, &link) >= 95, "{rate} B/s: {seen:?}");
        assert!(seen.most_waiting <= 3 * LARGE, "{rate} B/s: {seen:?}");
    }
}

#[test]
fn p12_a_long_way_is_kept_full_where_packets_count_until_they_arrive() {
    for jitter in [0, 60] {
        let mut link = Link::new(100_000, 100, Reports::Often);
        link.jitter = Duration::from_millis(jitter);
        let seen = flooded(&mut link, LARGE);
        assert!(used(&seen, &link) >= 90, "{jitter} ms: {seen:?}");
        assert!(seen.most_waiting <= 48_000, "{jitter} ms: {seen:?}");
    }
}

#[test]
fn a_fast_link_gets_what_it_takes() {
    let mut link = Link::new(50_000_000, 1, Reports::Often);
    let seen = flooded(&mut link, LARGE);
    assert!(used(&seen, &link) >= 70, "{seen:?}");
}

#[test]
fn a_link_that_gets_faster_or_slower_is_followed() {
    for reports in [Reports::Often, Reports::AfterSending] {
        let mut link = Link::new(100_000, 0, reports);
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        pacing.report(0, start);
        link.flood(&mut pacing, LARGE, start, SECONDS);
        for (nth, rate) in [(1, 5_000_000), (2, 100_000), (3, 1_000_000)] {
            link.rate = rate;
            let seen =
                link.flood(&mut pacing, LARGE, start + Duration::from_secs(nth * SECONDS), SECONDS);
            assert!(used(&seen, &link) >= 90, "{reports:?}, {rate} B/s: {seen:?}");
            assert!(seen.most_waiting <= LOW, "{reports:?}, {rate} B/s: {seen:?}");
        }
    }
}

#[test]
fn packets_are_small_until_a_channel_is_known_to_be_fast() {
    let (mut pacing, start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    assert_eq!(pacing.packet_len(), LARGE, "whether this host tells more is not known");
    pacing.handed(SMALL, start);
    pacing.report(SMALL, start);
    assert_eq!(pacing.packet_len(), 3_600);
    let mut link = Link::new(50_000_000, 0, Reports::AfterSending);
    link.flood(&mut pacing, LARGE, start, 1);
    assert_eq!(pacing.packet_len(), LARGE);
}

#[test]
fn a_turn_is_as_long_as_the_last_packet_that_was_not_small() {
    let (mut pacing, start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    for (packet, turn) in [(SMALL, LARGE), (8_000, 8_000), (SMALL, 8_000), (2 * LARGE, LARGE)] {
        pacing.handed(packet, start);
        assert_eq!(pacing.turn(), turn, "{packet}");
    }
}

#[test]
fn after_outages_little_waits_again() {
    let mut link = Link::new(1_000_000, 0, Reports::Often);
    let (mut pacing, mut start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    for _ in 0..8 {
        link.flood(&mut pacing, LARGE, start, 1);
        start += Duration::from_secs(1);
        link.idle_from += Duration::from_millis(900);
    }
    link.flood(&mut pacing, LARGE, start, SECONDS);
    let seen = link.flood(&mut pacing, LARGE, start + Duration::from_secs(SECONDS), SECONDS);
    assert!(seen.most_waiting <= 3 * LARGE, "{seen:?}");
}

#[test]
fn a_host_that_reports_only_when_little_waits_is_served_as_ever() {
    let mut link = Link::new(1_000_000, 0, Reports::LowOnly);
    let seen = flooded(&mut link, LARGE);
    assert!(used(&seen, &link) >= 95, "{seen:?}");
    assert!(seen.most_waiting <= LOW + 2 * LARGE, "{seen:?}");
}

#[test]
fn what_a_host_reports_while_its_channel_is_not_open_says_nothing_of_how_it_reports() {
    let mut link = Link::new(1_000_000, 0, Reports::LowOnly);
    let (mut pacing, start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    for _ in 0..=NOT_OPEN / LARGE {
        pacing.handed(LARGE, start);
        pacing.report(0, start);
    }
    pacing.handed(LARGE, start);
    pacing.report(NOT_OPEN, start);
    pacing.report(0, start);
    let seen = link.flood(&mut pacing, LARGE, start, SECONDS);
    assert!(used(&seen, &link) >= 95, "{seen:?}");
}

#[test]
fn a_channel_that_stands_still_after_it_was_fast_gets_no_more_than_64_kib_and_a_packet() {
    let mut link = Link::new(5_000_000, 0, Reports::AfterSending);
    let (mut pacing, start) = (Pacing::default(), Instant::now());
    pacing.report(0, start);
    link.flood(&mut pacing, LARGE, start, SECONDS);
    link.rate = 1;
    let seen = link.flood(&mut pacing, LARGE, start + Duration::from_secs(SECONDS), 2);
    assert!(seen.most_waiting <= LOW + 10 * LARGE, "{seen:?}");
}

const CHUNK: usize = 1_200;
const SMALL: usize = 1_000;
const LARGE: usize = 16_000;
const OF_1_MIB: usize = (1 << 20) / 128 + 12;
const LOW: usize = 64 * 1024;
const NOT_OPEN: usize = 0xFFFF_FFFF;
const SECONDS: u64 = 12;
