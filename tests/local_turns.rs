//! Fairness: tracks take turns, packet by packet, and the channel is neither starved nor flooded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use datatracks::{DataTrackOptions, SendMode};
use local_support::{leaving::*, *};

fn burst(name: &str) -> DataTrackOptions {
    DataTrackOptions { send_mode: SendMode::Burst, ..DataTrackOptions::new(name) }
}

#[test]
fn p12_without_reports_each_callback_carries_a_whole_frame_at_once() {
    let rig = Rig::new();
    let track = rig.track("a");
    push(&track, 128 * 15_988);
    push(&track, 1);
    assert_eq!(order(&rig).iter().map(Vec::len).collect::<Vec<_>>(), [128, 1]);
    assert_eq!(
        rig.environment
            .next_deadline()
            .filter(|at| *at < rig.environment.now() + Duration::from_secs(1)),
        None
    );
}

#[test]
fn p12_a_track_whose_frames_have_grown_too_old_holds_up_no_other() {
    let rig = Rig::new();
    let brief = rig.published(DataTrackOptions { max_age_ms: 10, ..burst("brief") });
    let other = rig.published(burst("other"));
    rig.manager.handle_buffered_amount(1 << 20);
    push(&brief, 1);
    push(&other, 2);
    rig.advance_ms(20);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(order(&rig).len(), 1, "in the turn that finds the other's too old");
    assert_eq!(other.stats().frames_sent, 1);
    assert_eq!(brief.stats().frames_dropped_expired, 1);
}

#[test]
fn p12_tracks_take_turns_packet_by_packet() {
    let rig = Rig::new();
    let tracks = ["a", "b", "c"].map(|name| rig.published(burst(name)));
    rig.manager.handle_buffered_amount(1 << 20);
    push(&tracks[0], 3 * 15_988);
    push(&tracks[0], 1);
    push(&tracks[1], 1);
    push(&tracks[2], 2 * 15_988);
    assert!(order(&rig).is_empty());
    rig.manager.handle_buffered_amount(0);
    assert_eq!(order(&rig).concat(), [1, 2, 3, 1, 3, 1]);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(order(&rig).concat(), [1]);
    tracks.iter().for_each(|track| {
        assert_eq!(track.stats().frames_waiting, 0);
        assert_adds_up(track);
    });
}

#[test]
fn p12_a_track_that_floods_cannot_starve_another() {
    let rig = Rig::new();
    let (fast, slow) = (rig.published(burst("fast")), rig.published(burst("slow")));
    rig.manager.handle_buffered_amount(1 << 20);
    for _ in 0..100 {
        push(&fast, 10 * 15_988);
    }
    push(&slow, 3 * 15_988);
    for _ in 0..2 {
        rig.manager.handle_buffered_amount(0);
    }
    assert_eq!(slow.stats().frames_sent, 1);
    let order = order(&rig).concat();
    let last_of_slow = order.iter().rposition(|handle| *handle == 2).unwrap();
    assert!(last_of_slow <= 6, "{order:?}");
}

#[test]
fn a_lone_track_gets_what_the_channel_takes_in_one_callback() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    rig.manager.handle_buffered_amount(0);
    push(&track, 10 * 15_988);
    assert_eq!(
        order(&rig).iter().map(Vec::len).collect::<Vec<_>>(),
        [5],
        "64 KiB, and one that goes beyond"
    );
    rig.manager.handle_buffered_amount(40_000);
    assert_eq!(order(&rig).iter().map(Vec::len).collect::<Vec<_>>(), [2]);
    rig.manager.handle_buffered_amount(65_537);
    assert!(order(&rig).is_empty());
    rig.manager.handle_buffered_amount(65_536);
    assert_eq!(order(&rig).iter().map(Vec::len).collect::<Vec<_>>(), [1]);
}

#[test]
fn p12_packets_of_a_track_stay_in_order_and_frames_whole() {
    let rig = Rig::new();
    let tracks = ["a", "b"].map(|name| rig.track(name));
    rig.manager.handle_buffered_amount(0);
    for round in 0..50 {
        push(&tracks[round % 2], [1, 30_000, 200_000][round % 3]);
        rig.advance_ms(3);
        rig.manager.handle_buffered_amount([0, 100_000, 64_000][round % 3]);
    }
    for _ in 0..3_000 {
        rig.advance_ms(1);
        rig.manager.handle_buffered_amount(0);
    }
    let packets = rig.host.packets().concat();
    for handle in [1, 2] {
        let own: Vec<_> =
            packets.iter().map(|p| header(p)).filter(|h| h.handle.get() == handle).collect();
        let sequences: Vec<_> = own.iter().map(|header| header.sequence).collect();
        assert_eq!(sequences, (0..own.len() as u16).collect::<Vec<_>>());
    }
    tracks.iter().for_each(|track| {
        assert_eq!(track.stats().frames_waiting, 0);
        assert_adds_up(track);
    });
}

