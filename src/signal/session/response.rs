//! SignalResponse: server to client (protocol §2.2).
#![allow(missing_docs)]

use std::{collections::BTreeMap, fmt};

use prost::{Message, Oneof};

use super::{
    DataBlob, DataBlobKey, DataTrackResponse, JoinResponse, LeaveRequest, ParticipantInfo, Pong,
    PublishDataTrackRequest, PublishedDataTrack, ReconnectResponse, Room, SessionDescription,
    SubscriptionPermissionUpdate, TrickleRequest, UnpublishDataTrackRequest,
};

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignalResponse {
    #[prost(
        oneof = "Response",
        tags = "1, 2, 3, 4, 5, 8, 11, 15, 16, 18, 19, 20, 22, 24, 25, 27, 28, 29, 30, 31"
    )]
    pub(super) message: Option<Response>,
}

/// One message of the server. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Oneof)]
#[prost(skip_debug)]
pub enum Response {
    #[prost(message, tag = "1")]
    Join(JoinResponse),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Offer(SessionDescription),
    #[prost(message, tag = "4")]
    Trickle(TrickleRequest),
    #[prost(message, tag = "5")]
    Update(ParticipantUpdate),
    #[prost(message, tag = "8")]
    Leave(LeaveRequest),
    #[prost(message, tag = "11")]
    RoomUpdate(RoomUpdate),
    #[prost(message, tag = "15")]
    SubscriptionPermissionUpdate(SubscriptionPermissionUpdate),
    /// A new access token, for reconnects.
    #[prost(string, tag = "16")]
    RefreshToken(String),
    #[prost(int64, tag = "18")]
    Pong(i64),
    #[prost(message, tag = "19")]
    Reconnect(ReconnectResponse),
    #[prost(message, tag = "20")]
    PongResp(Pong),
    #[prost(message, tag = "22")]
    RequestResponse(RequestResponse),
    #[prost(message, tag = "24")]
    RoomMoved(RoomMovedResponse),
    #[prost(message, tag = "25")]
    MediaSectionsRequirement(MediaSectionsRequirement),
    #[prost(message, tag = "27")]
    PublishDataTrack(DataTrackResponse),
    #[prost(message, tag = "28")]
    UnpublishDataTrack(DataTrackResponse),
    #[prost(message, tag = "29")]
    DataTrackSubscriberHandles(DataTrackSubscriberHandles),
    #[prost(message, tag = "30")]
    StoreDataBlob(StoreDataBlobResponse),
    #[prost(message, tag = "31")]
    GetDataBlob(GetDataBlobResponse),
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, message): (&str, &dyn fmt::Debug) = match self {
            Self::RefreshToken(_) => ("RefreshToken", &"…"),
            Self::Join(message) => ("Join", message),
            Self::Answer(message) => ("Answer", message),
            Self::Offer(message) => ("Offer", message),
            Self::Trickle(message) => ("Trickle", message),
            Self::Update(message) => ("Update", message),
            Self::Leave(message) => ("Leave", message),
            Self::RoomUpdate(message) => ("RoomUpdate", message),
            Self::SubscriptionPermissionUpdate(message) => {
                ("SubscriptionPermissionUpdate", message)
            }
            Self::Pong(message) => ("Pong", message),
            Self::Reconnect(message) => ("Reconnect", message),
            Self::PongResp(message) => ("PongResp", message),
            Self::RequestResponse(message) => ("RequestResponse", message),
            Self::RoomMoved(message) => ("RoomMoved", message),
            Self::MediaSectionsRequirement(message) => ("MediaSectionsRequirement", message),
            Self::PublishDataTrack(message) => ("PublishDataTrack", message),
            Self::UnpublishDataTrack(message) => ("UnpublishDataTrack", message),
            Self::DataTrackSubscriberHandles(message) => ("DataTrackSubscriberHandles", message),
            Self::StoreDataBlob(message) => ("StoreDataBlob", message),
            Self::GetDataBlob(message) => ("GetDataBlob", message),
        };
        f.debug_tuple(name).field(message).finish()
    }
}

/// Each participant with its full list of tracks.
#[derive(Clone, PartialEq, Message)]
pub struct ParticipantUpdate {
    #[prost(message, repeated, tag = "1")]
    pub participants: Vec<ParticipantInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RoomUpdate {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
}

/// Its `Debug` shows no token.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct RoomMovedResponse {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
    #[prost(string, tag = "2")]
    pub token: String,
    #[prost(message, optional, tag = "3")]
    pub participant: Option<ParticipantInfo>,
    #[prost(message, repeated, tag = "4")]
    pub other_participants: Vec<ParticipantInfo>,
}

impl fmt::Debug for RoomMovedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomMovedResponse")
            .field("room", &self.room)
            .field("participant", &self.participant)
            .field("other_participants", &self.other_participants)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct MediaSectionsRequirement {
    #[prost(uint32, tag = "1")]
    pub num_audios: u32,
    #[prost(uint32, tag = "2")]
    pub num_videos: u32,
}

/// The answer to requests that have no answer of their own.
#[derive(Clone, PartialEq, Message)]
pub struct RequestResponse {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    /// See [`RefusalReason`](crate::signal::RefusalReason).
    #[prost(int32, tag = "2")]
    pub reason: i32,
    #[prost(string, tag = "3")]
    pub message: String,
    #[prost(oneof = "EchoedRequest", tags = "4, 10, 11")]
    pub request: Option<EchoedRequest>,
}

/// The request that a [`RequestResponse`] answers.
#[derive(Clone, PartialEq, Oneof)]
pub enum EchoedRequest {
    #[prost(message, tag = "4")]
    Trickle(TrickleRequest),
    #[prost(message, tag = "10")]
    PublishDataTrack(PublishDataTrackRequest),
    #[prost(message, tag = "11")]
    UnpublishDataTrack(UnpublishDataTrackRequest),
}

/// All subscriptions that are active now, by the subscriber's handle.
#[derive(Clone, PartialEq, Message)]
pub struct DataTrackSubscriberHandles {
    #[prost(btree_map = "uint32, message", tag = "1")]
    pub sub_handles: BTreeMap<u32, PublishedDataTrack>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StoreDataBlobResponse {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    #[prost(message, optional, tag = "2")]
    pub key: Option<DataBlobKey>,
}

#[derive(Clone, PartialEq, Message)]
pub struct GetDataBlobResponse {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    #[prost(message, optional, tag = "2")]
    pub blob: Option<DataBlob>,
}
