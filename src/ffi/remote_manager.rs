//! The exported manager of the subscribing side.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    CancelToken, DecryptionProvider, Environment, RemoteDataTrack, RemoteDataTrackManagerDelegate,
    remote_core::Remote,
    wait::{Cancelled, unless_cancelled},
};
use crate::{
    error::{SignalError, WaitError},
    remote::FinderId,
    signal::{self, SignalIn, tag},
    stats::RemoteManagerStats,
    track::SignalOutcome,
};

/// Knows the tracks of the other participants and takes their packets.
pub struct RemoteDataTrackManager {
    remote: Arc<Remote>,
}

impl RemoteDataTrackManager {
    /// A manager by the system's clock.
    pub fn new(
        delegate: impl Into<Arc<dyn RemoteDataTrackManagerDelegate>>,
        decryption_provider: Option<Arc<dyn DecryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        let environment = Environment::system();
        Self::with_environment(environment, delegate.into(), decryption_provider, local_identity)
    }

    /// A manager in surroundings of its own.
    pub fn with_environment(
        environment: Arc<Environment>,
        delegate: Arc<dyn RemoteDataTrackManagerDelegate>,
        decryption_provider: Option<Arc<dyn DecryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        Self { remote: Remote::new(environment, delegate, decryption_provider, local_identity) }
    }

    /// Takes any SignalResponse, as received. What is not ours is ignored without being decoded.
    ///
    /// # Errors
    ///
    /// When the bytes are no SignalResponse, or the manager was shut down.
    pub fn handle_signal_response(&self, res: Vec<u8>) -> Result<SignalOutcome, SignalError> {
        let (_, message) = self.decode(&res, is_ours)?;
        let Some(message) = message else { return Ok(SignalOutcome::Ignored) };
        self.remote.change(|state, now| state.control.handle_signal(message, now));
        Ok(SignalOutcome::Handled)
    }

    /// Takes a SignalResponse that holds a `join`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_join_response(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.take(&res, tag::JOIN, None)
    }

    /// Takes a SignalResponse that holds an `update`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_participant_update(
        &self,
        res: Vec<u8>,
        local_participant_identity: String,
    ) -> Result<(), SignalError> {
        self.take(&res, tag::UPDATE, Some(local_participant_identity))
    }

    /// Takes a SignalResponse that holds `data_track_subscriber_handles`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_subscriber_handles(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.take(&res, tag::SUBSCRIBER_HANDLES, None)
    }

    /// The older name of [`handle_sfu_subscriber_handles`](Self::handle_sfu_subscriber_handles).
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_subscriber_handles(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.handle_sfu_subscriber_handles(res)
    }

    /// Takes one binary message of a channel `_data_track`. What is malformed or unwanted is counted.
    pub fn handle_packet_received(&self, packet: &[u8]) {
        self.guarded("handle_packet_received", || self.remote.receive(packet));
    }

    /// After a quick or full reconnect: asks again for everything that is subscribed to.
    pub fn resend_subscription_updates(&self) {
        self.guarded("resend_subscription_updates", || {
            self.remote.change(|state, _| state.control.resend());
        });
    }

    /// Tracks that are published now, by publisher, then in order of appearance; those that appear at once, by handle.
    pub fn tracks(&self) -> Vec<Arc<RemoteDataTrack>> {
        self.guarded("tracks", || self.remote.read(|state| state.tracks(state.control.tracks())))
    }

    /// Tracks of one participant.
    pub fn tracks_by_publisher(&self, publisher_identity: String) -> Vec<Arc<RemoteDataTrack>> {
        self.guarded("tracks_by_publisher", || {
            self.remote.read(|state| state.tracks(state.control.tracks_of(&publisher_identity)))
        })
    }

    /// Answers a track of that name, of any or one publisher, at once or as soon as it is published. `timeout_ms` 0: no limit.
    ///
    /// # Errors
    ///
    /// See [`WaitError`].
    pub async fn wait_for_track(
        &self,
        name: String,
        publisher_identity: Option<String>,
        timeout_ms: u64,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<RemoteDataTrack>, WaitError> {
        let (answer, finder) = self.remote.change(|state, now| {
            let limit = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
            let deadline = limit.and_then(|limit| now.checked_add(limit));
            state.find(name, publisher_identity, deadline)
        })?;
        let _search = Search { finder, remote: &self.remote };
        unless_cancelled(cancel, answer.wait()).await.map_err(|Cancelled| WaitError::Cancelled)?
    }

    /// What this manager did so far.
    pub fn stats(&self) -> RemoteManagerStats {
        self.guarded("stats", || self.remote.stats())
    }

    /// Ends every stream and every wait, and lets the delegate go after the callback that may be running.
    pub fn shutdown(&self) {
        self.guarded("shutdown", || self.remote.change(|state, _| state.control.shutdown()));
    }

    /// Arrows that links and tracks have taken in their drawings (`remote/link.rs`, `remote/catalog.rs`), for simulations.
    #[cfg(feature = "host")]
    pub fn arrows(&self) -> crate::arrows::Taken {
        self.remote.read(|state| state.control.arrows().clone())
    }

    fn guarded<T: Default>(&self, method: &'static str, work: impl FnOnce() -> T) -> T {
        self.remote.faults.guarded(method, T::default, work)
    }

    fn take(
        &self,
        res: &[u8],
        wanted: u32,
        local_identity: Option<String>,
    ) -> Result<(), SignalError> {
        let (tag, message) = self.decode(res, |tag| tag == wanted)?;
        if tag != wanted {
            return Err(SignalError::UnexpectedMessage { tag });
        }
        self.remote.change(|state, now| {
            local_identity
                .into_iter()
                .for_each(|identity| state.control.set_local_identity(identity, now));
            message.into_iter().for_each(|message| state.control.handle_signal(message, now));
        });
        Ok(())
    }

    fn decode(
        &self,
        res: &[u8],
        wanted: impl Fn(u32) -> bool,
    ) -> Result<(u32, Option<SignalIn>), SignalError> {
        if self.remote.read(|state| state.control.is_closed()) {
            return Err(SignalError::Closed);
        }
        let decoded = signal::decode(res, wanted)?;
        self.remote.count_skipped(decoded.skipped);
        Ok((decoded.tag, decoded.message))
    }
}

impl fmt::Debug for RemoteDataTrackManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteDataTrackManager").field("stats", &self.remote.stats()).finish()
    }
}

impl Drop for RemoteDataTrackManager {
    fn drop(&mut self) {
        self.remote.abandon();
    }
}

/// A call of `wait_for_track`; gives up when dropped.
struct Search<'a> {
    finder: Option<FinderId>,
    remote: &'a Remote,
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        if let Some(finder) = self.finder {
            self.remote.change_later(|state, _| state.forget_finder(finder));
        }
    }
}

fn is_ours(tag: u32) -> bool {
    matches!(
        tag,
        tag::JOIN
            | tag::UPDATE
            | tag::ROOM_MOVED
            | tag::SUBSCRIBER_HANDLES
            | tag::SUBSCRIPTION_PERMISSION_UPDATE
    )
}
