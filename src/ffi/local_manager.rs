//! The manager of a participant's own tracks, as the host holds it.

use std::{fmt, sync::Arc, time::Instant};

use super::{
    CancelToken, EncryptionProvider, Environment, LocalDataTrack, LocalDataTrackManagerDelegate,
    local_control::{Control, is_for_publishers},
    wait::{Completion, unless_cancelled},
};
use crate::{
    error::{PublishError, SchemaError, SignalError},
    local::{output::LocalKey, publications::Publications},
    options::DataTrackOptions,
    signal::{encode_publish_response, tag},
    sorted::SortedMap,
    stats::LocalManagerStats,
    track::{DataTrackSchemaId, SignalOutcome},
};

/// Publishes tracks and sends their frames.
pub struct LocalDataTrackManager {
    control: Arc<Control>,
}

impl LocalDataTrackManager {
    /// A manager on the system's clock. `local_identity`: `None` when it is to be learned from the join response.
    pub fn new(
        delegate: impl Into<Arc<dyn LocalDataTrackManagerDelegate>>,
        encryption_provider: Option<Arc<dyn EncryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        let environment = Environment::system();
        Self::with_environment(environment, delegate.into(), encryption_provider, local_identity)
    }

    /// A manager in these surroundings.
    pub fn with_environment(
        environment: Arc<Environment>,
        delegate: Arc<dyn LocalDataTrackManagerDelegate>,
        encryption_provider: Option<Arc<dyn EncryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        let control = Control::new(environment, delegate, encryption_provider, local_identity);
        Self { control }
    }

    /// Publishes a track; ends within 10 s.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]. Nothing is left at the SFU then, or it is undone as soon as the SFU says that it is there.
    pub async fn publish_track(
        &self,
        options: DataTrackOptions,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<LocalDataTrack>, PublishError> {
        if cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled()) {
            return Err(PublishError::Cancelled);
        }
        let wait = Completion::new();
        let key = self.control.decide(|state, now| {
            let key = state.publications.publish(options, now)?;
            state.publishes.insert(key, Arc::clone(&wait));
            Ok(key)
        })?;
        let mut publish = Publish { control: &self.control, key: Some(key) };
        let result = unless_cancelled(cancel, wait.wait()).await;
        match result {
            Ok(result) => {
                publish.key = None;
                result
            }
            Err(_) => {
                publish.cancel();
                Err(PublishError::Cancelled)
            }
        }
    }

