//! Pacing: a large frame is spread over time, within the rate of its track, and once it has begun it leaves whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use datatracks::{DataTrackOptions, DropPolicy, PushFrameError, SendMode};
use local_support::{leaving::*, *};

const LARGE: usize = 10 * 15_988;

#[test]
fn p12_a_large_frame_is_spread_sixteen_milliseconds_apart_while_its_rate_is_unknown() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.handle_buffered_amount(0);
    let log = clocked(&rig);
    push(&track, LARGE);
    assert_eq!(*log.lock().unwrap(), [(0, 1)], "the first leaves in the push");
    for _ in 0..150 {
        rig.advance_ms(1);
        rig.manager.handle_buffered_amount(0);
    }
    let expected: Vec<_> = (0..10).map(|n| (16 * n, 1)).collect();
    assert_eq!(*log.lock().unwrap(), expected);
    assert_eq!(track.stats().frames_sent, 1);
}

#[test]
fn p12_the_gap_follows_the_frame_rate_within_bounds() {
    let often = [(999, 6_000), (200, 6_000), (50, 2_500), (24, 1_200), (12, 1_000)];
    let ten = [(3_000, 16_000), (1_000, 16_000)].into_iter().chain(often).map(|row| (10, row));
    let hundred = [(3_000, 16_000), (300, 2_000), (250, 1_500), (150, 1_000)];
    for (packets, (interval_ms, gap_us)) in ten.chain(hundred.map(|row| (100, row))) {
        let rig = Rig::new();
        let track = rig.track("a");
        let times = timed(&rig);
        for _ in 0..5 {
            push(&track, packets * LARGE / 10);
            rig.advance_ms(interval_ms);
        }
        rig.advance_ms(100);
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 5 * packets);
        for frame in times.chunks(packets).skip(2) {
            for pair in frame.windows(2) {
                let gap = (pair[1] - pair[0]).as_micros();
                assert_eq!(gap, gap_us, "{packets} every {interval_ms} ms");
            }
        }
    }
}

#[test]
fn p12_small_frames_between_large_ones_say_nothing_of_how_often_those_come() {
    let rig = Rig::new();
    let track = rig.track("a");
    let times = timed(&rig);
    for _ in 0..5 {
        push(&track, LARGE);
        rig.advance_ms(190);
        push(&track, 1);
        rig.advance_ms(10);
    }
    let times = times.lock().unwrap();
    let last = &times[times.len() - 11..times.len() - 1];
    for pair in last.windows(2) {
        assert_eq!((pair[1] - pair[0]).as_micros(), 6_000, "as of frames every 200 ms");
    }
}

#[test]
fn after_a_pause_frames_do_not_wait_for_each_other() {
    let rig = Rig::new();
    let track = rig.track("a");
    let times = timed(&rig);
    for pause_ms in [100, 100, 100, 10_000, 60] {
        push(&track, LARGE);
        rig.advance_ms(pause_ms);
    }
    let times = times.lock().unwrap();
    let last = &times[times.len() - 10..];
    assert!(last[9] - last[0] <= Duration::from_millis(54), "{last:?}");
    assert_eq!(track.stats().frames_sent, 5);
}

/// Notes when each packet leaves, into a channel that is always empty.
fn timed(rig: &Rig) -> Arc<Mutex<Vec<Instant>>> {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let (environment, noted) = (Arc::clone(&rig.environment), Arc::clone(&times));
    let manager = Arc::clone(&rig.manager);
    rig.manager.handle_buffered_amount(0);
    rig.host.on_every(move |_| {
        noted.lock().unwrap().push(environment.now());
        manager.handle_buffered_amount(0);
        Ok(())
    });
    times
}

#[test]
fn p12_small_frames_of_other_tracks_pass_a_spread_one() {
    let rig = Rig::new();
    let (large, small) = (rig.track("large"), rig.track("small"));
    rig.manager.handle_buffered_amount(0);
    push(&large, LARGE);
    let log = clocked(&rig);
    rig.advance_ms(1);
    push(&small, 100);
    assert_eq!(*log.lock().unwrap(), [(1, 1)]);
    assert_eq!(small.stats().frames_sent, 1);
}

#[test]
fn p12_newer_frames_of_a_track_wait_behind_a_spread_one() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.handle_buffered_amount(0);
    push(&track, LARGE);
    push(&track, 1);
    for _ in 0..200 {
        rig.advance_ms(1);
        rig.manager.handle_buffered_amount(0);
    }
    let frames: Vec<_> =
        rig.host.packets().concat().iter().map(|packet| header(packet).frame_number).collect();
    assert_eq!(frames, [[0; 10].as_slice(), &[1]].concat());
}

#[test]
fn p12_a_frame_that_has_begun_is_never_dropped_for_room() {
    let rig = Rig::new();
    let track =
        rig.published(DataTrackOptions { max_waiting_bytes: 0, ..DataTrackOptions::new("a") });
    rig.manager.handle_buffered_amount(0);
    push(&track, LARGE);
    push(&track, 1);
    push(&track, 2);
    for _ in 0..200 {
        rig.advance_ms(1);
        rig.manager.handle_buffered_amount(0);
    }
    let stats = track.stats();
    assert_eq!((stats.frames_sent, stats.frames_dropped_full), (2, 1));
    assert_eq!(stats.packets_sent, 11);
}

