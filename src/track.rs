//! What a track is called, and what is known of it.

use std::{num::NonZeroU16, sync::Arc};

/// A track's number on the wire: 1 to 65 535 (protocol §1.1). Publishers and each subscriber have number spaces of their own.
pub type Handle = NonZeroU16;

/// Longest track name and schema name in bytes (SFU limit, protocol §3.3).
pub const MAX_NAME_BYTES: usize = 256;

/// Longest identifier of a custom encoding in bytes (SFU limit, protocol §3.3).
pub const MAX_CUSTOM_ENCODING_BYTES: usize = 32;

/// What a track is, for good. Its SID is an attribute that may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey {
    /// Identity of the publishing participant.
    pub publisher: Arc<str>,
    /// The publisher's own number for the track.
    pub handle: Handle,
    /// Tells apart the publications that used this number one after the other: a later one has a higher generation.
    pub generation: u32,
}

/// What is known of a published track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataTrackInfo {
    /// Assigned by the SFU ("DTR_…"); changes when the track is published again.
    pub sid: String,
    /// 1 to 256 bytes, unique per publisher.
    pub name: String,
    /// True when frames travel encrypted.
    pub uses_e2ee: bool,
    /// The schema that the frames follow.
    pub schema: Option<DataTrackSchemaId>,
    /// How the frames are encoded.
    pub frame_encoding: Option<DataTrackFrameEncoding>,
}

/// Names a schema and the language that it is written in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataTrackSchemaId {
    /// 1 to 256 bytes.
    pub name: String,
    /// The language of the schema text.
    pub encoding: DataTrackSchemaEncoding,
}

/// How the frames of a track are encoded (WellKnownFrameEncoding, protocol §2.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataTrackFrameEncoding {
    /// ROS 1 message.
    Ros1,
    /// OMG CDR, as in ROS 2.
    Cdr,
    /// Protocol Buffers.
    Protobuf,
    /// FlatBuffers.
    Flatbuffer,
    /// CBOR.
    Cbor,
    /// MessagePack.
    Msgpack,
    /// JSON.
    Json,
    /// An encoding of the application's own: 1 to 32 bytes.
    Custom {
        /// Its identifier.
        identifier: String,
    },
    /// A well-known encoding that this version does not know.
    Unknown {
        /// Its number on the wire.
        code: i32,
    },
}

/// The language in which a schema is written (WellKnownSchemaEncoding, protocol §2.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataTrackSchemaEncoding {
    /// A .proto file or descriptor set.
    Protobuf,
    /// A .fbs file.
    Flatbuffer,
    /// A ROS 1 .msg file.
    Ros1Msg,
    /// A ROS 2 .msg file.
    Ros2Msg,
    /// A ROS 2 .idl file.
    Ros2Idl,
    /// OMG IDL.
    OmgIdl,
    /// JSON Schema.
    JsonSchema,
    /// A language of the application's own: 1 to 32 bytes.
    Custom {
        /// Its identifier.
        identifier: String,
    },
    /// A well-known language that this version does not know.
    Unknown {
        /// Its number on the wire.
        code: i32,
    },
}

/// Why a track ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpublishReason {
    /// Its publisher ended it, or did not publish it again within 10 s after coming back in a new session.
    Requested,
    /// The SFU took it away.
    Revoked,
    /// After a full reconnect the SFU refused it, also when asked again.
    RepublishRefused,
    /// The participant left the room, or lost its connection and did not come back within 10 s.
    PublisherLeft,
    /// The manager was shut down.
    Shutdown,
}

/// How far a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    /// Nobody here reads the track.
    Unsubscribed,
    /// Asked for; the SFU has not given a handle yet.
    Pending,
    /// Frames can arrive.
    Active,
    /// The publisher does not permit it now.
    NotPermitted,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEndReason {
    /// The stream was shut down.
    Closed,
    /// The track is no longer published.
    Unpublished,
    /// The manager was shut down.
    Shutdown,
}

/// What became of a signal message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOutcome {
    /// It was for this manager and has taken effect.
    Handled,
    /// It is of no concern to this manager.
    Ignored,
}