    /// Takes any SignalResponse. What is not ours is ignored without being decoded.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_signal_response(&self, res: Vec<u8>) -> Result<SignalOutcome, SignalError> {
        Ok(self.control.handle(&res, is_for_publishers)?.outcome)
    }

    /// Takes a SignalResponse that holds a `publish_data_track_response`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_publish_response(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.handle_only(tag::PUBLISH_RESPONSE, &res)
    }

    /// Takes a SignalResponse that holds an `unpublish_data_track_response`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_unpublish_response(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.handle_only(tag::UNPUBLISH_RESPONSE, &res)
    }

    /// Takes a SignalResponse that holds a `request_response`.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_request_response(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.handle_only(tag::REQUEST_RESPONSE, &res)
    }

    /// Takes a SignalResponse that holds an `update`: finds tracks of ours that the SFU has taken away.
    ///
    /// # Errors
    ///
    /// See [`SignalError`].
    pub fn handle_sfu_participant_update(&self, res: Vec<u8>) -> Result<(), SignalError> {
        self.handle_only(tag::UPDATE, &res)
    }

    /// For the SyncState of a quick reconnect: one PublishDataTrackResponse a published track.
    pub fn publish_responses_for_sync_state(&self) -> Vec<Vec<u8>> {
        self.guarded("publish_responses_for_sync_state", Vec::new, || {
            let known = self.control.look(|state| state.publications.sync_state());
            known.iter().map(encode_publish_response).collect()
        })
    }

    /// After a full reconnect: publishes again what was published and what still waits for its answer.
    pub fn republish_tracks(&self) {
        self.guarded("republish_tracks", || (), || self.control.republish());
    }

    /// Tells how many bytes wait in the data channel. Pacing starts with the first report.
    pub fn handle_buffered_amount(&self, bytes: u64) {
        self.guarded("handle_buffered_amount", || (), || self.control.sending.report(bytes));
    }

    /// Tracks that are published now, in the order of publication.
    pub fn tracks(&self) -> Vec<Arc<LocalDataTrack>> {
        self.guarded("tracks", Vec::new, || {
            let tracks: SortedMap<_, _> = self.control.look(|state| {
                state.tracks.values().map(|track| (track.order, Arc::clone(track))).collect()
            });
            tracks.into_values().collect()
        })
    }

    /// Stores a schema at the SFU; ends within 5 s.
    ///
    /// # Errors
    ///
    /// See [`SchemaError`].
    pub async fn define_schema(
        &self,
        id: DataTrackSchemaId,
        contents: Vec<u8>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), SchemaError> {
        let stored =
            self.schema(cancel, |publications, now| publications.store_schema(id, contents, now));
        stored.await.map(|_| ())
    }

    /// Reads a schema of a participant from the SFU; ends within 5 s.
    ///
    /// # Errors
    ///
    /// See [`SchemaError`].
    pub async fn get_schema(
        &self,
        participant_identity: String,
        id: DataTrackSchemaId,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<u8>, SchemaError> {
        let found = self.schema(cancel, |publications, now| {
            publications.read_schema(participant_identity, id, now)
        });
        found.await
    }

    /// What this manager did so far.
    pub fn stats(&self) -> LocalManagerStats {
        self.guarded("stats", LocalManagerStats::default, || self.control.stats())
    }

    /// Ends every publication and every wait, and lets the delegate go after the callback that may be running. Idempotent.
    pub fn shutdown(&self) {
        self.guarded("shutdown", || (), || self.control.shutdown());
    }

    /// Arrows that publications have taken in their drawing (`local/publication.rs`), for simulations.
    #[cfg(feature = "host")]
    pub fn arrows(&self) -> crate::arrows::Taken {
        self.control.look(|state| state.publications.arrows().clone())
    }

    fn handle_only(&self, number: u32, res: &[u8]) -> Result<(), SignalError> {
        let received = self.control.handle(res, |tag| tag == number)?;
        if received.tag == number {
            Ok(())
        } else {
            Err(SignalError::UnexpectedMessage { tag: received.tag })
        }
    }

    async fn schema(
        &self,
        cancel: Option<Arc<CancelToken>>,
        ask: impl FnOnce(&mut Publications, Instant) -> Result<u32, SchemaError>,
    ) -> Result<Vec<u8>, SchemaError> {
        if cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled()) {
            return Err(SchemaError::Cancelled);
        }
        let wait = Completion::new();
        let request_id = self.control.decide(|state, now| {
            let request_id = ask(&mut state.publications, now)?;
            state.schemas.insert(request_id, Arc::clone(&wait));
            Ok(request_id)
        })?;
        let _asked = Asked { control: &self.control, request_id };
        unless_cancelled(cancel, wait.wait()).await.unwrap_or(Err(SchemaError::Cancelled))
    }

    fn guarded<T>(
        &self,
        method: &'static str,
        safe: impl FnOnce() -> T,
        work: impl FnOnce() -> T,
    ) -> T {
        self.control.sending.faults.guarded(method, safe, work)
    }
}

impl Drop for LocalDataTrackManager {
    fn drop(&mut self) {
        self.control.orphan();
    }
}

impl fmt::Debug for LocalDataTrackManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDataTrackManager").field("stats", &self.stats()).finish()
    }
}

/// A publication that is waited for. Dropped before its end, it is undone.
struct Publish<'a> {
    control: &'a Control,
    key: Option<LocalKey>,
}

impl Publish<'_> {
    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            self.control.decide(|state, now| state.abandon(key, now));
        }
    }
}

impl Drop for Publish<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.control.decide_silently(|state, now| state.abandon(key, now));
        }
    }
}

/// A schema that is waited for.
struct Asked<'a> {
    control: &'a Control,
    request_id: u32,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let request_id = self.request_id;
        self.control.look(|state| state.abandon_schema(request_id));
    }
}