#[test]
fn a_late_wake_up_catches_up_with_three_packets_at_most() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.handle_buffered_amount(0);
    push(&track, LARGE);
    rig.advance_ms(200);
    push(&track, LARGE);
    // The channel is full for a while, so that the schedule falls behind.
    rig.manager.handle_buffered_amount(1 << 20);
    rig.advance_ms(50);
    rig.host.take();
    rig.manager.handle_buffered_amount(0);
    assert_eq!(order(&rig).len(), 3);
}

#[test]
fn a_frame_that_has_begun_goes_on_however_long_it_takes() {
    let rig = Rig::new();
    let options = DataTrackOptions { max_age_ms: 5, ..DataTrackOptions::new("a") };
    let track = rig.published(options);
    rig.manager.handle_buffered_amount(0);
    let (manager, packets) = (Arc::clone(&rig.manager), clocked(&rig));
    push(&track, LARGE);
    for _ in 0..80 {
        rig.advance_ms(2);
        manager.handle_buffered_amount(0);
    }
    assert_eq!(packets.lock().unwrap().len(), 10, "144 ms for ten packets");
    assert_eq!((track.stats().frames_sent, track.stats().frames_dropped_expired), (1, 0));
}

#[test]
fn a_full_reconnect_begins_no_pacing() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.answer(published(&asked, "DTR_2"));
    push(&track, LARGE);
    assert_eq!(order(&rig).iter().map(Vec::len).collect::<Vec<_>>(), [10], "whole, at once");
}

#[test]
fn the_first_report_paces_what_waits_already() {
    let rig = Rig::new();
    let track = rig.track("a");
    push(&track, LARGE);
    rig.host.take();
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    push(&track, LARGE);
    rig.manager.handle_buffered_amount(0);
    rig.answer(published(&asked, "DTR_2"));
    assert_eq!(order(&rig), [[1]], "the rest is spread");
}

#[test]
fn a_track_keeps_the_rate_that_it_must_not_exceed() {
    for (mode, bytes) in
        [(SendMode::Spread, LARGE), (SendMode::Burst, LARGE), (SendMode::Spread, 988)]
    {
        let rig = Rig::new();
        let options = DataTrackOptions {
            max_bytes_per_second: 1_000_000,
            send_mode: mode,
            ..DataTrackOptions::new("a")
        };
        let track = rig.published(options);
        rig.manager.handle_buffered_amount(0);
        let sent = Arc::new(AtomicUsize::new(0));
        let (manager, counted) = (Arc::clone(&rig.manager), Arc::clone(&sent));
        rig.host.on_every(move |event| {
            if let Event::Packets(packets) = event {
                counted.fetch_add(packets.iter().map(Vec::len).sum(), Relaxed);
                manager.handle_buffered_amount(0);
            }
            Ok(())
        });
        for second in 1..=3 {
            for _ in 0..2_000_000 / bytes {
                push(&track, bytes);
            }
            rig.advance_ms(1_000);
            let sent = sent.load(Relaxed);
            let due = second * 1_000_000;
            assert!(
                (due - 32_000..=due + 16_000).contains(&sent),
                "{bytes} bytes, {mode:?}: {sent} of {due}"
            );
        }
        assert_adds_up(&track);
    }
}

#[test]
fn a_pause_saves_nothing_up_for_a_track_that_has_a_rate() {
    for mode in [SendMode::Spread, SendMode::Burst] {
        let rig = Rig::new();
        let options = DataTrackOptions {
            max_bytes_per_second: 16_000,
            send_mode: mode,
            ..DataTrackOptions::new("a")
        };
        let track = rig.published(options);
        rig.manager.handle_buffered_amount(0);
        push(&track, 1);
        rig.advance_ms(60_000);
        let log = clocked(&rig);
        push(&track, LARGE);
        for second in 1..=3 {
            for _ in 0..10 {
                rig.advance_ms(95);
                rig.manager.handle_buffered_amount(0);
            }
            assert_eq!(log.lock().unwrap().len(), second, "{mode:?}");
            rig.advance_ms(50);
        }
    }
}

#[test]
fn without_reports_no_track_has_a_rate() {
    let rig = Rig::new();
    let options = DataTrackOptions { max_bytes_per_second: 1, ..DataTrackOptions::new("a") };
    let track = rig.published(options);
    push(&track, LARGE);
    push(&track, LARGE);
    assert_eq!(track.stats().frames_sent, 2);
}

#[test]
fn frames_that_are_too_old_make_room_while_the_one_before_them_still_leaves() {
    let rig = Rig::new();
    let options = DataTrackOptions {
        max_age_ms: 5,
        max_waiting_bytes: LARGE as u64,
        drop_policy: DropPolicy::Refuse,
        ..DataTrackOptions::new("a")
    };
    let track = rig.published(options);
    rig.manager.handle_buffered_amount(0);
    push(&track, LARGE);
    push(&track, 100_000);
    assert_eq!(track.try_push(frame(100_000)), Err(PushFrameError::QueueFull));
    rig.advance_ms(6);
    push(&track, 100_000);
    let stats = track.stats();
    assert_eq!((stats.frames_dropped_expired, stats.frames_waiting), (1, 2));
    assert_adds_up(&track);
}
