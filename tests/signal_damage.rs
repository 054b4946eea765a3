//! Signals that are damaged, too large or none of ours hurt nobody: one bad entry leaves the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_signals;

use std::collections::HashMap;

use datatracks::{
    DataTrackFrameEncoding, DataTrackSchemaEncoding, DataTrackSchemaId, Handle, SignalError,
    signal::{self, Decoded, RefusedRequest, SignalIn},
};
use livekit::signal_response::Message as Response;
use livekit_protocol as livekit;
use livekit_signals::*;
use proptest::prelude::*;
use prost::Message;

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        drop(signal::decode(&bytes, |_| true));
    }

    #[test]
    fn any_bytes_inside_an_envelope_are_read_or_refused(
        tag in 1_u32..32,
        inner in proptest::collection::vec(any::<u8>(), 0..512),
    ) {
        let bytes = envelope(tag, &inner);
        if let Ok(decoded) = signal::decode(&bytes, |_| true) {
            prop_assert_eq!(decoded.tag, tag);
        }
    }

    #[test]
    fn a_damaged_message_is_read_or_refused(
        people in proptest::collection::vec(participant(), 1..3),
        at: proptest::sample::Index,
        value: u8,
    ) {
        let participants = people.iter().map(livekit_participant).collect();
        let mut bytes = encode(Response::Update(livekit::ParticipantUpdate { participants }));
        let at = at.index(bytes.len());
        bytes[at] = value;
        drop(signal::decode(&bytes, |_| true));
        drop(signal::decode(&bytes[..at], |_| true));
    }
}

#[test]
fn one_bad_track_leaves_the_others() {
    let good = livekit::DataTrackInfo {
        pub_handle: 1,
        sid: "DTR_good".into(),
        name: "good".into(),
        ..Default::default()
    };
    let bad = [
        livekit::DataTrackInfo { pub_handle: 0, ..good.clone() },
        livekit::DataTrackInfo { pub_handle: 65_536, ..good.clone() },
        livekit::DataTrackInfo { sid: String::new(), ..good.clone() },
        livekit::DataTrackInfo { sid: "TR_x".into(), ..good.clone() },
        livekit::DataTrackInfo { sid: format!("DTR_{}", "x".repeat(300)), ..good.clone() },
        livekit::DataTrackInfo { name: String::new(), ..good.clone() },
        livekit::DataTrackInfo { name: "x".repeat(257), ..good.clone() },
        livekit::DataTrackInfo { encryption: 2, ..good.clone() },
        livekit::DataTrackInfo { encryption: 77, ..good.clone() },
    ];
    for bad in bad {
        let info = livekit::ParticipantInfo {
            identity: "bob".into(),
            data_tracks: vec![bad.clone(), good.clone(), bad.clone()],
            ..Default::default()
        };
        let decoded =
            decode(Response::Update(livekit::ParticipantUpdate { participants: vec![info] }));
        assert_eq!(decoded.skipped, 2, "{bad:?}");
        let Some(SignalIn::Update(people)) = decoded.message else { panic!("another message") };
        assert_eq!(people[0].tracks.len(), 1, "{bad:?}");
        assert_eq!(people[0].tracks[0].info.sid, "DTR_good");

        let handle = u16::try_from(bad.pub_handle).ok().and_then(Handle::new);
        let message = handle.map(SignalIn::UnusablePublishResponse);
        let response = livekit::PublishDataTrackResponse { info: Some(bad) };
        let decoded = decode(Response::PublishDataTrackResponse(response));
        assert_eq!(decoded, Decoded { tag: signal::tag::PUBLISH_RESPONSE, message, skipped: 1 });
    }
}

#[test]
fn entries_that_no_decoder_accepts_leave_the_others() {
    let good = livekit::ParticipantInfo { identity: "bob".into(), ..Default::default() };
    let good = good.encode_to_vec();
    let invalid_utf8 = field(2, &[0xff, 0xfe]);
    let wrong_wire_type = vec![2 << 3, 1]; // identity as a number
    let truncated = vec![2 << 3 | 2, 9, b'x'];
    for bad in [invalid_utf8, wrong_wire_type, truncated, vec![]] {
        let list = [field(1, &bad), field(1, &good), field(1, &bad)].concat();
        let decoded = signal::decode(&envelope(signal::tag::UPDATE, &list), |_| true).unwrap();
        assert_eq!(decoded.skipped, 2, "{bad:?}");
        let Some(SignalIn::Update(people)) = decoded.message else { panic!("another message") };
        assert_eq!(people.len(), 1, "{bad:?}");
    }
}

#[test]
fn one_bad_handle_leaves_the_others() {
    let entry = |handle, sid: &str| {
        let track = livekit::data_track_subscriber_handles::PublishedDataTrack {
            publisher_identity: "bob".into(),
            publisher_sid: "PA_1".into(),
            track_sid: sid.into(),
        };
        (handle, track)
    };
    let sub_handles = HashMap::from([
        entry(0, "DTR_a"),
        entry(65_536, "DTR_b"),
        entry(65_537, "DTR_e"),
        entry(3, "TR_c"),
        entry(65_535, "DTR_d"),
    ]);
    let handles = livekit::DataTrackSubscriberHandles { sub_handles };
    let mut list = handles.encode_to_vec();
    list.extend(field(1, &[8, 7])); // a handle without a track
    list.extend(field(1, &field(2, &field(3, &[0xff])))); // a SID that is no text
    let bytes = envelope(signal::tag::SUBSCRIBER_HANDLES, &list);
    let decoded = signal::decode(&bytes, |_| true).unwrap();
    assert_eq!(decoded.skipped, 6);
    let Some(SignalIn::SubscriberHandles(tracks)) = decoded.message else {
        panic!("another message")
    };
    assert_eq!(tracks.len(), 1);
    assert_eq!((tracks[0].handle, tracks[0].track_sid.as_str()), (Handle::MAX, "DTR_d"));
}

