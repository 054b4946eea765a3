//! A track that this participant publishes, as the host holds it.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use super::{
    CancelToken,
    local_control::Control,
    local_end::End,
    local_push::{Pushed, Sealing},
    local_sending::Sending,
    lock::{Hold, Mutex, MutexGuard},
};
use crate::{
    error::{PushFrameError, WaitError},
    frame::DataTrackFrame,
    local::{
        output::LocalKey, packetizer::Packetizer, send_queue::LaneId, waiting_room::Admission,
    },
    options::{DataTrackOptions, DropPolicy},
    stats::LocalTrackStats,
    track::{DataTrackInfo, UnpublishReason},
};

/// A track of ours. Equal by handle, generation and manager. Dropping it changes nothing: the manager has it too.
pub struct LocalDataTrack {
    key: LocalKey,
    /// Counts the tracks that this process published, over all managers.
    pub(super) order: u64,
    pub(super) lane: LaneId,
    pub(super) sending: Arc<Sending>,
    pub(super) sealing: Sealing,
    /// A full waiting room refuses.
    pub(super) refuses: bool,
    packetizer: Mutex<Packetizer>,
    about: Mutex<About>,
}

/// What changes without frames.
pub(super) struct About {
    pub(super) info: DataTrackInfo,
    pub(super) end: End,
}

impl LocalDataTrack {
    pub(super) fn new(
        key: LocalKey,
        order: u64,
        info: DataTrackInfo,
        options: &DataTrackOptions,
        sending: &Arc<Sending>,
        sealing: Sealing,
    ) -> Arc<Self> {
        let environment = &sending.environment;
        let base = environment.with_random(|random| random.next_u32());
        Arc::new(Self {
            key,
            order,
            lane: sending.outbox().queue.open(options),
            sending: Arc::clone(sending),
            sealing,
            refuses: options.drop_policy == DropPolicy::Refuse,
            packetizer: Mutex::new(Packetizer::new(key.handle, base, environment.now())),
            about: Mutex::new(About { info, end: End::default() }),
        })
    }

    /// What is known of the track now.
    pub fn info(&self) -> DataTrackInfo {
        let safe = DataTrackInfo::default;
        self.sending.faults.guarded("info", safe, || self.about().info.clone())
    }

    /// False for good after the end of the publication.
    pub fn is_published(&self) -> bool {
        let faults = &self.sending.faults;
        faults.guarded("is_published", || false, || self.about().end.is_published())
    }

    /// Accepts a frame, or tells why not.
    ///
    /// # Errors
    ///
    /// See [`PushFrameError`]. A frame that is refused is not sent.
    pub fn try_push(&self, frame: DataTrackFrame) -> Result<(), PushFrameError> {
        self.push(Pushed::Owned(&frame.payload), frame.user_timestamp, Admission::ByPolicy)
    }

    /// As [`try_push`](Self::try_push), with borrowed bytes.
    ///
    /// # Errors
    ///
    /// See [`PushFrameError`]. A frame that is refused is not sent.
    pub fn try_push_bytes(&self, payload: &[u8]) -> Result<(), PushFrameError> {
        self.push(Pushed::Borrowed(payload), None, Admission::ByPolicy)
    }

    /// As [`try_push_bytes`](Self::try_push_bytes), with a user timestamp.
    ///
    /// # Errors
    ///
    /// See [`PushFrameError`]. A frame that is refused is not sent.
    pub fn try_push_bytes_with_timestamp(
        &self,
        payload: &[u8],
        user_timestamp: u64,
    ) -> Result<(), PushFrameError> {
        self.push(Pushed::Borrowed(payload), Some(user_timestamp), Admission::ByPolicy)
    }

    /// As [`try_push`](Self::try_push), but waits until there is room.
    ///
    /// # Errors
    ///
    /// See [`PushFrameError`]; never `QueueFull`.
    pub async fn send(
        &self,
        frame: DataTrackFrame,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), PushFrameError> {
        self.push_when_room(Pushed::Owned(&frame.payload), frame.user_timestamp, cancel).await
    }

    /// Waits until no frame of this track waits any more. `timeout_ms` 0: no limit.
    ///
    /// # Errors
    ///
    /// `Closed` when the track ends or has ended.
    pub async fn flush(
        &self,
        timeout_ms: u64,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), WaitError> {
        let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
        self.flushed(timeout, cancel).await
    }

    /// Ends the publication at once. Idempotent.
    pub fn unpublish(&self) {
        self.sending.faults.guarded(
            "unpublish",
            || (),
            || {
                if let Some(control) = self.control() {
                    control.unpublish(self.key);
                }
            },
        );
    }

    /// Waits for the end of the publication.
    ///
    /// # Errors
    ///
    /// `Closed` when the manager was dropped without a shutdown.
    pub async fn wait_for_unpublish(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<UnpublishReason, WaitError> {
        self.ended(cancel).await
    }

    /// What became of the frames so far.
    pub fn stats(&self) -> LocalTrackStats {
        let safe = LocalTrackStats::default;
        self.sending.faults.guarded("stats", safe, || self.sending.outbox().queue.stats(self.lane))
    }

    pub(super) fn handle(&self) -> u16 {
        self.key.handle.get()
    }

    pub(super) fn about(&self) -> MutexGuard<'_, About> {
        self.about.hold()
    }

    pub(super) fn packetizer(&self) -> MutexGuard<'_, Packetizer> {
        self.packetizer.hold()
    }

    fn control(&self) -> Option<Arc<Control>> {
        self.sending.control()
    }
}

impl Drop for LocalDataTrack {
    fn drop(&mut self) {
        self.sending.outbox().queue.close(self.lane);
    }
}

impl PartialEq for LocalDataTrack {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && Arc::ptr_eq(&self.sending, &other.sending)
    }
}

impl Eq for LocalDataTrack {}

impl Hash for LocalDataTrack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        Arc::as_ptr(&self.sending).hash(state);
    }
}

impl fmt::Debug for LocalDataTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDataTrack").field("key", &self.key).finish_non_exhaustive()
    }
}
