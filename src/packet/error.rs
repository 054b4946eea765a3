//! Why bytes are no packet.

use thiserror::Error;

/// Why bytes are no version 0 packet. The fault is the sender's; the packet is dropped and counted (protocol §1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Fewer than the 12 bytes of the base header.
    #[error("fewer bytes than a base header")]
    TooShort,
    /// Another version than 0.
    #[error("version {0}")]
    UnsupportedVersion(u8),
    /// The track handle is 0.
    #[error("the track handle is 0")]
    InvalidHandle,
    /// An extension block is announced and nothing follows.
    #[error("an extension block is announced and missing")]
    MissingExtWords,
    /// The extension block is longer than the rest of the packet.
    #[error("the extension block is longer than the packet")]
    HeaderOverrun,
    /// The extension of this id is longer than the block.
    #[error("extension {0} is longer than its block")]
    MalformedExt(u8),
}
