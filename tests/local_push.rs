//! Pushes tell the truth: what is accepted is sent, waits or is dropped with a reason, and what is refused never leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, atomic::Ordering};

use datatracks::{
    DataTrackFrame, DataTrackOptions, DropPolicy, KeyRing, PushFrameError,
    packet::{self, Marker},
};
use local_support::{pushing::*, *};

fn refusing(max_waiting_bytes: u64) -> DataTrackOptions {
    DataTrackOptions { drop_policy: DropPolicy::Refuse, ..dropping(max_waiting_bytes) }
}

#[test]
fn a_frame_leaves_during_the_push_whole_and_in_order() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let payload: Vec<u8> = (0..40_000_u32).map(|n| n as u8).collect();
    track.try_push_bytes_with_timestamp(&payload, 42).unwrap();
    let calls = rig.host.packets();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].iter().map(Vec::len).collect::<Vec<_>>(),
        [16_000, 16_000, 40_000 - 2 * 15_976 + 24]
    );
    let packets: Vec<_> = calls[0].iter().map(|packet| packet::decode(packet).unwrap()).collect();
    let markers: Vec<_> = packets.iter().map(|packet| packet.header.marker).collect();
    assert_eq!(markers, [Marker::Start, Marker::Inter, Marker::Final]);
    assert!(packets.iter().all(|packet| packet.header.extensions.user_timestamp == Some(42)));
    assert_eq!(
        packets.iter().flat_map(|packet| packet.payload.to_vec()).collect::<Vec<_>>(),
        payload
    );
    track.try_push(frame(5)).unwrap();
    assert_eq!(header(&rig.host.packets()[0][0]).sequence, 3);
    let stats = track.stats();
    assert_eq!((stats.frames_sent, stats.packets_sent, stats.bytes_sent), (2, 4, 40_072 + 17));
}

#[test]
fn p2_an_empty_frame_travels_as_one_packet() {
    let rig = Rig::new();
    let track = rig.track("pose");
    track.try_push(frame(0)).unwrap();
    let calls = rig.host.packets();
    assert_eq!(
        (calls[0].len(), calls[0][0].len(), header(&calls[0][0]).marker),
        (1, 12, Marker::Single)
    );
}

#[test]
fn timestamps_tick_at_90_khz() {
    let rig = Rig::new();
    let track = rig.track("pose");
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(1_000);
    track.try_push(frame(1)).unwrap();
    let calls = rig.host.packets();
    let (first, second) = (header(&calls[0][0]).timestamp, header(&calls[1][0]).timestamp);
    assert_eq!(second.wrapping_sub(first), 90_000);
}

#[test]
fn p2_the_largest_frame_is_sent_and_a_larger_one_refused_with_the_limit() {
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    ring.set_shared_key(b"secret".to_vec(), 0).unwrap();
    let cases = [
        (Rig::new(), None, 128 * 15_988),
        (Rig::new(), Some(1), 128 * 15_976),
        (Rig::with(Some(ring.encryption_provider(None)), Some(ALICE)), Some(1), 128 * 15_960 - 16),
    ];
    for (rig, user_timestamp, max) in cases {
        let track = rig.track("pose");
        let too_large = DataTrackFrame { user_timestamp, ..frame(max + 1) };
        let error = PushFrameError::FrameTooLarge { max: max as u64 };
        assert_eq!(track.try_push(too_large), Err(error));
        track.try_push(DataTrackFrame { user_timestamp, ..frame(max) }).unwrap();
        assert_eq!(rig.host.packets()[0].len(), 128);
        let stats = track.stats();
        assert_eq!((stats.frames_accepted, stats.frames_refused), (1, 1));
    }
}

#[test]
fn p2_the_oldest_waiting_frame_makes_room() {
    let rig = full();
    let track = rig.published(dropping(3 * (12 + 100)));
    for bytes in [100, 99, 98, 97, 96] {
        track.try_push(frame(bytes)).unwrap();
        assert_adds_up(&track);
    }
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_waiting, stats.frames_dropped_full), (5, 3, 2));
    assert_eq!(stats.bytes_waiting, 98 + 97 + 96 + 36);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(left(&rig), [98, 97, 96]);
    assert_eq!(track.stats().frames_sent, 3);
}

#[test]
fn p2_a_full_room_refuses_by_policy_and_a_refused_frame_leaves_no_gap() {
    let rig = full();
    let track = rig.published(refusing(2 * 112));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(100)), Err(PushFrameError::QueueFull));
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(1)).unwrap();
    let numbers: Vec<_> =
        rig.host.packets().iter().map(|call| header(&call[0]).frame_number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_refused, stats.frames_sent), (3, 1, 3));
}

