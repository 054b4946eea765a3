//! What this crate encodes LiveKit's own protocol types decode, and the other way; what neither should accept hurts nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::HashMap;

use datatracks::{
    DataTrackFrameEncoding, DataTrackInfo, DataTrackSchemaEncoding, DataTrackSchemaId, Handle,
    SignalError,
    signal::{self, Decoded, Participant, RefusedRequest, SignalIn, SignalOut, TrackDescription},
};
use livekit::{signal_request::Message as Request, signal_response::Message as Response};
use livekit_protocol as livekit;
use proptest::prelude::*;
use prost::Message;

proptest! {
    #[test]
    fn livekit_reads_our_publish(
        handle: Handle,
        name in "\\PC{1,64}",
        encrypted: bool,
        frame_encoding in proptest::option::of(frame_encoding()),
        schema in proptest::option::of(schema_id()),
    ) {
        let request = SignalOut::Publish {
            handle,
            name: name.clone(),
            encrypted,
            frame_encoding: frame_encoding.clone(),
            schema: schema.clone(),
        };
        let Request::PublishDataTrackRequest(read) = read_request(&request) else {
            panic!("another message")
        };
        prop_assert_eq!(read.pub_handle, u32::from(handle.get()));
        prop_assert_eq!(read.name, name);
        prop_assert_eq!(read.encryption, i32::from(encrypted));
        prop_assert_eq!(read.frame_encoding, frame_encoding.as_ref().map(livekit_frame_encoding));
        prop_assert_eq!(read.schema, schema.as_ref().map(livekit_schema_id));
    }

    #[test]
    fn we_read_livekits_tracks(track in track()) {
        let info = livekit_track(&track);
        let published = livekit::PublishDataTrackResponse { info: Some(info.clone()) };
        let unpublished = livekit::UnpublishDataTrackResponse { info: Some(info) };
        prop_assert_eq!(
            decode(Response::PublishDataTrackResponse(published.clone())).message,
            Some(SignalIn::PublishResponse(track.clone()))
        );
        prop_assert_eq!(
            decode(Response::UnpublishDataTrackResponse(unpublished)).message,
            Some(SignalIn::UnpublishResponse(track.clone()))
        );
        let ours = signal::encode_publish_response(&track);
        prop_assert_eq!(livekit::PublishDataTrackResponse::decode(&ours[..]).unwrap(), published);
    }

    #[test]
    fn we_read_livekits_participants(people in proptest::collection::vec(participant(), 0..4)) {
        let theirs: Vec<_> = people.iter().map(livekit_participant).collect();
        let update = livekit::ParticipantUpdate { participants: theirs.clone() };
        prop_assert_eq!(
            decode(Response::Update(update)).message,
            Some(SignalIn::Update(people.clone()))
        );
        let local = people.first().cloned();
        let join = livekit::JoinResponse {
            participant: theirs.first().cloned(),
            other_participants: theirs.clone(),
            ..Default::default()
        };
        prop_assert_eq!(
            decode(Response::Join(join)).message,
            Some(SignalIn::Join { local: local.clone(), others: people.clone() })
        );
        let moved = livekit::RoomMovedResponse {
            participant: theirs.first().cloned(),
            other_participants: theirs,
            ..Default::default()
        };
        prop_assert_eq!(
            decode(Response::RoomMoved(moved)).message,
            Some(SignalIn::RoomMoved { local, others: people })
        );
    }

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
fn livekit_reads_our_other_requests() {
    let handle = Handle::new(9).unwrap();
    let id = DataTrackSchemaId { name: "pose".into(), encoding: DataTrackSchemaEncoding::OmgIdl };
    let key = Some(livekit::DataBlobKey {
        key: Some(livekit::data_blob_key::Key::SchemaId(livekit_schema_id(&id))),
    });

    let unpublish = livekit::UnpublishDataTrackRequest { pub_handle: 9 };
    assert_eq!(
        read_request(&SignalOut::Unpublish { handle }),
        Request::UnpublishDataTrackRequest(unpublish)
    );

    let update = livekit::update_data_subscription::Update {
        track_sid: "DTR_x".into(),
        subscribe: true,
        options: None,
    };
    assert_eq!(
        read_request(&SignalOut::UpdateSubscription { track_sid: "DTR_x".into(), subscribe: true }),
        Request::UpdateDataSubscription(livekit::UpdateDataSubscription { updates: vec![update] })
    );

    let blob = livekit::DataBlob { key: key.clone(), contents: b"text".to_vec() };
    assert_eq!(
        read_request(&SignalOut::StoreSchema {
            request_id: 3,
            id: id.clone(),
            contents: b"text".to_vec()
        }),
        Request::StoreDataBlobRequest(livekit::StoreDataBlobRequest {
            request_id: 3,
            blob: Some(blob)
        })
    );
    assert_eq!(
        read_request(&SignalOut::GetSchema {
            request_id: 4,
            participant_identity: "bob".into(),
            id
        }),
        Request::GetDataBlobRequest(livekit::GetDataBlobRequest {
            request_id: 4,
            participant_identity: "bob".into(),
            key
        })
    );
}

#[test]
fn we_read_livekits_answers() {
    let stored = livekit::StoreDataBlobResponse { request_id: 5, key: None };
    assert_eq!(
        decode(Response::StoreDataBlobResponse(stored)).message,
        Some(SignalIn::DataBlobStored { request_id: 5 })
    );
    let blob = livekit::DataBlob { key: None, contents: b"text".to_vec() };
    let found = livekit::GetDataBlobResponse { request_id: 6, blob: Some(blob) };
    assert_eq!(
        decode(Response::GetDataBlobResponse(found)).message,
        Some(SignalIn::DataBlob { request_id: 6, contents: b"text".to_vec() })
    );
    let permission = livekit::SubscriptionPermissionUpdate {
        participant_sid: "PA_1".into(),
        track_sid: "DTR_x".into(),
        allowed: true,
    };
    assert_eq!(
        decode(Response::SubscriptionPermissionUpdate(permission)).message,
        Some(SignalIn::SubscriptionPermission { track_sid: "DTR_x".into(), allowed: true })
    );
}

#[test]
fn every_reason_keeps_its_number() {
    for code in 0..=12 {
        let request = livekit::request_response::Request::UnpublishDataTrack(
            livekit::UnpublishDataTrackRequest { pub_handle: 70_000 },
        );
        let response = livekit::RequestResponse {
            request_id: 8,
            reason: code,
            message: "no".into(),
            request: Some(request),
        };
        let Some(SignalIn::Refused(refusal)) = decode(Response::RequestResponse(response)).message
        else {
            panic!("another message")
        };
        assert_eq!(refusal.reason.code(), code);
        assert_eq!(refusal.detail, "no");
        assert_eq!(refusal.request_id, 8);
        assert_eq!(refusal.request, RefusedRequest::Unpublish(70_000));
    }
}

#[test]
fn every_well_known_reason_has_livekits_meaning() {
    use livekit::request_response::Reason;
    use signal::RefusalReason as Ours;
    let pairs = [
        (Reason::NotFound, Ours::NotFound),
        (Reason::NotAllowed, Ours::NotAllowed),
        (Reason::LimitExceeded, Ours::LimitExceeded),
        (Reason::InvalidHandle, Ours::InvalidHandle),
        (Reason::InvalidName, Ours::InvalidName),
        (Reason::DuplicateHandle, Ours::DuplicateHandle),
        (Reason::DuplicateName, Ours::DuplicateName),
        (Reason::InvalidRequest, Ours::InvalidRequest),
        (Reason::UnclassifiedError, Ours::Unclassified),
        (Reason::UnsupportedType, Ours::UnsupportedType),
        (Reason::Queued, Ours::Queued),
    ];
    for (theirs, ours) in pairs {
        assert_eq!(Ours::from_code(theirs as i32), ours);
    }
    assert_eq!(Ours::from_code(-1), Ours::Unknown(-1));
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
fn a_name_of_256_bytes_is_good() {
    let track = TrackDescription {
        handle: Handle::MAX,
        info: DataTrackInfo { sid: "DTR_".into(), name: "ä".repeat(128), ..Default::default() },
    };
    let response = livekit::PublishDataTrackResponse { info: Some(livekit_track(&track)) };
    assert_eq!(
        decode(Response::PublishDataTrackResponse(response)).message,
        Some(SignalIn::PublishResponse(track))
    );
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

fn read_request(request: &SignalOut) -> Request {
    livekit::SignalRequest::decode(&request.encode()[..]).unwrap().message.unwrap()
}

fn encode(message: Response) -> Vec<u8> {
    livekit::SignalResponse { message: Some(message) }.encode_to_vec()
}

fn decode(message: Response) -> Decoded {
    signal::decode(&encode(message), |_| true).unwrap()
}

fn envelope(tag: u32, inner: &[u8]) -> Vec<u8> {
    field(tag, inner)
}

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::bytes::encode(number, &bytes.to_vec(), &mut out);
    out
}

fn participant() -> impl Strategy<Value = Participant> {
    let tracks = proptest::collection::vec(track(), 0..4);
    let permission = proptest::option::of(any::<bool>());
    let session = ("PA_\\w{4}", any::<i64>(), any::<bool>(), any::<bool>());
    ("\\PC{1,16}", session, permission, tracks).prop_map(
        |(identity, (sid, joined_at_ms, connected, may_return), can_publish_data, tracks)| {
            Participant {
                identity,
                sid,
                joined_at_ms,
                connected,
                may_return,
                can_publish_data,
                tracks,
            }
        },
    )
}

fn track() -> impl Strategy<Value = TrackDescription> {
    let schema = proptest::option::of(schema_id());
    let encoding = proptest::option::of(frame_encoding());
    (any::<Handle>(), "DTR_\\w{12}", "\\PC{1,32}", any::<bool>(), schema, encoding).prop_map(
        |(handle, sid, name, uses_e2ee, schema, frame_encoding)| TrackDescription {
            handle,
            info: DataTrackInfo { sid, name, uses_e2ee, schema, frame_encoding },
        },
    )
}

fn frame_encoding() -> impl Strategy<Value = DataTrackFrameEncoding> {
    use DataTrackFrameEncoding as Frame;
    prop_oneof![
        Just(Frame::Ros1),
        Just(Frame::Cdr),
        Just(Frame::Protobuf),
        Just(Frame::Flatbuffer),
        Just(Frame::Cbor),
        Just(Frame::Msgpack),
        Just(Frame::Json),
        "\\PC{0,32}".prop_map(|identifier| Frame::Custom { identifier }),
        (8..=i32::MAX).prop_map(|code| Frame::Unknown { code }),
    ]
}

fn schema_id() -> impl Strategy<Value = DataTrackSchemaId> {
    use DataTrackSchemaEncoding as Schema;
    let encoding = prop_oneof![
        Just(Schema::Protobuf),
        Just(Schema::Flatbuffer),
        Just(Schema::Ros1Msg),
        Just(Schema::Ros2Msg),
        Just(Schema::Ros2Idl),
        Just(Schema::OmgIdl),
        Just(Schema::JsonSchema),
        "\\PC{0,32}".prop_map(|identifier| Schema::Custom { identifier }),
        (i32::MIN..=0).prop_map(|code| Schema::Unknown { code }),
    ];
    ("\\PC{0,32}", encoding).prop_map(|(name, encoding)| DataTrackSchemaId { name, encoding })
}

fn livekit_participant(participant: &Participant) -> livekit::ParticipantInfo {
    use livekit::participant_info::State;
    let state = if participant.connected { State::Active } else { State::Disconnected };
    use livekit::DisconnectReason as Reason;
    let reasons = match participant.may_return {
        true => [Reason::SignalClose, Reason::DuplicateIdentity],
        false => [Reason::ClientInitiated, Reason::ParticipantRemoved],
    };
    let permission = |can_publish_data| livekit::ParticipantPermission {
        can_publish_data,
        ..Default::default()
    };
    livekit::ParticipantInfo {
        sid: participant.sid.clone(),
        identity: participant.identity.clone(),
        joined_at_ms: participant.joined_at_ms,
        state: state.into(),
        disconnect_reason: reasons[participant.tracks.len() % 2].into(),
        metadata: "not read".into(),
        permission: participant.can_publish_data.map(permission),
        data_tracks: participant.tracks.iter().map(livekit_track).collect(),
        ..Default::default()
    }
}

fn livekit_track(track: &TrackDescription) -> livekit::DataTrackInfo {
    use livekit::encryption::Type;
    let encryption = if track.info.uses_e2ee { Type::Gcm } else { Type::None };
    livekit::DataTrackInfo {
        pub_handle: track.handle.get().into(),
        sid: track.info.sid.clone(),
        name: track.info.name.clone(),
        encryption: encryption.into(),
        frame_encoding: track.info.frame_encoding.as_ref().map(livekit_frame_encoding),
        schema: track.info.schema.as_ref().map(livekit_schema_id),
    }
}

fn livekit_frame_encoding(encoding: &DataTrackFrameEncoding) -> livekit::DataTrackFrameEncoding {
    use DataTrackFrameEncoding as Frame;
    use livekit::data_track_frame_encoding::{Value, WellKnownFrameEncoding as Theirs};
    let value = match encoding {
        Frame::Ros1 => Value::WellKnown(Theirs::Ros1.into()),
        Frame::Cdr => Value::WellKnown(Theirs::Cdr.into()),
        Frame::Protobuf => Value::WellKnown(Theirs::Protobuf.into()),
        Frame::Flatbuffer => Value::WellKnown(Theirs::Flatbuffer.into()),
        Frame::Cbor => Value::WellKnown(Theirs::Cbor.into()),
        Frame::Msgpack => Value::WellKnown(Theirs::Msgpack.into()),
        Frame::Json => Value::WellKnown(Theirs::Json.into()),
        Frame::Custom { identifier } => Value::Custom(identifier.clone()),
        Frame::Unknown { code } => Value::WellKnown(*code),
    };
    livekit::DataTrackFrameEncoding { value: Some(value) }
}

fn livekit_schema_id(id: &DataTrackSchemaId) -> livekit::DataTrackSchemaId {
    use DataTrackSchemaEncoding as Schema;
    use livekit::data_track_schema_encoding::{Value, WellKnownSchemaEncoding as Theirs};
    let value = match &id.encoding {
        Schema::Protobuf => Value::WellKnown(Theirs::Protobuf.into()),
        Schema::Flatbuffer => Value::WellKnown(Theirs::Flatbuffer.into()),
        Schema::Ros1Msg => Value::WellKnown(Theirs::Ros1Msg.into()),
        Schema::Ros2Msg => Value::WellKnown(Theirs::Ros2Msg.into()),
        Schema::Ros2Idl => Value::WellKnown(Theirs::Ros2Idl.into()),
        Schema::OmgIdl => Value::WellKnown(Theirs::OmgIdl.into()),
        Schema::JsonSchema => Value::WellKnown(Theirs::JsonSchema.into()),
        Schema::Custom { identifier } => Value::Custom(identifier.clone()),
        Schema::Unknown { code } => Value::WellKnown(*code),
    };
    livekit::DataTrackSchemaId {
        name: id.name.clone(),
        encoding: Some(livekit::DataTrackSchemaEncoding { value: Some(value) }),
    }
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
    let participant =
        livekit::ParticipantInfo { identity: "bob".into(), data_tracks, ..Default::default() };
    let update = livekit::ParticipantUpdate { participants: vec![participant] };
    let decoded = decode(Response::Update(update));
    assert_eq!(decoded.skipped, 3);
    let Some(SignalIn::Update(people)) = decoded.message else { panic!("another message") };
    assert_eq!(people[0].tracks.len(), 1);
}

#[test]
fn a_message_that_breaks_off_has_no_effect() {
    let good = livekit::ParticipantInfo { identity: "bob".into(), ..Default::default() };
    let list = [field(1, &good.encode_to_vec()), vec![1 << 3 | 2, 9, b'x']].concat();
    for tag in [signal::tag::UPDATE, signal::tag::JOIN] {
        assert_eq!(signal::decode(&envelope(tag, &list), |_| true), Err(SignalError::Malformed));
    }
}
