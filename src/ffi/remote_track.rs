//! One track of another participant, as the application sees it.

use std::{
    fmt,
    future::poll_fn,
    hash::{Hash, Hasher},
    sync::{Arc, Weak},
    task::{Poll, Waker},
};

use super::{
    CancelToken, DataTrackStream,
    lock::{Hold, Mutex},
    remote_core::Remote,
    remote_effects::Subscribed,
    remote_reception::Reception,
    remote_seats::{Seats, Wakes},
    wait::{Cancelled, unless_cancelled},
};
use crate::{
    error::{SubscribeError, WaitError},
    options::DataTrackSubscribeOptions,
    remote::StreamOptions,
    stats::RemoteTrackStats,
    track::{DataTrackInfo, SubscriptionState, TrackKey, UnpublishReason},
};

/// A track that another participant publishes. Equal by publisher identity, publisher handle and generation, whatever its SID.
pub struct RemoteDataTrack {
    key: TrackKey,
    manager: Weak<Remote>,
    pub(super) reception: Arc<Reception>,
    facts: Mutex<Facts>,
}

/// What outlives the manager.
struct Facts {
    info: DataTrackInfo,
    state: SubscriptionState,
    ended: Option<UnpublishReason>,
    waiting_for_end: Seats,
}

impl RemoteDataTrack {
    pub(super) fn new(key: TrackKey, info: DataTrackInfo, remote: &Remote) -> Self {
        let publisher = Arc::clone(&key.publisher);
        let provider = remote.provider.clone();
        let faults = Arc::clone(&remote.faults);
        let reception =
            Reception::new(publisher, info.uses_e2ee, provider, &remote.budgets, faults);
        let facts = Facts {
            info,
            state: SubscriptionState::Unsubscribed,
            ended: None,
            waiting_for_end: Seats::default(),
        };
        Self {
            key,
            manager: remote.this.clone(),
            reception: Arc::new(reception),
            facts: Mutex::new(facts),
        }
    }

    /// What is known of the track now.
    pub fn info(&self) -> DataTrackInfo {
        self.guarded("info", DataTrackInfo::default, || self.facts.hold().info.clone())
    }

    /// Who publishes it.
    pub fn publisher_identity(&self) -> String {
        self.key.publisher.to_string()
    }

    /// False for good after the end of the publication.
    pub fn is_published(&self) -> bool {
        self.guarded("is_published", || false, || self.facts.hold().ended.is_none())
    }

    /// How far the subscription is.
    pub fn subscription_state(&self) -> SubscriptionState {
        let safe = || SubscriptionState::Unsubscribed;
        self.guarded("subscription_state", safe, || self.facts.hold().state)
    }

    /// Reads the track with default options.
    ///
    /// # Errors
    ///
    /// See [`SubscribeError`]. Ends within 10 s.
    pub async fn subscribe(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<DataTrackStream>, SubscribeError> {
        self.subscribe_with_options(DataTrackSubscribeOptions::default(), cancel).await
    }

    /// Reads the track. Each call makes a stream of its own; the SFU sees one subscription.
    ///
    /// # Errors
    ///
    /// See [`SubscribeError`]. Ends within 10 s.
    pub async fn subscribe_with_options(
        &self,
        options: DataTrackSubscribeOptions,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<DataTrackStream>, SubscribeError> {
        let options = StreamOptions::try_from(options)?;
        if cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled()) {
            return Err(SubscribeError::Cancelled);
        }
        let (answer, stream) = self.begin(options)?;
        match unless_cancelled(cancel, answer.wait()).await {
            Ok(result) => result.map(|()| stream),
            Err(Cancelled) => Err(SubscribeError::Cancelled),
        }
    }

    /// Waits for the end of the publication.
    ///
    /// # Errors
    ///
    /// [`WaitError::Cancelled`].
    pub async fn wait_for_unpublish(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<UnpublishReason, WaitError> {
        let mut end = EndWaiter { track: self, seat: None };
        let ended = poll_fn(|context| end.poll(context.waker()));
        unless_cancelled(cancel, ended).await.map_err(|Cancelled| WaitError::Cancelled)
    }

    /// What became of the packets and frames so far.
    pub fn stats(&self) -> RemoteTrackStats {
        self.guarded("stats", RemoteTrackStats::default, || self.reception.stats())
    }

    pub(super) fn set_sid(&self, sid: String) {
        self.facts.hold().info.sid = sid;
    }

    pub(super) fn set_subscription_state(&self, state: SubscriptionState) {
        self.facts.hold().state = state;
    }

    /// The publication is over. What is answered is to be woken without a lock.
    pub(super) fn end(&self, reason: UnpublishReason) -> Wakes {
        let mut wakes = Wakes::default();
        let mut facts = self.facts.hold();
        facts.ended = Some(reason);
        facts.waiting_for_end.call(&mut wakes);
        wakes
    }

    fn guarded<T>(
        &self,
        method: &'static str,
        safe: impl FnOnce() -> T,
        work: impl FnOnce() -> T,
    ) -> T {
        self.reception.faults.guarded(method, safe, work)
    }

    /// The stream is there before its answer: whoever drops the call drops it, and so gives the subscription up. The answer must be
    /// dropped after it: its waker would end under the control lock.
    fn begin(
        &self,
        options: StreamOptions,
    ) -> Result<(Arc<Subscribed>, Arc<DataTrackStream>), SubscribeError> {
        let remote = self.manager.upgrade().ok_or(SubscribeError::Closed)?;
        let track = self.key.generation;
        let (reader, answer) = remote.change(|state, now| state.subscribe(track, options, now))?;
        let reception = Arc::clone(&self.reception);
        let stream = DataTrackStream::new(self.manager.clone(), track, reader, reception);
        Ok((answer, Arc::new(stream)))
    }
}

impl PartialEq for RemoteDataTrack {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.manager.ptr_eq(&other.manager)
    }
}

impl Eq for RemoteDataTrack {}

impl Hash for RemoteDataTrack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for RemoteDataTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteDataTrack").field(&self.key).finish()
    }
}

/// Waits for the end; gives its seat up when dropped.
struct EndWaiter<'a> {
    track: &'a RemoteDataTrack,
    seat: Option<u64>,
}

impl EndWaiter<'_> {
    fn poll(&mut self, waker: &Waker) -> Poll<UnpublishReason> {
        let mut facts = self.track.facts.hold();
        if let Some(reason) = facts.ended {
            return Poll::Ready(reason);
        }
        let former = facts.waiting_for_end.wait(&mut self.seat, waker);
        drop(facts);
        drop(former);
        Poll::Pending
    }
}

impl Drop for EndWaiter<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat {
            let waker = self.track.facts.hold().waiting_for_end.leave(seat);
            drop(waker);
        }
    }
}
