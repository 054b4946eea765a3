//! All publications of one manager: what the application wants, what the SFU was asked, and what it answered.
//!
//! Owns handles, states and deadlines; the drawing is in [`super::publication`]. Never sends, waits or calls: what is to be
//! done is queued where it arises, and [`poll_output`](Publications::poll_output) hands it out in that order. Answers name
//! nothing but a handle: late and doubled ones are recognised by the state and ignored. How signals are taken: `answers`, the
//! SFU's view of us: `own_update`; reconnects: `republish`.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    handles::{Ending, Handles},
    output::{Cause, LocalKey, Output},
    own_update::Identity,
    publication::{ABANDONED, Abandoned, NOT_THERE, Publication, RESTING, State, Step},
    rules,
    schemas::Schemas,
};
use crate::{
    arrows::Arrows,
    error::PublishError,
    options::{DataTrackOptions, EncryptionMode},
    signal::{SignalOut, TrackDescription},
    sorted::{SortedMap, SortedSet},
    track::{Handle, UnpublishReason},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Publications {
    pub(super) identity: Identity,
    pub(super) tracks: SortedMap<Handle, Publication>,
    pub(super) abandoned: SortedMap<Handle, Abandoned>,
    pub(super) handles: Handles,
    pub(super) deadlines: SortedSet<(Instant, Due)>,
    pub(super) outputs: VecDeque<Output>,
    pub(super) schemas: Schemas,
    pub(super) arrows: Arrows,
    names: SortedSet<String>,
    encryption_available: bool,
    closed: bool,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The state of a publication.
    Track(Handle),
    /// An unpublish request that may have been lost.
    Doubt(Handle),
    /// An answer about a schema.
    Schema(u32),
}

impl Publications {
    pub(crate) fn new(local_identity: Option<String>, encryption_available: bool) -> Self {
        Self {
            identity: Identity::new(local_identity),
            tracks: SortedMap::default(),
            abandoned: SortedMap::default(),
            handles: Handles::default(),
            deadlines: SortedSet::default(),
            outputs: VecDeque::new(),
            schemas: Schemas::default(),
            arrows: Arrows::default(),
            names: SortedSet::default(),
            encryption_available,
            closed: false,
        }
    }

    /// Asks the SFU to publish a track. The wait for it ends with an output of the same key.
    pub(crate) fn publish(
        &mut self,
        options: DataTrackOptions,
        now: Instant,
    ) -> Result<LocalKey, PublishError> {
        if self.closed {
            return Err(PublishError::Closed);
        }
        rules::check_options(&options)?;
        let encrypted = self.encrypts(options.encryption)?;
        if self.names.contains_key(&options.name) {
            return Err(PublishError::DuplicateName);
        }
        let (tracks, abandoned) = (&self.tracks, &self.abandoned);
        let in_use = |handle| tracks.contains_key(&handle) || abandoned.contains_key(&handle);
        let taken = self.handles.take(in_use, now);
        let (handle, generation) = taken.ok_or(PublishError::LimitReached)?;
        // The SFU still has what it could not be asked to end: perhaps a track of this name.
        while let Some(unasked) = self.handles.take_not_asked() {
            self.ask_to_unpublish(unasked, now);
        }
        let again = self.abandoned.values().any(|abandoned| abandoned.name == options.name);
        let deadline = now + ANSWER_TIMEOUT;
        self.names.insert(options.name.clone(), ());
        let state = State::Pending { deadline, again, listed: false };
        self.arrows.take(NOT_THERE, state.name());
        self.tracks.insert(handle, Publication { generation, options, encrypted, state });
        self.deadlines.insert((deadline, Due::Track(handle)), ());
        self.ask_to_publish(handle);
        Ok(LocalKey { generation, handle })
    }

    /// Nobody waits for a publication any more: undoes it, now or as soon as the SFU says that it is published.
    pub(crate) fn abandon(&mut self, key: LocalKey, now: Instant) {
        match self.track(key).map(|track| &track.state) {
            Some(State::Pending { .. }) => self.forget_pending(key.handle, now),
            Some(State::Published { .. } | State::Republishing { .. }) => self.unpublish(key, now),
            None => {}
        }
    }

    /// Ends a publication.
    pub(crate) fn unpublish(&mut self, key: LocalKey, now: Instant) {
        if self.track(key).is_some() {
            self.undo(key.handle, UnpublishReason::Requested, now);
        }
    }

    /// Ends everything. Unpublish requests still leave, so that nothing is left behind.
    pub(crate) fn shutdown(&mut self, now: Instant) {
        self.closed = true;
        for handle in self.abandoned.keys().copied().collect::<Vec<_>>() {
            self.forget_abandoned(handle);
            self.ask_to_unpublish(handle, now);
        }
        for handle in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.undo(handle, UnpublishReason::Shutdown, now);
        }
        self.schemas.close(&mut self.outputs);
        self.deadlines.clear();
    }

    /// Takes the effect of the deadlines up to `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(((_, due), ())) = self.deadlines.pop_first_if(|(at, _)| *at <= now) {
            match due {
                Due::Track(handle) => self.track_timed_out(handle, now),
                Due::Doubt(handle) => self.doubt_timed_out(handle, now),
                Due::Schema(request_id) => self.schemas.timed_out(request_id, &mut self.outputs),
            }
        }
    }

    /// The host could not send a request: what it was made for fails.
    pub(crate) fn request_not_sent(&mut self, cause: Cause, now: Instant) {
        match cause {
            Cause::Publish(key) => self.publish_not_sent(key, now),
            Cause::Republish(key, attempt) => self.attempt_not_sent(key, attempt, now),
            Cause::Unpublish(handle) => self.handles.set_not_asked(handle),
            Cause::Schema(request_id) => self.schemas.not_sent(request_id, &mut self.outputs),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|((at, _), ())| *at)
    }

    /// What the SFU is told of after a quick reconnect: every track that it should know, by handle.
    pub(crate) fn sync_state(&self) -> Vec<TrackDescription> {
        let known = self.tracks.iter().filter_map(|(handle, track)| match &track.state {
            State::Published { sid, .. } => {
                Some(TrackDescription { handle: *handle, info: track.info(sid.clone()) })
            }
            State::Pending { .. } | State::Republishing { .. } => None,
        });
        known.collect()
    }

    /// Arrows of the drawing that were taken.
    #[cfg(feature = "host")]
    pub(crate) fn arrows(&self) -> &crate::arrows::Taken {
        self.arrows.taken()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Publications whose first answer is awaited.
    pub(crate) fn pending(&self) -> usize {
        let pending = |track: &&Publication| matches!(track.state, State::Pending { .. });
        self.tracks.values().filter(pending).count()
    }

    pub(super) fn track(&self, key: LocalKey) -> Option<&Publication> {
        self.tracks.get(&key.handle).filter(|track| track.generation == key.generation)
    }

    pub(super) fn key(&self, handle: Handle) -> Option<LocalKey> {
        self.tracks.get(&handle).map(|track| LocalKey { generation: track.generation, handle })
    }

    /// Moves a publication to another state, and its deadline with it.
    pub(super) fn set_state(&mut self, handle: Handle, state: State) {
        let Some(track) = self.tracks.get_mut(&handle) else { return };
        if let Some(at) = track.state.deadline() {
            self.deadlines.remove(&(at, Due::Track(handle)));
        }
        if let Some(at) = state.deadline() {
            self.deadlines.insert((at, Due::Track(handle)), ());
        }
        self.arrows.take(track.state.name(), state.name());
        track.state = state;
    }

    /// Ends a publication at the SFU and here.
    pub(super) fn undo(&mut self, handle: Handle, reason: UnpublishReason, now: Instant) {
        self.ask_to_unpublish(handle, now);
        self.end(handle, reason);
    }

    /// Ends a publication here; the SFU has done so, or refused to begin it.
    pub(super) fn end_known(&mut self, handle: Handle, reason: UnpublishReason, now: Instant) {
        self.end(handle, reason);
        self.handles.rest(handle, Ending::Known, now);
    }

    /// A publication that was waited for came to nothing.
    pub(super) fn fail_pending(&mut self, handle: Handle, error: PublishError, now: Instant) {
        if let Some((key, _)) = self.remove(handle, RESTING) {
            self.outputs.push_back(Output::NotPublished { key, error });
            self.handles.rest(handle, Ending::Known, now);
        }
    }

    /// Nobody waits for the answer any more; it may come all the same.
    pub(super) fn forget_pending(&mut self, handle: Handle, now: Instant) {
        let Some((_, track)) = self.remove(handle, ABANDONED) else { return };
        self.abandoned.insert(handle, Abandoned { name: track.options.name });
        if let State::Pending { listed: true, .. } = track.state {
            self.forget_abandoned(handle);
            self.ask_to_unpublish(handle, now);
        }
    }

    /// The answer has come, or will not; false when none was to come.
    pub(super) fn forget_abandoned(&mut self, handle: Handle) -> bool {
        let known = self.abandoned.remove(&handle).is_some();
        if known {
            self.arrows.take(ABANDONED, RESTING);
        }
        known
    }

    pub(super) fn ask_to_publish(&mut self, handle: Handle) {
        let (Some(key), Some(track)) = (self.key(handle), self.tracks.get(&handle)) else { return };
        let cause = match &track.state {
            State::Republishing { attempt, .. } => Cause::Republish(key, *attempt),
            State::Pending { .. } | State::Published { .. } => Cause::Publish(key),
        };
        self.outputs.push_back(Output::Request { signal: track.request(handle), cause });
    }

    pub(super) fn ask_to_unpublish(&mut self, handle: Handle, now: Instant) {
        let signal = SignalOut::Unpublish { handle };
        self.outputs.push_back(Output::Request { signal, cause: Cause::Unpublish(handle) });
        self.handles.rest(handle, Ending::Asked, now);
    }

    fn end(&mut self, handle: Handle, reason: UnpublishReason) {
        let Some((key, track)) = self.remove(handle, RESTING) else { return };
        self.outputs.push_back(match track.state {
            State::Published { .. } | State::Republishing { .. } => Output::Ended { key, reason },
            State::Pending { .. } => Output::NotPublished { key, error: PublishError::Closed },
        });
    }

    fn remove(&mut self, handle: Handle, to: &'static str) -> Option<(LocalKey, Publication)> {
        let track = self.tracks.remove(&handle)?;
        self.arrows.take(track.state.name(), to);
        if let Some(at) = track.state.deadline() {
            self.deadlines.remove(&(at, Due::Track(handle)));
        }
        self.names.remove(&track.options.name);
        Some((LocalKey { generation: track.generation, handle }, track))
    }

    fn track_timed_out(&mut self, handle: Handle, now: Instant) {
        match self.tracks.get(&handle).map(|track| &track.state) {
            Some(State::Pending { .. }) => {
                let Some(key) = self.key(handle) else { return };
                self.forget_pending(handle, now);
                let error = PublishError::TimedOut;
                self.outputs.push_back(Output::NotPublished { key, error });
            }
            Some(State::Republishing { step: Step::Asked { .. }, .. }) => {
                self.attempt_failed(handle, now);
            }
            Some(State::Republishing { step: Step::Pausing { .. }, .. }) => {
                self.attempt_again(handle, now);
            }
            Some(State::Published { .. }) | None => {}
        }
    }

    fn publish_not_sent(&mut self, key: LocalKey, now: Instant) {
        match self.track(key).map(|track| &track.state) {
            Some(State::Pending { .. }) => {
                self.fail_pending(key.handle, PublishError::SignalNotSent, now);
            }
            Some(State::Published { .. } | State::Republishing { .. }) => {}
            None => {
                if self.forget_abandoned(key.handle) {
                    self.handles.rest(key.handle, Ending::Known, now);
                }
            }
        }
    }

    fn encrypts(&self, mode: EncryptionMode) -> Result<bool, PublishError> {
        match mode {
            EncryptionMode::Plain => Ok(false),
            EncryptionMode::Auto => Ok(self.encryption_available),
            EncryptionMode::Required if self.encryption_available => Ok(true),
            EncryptionMode::Required => Err(PublishError::EncryptionUnavailable),
        }
    }
}

/// How long the SFU has to answer: what all SDKs wait (protocol §7).
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
#[path = "publications_tests.rs"]
mod tests;
