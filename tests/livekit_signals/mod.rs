//! Tracks and participants of every kind, as this crate and as LiveKit's own protocol types say them.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use datatracks::{
    DataTrackFrameEncoding, DataTrackInfo, DataTrackSchemaEncoding, DataTrackSchemaId, Handle,
    signal::{self, Decoded, Participant, TrackDescription},
};
use livekit::signal_response::Message as Response;
use livekit_protocol as livekit;
use proptest::prelude::*;
use prost::Message;

pub fn encode(message: Response) -> Vec<u8> {
    livekit::SignalResponse { message: Some(message) }.encode_to_vec()
}

pub fn decode(message: Response) -> Decoded {
    signal::decode(&encode(message), |_| true).unwrap()
}

pub fn envelope(tag: u32, inner: &[u8]) -> Vec<u8> {
    field(tag, inner)
}

pub fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::bytes::encode(number, &bytes.to_vec(), &mut out);
    out
}

pub fn participant() -> impl Strategy<Value = Participant> {
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

pub fn track() -> impl Strategy<Value = TrackDescription> {
    let schema = proptest::option::of(schema_id());
    let encoding = proptest::option::of(frame_encoding());
    (any::<Handle>(), "DTR_\\w{12}", "\\PC{1,32}", any::<bool>(), schema, encoding).prop_map(
        |(handle, sid, name, uses_e2ee, schema, frame_encoding)| TrackDescription {
            handle,
            info: DataTrackInfo { sid, name, uses_e2ee, schema, frame_encoding },
        },
    )
}

pub fn frame_encoding() -> impl Strategy<Value = DataTrackFrameEncoding> {
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

pub fn schema_id() -> impl Strategy<Value = DataTrackSchemaId> {
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

pub fn livekit_participant(participant: &Participant) -> livekit::ParticipantInfo {
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

pub fn livekit_track(track: &TrackDescription) -> livekit::DataTrackInfo {
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

pub fn livekit_frame_encoding(
    encoding: &DataTrackFrameEncoding,
) -> livekit::DataTrackFrameEncoding {
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

pub fn livekit_schema_id(id: &DataTrackSchemaId) -> livekit::DataTrackSchemaId {
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
