//! Why joining failed, and why a session ended.

use thiserror::Error;

/// Why a room could not be joined.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JoinError {
    /// Nobody answers at that address: no such host, or the connection is refused.
    #[error("cannot reach {authority}: {detail}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// The system's own words.
        detail: String,
    },
    /// The server does not take the token: wrong key or secret, expired, or without `roomJoin`.
    #[error("the server refused the token: {detail}")]
    Unauthorized {
        /// The server's own words.
        detail: String,
    },
    /// The server answered with another HTTP status.
    #[error("the server answered with status {status}: {detail}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        detail: String,
    },
    /// The server ended the session before it began.
    #[error("the server ended the session: {0}")]
    Ended(EndReason),
    /// The server does not know the participant any more; only a new join helps.
    #[error("the server does not know this participant any more")]
    NotResumable,
    /// The server lets in, but there is no way for packets.
    #[error("the data channel did not open within {seconds} s")]
    Unopened {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer took too long.
    #[error("the server did not answer within {seconds} s")]
    TimedOut {
        /// How long it was waited for.
        seconds: u64,
    },
    /// What the server sent makes no sense, or the connection broke.
    #[error("the connection broke while joining: {detail}")]
    Broken {
        /// What was wrong.
        detail: String,
    },
    /// The WebRTC connection could not be set up on this machine.
    #[error("WebRTC: {detail}")]
    WebRtc {
        /// What was wrong.
        detail: String,
    },
}

impl From<webrtc::error::Error> for JoinError {
    fn from(error: webrtc::error::Error) -> Self {
        Self::WebRtc { detail: error.to_string() }
    }
}

/// Why something could not be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotSent {
    /// The session has ended, or the data channel is not open.
    #[error("not connected")]
    NotConnected,
    /// More waits already than is reasonable.
    #[error("too much waits to be sent")]
    Full,
}

/// Why packets can neither be sent nor arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotOpen {
    /// The server closed the data channel, as those without data tracks do.
    #[error("the server closed the data channel")]
    Closed,
    /// It is not open yet.
    #[error("the data channel does not open")]
    TimedOut,
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Interruption {
    /// The WebSocket broke; the participant is still in the room for a while. Resume.
    #[error("the signalling connection broke")]
    Signal,
    /// The server says nothing any more, on a connection that is not broken: it may be frozen. Resume.
    #[error("the server has fallen silent")]
    Silence,
    /// The WebRTC connection broke. Resume: that restarts ICE.
    #[error("the WebRTC connection broke")]
    Peer,
    /// The data channel was closed by the server. Join anew, or take it that the server has no data tracks.
    #[error("the server closed the data channel")]
    Channel,
    /// The data channel does not open. Join anew.
    #[error("the data channel does not open")]
    Unopened,
    /// The server asks to join anew.
    #[error("the server asks to join anew")]
    Rejoin,
    /// The session is over for good.
    #[error("the session is over: {0}")]
    Ended(EndReason),
}

/// Why a session is over for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum EndReason {
    #[error("left")]
    Left,
    #[error("another participant joined under the same identity")]
    DuplicateIdentity,
    #[error("the server shuts down")]
    ServerShutdown,
    #[error("removed from the room")]
    ParticipantRemoved,
    #[error("the room was deleted")]
    RoomDeleted,
    #[error("the connection is lost")]
    ConnectionLost,
    #[error("the data channel does not open; is UDP to the server blocked?")]
    Unopened,
    #[error("the server does not take the token any more")]
    TokenRefused,
    #[error("the server keeps closing the data channel")]
    ChannelRefused,
    #[error("reason {0} of the server")]
    Other(i32),
}
