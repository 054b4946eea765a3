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
    task::{Context, Poll, Waker},
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
    let message = handles(1, &format!("DTR_{}", "x".repeat(17 << 20)));
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

#[test]
fn p4_a_sealed_frame_moved_to_a_plain_track_is_refused_and_opens_on_one_of_the_same_key() {
    let _alone = alone();
    let pair = Pair::new(true);
    let tracks = vec![
        secret(1, "measured", "DTR_measured"),
        secret(2, "secret", "DTR_secret"),
        track(3, "plain", "DTR_plain"),
    ];
    pair.remote.handle_signal_response(update(tracks)).unwrap();
    let known = pair.remote.tracks();
    let mut subscribing: Vec<_> =
        known[1..].iter().map(|track| Box::pin(track.subscribe(None))).collect();
    assert!(subscribing.iter_mut().all(|call| poll(call.as_mut()).is_none()));
    let sids = [(1, "DTR_measured"), (2, "DTR_secret"), (3, "DTR_plain")];
    pair.remote.handle_signal_response(handles_of(&sids)).unwrap();
    let streams: Vec<_> =
        subscribing.iter_mut().map(|call| poll(call.as_mut()).unwrap().unwrap()).collect();
    let packet = pair.packets_of(b"sealed")[0].to_vec();
    pair.feed(&[under_handle(packet.clone(), 3), under_handle(packet, 2)]);
    assert_eq!(known[2].stats().frames_dropped_encryption_mismatch, 1);
    assert_eq!(streams[1].stats(), StreamStats::default());
    // Nothing on this wire format says that it is not so: the threat model does.
    assert_eq!(streams[0].stats().frames_waiting, 1);
    assert_sound(&pair);
}

