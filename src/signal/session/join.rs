//! Joining and coming back: requests and first answers, rooms and participants (protocol §2.4).
#![allow(missing_docs)]

use std::{collections::BTreeMap, fmt};

use prost::Message;

use super::{DataTrackInfo, SessionDescription, SyncState};

#[derive(Clone, PartialEq, Message)]
pub struct JoinResponse {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
    #[prost(message, optional, tag = "2")]
    pub participant: Option<ParticipantInfo>,
    #[prost(message, repeated, tag = "3")]
    pub other_participants: Vec<ParticipantInfo>,
    #[prost(message, repeated, tag = "5")]
    pub ice_servers: Vec<IceServer>,
    #[prost(bool, tag = "6")]
    pub subscriber_primary: bool,
    #[prost(string, tag = "7")]
    pub alternative_url: String,
    /// In seconds.
    #[prost(int32, tag = "10")]
    pub ping_timeout: i32,
    /// In seconds.
    #[prost(int32, tag = "11")]
    pub ping_interval: i32,
    #[prost(message, optional, tag = "12")]
    pub server_info: Option<ServerInfo>,
    #[prost(bool, tag = "15")]
    pub fast_publish: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReconnectResponse {
    #[prost(message, repeated, tag = "1")]
    pub ice_servers: Vec<IceServer>,
    #[prost(message, optional, tag = "3")]
    pub server_info: Option<ServerInfo>,
    #[prost(uint32, tag = "4")]
    pub last_message_seq: u32,
}

/// Its `Debug` shows no credential.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct IceServer {
    #[prost(string, repeated, tag = "1")]
    pub urls: Vec<String>,
    #[prost(string, tag = "2")]
    pub username: String,
    #[prost(string, tag = "3")]
    pub credential: String,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct ServerInfo {
    #[prost(int32, tag = "1")]
    pub edition: i32,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(int32, tag = "3")]
    pub protocol: i32,
    #[prost(string, tag = "4")]
    pub region: String,
    #[prost(string, tag = "5")]
    pub node_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Room {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "9")]
    pub num_participants: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct ParticipantInfo {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(string, tag = "2")]
    pub identity: String,
    /// One of `participant_state`.
    #[prost(int32, tag = "3")]
    pub state: i32,
    #[prost(string, tag = "9")]
    pub name: String,
    #[prost(uint32, tag = "10")]
    pub version: u32,
    #[prost(message, optional, tag = "11")]
    pub permission: Option<ParticipantPermission>,
    #[prost(bool, tag = "13")]
    pub is_publisher: bool,
    /// One of `disconnect_reason`.
    #[prost(int32, tag = "16")]
    pub disconnect_reason: i32,
    #[prost(message, repeated, tag = "19")]
    pub data_tracks: Vec<DataTrackInfo>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct ParticipantPermission {
    #[prost(bool, tag = "1")]
    pub can_subscribe: bool,
    #[prost(bool, tag = "2")]
    pub can_publish: bool,
    #[prost(bool, tag = "3")]
    pub can_publish_data: bool,
    #[prost(bool, tag = "7")]
    pub hidden: bool,
}

/// What /rtc/v1 takes in place of query parameters (protocol §5.3).
#[derive(Clone, PartialEq, Message)]
pub struct JoinRequest {
    #[prost(message, optional, tag = "1")]
    pub client_info: Option<ClientInfo>,
    #[prost(message, optional, tag = "2")]
    pub connection_settings: Option<ConnectionSettings>,
    #[prost(string, tag = "3")]
    pub metadata: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub participant_attributes: BTreeMap<String, String>,
    #[prost(message, optional, tag = "6")]
    pub publisher_offer: Option<SessionDescription>,
    #[prost(bool, tag = "7")]
    pub reconnect: bool,
    /// ReconnectReason.
    #[prost(int32, tag = "8")]
    pub reconnect_reason: i32,
    #[prost(string, tag = "9")]
    pub participant_sid: String,
    #[prost(message, optional, tag = "10")]
    pub sync_state: Option<SyncState>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ClientInfo {
    /// ClientInfo.SDK.
    #[prost(int32, tag = "1")]
    pub sdk: i32,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(int32, tag = "3")]
    pub protocol: i32,
    #[prost(string, tag = "4")]
    pub os: String,
    #[prost(int32, tag = "12")]
    pub client_protocol: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct ConnectionSettings {
    #[prost(bool, tag = "1")]
    pub auto_subscribe: bool,
    #[prost(bool, tag = "2")]
    pub adaptive_stream: bool,
    #[prost(bool, tag = "4")]
    pub disable_ice_lite: bool,
    #[prost(bool, optional, tag = "5")]
    pub auto_subscribe_data_track: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WrappedJoinRequest {
    /// NONE 0, GZIP 1.
    #[prost(int32, tag = "1")]
    pub(super) compression: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) join_request: Vec<u8>,
}

/// ParticipantInfo.State.
pub mod participant_state {
    pub const JOINING: i32 = 0;
    pub const JOINED: i32 = 1;
    pub const ACTIVE: i32 = 2;
    pub const DISCONNECTED: i32 = 3;
}
