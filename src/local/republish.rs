//! Full reconnects: what was published is asked for again, under the same handles.
//!
//! A refused, unanswered or unsent attempt is made again after 1, 2 and 4 seconds, whatever the reason: right after a
//! reconnect permissions and the old session's tracks may still be on their way. Then the track ends, and its owner hears of it.

use std::time::{Duration, Instant};

use super::{
    handles::Ending,
    output::{LocalKey, Output},
    publication::{State, Step},
    publications::{ANSWER_TIMEOUT, Publications},
};
use crate::track::{Handle, UnpublishReason};

impl Publications {
    /// The session is a new one, in which the SFU knows nothing of us.
    pub(crate) fn republish(&mut self, now: Instant) {
        self.handles.forget_session();
        for handle in self.abandoned.keys().copied().collect::<Vec<_>>() {
            self.forget_abandoned(handle);
            self.handles.rest(handle, Ending::Known, now);
        }
        self.schemas.ask_again(&mut self.outputs);
        for handle in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.republish_track(handle, now);
        }
    }

    fn republish_track(&mut self, handle: Handle, now: Instant) {
        let Some(key) = self.key(handle) else { return };
        match self.tracks.get(&handle).map(|track| &track.state) {
            Some(State::Pending { deadline, again, .. }) => {
                let (deadline, again) = (*deadline, *again);
                self.set_state(handle, State::Pending { deadline, again, listed: false });
                self.ask_to_publish(handle);
            }
            None => {}
            Some(State::Published { sid, .. }) => {
                let sid = sid.clone();
                self.outputs.push_back(Output::Held(key));
                self.ask_to_republish(handle, sid, 1, now);
            }
            Some(State::Republishing { sid, .. }) => {
                let sid = sid.clone();
                self.ask_to_republish(handle, sid, 1, now);
            }
        }
    }

    /// The pause is over.
    pub(super) fn attempt_again(&mut self, handle: Handle, now: Instant) {
        if let Some((sid, attempt)) = self.attempt(handle) {
            self.ask_to_republish(handle, sid, attempt + 1, now);
        }
    }

    /// An attempt was refused, or not answered in time.
    pub(super) fn attempt_failed(&mut self, handle: Handle, now: Instant) {
        let Some((sid, attempt)) = self.attempt(handle) else { return };
        if attempt >= ATTEMPTS {
            return self.end_known(handle, UnpublishReason::RepublishRefused, now);
        }
        let step = Step::Pausing { until: now + FIRST_PAUSE * (1 << (attempt - 1)) };
        self.set_state(handle, State::Republishing { sid, attempt, step });
    }

    /// The SFU has a track with this handle: it took an earlier attempt whose answer was lost. That one is taken back first.
    pub(super) fn attempt_doubled(&mut self, handle: Handle, now: Instant) {
        let Some((sid, attempt)) = self.attempt(handle) else { return };
        if attempt >= ATTEMPTS {
            return self.undo(handle, UnpublishReason::RepublishRefused, now);
        }
        self.ask_to_unpublish(handle, now);
        self.ask_to_republish(handle, sid, attempt + 1, now);
    }

    /// The host could not send an attempt.
    pub(super) fn attempt_not_sent(&mut self, key: LocalKey, attempt: u32, now: Instant) {
        let current = self.track(key).is_some_and(|track| {
            matches!(&track.state, State::Republishing { attempt: at, step: Step::Asked { .. }, .. } if *at == attempt)
        });
        if current {
            self.attempt_failed(key.handle, now);
        }
    }

    fn ask_to_republish(&mut self, handle: Handle, sid: String, attempt: u32, now: Instant) {
        let step = Step::Asked { deadline: now + ANSWER_TIMEOUT };
        self.set_state(handle, State::Republishing { sid, attempt, step });
        self.ask_to_publish(handle);
    }

    fn attempt(&self, handle: Handle) -> Option<(String, u32)> {
        match &self.tracks.get(&handle)?.state {
            State::Republishing { sid, attempt, .. } => Some((sid.clone(), *attempt)),
            State::Pending { .. } | State::Published { .. } => None,
        }
    }
}

/// The first try and three more.
const ATTEMPTS: u32 = 4;

/// Doubles after each try: the four are done 7 s after the first refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
