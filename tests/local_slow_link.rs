//! A small fast track beside one that floods a slow link: what waits in the channel is kept so little that the small one is hardly late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use datatracks::{DataTrackOptions, SendMode};
use local_support::*;

/// A channel that drains steadily, and how late each small packet leaves it.
struct Link {
    bytes_per_ms: usize,
    waiting: usize,
    pushed_at: Vec<Instant>,
    late: Vec<Duration>,
}

impl Link {
    fn take(&mut self, packet: &[u8], now: Instant) {
        self.waiting += packet.len();
        if packet.len() < 1_000 {
            let pushed = self.pushed_at[usize::from(header(packet).frame_number)];
            let drains = Duration::from_micros((self.waiting * 1_000 / self.bytes_per_ms) as u64);
            self.late.push(now - pushed + drains);
        }
    }
}

/// Ten seconds of 100 small frames a second, ten at a time, beside a flood; the latest of the small ones after the first second.
fn latest_beside_a_flood(bytes_per_ms: usize) -> Duration {
    let rig = Rig::new();
    let flood = DataTrackOptions { send_mode: SendMode::Burst, ..DataTrackOptions::new("flood") };
    let (flood, pose) = (rig.published(flood), rig.track("pose"));
    let link = Link { bytes_per_ms, waiting: 0, pushed_at: Vec::new(), late: Vec::new() };
    let link = Arc::new(Mutex::new(link));
    let (environment, manager, behind) =
        (Arc::clone(&rig.environment), Arc::clone(&rig.manager), Arc::clone(&link));
    rig.host.on_every(move |event| {
        let Event::Packets(packets) = event else { return Ok(()) };
        let waiting = {
            let mut link = behind.lock().unwrap();
            packets.iter().for_each(|packet| link.take(packet, environment.now()));
            link.waiting
        };
        manager.handle_buffered_amount(waiting as u64);
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    for ms in 0..10_000 {
        if ms % 100 == 0 {
            flood.try_push(frame(1 << 20)).unwrap();
        }
        if ms % 100 == 50 {
            for _ in 0..10 {
                link.lock().unwrap().pushed_at.push(rig.environment.now());
                pose.try_push(frame(100)).unwrap();
            }
        }
        rig.advance_ms(1);
        let mut link = link.lock().unwrap();
        link.waiting = link.waiting.saturating_sub(bytes_per_ms);
        let waiting = link.waiting;
        drop(link);
        rig.manager.handle_buffered_amount(waiting as u64);
    }
    assert_adds_up(&flood);
    assert_eq!(pose.stats().frames_accepted, 1_000);
    let late = std::mem::take(&mut link.lock().unwrap().late);
    assert!(late.len() >= 990, "{} of 1000 small frames left", late.len());
    late[100..].iter().max().copied().unwrap()
}

#[test]
fn p12_a_flood_on_a_slow_link_takes_none_of_the_rate_of_a_small_track() {
    for bytes_per_ms in [100, 1_000, 2_500] {
        let packet = Duration::from_micros((16_000_000 / bytes_per_ms) as u64);
        let latest = latest_beside_a_flood(bytes_per_ms);
        assert!(latest <= packet * 2 + Duration::from_millis(9), "{bytes_per_ms} KB/s: {latest:?}");
    }
}

/// A kilobyte a hundred times a second, where the channel counts what is on its way for the `round_trip` of that time, in ms; the latest to
/// leave after the first second.
fn latest_on_a_long_way(round_trip: fn(u64) -> u64) -> Duration {
    let rig = Rig::new();
    let pose = rig.track("pose");
    let on_the_way: Arc<Mutex<VecDeque<(Instant, usize)>>> = Arc::default();
    let left = Arc::new(Mutex::new(Vec::new()));
    let (environment, manager, start) =
        (Arc::clone(&rig.environment), Arc::clone(&rig.manager), rig.environment.now());
    let (behind, noted) = (Arc::clone(&on_the_way), Arc::clone(&left));
    let waiting =
        |way: &VecDeque<(Instant, usize)>| way.iter().map(|(_, bytes)| *bytes as u64).sum();
    rig.host.on_every(move |event| {
        let Event::Packets(packets) = event else { return Ok(()) };
        let now = environment.now();
        noted.lock().unwrap().extend(packets.iter().map(|_| now));
        let bytes = packets.iter().map(Vec::len).sum();
        let mut way = behind.lock().unwrap();
        let way_takes = round_trip((now - start).as_millis() as u64);
        way.push_back((now + Duration::from_millis(way_takes), bytes));
        let waiting = waiting(&way);
        drop(way);
        manager.handle_buffered_amount(waiting);
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    let mut pushed = Vec::new();
    for ms in 0..10_000 {
        if ms % 10 == 0 {
            pushed.push(rig.environment.now());
            pose.try_push(frame(1_000)).unwrap();
        }
        rig.advance_ms(1);
        let now = rig.environment.now();
        let mut way = on_the_way.lock().unwrap();
        let before = way.len();
        while way.front().is_some_and(|(at, _)| *at <= now) {
            way.pop_front();
        }
        let waiting = waiting(&way);
        let has_fallen = way.len() < before;
        drop(way);
        if has_fallen {
            rig.manager.handle_buffered_amount(waiting);
        }
    }
    let left = left.lock().unwrap();
    assert!(left.len() >= 990, "{} of 1000 have left", left.len());
    pushed.iter().zip(left.iter()).skip(100).map(|(pushed, left)| *left - *pushed).max().unwrap()
}

#[test]
fn a_long_way_alone_keeps_nothing_waiting() {
    let swing = |ms| if ms % 1_000 < 500 { 80 } else { 120 };
    for round_trip in [|_| 20, |_| 100, swing] {
        let latest = latest_on_a_long_way(round_trip);
        assert!(latest <= Duration::from_millis(40), "{latest:?}");
    }
}
