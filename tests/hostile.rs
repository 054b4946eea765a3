//! Whatever bytes come in: a typed error or a counted drop, no panic, and memory stays within its budgets.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    dead_code
)]

#[path = "kit/chance.rs"]
mod chance;
#[path = "kit/counting.rs"]
mod counting;
#[path = "kit/pair.rs"]
mod pair;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use chance::Chance;
use counting::{Counting, live_bytes};
use datatracks::{
    random::Random,
    signal::session::{self, Response},
    *,
};
use pair::Pair;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Live bytes are counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pair still works: a frame pushed is a frame read.
fn assert_sound(pair: &Pair) {
    let packets = pair.packets_of(b"still here");
    for packet in &packets {
        pair.remote.handle_packet_received(packet);
    }
    let stats = (pair.local.stats(), pair.remote.stats());
    assert_eq!((stats.0.panics, stats.1.panics), (0, 0));
    assert!(pair.track.is_published());
}

/// Hands the bytes to every entry, and answers what each said.
fn every_signal_entry(pair: &Pair, bytes: &[u8]) -> Vec<Result<(), SignalError>> {
    let handled = |outcome: Result<SignalOutcome, SignalError>| outcome.map(drop);
    vec![
        handled(pair.local.handle_signal_response(bytes.to_vec())),
        pair.local.handle_sfu_publish_response(bytes.to_vec()),
        pair.local.handle_sfu_unpublish_response(bytes.to_vec()),
        pair.local.handle_sfu_request_response(bytes.to_vec()),
        pair.local.handle_sfu_participant_update(bytes.to_vec()),
        handled(pair.remote.handle_signal_response(bytes.to_vec())),
        pair.remote.handle_sfu_join_response(bytes.to_vec()),
        pair.remote.handle_sfu_participant_update(bytes.to_vec(), "subscriber".into()),
        pair.remote.handle_sfu_subscriber_handles(bytes.to_vec()),
    ]
}

#[test]
fn random_bytes_into_every_entry_do_no_harm() {
    let _alone = alone();
    let pair = Pair::new(false);
    let mut chance = Chance::new(11);
    for round in 0..20_000 {
        let mut bytes = vec![0; chance.below(120)];
        chance.fill(&mut bytes);
        if round % 2 == 0 && bytes.len() > 2 {
            // Half of them look like a message of ours for longer.
            let tag = [1, 5, 22, 24, 27, 28, 29, 30, 31][chance.below(9)] << 3 | 2;
            let length = bytes.len() - 3;
            bytes[0] = tag as u8 | 0x80;
            bytes[1] = (tag >> 7) as u8;
            bytes[2] = length as u8;
        }
        every_signal_entry(&pair, &bytes);
        pair.remote.handle_packet_received(&bytes);
    }
    let stats = pair.remote.stats();
    assert_eq!(stats.packets_received, 20_001, "with the pair's own");
    assert!(stats.packets_malformed > 0 && stats.packets_unknown_handle > 0, "{stats:?}");
    assert_eq!((pair.local.stats().panics, stats.panics), (0, 0));
}

#[test]
fn every_truncation_of_real_packets_and_messages_does_no_harm() {
    let _alone = alone();
    let pair = Pair::new(true);
    for packet in pair.packets_of(&[5; 40_000]) {
        for length in (0..packet.len().min(80)).chain([packet.len() - 1]) {
            pair.remote.handle_packet_received(&packet[..length]);
        }
    }
    let message = handles(8, "DTR_measured");
    for length in 0..message.len() {
        every_signal_entry(&pair, &message[..length]);
    }
    assert_sound(&pair);
}

#[test]
fn messages_that_are_too_large_are_malformed() {
    let _alone = alone();
    let pair = Pair::new(false);
    let message = handles(1, &format!("DTR_{}", "x".repeat(3 << 20)));
    for outcome in every_signal_entry(&pair, &message) {
        assert_eq!(outcome, Err(SignalError::Malformed));
    }
    assert_sound(&pair);
}