/// A reader takes a gap for a loss, and holds back what comes behind it.
#[test]
fn p3_frames_that_are_dropped_while_they_wait_leave_no_gap() {
    let rig = full();
    let newest = rig.published(dropping(0));
    newest.try_push(frame(40_000)).unwrap();
    newest.try_push(frame(50_000)).unwrap();
    let brief = DataTrackOptions { max_age_ms: 30, ..dropping(1 << 20) };
    let brief = rig.published(DataTrackOptions { name: "brief".into(), ..brief });
    brief.try_push(frame(40_000)).unwrap();
    rig.advance_ms(31);
    brief.try_push(frame(50_000)).unwrap();
    for _ in 0..100 {
        rig.manager.handle_buffered_amount(0);
        rig.advance_ms(1);
    }
    let packets: Vec<_> =
        rig.host.packets().iter().flatten().map(|packet| header(packet)).collect();
    for (handle, track) in (1..).zip([newest, brief]) {
        assert_eq!(track.stats().frames_sent, 1, "{:?}", track.stats());
        let own = packets.iter().filter(|header| header.handle.get() == handle);
        let numbers: Vec<_> = own.map(|header| (header.sequence, header.frame_number)).collect();
        assert_eq!(numbers, (0..numbers.len() as u16).map(|n| (n, 0)).collect::<Vec<_>>());
        assert!(numbers.len() > 3);
    }
}

#[test]
fn p2_a_frame_larger_than_the_room_waits_alone() {
    let rig = full();
    let track = rig.published(refusing(10));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(0)), Err(PushFrameError::QueueFull));
    let dropping = rig.published(DataTrackOptions { name: "b".into(), ..dropping(0) });
    dropping.try_push(frame(100)).unwrap();
    dropping.try_push(frame(50)).unwrap();
    assert_eq!(dropping.stats().frames_dropped_full, 1, "newest wins");
}

#[test]
fn p2_what_waits_too_long_is_dropped_and_counted() {
    let rig = full();
    let track = rig.published(DataTrackOptions { max_age_ms: 50, ..DataTrackOptions::new("pose") });
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(10);
    track.try_push(frame(2)).unwrap();
    rig.advance_ms(41);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(left(&rig), [2]);
    assert_eq!(track.stats().frames_dropped_expired, 1);
    assert_adds_up(&track);
}

#[test]
fn p5_a_frame_that_the_host_cannot_send_is_dropped_whole_and_counted() {
    let rig = Rig::new();
    let track = rig.track("pose");
    rig.host.refuses_packets.store(true, Ordering::SeqCst);
    assert_eq!(track.try_push(frame(20_000)), Ok(()), "it was accepted");
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(100_000)).unwrap();
    assert_eq!(
        rig.host.packets().iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1],
        "the rest is dropped"
    );
    rig.host.refuses_packets.store(false, Ordering::SeqCst);
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(100);
    let stats = track.stats();
    assert_eq!((stats.frames_sent, stats.frames_dropped_not_sent, stats.frames_waiting), (1, 2, 0));
    assert_eq!(stats.packets_sent, 1, "what was thrown at is not sent");
    assert_eq!(rig.manager.stats().delegate_errors, 2);
    assert_adds_up(&track);
}

#[test]
fn p10_a_manager_has_a_budget_whatever_its_tracks_may_hold() {
    let rig = full();
    let tracks: Vec<_> = (0..40)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    let payload = vec![0; 1 << 20];
    let mut refused = 0;
    for track in tracks.iter().cycle().take(160) {
        refused += usize::from(track.try_push_bytes(&payload).is_err());
    }
    let waiting: u64 = tracks.iter().map(|track| track.stats().bytes_waiting).sum();
    assert!((58 << 20..=60 << 20).contains(&waiting), "{waiting}");
    assert_eq!(refused, 0, "each has something of its own to drop");
    let late = rig.published(DataTrackOptions::new("late"));
    assert_eq!(late.try_push_bytes(&payload), Err(PushFrameError::QueueFull));
    tracks.iter().for_each(|track| assert_adds_up(track));
    tracks.iter().for_each(|track| track.unpublish());
    rig.manager.handle_buffered_amount(0);
    rig.host.take();
    late.try_push(frame(1)).unwrap();
    assert_eq!(
        header(&rig.host.packets()[0][0]).frame_number,
        0,
        "the refused frame leaves no gap"
    );
}

#[test]
fn p10_frames_without_bytes_count_too() {
    let rig = full();
    let track = rig.published(dropping(u64::MAX));
    for _ in 0..1_000_000 {
        if track.stats().frames_dropped_full > 0 {
            break;
        }
        track.try_push_bytes(&[]).unwrap();
    }
    assert!(track.stats().frames_dropped_full > 0);
    assert_adds_up(&track);
}

#[test]
fn p10_what_is_held_leaves_no_memory_for_frames_of_other_tracks() {
    let rig = Rig::new();
    let held: Vec<_> = (0..16)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    rig.manager.republish_tracks();
    for track in held.iter().cycle().take(64) {
        track.try_push_bytes(&vec![0; 1 << 20]).unwrap();
    }
    rig.host.take();
    let late = rig.track("late");
    assert_eq!(late.try_push_bytes(&vec![0; 1 << 20]), Err(PushFrameError::QueueFull));
    assert!(rig.host.packets().is_empty());
}
