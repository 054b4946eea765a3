//! What went wrong, what to do about it, and the exit status that says so to scripts.

use std::{fmt, process::ExitCode};

use datatracks::{
    error::{PublishError, PushFrameError, SubscribeError},
    host::room::{EndReason, JoinError, Participant},
};

use crate::{interrupt::Request, output::tell};

/// Each variant is an exit status; the text says what to do next.
#[derive(Debug)]
pub(crate) enum Failure {
    Other(String),
    Usage(String),
    Unreachable(String),
    Unauthorized(String),
    NoDataTracks,
    NoSuchTrack(String),
    TimedOut(String),
    NotAllowed(String),
    Lost(EndReason),
    Ended(String),
    Interrupted,
    Unread,
}

impl Failure {
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Unauthorized(_) => 4,
            Self::NoDataTracks => 5,
            Self::NoSuchTrack(_) => 6,
            Self::TimedOut(_) => 7,
            Self::NotAllowed(_) => 8,
            Self::Lost(_) => 9,
            Self::Ended(_) => 10,
            Self::Interrupted => Request::heard().unwrap_or_default().status(),
            Self::Unread => UNREAD,
        })
    }

    /// Says it on stderr. Who stops reading, as `head` does, wants to hear no more.
    pub(crate) fn tell(&self) {
        if !matches!(self, Self::Unread) {
            tell(&format!("datatracks: {self}"));
        }
    }

    /// Why a track was not published.
    pub(crate) fn publishing(error: PublishError, name: &str, own: &Participant) -> Self {
        match error {
            PublishError::NotAllowed if own.can_publish_data => Self::NoDataTracks,
            PublishError::NotAllowed => Self::NotAllowed(
                "the token does not allow publishing data; make one with canPublishData".into(),
            ),
            PublishError::TimedOut => Self::NoDataTracks,
            PublishError::Closed => Self::Lost(EndReason::ConnectionLost),
            PublishError::InvalidName { .. } => {
                Self::Usage("--name must have 1 to 256 bytes".into())
            }
            error => Self::Other(format!("cannot publish \"{name}\": {error}")),
        }
    }

    /// Why a frame was not accepted.
    pub(crate) fn sending(error: PushFrameError) -> Self {
        match error {
            PushFrameError::FrameTooLarge { max } => Self::Other(format!(
                "a frame is larger than {max} bytes; send it in parts, or with --framing lines or length"
            )),
            PushFrameError::TrackUnpublished => Self::NotAllowed(
                "the track was taken away; was the permission to publish revoked?".into(),
            ),
            error => Self::Other(format!("cannot send a frame: {error}")),
        }
    }

    /// Why a track could not be read.
    pub(crate) fn subscribing(error: SubscribeError, name: &str, own: &Participant) -> Self {
        match error {
            SubscribeError::DecryptionUnavailable => Self::NotAllowed(format!(
                "\"{name}\" is encrypted; set DATATRACKS_E2EE_PASSPHRASE to the publisher's passphrase"
            )),
            SubscribeError::NotPermitted => {
                Self::NotAllowed(format!("the publisher of \"{name}\" does not let you read it"))
            }
            SubscribeError::TimedOut if !own.can_subscribe => Self::NotAllowed(
                "the token does not allow reading; make one with canSubscribe".into(),
            ),
            SubscribeError::TimedOut => Self::TimedOut(format!(
                "the server did not answer the subscription to \"{name}\"; try again"
            )),
            SubscribeError::Unpublished => {
                Self::Ended(format!("\"{name}\" is no longer published"))
            }
            SubscribeError::Closed => Self::Lost(EndReason::ConnectionLost),
            error => Self::Other(format!("cannot subscribe to \"{name}\": {error}")),
        }
    }
}

/// As shells have it for what ends when nobody reads its output: 128 + SIGPIPE.
const UNREAD: u8 = 141;

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Unreachable { .. } => Self::Unreachable(format!(
                "{error}. Is the server running, and is --url (LIVEKIT_URL) right?"
            )),
            JoinError::Unauthorized { .. } => Self::Unauthorized(format!(
                "{error}. Check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or that --token is not expired"
            )),
            JoinError::Rejected { status: 404, .. } => Self::Other(format!(
                "{error}. The room may have to be made first, or this is no LiveKit server"
            )),
            JoinError::TimedOut { .. } => Self::TimedOut(format!("{error}; try again")),
            JoinError::Ended(reason) => Self::Lost(reason),
            error => Self::Other(error.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text)
            | Self::Usage(text)
            | Self::Unreachable(text)
            | Self::Unauthorized(text)
            | Self::NoSuchTrack(text)
            | Self::TimedOut(text)
            | Self::NotAllowed(text)
            | Self::Ended(text) => f.write_str(text),
            Self::NoDataTracks => f.write_str(
                "the server has no data tracks; it needs livekit-server 1.11 or newer, or enable_data_tracks: true",
            ),
            Self::Lost(EndReason::DuplicateIdentity) => f.write_str(
                "another participant joined under the same identity; choose another --identity",
            ),
            Self::Lost(reason) => write!(f, "the room is lost: {reason}"),
            Self::Interrupted if Request::heard() == Some(Request::Terminate) => {
                f.write_str("terminated")
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::Unread => f.write_str("nobody reads stdout any more"),
        }
    }
}