#[test]
fn a_name_of_a_megabyte_is_skipped_and_the_rest_of_the_list_takes_effect() {
    let _alone = alone();
    let pair = Pair::new(false);
    let tracks = vec![
        track(1, "measured", "DTR_measured"),
        track(2, &"n".repeat(1 << 20), "DTR_long"),
        track(3, "good", "DTR_good"),
    ];
    pair.remote.handle_signal_response(update(tracks)).unwrap();
    let names: Vec<_> = pair.remote.tracks().iter().map(|track| track.info().name).collect();
    assert_eq!(names, ["measured", "good"]);
    assert_eq!(pair.remote.stats().entries_skipped, 1);
    assert_sound(&pair);
}

#[test]
fn unknown_enum_values_and_bad_handles_are_skipped_or_kept_as_unknown() {
    let _alone = alone();
    let pair = Pair::new(false);
    let mut custom = track(2, "custom", "DTR_custom");
    custom.encryption = 2;
    let mut future = track(3, "future", "DTR_future");
    future.encryption = 99;
    let zero = track(0, "zero", "DTR_zero");
    let large = track(65_536, "large", "DTR_large");
    let sid = track(5, "sid", "nonsense");
    let tracks = vec![
        track(1, "measured", "DTR_measured"),
        custom,
        future,
        zero,
        large,
        sid,
        track(6, "good", "DTR_good"),
    ];
    pair.remote.handle_signal_response(update(tracks)).unwrap();
    let names: Vec<_> = pair.remote.tracks().iter().map(|track| track.info().name).collect();
    assert_eq!(names, ["measured", "good"]);
    assert_eq!(pair.remote.stats().entries_skipped, 5);
    let refused = session::RequestResponse {
        reason: 77,
        message: "from the future".into(),
        ..Default::default()
    };
    pair.local
        .handle_sfu_request_response(session::encode_response(Response::RequestResponse(refused)))
        .unwrap();
    assert_sound(&pair);
}

#[test]
fn all_handles_at_once_cost_little() {
    let _alone = alone();
    let pair = Pair::new(false);
    let before = live_bytes();
    pair.remote.handle_signal_response(handles(65_535, "DTR_x")).unwrap();
    let mut packet = pair.packets_of(&[1; 1000])[0].to_vec();
    for handle in 1..=u16::MAX {
        packet[2..4].copy_from_slice(&handle.to_be_bytes());
        pair.remote.handle_packet_received(&packet);
    }
    assert!(live_bytes() - before < 16 << 20, "{} bytes", live_bytes() - before);
    assert!(pair.remote.stats().bytes_stashed <= 256 << 10);
    pair.remote.handle_signal_response(handles(1, "DTR_measured")).unwrap();
    assert_sound(&pair);
}

