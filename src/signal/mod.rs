//! Signal messages: SignalResponse bytes become [`SignalIn`], [`SignalOut`] becomes SignalRequest bytes (protocol §2).
//!
//! Owns every protobuf type; nothing outside this folder names `prost`. The outer oneof tag is peeked, so that a message that
//! is not ours costs no decoding. One bad entry in a list is skipped and counted; the others take effect.

mod encoding;
mod incoming;
mod outgoing;
mod peek;
pub mod tag;
mod wire;

#[cfg(any(feature = "host", models))]
pub mod session;

pub use self::{incoming::decode, outgoing::encode_publish_response};
use crate::track::{DataTrackFrameEncoding, DataTrackInfo, DataTrackSchemaId, Handle};

/// What [`decode`] found in a SignalResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Which message it is: its field number, 0 for none.
    pub tag: u32,
    /// `None` when it was not wanted, is not ours, or holds nothing usable.
    pub message: Option<SignalIn>,
    /// Bad entries that were left out.
    pub skipped: u32,
}

/// A participant as announced by the SFU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Stable name within the room.
    pub identity: String,
    /// Changes on every full reconnect.
    pub sid: String,
    /// When this session of its began, in milliseconds since the Unix epoch; 0 where the message does not tell.
    pub joined_at_ms: i64,
    /// False for state DISCONNECTED.
    pub connected: bool,
    /// When it is not connected: it lost its connection rather than left, and so may come back in a new session.
    pub may_return: bool,
    /// `permission.can_publish_data`, where the message tells.
    pub can_publish_data: Option<bool>,
    /// All data tracks of the participant.
    pub tracks: Vec<TrackDescription>,
}

/// A track as announced by the SFU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackDescription {
    /// The publisher's number for it.
    pub handle: Handle,
    /// What else is known.
    pub info: DataTrackInfo,
}

/// One entry of a handles snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedTrack {
    /// This subscriber's number for the track.
    pub handle: Handle,
    /// SID of the track.
    pub track_sid: String,
    /// Identity of its publisher.
    pub publisher_identity: String,
    /// Participant SID of its publisher.
    pub publisher_sid: String,
}

/// The SFU's answer to a request that has no answer of its own (RequestResponse).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As in the request; 0 for publish and unpublish.
    pub request_id: u32,
    /// Why.
    pub reason: RefusalReason,
    /// The SFU's own words.
    pub detail: String,
    /// The request that it answers, where it is echoed.
    pub request: RefusedRequest,
}

/// Which request a [`Refusal`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedRequest {
    /// Publish, of this handle as sent (may be out of range).
    Publish(u32),
    /// Unpublish, of this handle as sent.
    Unpublish(u32),
    /// Something else, or not told.
    Other,
}

/// RequestResponse.Reason (protocol §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RefusalReason {
    Ok,
    NotFound,
    NotAllowed,
    LimitExceeded,
    Queued,
    UnsupportedType,
    Unclassified,
    InvalidHandle,
    InvalidName,
    DuplicateHandle,
    DuplicateName,
    InvalidRequest,
    Unknown(i32),
}

impl RefusalReason {
    /// The reason of this number.
    pub fn from_code(code: i32) -> Self {
        let known = usize::try_from(code).ok().and_then(|at| REASONS.get(at));
        known.copied().unwrap_or(Self::Unknown(code))
    }

    /// Its number.
    pub fn code(self) -> i32 {
        match self {
            Self::Unknown(code) => code,
            known => {
                (0..).zip(REASONS).find(|(_, reason)| *reason == known).map_or(0, |(at, _)| at)
            }
        }
    }
}

/// One message of the SFU that concerns data tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalIn {
    /// First message of a new session: the local participant and all others.
    Join {
        /// This participant.
        local: Option<Participant>,
        /// Everybody else, as a full list.
        others: Vec<Participant>,
    },
    /// The room moved: treat as a join.
    RoomMoved {
        /// This participant.
        local: Option<Participant>,
        /// Everybody else, as a full list.
        others: Vec<Participant>,
    },
    /// These participants changed; the local one may be among them.
    Update(Vec<Participant>),
    /// A track of ours is published.
    PublishResponse(TrackDescription),
    /// A track of ours is published, but in a way that makes no sense: with an encryption that nobody knows, for example.
    UnusablePublishResponse(Handle),
    /// A track of ours is no longer published.
    UnpublishResponse(TrackDescription),
    /// A request was refused (or acknowledged, with reason Ok).
    Refused(Refusal),
    /// All subscriptions that are active now (a snapshot).
    SubscriberHandles(Vec<SubscribedTrack>),
    /// A publisher's permission changed for us.
    SubscriptionPermission {
        /// SID of the track.
        track_sid: String,
        /// Whether we may read it.
        allowed: bool,
    },
    /// A schema was stored.
    DataBlobStored {
        /// As in the request.
        request_id: u32,
    },
    /// A schema was found.
    DataBlob {
        /// As in the request.
        request_id: u32,
        /// Its text.
        contents: Vec<u8>,
    },
}

/// One request of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalOut {
    /// Publish a track.
    Publish {
        /// Our number for it.
        handle: Handle,
        /// Its name.
        name: String,
        /// Encryption.Type GCM or NONE.
        encrypted: bool,
        /// How frames are encoded.
        frame_encoding: Option<DataTrackFrameEncoding>,
        /// The schema of the frames.
        schema: Option<DataTrackSchemaId>,
    },
    /// End a publication.
    Unpublish {
        /// Our number for the track.
        handle: Handle,
    },
    /// Begin or end a subscription.
    UpdateSubscription {
        /// SID of the track.
        track_sid: String,
        /// Begin or end.
        subscribe: bool,
    },
    /// Store a schema.
    StoreSchema {
        /// Ours to match the answer.
        request_id: u32,
        /// Its key.
        id: DataTrackSchemaId,
        /// Its text.
        contents: Vec<u8>,
    },
    /// Read a schema.
    GetSchema {
        /// Ours to match the answer.
        request_id: u32,
        /// Whose.
        participant_identity: String,
        /// Its key.
        id: DataTrackSchemaId,
    },
}

/// By their numbers.
const REASONS: [RefusalReason; 12] = [
    RefusalReason::Ok,
    RefusalReason::NotFound,
    RefusalReason::NotAllowed,
    RefusalReason::LimitExceeded,
    RefusalReason::Queued,
    RefusalReason::UnsupportedType,
    RefusalReason::Unclassified,
    RefusalReason::InvalidHandle,
    RefusalReason::InvalidName,
    RefusalReason::DuplicateHandle,
    RefusalReason::DuplicateName,
    RefusalReason::InvalidRequest,
];

/// Largest message of an SFU. It has no limit of its own: the join response of a room tells of all who are there, with all that they say of
/// themselves, some KB each.
const MAX_RESPONSE_BYTES: usize = 16 << 20;

/// Most participants, tracks and handles that are taken of one message: twice the tracks that there can be.
const MAX_ENTRIES: u32 = 131_072;
