//! A small fast track beside one that floods a slow link: what waits in the channel is kept so little that the small one is hardly late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
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
