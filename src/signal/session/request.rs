//! SignalRequest: client to server (protocol §2.1).
#![allow(missing_docs)]

use prost::{Message, Oneof};

use super::{
    DataTrackResponse, GetDataBlobRequest, LeaveRequest, Ping, PublishDataTrackRequest,
    SessionDescription, StoreDataBlobRequest, TrickleRequest, UnpublishDataTrackRequest,
    UpdateDataSubscription,
};

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignalRequest {
    #[prost(oneof = "Request", tags = "1, 2, 3, 8, 11, 12, 13, 14, 16, 19, 20, 21, 22, 23")]
    pub(super) message: Option<Request>,
}

/// One request of a client.
#[derive(Clone, PartialEq, Oneof)]
pub enum Request {
    #[prost(message, tag = "1")]
    Offer(SessionDescription),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Trickle(TrickleRequest),
    #[prost(message, tag = "8")]
    Leave(LeaveRequest),
    #[prost(message, tag = "11")]
    SubscriptionPermission(SubscriptionPermission),
    #[prost(message, tag = "12")]
    SyncState(SyncState),
    #[prost(message, tag = "13")]
    Simulate(SimulateScenario),
    /// The old form, in milliseconds; still answered with `Response::Pong`.
    #[prost(int64, tag = "14")]
    Ping(i64),
    #[prost(message, tag = "16")]
    PingReq(Ping),
    #[prost(message, tag = "19")]
    PublishDataTrack(PublishDataTrackRequest),
    #[prost(message, tag = "20")]
    UnpublishDataTrack(UnpublishDataTrackRequest),
    #[prost(message, tag = "21")]
    UpdateDataSubscription(UpdateDataSubscription),
    #[prost(message, tag = "22")]
    StoreDataBlob(StoreDataBlobRequest),
    #[prost(message, tag = "23")]
    GetDataBlob(GetDataBlobRequest),
}

/// Who may subscribe to the sender's tracks.
#[derive(Clone, PartialEq, Message)]
pub struct SubscriptionPermission {
    #[prost(bool, tag = "1")]
    pub all_participants: bool,
    #[prost(message, repeated, tag = "2")]
    pub track_permissions: Vec<TrackPermission>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TrackPermission {
    #[prost(string, tag = "1")]
    pub participant_sid: String,
    #[prost(bool, tag = "2")]
    pub all_tracks: bool,
    #[prost(string, repeated, tag = "3")]
    pub track_sids: Vec<String>,
    #[prost(string, tag = "4")]
    pub participant_identity: String,
}

/// What the client believes to be so, after a quick reconnect.
#[derive(Clone, PartialEq, Message)]
pub struct SyncState {
    #[prost(message, optional, tag = "1")]
    pub answer: Option<SessionDescription>,
    #[prost(message, repeated, tag = "4")]
    pub data_channels: Vec<DataChannelInfo>,
    #[prost(message, optional, tag = "5")]
    pub offer: Option<SessionDescription>,
    #[prost(message, repeated, tag = "8")]
    pub publish_data_tracks: Vec<DataTrackResponse>,
    #[prost(message, optional, tag = "9")]
    pub data_subscription: Option<UpdateDataSubscription>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DataChannelInfo {
    #[prost(string, tag = "1")]
    pub label: String,
    #[prost(uint32, tag = "2")]
    pub id: u32,
    /// One of `signal_target`.
    #[prost(int32, tag = "3")]
    pub target: i32,
}

/// Asks a server in development mode to misbehave.
#[derive(Clone, PartialEq, Message)]
pub struct SimulateScenario {
    #[prost(oneof = "Scenario", tags = "2, 3, 4, 7, 8, 9")]
    pub scenario: Option<Scenario>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Scenario {
    #[prost(bool, tag = "2")]
    NodeFailure(bool),
    #[prost(bool, tag = "3")]
    Migration(bool),
    #[prost(bool, tag = "4")]
    ServerLeave(bool),
    #[prost(bool, tag = "7")]
    DisconnectSignalOnResume(bool),
    #[prost(bool, tag = "8")]
    DisconnectSignalOnResumeNoMessages(bool),
    #[prost(bool, tag = "9")]
    LeaveRequestFullReconnect(bool),
}
