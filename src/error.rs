//! What can go wrong, one type a call. Each variant names whose fault it is; the fields are for programs, the text for people.

use thiserror::Error;

/// Why a track was not published.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The name is empty or longer than 256 bytes.
    #[error("the name is empty or longer than 256 bytes (length: {length})")]
    InvalidName {
        /// Its length in bytes.
        length: u64,
    },
    /// This participant already publishes a track of that name.
    #[error("this participant already publishes a track of that name")]
    DuplicateName,
    /// A schema was given without a frame encoding.
    #[error("a schema was given without a frame encoding")]
    FrameEncodingMissing,
    /// The frame encoding is one that needs a schema.
    #[error("the frame encoding is one that needs a schema")]
    SchemaMissing,
    /// Frame encoding and schema do not go together.
    #[error("frame encoding and schema do not go together")]
    SchemaMismatch,
    /// A custom encoding's identifier is empty or longer than 32 bytes, or a schema's name is empty or longer than 256.
    #[error(
        "a custom encoding's identifier is empty or longer than 32 bytes, or a schema's name is empty or longer than 256 (length: {length})"
    )]
    InvalidEncoding {
        /// Its length in bytes.
        length: u64,
    },
    /// Encryption was required and the manager has no encryption provider.
    #[error("encryption was required and the manager has no encryption provider")]
    EncryptionUnavailable,
    /// The token does not allow it (`canPublishData`), or the server has data tracks switched off.
    #[error(
        "the token does not allow it (canPublishData), or the server has data tracks switched off"
    )]
    NotAllowed,
    /// All 65 535 handles are taken, or the SFU says that there are too many tracks.
    #[error("all 65 535 handles are taken, or the SFU says that there are too many tracks")]
    LimitReached,
    /// The SFU refused for another reason: the code of its RequestResponse and its own words.
    #[error("the SFU refused: {detail} (code: {code})")]
    Rejected {
        /// The number of the reason.
        code: i32,
        /// The SFU's own words.
        detail: String,
    },
    /// The answer of the SFU contradicts the request (for example plain where encrypted was asked for). The track is undone.
    #[error(
        "the answer of the SFU contradicts the request (for example plain where encrypted was asked for)"
    )]
    UnexpectedAnswer,
    /// The host could not send the request: `on_signal_request` threw.
    #[error("the host could not send the request: on_signal_request threw")]
    SignalNotSent,
    /// No answer within 10 seconds. Also the symptom of a server without data tracks.
    #[error("no answer within 10 seconds")]
    TimedOut,
    /// Cancelled by the caller. If the SFU publishes it all the same, it is undone.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The manager was shut down.
    #[error("the manager was shut down")]
    Closed,
}

/// Why a frame was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PushFrameError {
    /// The track is no longer published.
    #[error("the track is no longer published")]
    TrackUnpublished,
    /// The waiting room is full (policy `Refuse`), or the manager's tracks hold 64 MiB together and no frame of this one could make room.
    #[error("no room: the waiting room is full, or the manager's tracks hold 64 MiB together")]
    QueueFull,
    /// The payload has more bytes than a frame of this track can carry.
    #[error("the payload has more bytes than a frame of this track can carry (max: {max})")]
    FrameTooLarge {
        /// Most payload bytes.
        max: u64,
    },
    /// The encryption provider failed; nothing was sent.
    #[error("the encryption provider failed; nothing was sent")]
    EncryptionFailed,
    /// Cancelled by the caller before there was room (`send` only).
    #[error("cancelled by the caller before there was room (send only)")]
    Cancelled,
}

/// Why a track could not be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// The track is no longer published.
    #[error("the track is no longer published")]
    Unpublished,
    /// The track is encrypted and the manager has no decryption provider.
    #[error("the track is encrypted and the manager has no decryption provider")]
    DecryptionUnavailable,
    /// An option is out of its range.
    #[error("an option is out of its range")]
    InvalidOptions,
    /// The publisher does not permit it. The subscription is not kept.
    #[error("the publisher does not permit it")]
    NotPermitted,
    /// The host could not send the request: `on_signal_request` threw.
    #[error("the host could not send the request: on_signal_request threw")]
    SignalNotSent,
    /// No handle within 10 seconds (no `canSubscribe`, or the track vanished).
    #[error("no handle within 10 seconds (no canSubscribe, or the track vanished)")]
    TimedOut,
    /// Cancelled by the caller.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The manager was shut down.
    #[error("the manager was shut down")]
    Closed,
}

