//! What the publishing side wants done, in the order in which it was decided.

use crate::{
    error::{PublishError, SchemaError},
    options::DataTrackOptions,
    signal::SignalOut,
    track::{DataTrackInfo, Handle, UnpublishReason},
};

/// A track of this participant, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LocalKey {
    /// Counts the times that all handles were used up.
    pub(crate) generation: u32,
    pub(crate) handle: Handle,
}

/// Something to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send this; when that fails, say so with `request_not_sent`.
    Request { signal: SignalOut, cause: Cause },
    /// The wait for a publication ends well.
    Published { key: LocalKey, info: DataTrackInfo, options: Box<DataTrackOptions> },
    /// The wait for a publication ends otherwise.
    NotPublished { key: LocalKey, error: PublishError },
    /// Frames of the track wait from now on.
    Held(LocalKey),
    /// Frames of the track leave again.
    Resumed(LocalKey),
    /// The SFU has given the track another SID.
    Renamed { key: LocalKey, sid: String },
    /// The track is no longer published.
    Ended { key: LocalKey, reason: UnpublishReason },
    /// The wait for a schema ends. The text is empty when one was stored.
    Schema { request_id: u32, result: Result<Vec<u8>, SchemaError> },
}

/// What a request was made for: what fails when it cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Publishing.
    Publish(LocalKey),
    /// This attempt to republish.
    Republish(LocalKey, u32),
    /// The end of a publication.
    Unpublish(Handle),
    /// Storing or reading a schema.
    Schema(u32),
}
