//! What both directions share: descriptions, candidates, keep-alive, leaving (protocol §2.4).
#![allow(missing_docs)]

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct SessionDescription {
    /// "offer" or "answer".
    #[prost(string, tag = "1")]
    pub r#type: String,
    #[prost(string, tag = "2")]
    pub sdp: String,
    /// Grows with each offer; an answer repeats it.
    #[prost(uint32, tag = "3")]
    pub id: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct TrickleRequest {
    /// JSON: candidate, sdpMid, sdpMLineIndex.
    #[prost(string, tag = "1")]
    pub candidate_init: String,
    /// One of `signal_target`.
    #[prost(int32, tag = "2")]
    pub target: i32,
    #[prost(bool, tag = "3")]
    pub r#final: bool,
}

/// Times in milliseconds.
#[derive(Clone, PartialEq, Message)]
pub struct Ping {
    #[prost(int64, tag = "1")]
    pub timestamp: i64,
    #[prost(int64, tag = "2")]
    pub rtt: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pong {
    #[prost(int64, tag = "1")]
    pub last_ping_timestamp: i64,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct LeaveRequest {
    /// Of clients that do not know `action`.
    #[prost(bool, tag = "1")]
    pub can_reconnect: bool,
    /// One of `disconnect_reason`.
    #[prost(int32, tag = "2")]
    pub reason: i32,
    /// One of `leave_action`.
    #[prost(int32, tag = "3")]
    pub action: i32,
}

/// SignalTarget: the peer connection that a candidate or a channel belongs to.
pub mod signal_target {
    pub const PUBLISHER: i32 = 0;
    pub const SUBSCRIBER: i32 = 1;
}

/// LeaveRequest.Action: what the receiver does next.
pub mod leave_action {
    pub const DISCONNECT: i32 = 0;
    pub const RESUME: i32 = 1;
    pub const RECONNECT: i32 = 2;
}

/// DisconnectReason, as far as it is sent or judged here.
pub mod disconnect_reason {
    pub const UNKNOWN: i32 = 0;
    pub const CLIENT_INITIATED: i32 = 1;
    pub const DUPLICATE_IDENTITY: i32 = 2;
    pub const SERVER_SHUTDOWN: i32 = 3;
    pub const PARTICIPANT_REMOVED: i32 = 4;
    pub const ROOM_DELETED: i32 = 5;
    pub const STATE_MISMATCH: i32 = 6;
    pub const JOIN_FAILURE: i32 = 7;
    pub const SIGNAL_CLOSE: i32 = 9;
}