#[test]
fn timestamps_that_an_sfu_changed_reach_the_application_and_nothing_breaks() {
    let _alone = alone();
    let pair = Pair::new(true);
    for (number, timestamp) in [0, u32::MAX, 1 << 31, 7].into_iter().enumerate() {
        *pair.wire.keep.lock().unwrap() = Some(Vec::new());
        pair.track.try_push_bytes_with_timestamp(b"when?", number as u64).unwrap();
        let mut packet = pair.wire.keep.lock().unwrap().take().unwrap()[0].to_vec();
        packet[8..12].copy_from_slice(&timestamp.to_be_bytes());
        let at = position_of_user_timestamp(&packet);
        packet[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
        pair.feed(&[packet]);
        let frame = pair.read();
        assert_eq!(frame.payload.as_ref(), b"when?", "sealed");
        assert_eq!(frame.user_timestamp, Some(u64::MAX), "not sealed: the threat model says so");
    }
    assert_sound(&pair);
}

#[test]
fn p4_an_iv_of_another_size_never_opens() {
    let _alone = alone();
    let pair = Pair::new(true);
    let packet = pair.packets_of(b"sealed")[0].to_vec();
    let encryption = 12 + 2;
    assert_eq!(packet[encryption..encryption + 2], [1, 13], "the encryption extension");
    for length in (0..=13).chain([14, 255]) {
        let mut changed = packet.clone();
        changed[encryption + 1] = length;
        changed[6..8].copy_from_slice(&(100 + u16::from(length)).to_be_bytes());
        pair.feed(&[changed]);
    }
    let stats = pair.track_stats();
    let refused = stats.frames_dropped_encryption_mismatch
        + stats.frames_dropped_undecryptable
        + pair.remote.stats().packets_malformed;
    assert_eq!(refused, 14, "{stats:?}");
    assert_eq!(stats.frames_dropped_replayed, 1, "of 14 bytes the first 13 count: {stats:?}");
    assert_eq!(pair.stream.stats().frames_delivered + pair.stream.stats().frames_waiting, 2);
}

#[test]
fn p4_a_reply_with_the_encryption_flag_flipped_publishes_nothing() {
    let _alone = alone();
    for encrypted in [false, true] {
        let pair = Pair::new(encrypted);
        let mut publishing =
            Box::pin(pair.local.publish_track(DataTrackOptions::new("second"), None));
        assert!(poll(publishing.as_mut()).is_none());
        let info = session::DataTrackInfo {
            encryption: i32::from(!encrypted),
            ..track(2, "second", "DTR_second")
        };
        let answer = Response::PublishDataTrack(session::DataTrackResponse { info: Some(info) });
        pair.local.handle_signal_response(session::encode_response(answer)).unwrap();
        assert_eq!(poll(publishing.as_mut()).unwrap().unwrap_err(), PublishError::UnexpectedAnswer);
        assert_eq!(pair.local.tracks().len(), 1);
        assert_sound(&pair);
    }
}

#[test]
fn one_strange_track_in_a_join_response_spoils_no_other() {
    let _alone = alone();
    let pair = Pair::new(false);
    let strange = session::DataTrackInfo { encryption: 99, ..track(7, "strange", "DTR_strange") };
    let others = vec![
        participant("publisher", vec![track(1, "measured", "DTR_measured"), strange]),
        participant("", vec![track(1, "nobody's", "DTR_nobody")]),
        participant("other", vec![track(0, "zero", "DTR_zero"), track(1, "good", "DTR_good")]),
    ];
    let join = session::JoinResponse {
        participant: Some(participant("subscriber", vec![])),
        other_participants: others,
        ..Default::default()
    };
    pair.remote.handle_signal_response(session::encode_response(Response::Join(join))).unwrap();
    let names: Vec<_> = pair.remote.tracks().iter().map(|track| track.info().name).collect();
    assert!(names.contains(&"measured".into()) && names.contains(&"good".into()), "{names:?}");
    assert!(!names.contains(&"strange".into()) && !names.contains(&"zero".into()), "{names:?}");
    assert!(pair.remote.stats().entries_skipped >= 2);
    assert_sound(&pair);
}

#[test]
fn handles_swapped_in_the_middle_of_a_frame_complete_none_of_two_halves() {
    let _alone = alone();
    let pair = Pair::new(false);
    let frame = pair.packets_of(&[3; 40_000]);
    pair.feed(&frame[..1]);
    pair.remote.handle_signal_response(handles_from(2, 1, "DTR_measured")).unwrap();
    let rest: Vec<_> = frame[1..].iter().map(|packet| under_handle(packet.to_vec(), 2)).collect();
    pair.feed(&rest);
    let stats = pair.track_stats();
    assert_eq!((stats.frames_completed, stats.frames_dropped_incomplete), (1, 1), "{stats:?}");
    pair.remote.handle_signal_response(handles_from(1, 1, "DTR_measured")).unwrap();
    pair.feed(&pair.packets_of(b"after it"));
    assert_eq!(pair.stream.stats().frames_delivered + pair.stream.stats().frames_waiting, 2);
    assert_sound(&pair);
}

#[test]
fn endless_unknown_handles_hold_no_more_than_the_stash() {
    let _alone = alone();
    let pair = Pair::new(false);
    let packet = pair.packets_of(&[1; 12_000])[0].to_vec();
    let before = live_bytes();
    for round in 0..200_000_u32 {
        let handle = (2 + round % 65_000) as u16;
        pair.feed(&[under_handle(packet.clone(), handle)]);
    }
    let stats = pair.remote.stats();
    assert!(stats.bytes_stashed <= 256 << 10, "{stats:?}");
    assert!(live_bytes() - before < 1 << 20, "{} bytes", live_bytes() - before);
    assert_sound(&pair);
}

#[test]
fn two_to_the_sixteenth_sids_take_a_kilobyte_each_and_no_more_the_second_time() {
    let _alone = alone();
    let pair = Pair::new(false);
    let measured = track(1, "measured", "DTR_measured");
    let before = live_bytes();
    let mut kept = Vec::new();
    for round in 0..2 {
        let name = |handle| format!("DTR_{round}_{handle}");
        let others = (2..=65_536).map(|handle| track(handle, "other", &name(handle)));
        let all = std::iter::once(measured.clone()).chain(others).collect();
        pair.remote.handle_signal_response(update(all)).unwrap();
        assert_eq!(pair.remote.tracks().len(), 65_535, "a handle has 16 bits");
        assert!(live_bytes() - before < 128 << 20, "{} bytes", live_bytes() - before);
        pair.remote.handle_signal_response(update(vec![measured.clone()])).unwrap();
        assert_eq!(pair.remote.tracks().len(), 1);
        kept.push(live_bytes() - before);
    }
    assert!(kept[0] < 66 << 20, "{kept:?}: room for as many tracks as there were is kept");
    assert!(kept[1] - kept[0] < 1 << 20, "{kept:?}");
    assert_eq!(pair.remote.stats().entries_skipped, 2);
    assert_sound(&pair);
}

#[test]
fn counts_and_lengths_that_lie_allocate_nothing() {
    let _alone = alone();
    let pair = Pair::new(false);
    let before = live_bytes();
    // An update (5) whose participant announces up to 2^63 bytes and holds none, at each depth of the message.
    for depth in 0..4 {
        for length in [0x7F_u64, 0xFFFF, u64::from(u32::MAX), u64::MAX >> 1] {
            let mut inner = vec![0x0A];
            varint(&mut inner, length);
            for _ in 0..depth {
                let mut outer = vec![0x0A];
                varint(&mut outer, inner.len() as u64);
                outer.append(&mut inner);
                inner = outer;
            }
            let mut message = vec![0x2A];
            varint(&mut message, inner.len() as u64);
            message.append(&mut inner);
            every_signal_entry(&pair, &message);
        }
    }
    // An extension block of 2^16 words in a packet of 14 bytes.
    let packet = [0x1C, 0, 0, 1, 0, 9, 0, 9, 0, 0, 0, 0, 0xFF, 0xFF];
    pair.feed(&[packet]);
    assert_eq!(pair.remote.stats().packets_malformed, 1);
    assert!(live_bytes() - before < 1 << 16, "{} bytes", live_bytes() - before);
    assert_sound(&pair);
}

#[test]
fn messages_inside_messages_without_end_overflow_no_stack() {
    let _alone = alone();
    let pair = Pair::new(false);
    for field in 1..=15_u8 {
        // Every field of every message, 20 000 deep, each as long as it says; and the same as groups.
        let mut backwards = Vec::new();
        for _ in 0..20_000 {
            let mut head = vec![field << 3 | 2];
            varint(&mut head, backwards.len() as u64);
            backwards.extend(head.iter().rev());
        }
        let message: Vec<u8> = backwards.into_iter().rev().collect();
        for outer in [1_u32, 5, 22, 24, 27, 28, 29, 31] {
            let mut bytes = Vec::new();
            varint(&mut bytes, u64::from(outer << 3 | 2));
            varint(&mut bytes, message.len() as u64);
            bytes.extend(&message);
            every_signal_entry(&pair, &bytes);
        }
        every_signal_entry(&pair, &vec![field << 3 | 3; 20_000]);
    }
    assert_sound(&pair);
}

fn track(handle: u32, name: &str, sid: &str) -> session::DataTrackInfo {
    session::DataTrackInfo {
        pub_handle: handle,
        sid: sid.into(),
        name: name.into(),
        ..Default::default()
    }
}

fn secret(handle: u32, name: &str, sid: &str) -> session::DataTrackInfo {
    session::DataTrackInfo { encryption: 1, ..track(handle, name, sid) }
}

fn participant(
    identity: &str,
    data_tracks: Vec<session::DataTrackInfo>,
) -> session::ParticipantInfo {
    session::ParticipantInfo {
        sid: format!("PA_{identity}"),
        identity: identity.into(),
        state: 2,
        data_tracks,
        ..Default::default()
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// After the encryption extension, which is always first.
fn position_of_user_timestamp(packet: &[u8]) -> usize {
    let at = 12 + 2 + 2 + 13;
    assert_eq!(packet[at..at + 2], [2, 8], "the user timestamp's extension");
    at + 2
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn update(data_tracks: Vec<session::DataTrackInfo>) -> Vec<u8> {
    let publisher = participant("publisher", data_tracks);
    session::encode_response(Response::Update(session::ParticipantUpdate {
        participants: vec![publisher],
    }))
}

fn handles(count: u32, sid: &str) -> Vec<u8> {
    handles_from(1, count, sid)
}

fn handles_from(first: u32, count: u32, sid: &str) -> Vec<u8> {
    let sids: Vec<_> = (first..first + count).map(|handle| (handle, sid)).collect();
    handles_of(&sids)
}

fn handles_of(sids: &[(u32, &str)]) -> Vec<u8> {
    let track = |sid: &str| session::PublishedDataTrack {
        publisher_identity: "publisher".into(),
        track_sid: sid.into(),
        ..Default::default()
    };
    let sub_handles: BTreeMap<_, _> =
        sids.iter().map(|(handle, sid)| (*handle, track(sid))).collect();
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