#[test]
fn what_is_not_wanted_or_not_ours_is_not_decoded() {
    let garbage = envelope(signal::tag::JOIN, &[0xff; 10]);
    assert_eq!(signal::decode(&garbage, |_| true), Err(SignalError::Malformed));
    let unread = |tag| Ok(Decoded { tag, message: None, skipped: 0 });
    assert_eq!(signal::decode(&garbage, |_| false), unread(signal::tag::JOIN));
    let speakers_changed = envelope(10, &[0xff; 10]);
    assert_eq!(signal::decode(&speakers_changed, |_| true), unread(10));
    let old_pong = encode(Response::Pong(5));
    assert_eq!(signal::decode(&old_pong, |_| true), unread(18));
    assert_eq!(signal::decode(&[], |_| true), unread(0));
}

#[test]
fn permissions_of_media_tracks_are_not_ours() {
    let permission =
        livekit::SubscriptionPermissionUpdate { track_sid: "TR_x".into(), ..Default::default() };
    let decoded = decode(Response::SubscriptionPermissionUpdate(permission));
    assert_eq!((decoded.message, decoded.skipped), (None, 0));
}

#[test]
fn a_refusal_with_a_broken_text_is_still_a_refusal() {
    let inner = [vec![2 << 3, 10], field(3, &[0xff]), field(10, &[8, 1])].concat();
    let bytes = envelope(signal::tag::REQUEST_RESPONSE, &inner);
    let Some(SignalIn::Refused(refusal)) = signal::decode(&bytes, |_| true).unwrap().message else {
        panic!("another message")
    };
    assert_eq!(refusal.reason, signal::RefusalReason::DuplicateName);
    assert_eq!(refusal.request, RefusedRequest::Publish(1));
}

#[test]
fn sixteen_mebibytes_are_the_limit() {
    let envelope_of = |size: usize| envelope(11, &vec![0; size - 5]);
    let (largest, larger) = (envelope_of(16 << 20), envelope_of((16 << 20) + 1));
    assert_eq!(largest.len(), 16 << 20);
    assert!(signal::decode(&largest, |_| true).is_ok());
    assert_eq!(signal::decode(&larger, |_| true), Err(SignalError::Malformed));
}

#[test]
fn no_more_entries_are_taken_than_twice_the_tracks_that_there_can_be() {
    let nobody = livekit::ParticipantInfo { identity: "a".into(), ..Default::default() };
    let update = livekit::ParticipantUpdate { participants: vec![nobody; 131_073] };
    let decoded = decode(Response::Update(update));
    let Some(SignalIn::Update(participants)) = decoded.message else { panic!("another message") };
    assert_eq!((participants.len(), decoded.skipped), (131_072, 1));
}

fn assert_only_the_first_is_known(data_tracks: Vec<livekit::DataTrackInfo>) {
    let all = data_tracks.len();
    let participant =
        livekit::ParticipantInfo { identity: "bob".into(), data_tracks, ..Default::default() };
    let update = livekit::ParticipantUpdate { participants: vec![participant] };
    let decoded = decode(Response::Update(update));
    assert_eq!((decoded.skipped, all), (3, 4));
    let Some(SignalIn::Update(people)) = decoded.message else { panic!("another message") };
    assert_eq!(people[0].tracks.len(), 1);
}

#[test]
fn a_name_or_a_sid_that_is_too_long_or_missing_leaves_the_others() {
    let sid = |bytes: usize| format!("DTR_{}", "x".repeat(bytes - 4));
    let named = |sid: String, name: &str| livekit::DataTrackInfo {
        pub_handle: 1,
        sid,
        name: name.into(),
        ..Default::default()
    };
    let data_tracks = vec![
        named(sid(256), "a"),
        named(sid(257), "a"),
        named(sid(8), ""),
        named(sid(8), &"x".repeat(257)),
    ];
    assert_only_the_first_is_known(data_tracks);
}

#[test]
fn an_encoding_or_a_schema_whose_name_is_too_long_leaves_the_others() {
    let text = |bytes: usize| "x".repeat(bytes);
    let track = |frames: usize, schema: usize, language: usize| livekit::DataTrackInfo {
        pub_handle: 1,
        sid: "DTR_a".into(),
        name: "a".into(),
        frame_encoding: Some(livekit_frame_encoding(&DataTrackFrameEncoding::Custom {
            identifier: text(frames),
        })),
        schema: Some(livekit_schema_id(&DataTrackSchemaId {
            name: text(schema),
            encoding: DataTrackSchemaEncoding::Custom { identifier: text(language) },
        })),
        ..Default::default()
    };
    let data_tracks = vec![
        track(256, 256, 256),
        track(257, 256, 256),
        track(256, 257, 256),
        track(256, 256, 257),
    ];
    assert_only_the_first_is_known(data_tracks);
}

#[test]
fn a_message_that_breaks_off_has_no_effect() {
    let good = livekit::ParticipantInfo { identity: "bob".into(), ..Default::default() };
    let list = [field(1, &good.encode_to_vec()), vec![1 << 3 | 2, 9, b'x']].concat();
    for tag in [signal::tag::UPDATE, signal::tag::JOIN] {
        assert_eq!(signal::decode(&envelope(tag, &list), |_| true), Err(SignalError::Malformed));
    }
}