/// Why a wait ended without what was waited for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WaitError {
    /// The time given is over.
    #[error("the time given is over")]
    TimedOut,
    /// Cancelled by the caller.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The manager, track or stream was shut down.
    #[error("the manager, track or stream was shut down")]
    Closed,
}

/// Why a signal message was not taken. Nothing of it had an effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignalError {
    /// The bytes are no SignalResponse, or larger than 16 MiB.
    #[error("the bytes are no SignalResponse, or larger than 16 MiB")]
    Malformed,
    /// The message is of another kind than the called method takes: its field number in SignalResponse, 0 for none.
    #[error("the message is of another kind than the called method takes (tag: {tag})")]
    UnexpectedMessage {
        /// The field number.
        tag: u32,
    },
    /// The manager was shut down.
    #[error("the manager was shut down")]
    Closed,
}

/// Why a frame could not be encrypted. Thrown by encryption providers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncryptionError {
    /// There is no key for this index.
    #[error("there is no key for this index (key index: {key_index})")]
    KeyMissing {
        /// The index.
        key_index: u8,
    },
    /// Anything else.
    #[error("the frame could not be encrypted")]
    Failed,
}

/// Why a frame could not be decrypted. Thrown by decryption providers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecryptionError {
    /// There is no key for this index and publisher.
    #[error("there is no key for this index and publisher (key index: {key_index})")]
    KeyMissing {
        /// The index.
        key_index: u8,
    },
    /// The tag does not fit: another key, or damaged bytes.
    #[error("the frame could not be decrypted: it was sealed with another key, or damaged")]
    Failed,
}

/// Why a key was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// The index is not below the size of the ring.
    #[error(
        "the index is not below the size of the ring (key index: {key_index}, ring size: {ring_size})"
    )]
    InvalidKeyIndex {
        /// The index.
        key_index: u8,
        /// Keys in the ring.
        ring_size: u32,
    },
    /// Key material must not be empty.
    #[error("key material must not be empty")]
    EmptyKey,
    /// There is no key to ratchet.
    #[error("there is no key to ratchet (key index: {key_index})")]
    KeyMissing {
        /// The index.
        key_index: u8,
    },
    /// An option is out of its range.
    #[error("an option is out of its range")]
    InvalidOptions,
}

/// Why a schema was not stored or found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// The name or the text is empty, or longer than the SFU takes (name 256 bytes, all blobs of a participant 64 000).
    #[error(
        "the name or the text is empty, or longer than the SFU takes (name 256 bytes, all blobs of a participant 64 000)"
    )]
    InvalidSchema,
    /// The server has data blobs switched off.
    #[error("the server has data blobs switched off")]
    NotAllowed,
    /// No such participant, or no such schema.
    #[error("no such participant, or no such schema")]
    NotFound,
    /// The participant's blobs are too large together.
    #[error("the participant's blobs are too large together")]
    LimitReached,
    /// The SFU refused for another reason: the code of its RequestResponse and its own words.
    #[error("the SFU refused: {detail} (code: {code})")]
    Rejected {
        /// The number of the reason.
        code: i32,
        /// The SFU's own words.
        detail: String,
    },
    /// The host could not send the request.
    #[error("the host could not send the request")]
    SignalNotSent,
    /// No answer within 5 seconds.
    #[error("no answer within 5 seconds")]
    TimedOut,
    /// Cancelled by the caller.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The manager was shut down.
    #[error("the manager was shut down")]
    Closed,
}

/// A delegate, provider or log sink of the host threw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DelegateError {
    /// Whatever it was.
    #[error("the host threw")]
    Failed,
}