#[test]
fn a_silent_channel_is_probed_with_single_packets_ever_more_seldom() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    rig.manager.handle_buffered_amount(1 << 20);
    let log = clocked(&rig);
    push(&track, 100 * 15_988);
    assert!(log.lock().unwrap().is_empty());
    let probe = rig.environment.now() + Duration::from_millis(100);
    assert_eq!(rig.environment.next_deadline(), Some(probe), "nothing can be done before");
    rig.advance_ms(99);
    assert!(log.lock().unwrap().is_empty());
    rig.advance_ms(10_000);
    let times: Vec<_> = log.lock().unwrap().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [100, 300, 700, 1_500, 3_100, 4_700, 6_300, 7_900, 9_500]);
    rig.manager.handle_buffered_amount(0);
    assert!(log.lock().unwrap().len() > times.len(), "a report ends the drought");
    rig.manager.handle_buffered_amount(1 << 20);
    log.lock().unwrap().clear();
    rig.advance_ms(99);
    assert!(log.lock().unwrap().is_empty());
    rig.advance_ms(1);
    assert_eq!(log.lock().unwrap().len(), 1, "the next silence begins as the first did");
}

#[test]
fn a_channel_that_says_that_it_is_full_is_not_silent() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    rig.manager.handle_buffered_amount(1 << 20);
    let log = clocked(&rig);
    push(&track, 10 * 15_988);
    rig.advance_ms(99);
    rig.manager.handle_buffered_amount(1 << 20);
    rig.advance_ms(99);
    assert!(log.lock().unwrap().is_empty());
    rig.advance_ms(1);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[test]
fn a_full_reconnect_brings_an_empty_channel() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.handle_buffered_amount(1 << 20);
    push(&track, 1);
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.answer(published(&asked, "DTR_2"));
    assert_eq!(track.stats().frames_sent, 1);
}

#[test]
fn p12_after_a_full_reconnect_packets_are_small_until_the_new_channel_is_known() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    let (waiting, largest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (manager, held, seen) =
        (Arc::clone(&rig.manager), Arc::clone(&waiting), Arc::clone(&largest));
    rig.host.on_every(move |event| {
        let Event::Packets(packets) = event else { return Ok(()) };
        seen.fetch_max(packets.iter().map(Vec::len).max().unwrap(), Relaxed);
        let bytes: usize = packets.iter().map(Vec::len).sum();
        manager.handle_buffered_amount((held.fetch_add(bytes, Relaxed) + bytes) as u64);
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    for _ in 0..100 {
        largest.store(0, Relaxed);
        push(&track, 40_000);
        rig.advance_ms(1);
        waiting.store(0, Relaxed);
        rig.manager.handle_buffered_amount(0);
    }
    assert!(largest.load(Relaxed) > 10_000, "a fast channel");
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.answer(published(&asked, "DTR_2"));
    largest.store(0, Relaxed);
    push(&track, 40_000);
    assert!(largest.load(Relaxed) <= 3_600, "{largest:?}");
}

#[test]
fn a_host_that_reports_from_inside_the_callback_gets_everything_out() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    let manager = Arc::clone(&rig.manager);
    rig.host.on_every(move |event| {
        if matches!(event, Event::Packets(_)) {
            manager.handle_buffered_amount(0);
        }
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    for _ in 0..5 {
        push(&track, 100 * 15_988);
    }
    assert_eq!(track.stats().frames_sent, 5);
    assert_adds_up(&track);
}

#[test]
fn what_waited_for_a_republish_leaves_in_turn() {
    let rig = Rig::new();
    let tracks = ["a", "b"].map(|name| rig.published(burst(name)));
    rig.manager.republish_tracks();
    let requests = rig.host.requests();
    for _ in 0..2 {
        tracks.iter().for_each(|track| push(track, 1));
    }
    for request in &requests {
        rig.answer(published(&only_publish(std::slice::from_ref(request)), "DTR_2"));
    }
    assert_eq!(order(&rig).concat(), [1, 1, 2, 2]);
}

#[test]
fn a_report_that_leaves_no_room_makes_a_silent_channel_no_faster() {
    let rig = Rig::new();
    let track = rig.published(burst("a"));
    rig.manager.handle_buffered_amount(1 << 20);
    let log = clocked(&rig);
    push(&track, 20 * 15_988);
    rig.advance_ms(700);
    assert_eq!(log.lock().unwrap().len(), 3, "after 100, 300 and 700 ms");
    rig.manager.handle_buffered_amount(1 << 20);
    rig.advance_ms(799);
    assert_eq!(log.lock().unwrap().len(), 3);
    rig.advance_ms(1);
    assert_eq!(log.lock().unwrap().len(), 4, "800 ms after the report");
}
