//! What the host implements: delegates, providers, log sinks. `udl/datatracks.udl` documents each callback.

use std::sync::Arc;

use uniffi::UnexpectedUniFFICallbackError;

use super::{KeyRing, LocalDataTrack, RemoteDataTrack};
use crate::{
    error::{DecryptionError, DelegateError, EncryptionError},
    frame::{PacketBatch, Payload},
    options::LogLevel,
    track::{SubscriptionState, UnpublishReason},
};

/// What the local manager needs of its host.
#[uniffi::trait_interface]
#[allow(missing_docs)]
pub trait LocalDataTrackManagerDelegate: Send + Sync {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError>;
    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError>;
    fn on_track_published(&self, track: Arc<LocalDataTrack>) -> Result<(), DelegateError>;
    fn on_track_unpublished(
        &self,
        track: Arc<LocalDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError>;
}

/// What the remote manager needs of its host.
#[uniffi::trait_interface]
#[allow(missing_docs)]
pub trait RemoteDataTrackManagerDelegate: Send + Sync {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError>;
    fn on_track_published(&self, track: Arc<RemoteDataTrack>) -> Result<(), DelegateError>;
    fn on_track_unpublished(
        &self,
        track: Arc<RemoteDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError>;
    fn on_subscription_changed(
        &self,
        track: Arc<RemoteDataTrack>,
        state: SubscriptionState,
    ) -> Result<(), DelegateError>;
}

/// Encrypts frames.
#[uniffi::trait_interface]
pub trait EncryptionProvider: Send + Sync {
    /// Encrypts one frame under a fresh 12-byte IV.
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError>;

    /// The key ring behind this provider and the identity whose key it seals with. Where there is one, frames are sealed
    /// in place and `encrypt` is never called. Not part of the foreign surface.
    fn key_ring(&self) -> Option<(&Arc<KeyRing>, Option<&str>)> {
        None
    }
}

/// Decrypts frames.
#[uniffi::trait_interface]
pub trait DecryptionProvider: Send + Sync {
    /// Decrypts one frame of the participant `publisher_identity`.
    fn decrypt(
        &self,
        payload: EncryptedPayload,
        publisher_identity: String,
    ) -> Result<Payload, DecryptionError>;

    /// The key ring behind this provider. Where there is one, frames are opened in place and `decrypt` is never called.
    /// Not part of the foreign surface.
    fn key_ring(&self) -> Option<&Arc<KeyRing>> {
        None
    }
}

/// A frame's ciphertext and what is needed to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedPayload {
    /// Ciphertext, then the tag.
    pub payload: Payload,
    /// 12 bytes.
    pub iv: Vec<u8>,
    /// Which key of the ring.
    pub key_index: u8,
}

/// Takes log records.
#[uniffi::trait_interface]
pub trait LogSink: Send + Sync {
    /// Takes one record.
    fn log(&self, record: LogRecord) -> Result<(), DelegateError>;
}

/// One log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// The module that speaks.
    pub target: String,
    /// What happened, with its fields as `name=value`.
    pub text: String,
    /// Records that the rate limit dropped before this one.
    pub dropped: u64,
}

impl From<UnexpectedUniFFICallbackError> for DelegateError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

impl From<UnexpectedUniFFICallbackError> for EncryptionError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

impl From<UnexpectedUniFFICallbackError> for DecryptionError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}
