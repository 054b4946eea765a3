//! The locked state of a remote manager, and how what its core decided takes effect.
//!
//! Under the lock: tracks, routes and streams change. Right after it: waits are completed, wakers woken, early packets handed
//! over. Through the drain, in order: the delegate is told.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    RemoteDataTrack, RemoteDataTrackManagerDelegate,
    lock::{Drained, Hold},
    remote_core::Remote,
    remote_reception::Reception,
    remote_seats::Wakes,
    remote_tell::{Call, Tell},
    wait::Completion,
};
use crate::{
    error::{SubscribeError, WaitError},
    remote::{Control, FinderId, Output, ReaderId, Search, StreamOptions, TrackId},
    sorted::SortedMap,
    track::{StreamEndReason, UnpublishReason},
};

/// The answer to a call of `subscribe`.
pub(super) type Subscribed = Completion<Result<(), SubscribeError>>;

/// The answer to a call of `wait_for_track`.
pub(super) type Found = Completion<Finding>;
type Finding = Result<Arc<RemoteDataTrack>, WaitError>;

/// What the control lock guards.
pub(super) struct State {
    pub(super) control: Control,
    tracks: SortedMap<TrackId, Arc<RemoteDataTrack>>,
    readers: SortedMap<ReaderId, (Arc<Subscribed>, StreamOptions)>,
    finders: SortedMap<FinderId, Arc<Found>>,
    calls: VecDeque<Tell>,
    draining: bool,
    delegate: Option<Arc<dyn RemoteDataTrackManagerDelegate>>,
    /// The delegate hears nothing more, but is not let go yet.
    dismissed: bool,
    /// What a `Drop` left to the deadline thread.
    left: Vec<After>,
}

/// What follows once the lock is released, before the delegate is told.
#[derive(Default)]
#[must_use]
pub(super) struct After {
    pub(super) deadline: Option<Instant>,
    wakes: Wakes,
    subscribed: Vec<(Arc<Subscribed>, Result<(), SubscribeError>)>,
    found: Vec<(Arc<Found>, Finding)>,
    early: Vec<(Arc<Reception>, Vec<Vec<u8>>)>,
    /// Forgotten before the lock is released.
    gone: Vec<TrackId>,
}

impl After {
    fn is_empty(&self) -> bool {
        let Self { deadline: _, wakes, subscribed, found, early, gone: _ } = self;
        wakes.is_empty() && subscribed.is_empty() && found.is_empty() && early.is_empty()
    }

    /// Completes and wakes who waits; answers packets that came before their handle.
    pub(super) fn complete(self) -> Vec<(Arc<Reception>, Vec<Vec<u8>>)> {
        self.subscribed.into_iter().for_each(|(waiter, result)| waiter.complete(result));
        self.found.into_iter().for_each(|(waiter, result)| waiter.complete(result));
        self.wakes.wake();
        self.early
    }
}

impl State {
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    pub(super) fn new(control: Control, delegate: Arc<dyn RemoteDataTrackManagerDelegate>) -> Self {
        Self {
            control,
            tracks: SortedMap::default(),
            readers: SortedMap::default(),
            finders: SortedMap::default(),
            calls: VecDeque::new(),
            draining: false,
            delegate: Some(delegate),
            dismissed: false,
            left: Vec::new(),
        }
    }

    /// The tracks with these names, those that are gone left out.
    pub(super) fn tracks(&self, ids: Vec<TrackId>) -> Vec<Arc<RemoteDataTrack>> {
        ids.into_iter().filter_map(|id| self.tracks.get(&id).cloned()).collect()
    }

    pub(super) fn receptions(&self) -> Vec<Arc<Reception>> {
        self.tracks.values().map(|track| Arc::clone(&track.reception)).collect()
    }

    pub(super) fn subscribe(
        &mut self,
        track: TrackId,
        options: StreamOptions,
        now: Instant,
    ) -> Result<(ReaderId, Arc<Subscribed>), SubscribeError> {
        let reader = self.control.subscribe(track, now)?;
        let answer = Completion::new();
        self.readers.insert(reader, (Arc::clone(&answer), options));
        Ok((reader, answer))
    }

    pub(super) fn release(&mut self, track: TrackId, reader: ReaderId) {
        self.readers.remove(&reader);
        self.control.release(track, reader);
    }

    pub(super) fn find(
        &mut self,
        name: String,
        publisher: Option<String>,
        deadline: Option<Instant>,
    ) -> Result<(Arc<Found>, Option<FinderId>), WaitError> {
        let answer = Completion::new();
        match self.control.find(name, publisher, deadline)? {
            Search::Waiting(finder) => {
                self.finders.insert(finder, Arc::clone(&answer));
                Ok((answer, Some(finder)))
            }
            Search::Found(track) => {
                let track = self.tracks.get(&track).cloned().ok_or(WaitError::Closed)?;
                answer.complete(Ok(track));
                Ok((answer, None))
            }
        }
    }

