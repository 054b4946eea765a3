//! An SFU that says what none should: one strange entry spoils no other, and memory stays within its budgets whatever it lists.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "kit/counting.rs"]
mod counting;
#[path = "kit/hostile.rs"]
mod hostile;
#[path = "kit/pair.rs"]
mod pair;

use counting::live_bytes;
use datatracks::{
    signal::session::{self, Response},
    *,
};
use hostile::*;
use pair::Pair;

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

/// After the encryption extension, which is always first.
fn position_of_user_timestamp(packet: &[u8]) -> usize {
    let at = 12 + 2 + 2 + 13;
    assert_eq!(packet[at..at + 2], [2, 8], "the user timestamp's extension");
    at + 2
}