#[test]
fn frames_that_never_end_stay_within_the_budget() {
    let _alone = alone();
    let pair = Pair::new(false);
    let start = pair.packets_of(&vec![1; 40_000])[0].to_vec();
    let before = live_bytes();
    let mut most = 0;
    for number in 0..20_000_u32 {
        let mut packet = start.clone();
        packet[4..6].copy_from_slice(&((number * 7) as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&(number as u16).to_be_bytes());
        packet[0] = [0x10, 0x00, 0x08][number as usize % 3];
        pair.remote.handle_packet_received(&packet);
        most = most.max(live_bytes() - before);
    }
    assert!(most < 24 << 20, "{most} bytes at the most");
    let stats = pair.remote.tracks()[0].stats();
    assert!(stats.bytes_partial <= 8 << 20, "{stats:?}");
    assert_eq!(pair.remote.stats().panics, 0);
}

#[test]
fn endless_fragments_of_one_frame_stay_within_the_budget() {
    let _alone = alone();
    let pair = Pair::new(false);
    let start = pair.packets_of(&vec![1; 40_000])[0].to_vec();
    let before = live_bytes();
    for sequence in 0..=u16::MAX {
        let mut packet = start.clone();
        packet[4..6].copy_from_slice(&sequence.to_be_bytes());
        packet[6..8].copy_from_slice(&9_u16.to_be_bytes());
        packet[0] = if sequence == 0 { 0x10 } else { 0x00 };
        pair.remote.handle_packet_received(&packet);
    }
    assert!(live_bytes() - before < 24 << 20, "{} bytes", live_bytes() - before);
    assert!(pair.remote.tracks()[0].stats().bytes_partial <= 8 << 20);
}

#[test]
fn a_room_of_strangers_is_bounded_by_what_it_says() {
    let _alone = alone();
    let pair = Pair::new(false);
    let tracks = (1..=2000)
        .map(|handle| track(handle, &format!("t{handle}"), &format!("DTR_{handle}")))
        .collect();
    pair.remote.handle_signal_response(update(tracks)).unwrap();
    assert_eq!(pair.remote.tracks().len(), 2000);
    pair.remote.handle_signal_response(update(vec![])).unwrap();
    assert!(pair.remote.tracks().is_empty());
    let before = live_bytes();
    for round in 0..50_u32 {
        let tracks = (1..=2000)
            .map(|handle| track(handle, &format!("t{round}"), &format!("DTR_{round}_{handle}")))
            .collect();
        pair.remote.handle_signal_response(update(tracks)).unwrap();
        pair.remote.handle_signal_response(update(vec![])).unwrap();
    }
    assert!(
        live_bytes() - before < 8 << 20,
        "{} bytes are kept of tracks that are gone",
        live_bytes() - before
    );
}

#[test]
fn p4_sealed_frames_sent_again_under_new_numbers_are_refused() {
    let _alone = alone();
    let pair = Pair::new(true);
    let frames: Vec<_> =
        [10, 40_000].iter().map(|length| pair.packets_of(&vec![5; *length])).collect();
    frames.iter().flatten().for_each(|packet| pair.remote.handle_packet_received(packet));
    assert_eq!(
        (pair.read().payload.as_ref().len(), pair.read().payload.as_ref().len()),
        (10, 40_000)
    );
    let mut numbers = Numbers { sequence: 100, frame: 10 };
    for round in 1..=20 {
        frames.iter().for_each(|frame| pair.feed(&numbers.renumber(frame)));
        assert_eq!(pair.track_stats().frames_dropped_replayed, 2 * round);
    }
    // Nor does the SFU get round it by giving the track another handle.
    pair.remote.handle_signal_response(handles_from(9, 1, "DTR_measured")).unwrap();
    let moved = numbers.renumber(&frames[0]).into_iter().map(|packet| under_handle(packet, 9));
    pair.feed(&moved.collect::<Vec<_>>());
    assert_eq!(pair.track_stats().frames_dropped_replayed, 41);
    let stats = pair.stream.stats();
    assert_eq!((stats.frames_delivered, stats.frames_waiting), (3, 0), "with the pair's own");
}

fn track(handle: u32, name: &str, sid: &str) -> session::DataTrackInfo {
    session::DataTrackInfo {
        pub_handle: handle,
        sid: sid.into(),
        name: name.into(),
        ..Default::default()
    }
}

fn update(data_tracks: Vec<session::DataTrackInfo>) -> Vec<u8> {
    let publisher = session::ParticipantInfo {
        sid: "PA_publisher".into(),
        identity: "publisher".into(),
        state: 2,
        data_tracks,
        ..Default::default()
    };
    session::encode_response(Response::Update(session::ParticipantUpdate {
        participants: vec![publisher],
    }))
}

fn handles(count: u32, sid: &str) -> Vec<u8> {
    handles_from(1, count, sid)
}

fn handles_from(first: u32, count: u32, sid: &str) -> Vec<u8> {
    let track = session::PublishedDataTrack {
        publisher_identity: "publisher".into(),
        track_sid: sid.into(),
        ..Default::default()
    };
    let sub_handles: BTreeMap<_, _> =
        (first..first + count).map(|handle| (handle, track.clone())).collect();
    session::encode_response(Response::DataTrackSubscriberHandles(
        session::DataTrackSubscriberHandles { sub_handles },
    ))
}

/// Numbers that an adversary gives to packets: headers are not authenticated.
struct Numbers {
    sequence: u16,
    frame: u16,
}

impl Numbers {
    fn renumber(&mut self, frame: &[Bytes]) -> Vec<Vec<u8>> {
        let renumbered = frame.iter().map(|packet| {
            let mut packet = packet.to_vec();
            packet[4..6].copy_from_slice(&self.sequence.to_be_bytes());
            packet[6..8].copy_from_slice(&self.frame.to_be_bytes());
            self.sequence += 1;
            packet
        });
        let renumbered = renumbered.collect();
        self.frame += 1;
        renumbered
    }
}

fn under_handle(mut packet: Vec<u8>, handle: u16) -> Vec<u8> {
    packet[2..4].copy_from_slice(&handle.to_be_bytes());
    packet
}
