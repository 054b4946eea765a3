//! How to publish, read and encrypt a track. Defaults here and in `udl/datatracks.udl` are the same; a test compares them.

use crate::track::{DataTrackFrameEncoding, DataTrackSchemaId};

/// How to publish a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTrackOptions {
    /// 1 to 256 bytes, unique among the tracks of this participant.
    pub name: String,
    /// The schema of the frames; needs `frame_encoding`.
    pub schema: Option<DataTrackSchemaId>,
    /// The encoding of the frames; `udl/datatracks.udl` says which schema goes with which.
    pub frame_encoding: Option<DataTrackFrameEncoding>,
    /// Whether frames are encrypted.
    pub encryption: EncryptionMode,
    /// What a push does when the waiting room is full.
    pub drop_policy: DropPolicy,
    /// How the packets of a large frame leave.
    pub send_mode: SendMode,
    /// Size of the waiting room in bytes of packets.
    pub max_waiting_bytes: u64,
    /// Longest wait of a frame in milliseconds; 0: no limit.
    pub max_age_ms: u64,
    /// Upper limit in bytes of packets per second; 0: no limit.
    pub max_bytes_per_second: u64,
}

impl DataTrackOptions {
    /// The defaults, under this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            schema: None,
            frame_encoding: None,
            encryption: EncryptionMode::Auto,
            drop_policy: DropPolicy::DropOldest,
            send_mode: SendMode::Spread,
            max_waiting_bytes: 4 << 20,
            max_age_ms: 0,
            max_bytes_per_second: 0,
        }
    }
}

/// Whether the frames of a track are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionMode {
    /// Encrypted when the manager has an encryption provider.
    Auto,
    /// Encrypted, or not published.
    Required,
    /// Never encrypted.
    Plain,
}

/// What a push does when the waiting room is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropPolicy {
    /// The oldest waiting frame of this track makes room.
    DropOldest,
    /// The new frame is refused.
    Refuse,
}

/// How the packets of a large frame leave: of one that has more than 64 000 bytes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendMode {
    /// Spread over time, so that an SFU does not drop them as a burst: over half of the time until the next frame or more, at up to 16 MB/s
    /// and no less than 2.7; where frames come less than once a second, at 1 MB/s, which readers take that are slow.
    Spread,
    /// As fast as the channel takes them.
    Burst,
}

/// How to read a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTrackSubscribeOptions {
    /// How many frames wait for `next` at most: 1 to 65 536.
    pub buffer_frames: u32,
    /// What happens when a frame arrives and the buffer is full.
    pub buffer_policy: BufferPolicy,
    /// How long a complete frame waits for an earlier one: 0 to 10 000 ms.
    pub reorder_window_ms: u64,
    /// Most bytes that incomplete frames of the track may hold; 0: no frame of several packets arrives.
    pub max_partial_bytes: u64,
}

impl Default for DataTrackSubscribeOptions {
    fn default() -> Self {
        Self {
            buffer_frames: 16,
            buffer_policy: BufferPolicy::DropOldest,
            reorder_window_ms: 20,
            max_partial_bytes: 8 << 20,
        }
    }
}

/// What happens when a frame arrives and a stream's buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferPolicy {
    /// The oldest waiting frame is dropped.
    DropOldest,
    /// The arriving frame is dropped.
    DropNewest,
    /// Only the newest frame is kept.
    LatestOnly,
}

/// How keys are made from key material (protocol §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDerivation {
    /// PBKDF2-HMAC-SHA-256, 100 000 iterations.
    Pbkdf2,
    /// HKDF-SHA-256.
    Hkdf,
}

/// Settings of a key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRingOptions {
    /// How keys are made from key material.
    pub derivation: KeyDerivation,
    /// Salt of derivation and ratchet; `None`: "LKFrameEncryptionKey".
    pub salt: Option<Vec<u8>>,
    /// Number of keys: 1 to 256.
    pub ring_size: u32,
    /// Ratchet steps that a receiver tries: 0 to 255.
    pub ratchet_window: u32,
}

impl Default for KeyRingOptions {
    fn default() -> Self {
        Self { derivation: KeyDerivation::Pbkdf2, salt: None, ring_size: 16, ratchet_window: 0 }
    }
}

/// How much a log record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed that should not.
    Error,
    /// Something was refused or dropped.
    Warn,
    /// Tracks come and go.
    Info,
    /// Signals come and go.
    Debug,
    /// Packets come and go.
    Trace,
}