    pub(super) fn forget_finder(&mut self, finder: FinderId) {
        self.finders.remove(&finder);
        self.control.forget_finder(finder);
    }

    /// Shuts down without another word to the delegate.
    pub(super) fn dismiss(&mut self) {
        self.control.shutdown();
        self.calls.clear();
        self.dismissed = true;
    }

    /// True when there is anything to be done later.
    pub(super) fn leave_for_later(&mut self, after: After) -> bool {
        self.left.extend(Some(after).filter(|after| !after.is_empty()));
        !self.left.is_empty() || !self.calls.is_empty()
    }

    pub(super) fn take_what_was_left(&mut self) -> Vec<After> {
        std::mem::take(&mut self.left)
    }

    /// Brings everything in line with what was decided.
    pub(super) fn take_effect(&mut self, remote: &Remote, now: Instant) -> After {
        let mut after = After::default();
        let mut decided = false;
        while let Some(output) = self.control.poll_output() {
            decided = true;
            self.apply(output, remote, now, &mut after);
        }
        // The last one first: each that goes makes those behind it move up.
        while let Some(track) = after.gone.pop() {
            self.tracks.remove(&track);
        }
        if decided {
            remote.routing.hold().expect(self.control.expects_handles());
        }
        after.deadline = self.control.poll_timeout();
        after
    }

    fn apply(&mut self, output: Output, remote: &Remote, now: Instant, after: &mut After) {
        match output {
            Output::Published { key, info } => {
                let id = key.generation;
                let track = Arc::new(RemoteDataTrack::new(key, info, remote));
                self.tracks.insert(id, Arc::clone(&track));
                self.tell(Tell::Published(track));
            }
            Output::Reassigned { track, sid } => {
                if let Some(track) = self.tracks.get(&track) {
                    track.set_sid(sid);
                }
            }
            Output::Unpublished { track, reason } => {
                after.gone.push(track);
                let Some(track) = self.tracks.get(&track).cloned() else { return };
                after.wakes.append(track.reception.end(end_reason(reason)));
                after.wakes.append(track.end(reason));
                self.tell(Tell::Unpublished(track, reason));
            }
            Output::SubscriptionChanged { track, state } => {
                let Some(track) = self.tracks.get(&track).cloned() else { return };
                track.set_subscription_state(state);
                self.tell(Tell::SubscriptionChanged(track, state));
            }
            Output::Settled { track, reader, result } => {
                let Some((answer, options)) = self.readers.remove(&reader) else { return };
                let track = self.tracks.get(&track).filter(|_| result.is_ok());
                track.inspect(|track| track.reception.attach(reader, &options));
                after.subscribed.push((answer, result));
            }
            Output::Found { finder, result } => {
                let Some(answer) = self.finders.remove(&finder) else { return };
                let track = |id| self.tracks.get(&id).cloned().ok_or(WaitError::Closed);
                after.found.push((answer, result.and_then(track)));
            }
            Output::Route { handle, to } => {
                let Some(track) = to.and_then(|track| self.tracks.get(&track)) else {
                    remote.routing.hold().ignore(handle);
                    return;
                };
                after.wakes.append(track.reception.restart());
                let reception = Arc::clone(&track.reception);
                let early = remote.routing.hold().assign(handle, Arc::clone(&reception));
                after.early.push((reception, early));
            }
            Output::Unroute { handle } => remote.routing.hold().retire(handle, now),
            Output::UnrouteAll => remote.routing.hold().clear(),
            Output::Send { request, track, kind } => {
                self.tell(Tell::Request { request, track, kind });
            }
            Output::Closed => self.tell(Tell::Nothing),
        }
    }

    fn tell(&mut self, tell: Tell) {
        if !self.dismissed || matches!(tell, Tell::Nothing) {
            self.calls.push_back(tell);
        }
    }
}

impl Drained for State {
    type Output = Call;

    fn draining(&mut self) -> &mut bool {
        &mut self.draining
    }

    fn poll_output(&mut self) -> Option<Call> {
        let tell = self.calls.pop_front()?;
        let delegate = match tell {
            Tell::Nothing => self.delegate.take(),
            Tell::Request { .. }
            | Tell::Published(_)
            | Tell::Unpublished(..)
            | Tell::SubscriptionChanged(..) => self.delegate.clone(),
        }?;
        Some(Call { delegate, tell })
    }
}

fn end_reason(reason: UnpublishReason) -> StreamEndReason {
    match reason {
        UnpublishReason::Shutdown => StreamEndReason::Shutdown,
        UnpublishReason::Requested
        | UnpublishReason::Revoked
        | UnpublishReason::RepublishRefused
        | UnpublishReason::PublisherLeft => StreamEndReason::Unpublished,
    }
}
