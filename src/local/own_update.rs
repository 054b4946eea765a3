//! What the SFU tells about ourselves: the only way to learn that it took a track away (protocol §3.6).
//!
//! A list of our tracks may be up to 3 s old (§3.2), so a track that it lacks is gone only when the SFU confirmed the track
//! longer ago than that; when the list comes with the permission gone, at once. One that it has and that nobody
//! waits for any more is undone, even if its answer got lost. A track that it has and we ended is one whose unpublish request was lost, unless the
//! list is old: the request is made again when it stays without an answer.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    bits::Bits,
    handles::Ending,
    output::Output,
    publication::State,
    publications::{Due, Publications},
};
use crate::{
    signal::{Participant, TrackDescription},
    track::{Handle, UnpublishReason},
};

/// Who we are.
#[derive(Debug)]
pub(crate) enum Identity {
    Known {
        identity: String,
        /// The participant SID: another one means another session.
        session: Option<String>,
    },
    /// Told by the join response; what comes before is held.
    Unknown { held: VecDeque<Participant> },
}

impl Identity {
    pub(super) fn new(identity: Option<String>) -> Self {
        match identity {
            Some(identity) => Self::Known { identity, session: None },
            None => Self::Unknown { held: VecDeque::new() },
        }
    }
}

impl Publications {
    pub(super) fn joined(&mut self, local: Option<Participant>, now: Instant) -> bool {
        let Some(local) = local else { return true };
        match &mut self.identity {
            Identity::Known { identity, .. } => {
                identity.clone_from(&local.identity);
                self.meet_session(local.sid);
            }
            Identity::Unknown { held } => {
                let held = std::mem::take(held);
                let Participant { identity, sid, .. } = local;
                self.identity = Identity::Known { identity, session: Some(sid) };
                self.updated(held, now);
            }
        }
        true
    }

    pub(super) fn updated(
        &mut self,
        participants: impl IntoIterator<Item = Participant>,
        now: Instant,
    ) -> bool {
        let mut ours = false;
        for participant in participants {
            match &mut self.identity {
                Identity::Known { identity, .. } if *identity == participant.identity => {
                    ours = true;
                    self.told_of_us(participant, now);
                }
                Identity::Known { .. } => {}
                Identity::Unknown { held } => {
                    ours = true;
                    hold(held, participant);
                }
            }
        }
        ours
    }

    /// A participant that is told to be gone may come back: that is for the host to decide.
    fn told_of_us(&mut self, us: Participant, now: Instant) {
        if !us.connected {
            return;
        }
        self.meet_session(us.sid);
        let forbidden = us.can_publish_data == Some(false);
        let mut listed = Bits::default();
        us.tracks.iter().for_each(|track| listed.insert(usize::from(track.handle.get())));
        for handle in self.tracks.keys().copied().collect::<Vec<_>>() {
            if !listed.contains(usize::from(handle.get())) {
                self.not_told_of(handle, forbidden, now);
            }
        }
        for track in &us.tracks {
            match self.tracks.contains_key(&track.handle) {
                true => self.told_of(track, now),
                false => self.told_of_unwanted(track.handle, now),
            }
        }
    }

    fn told_of(&mut self, listed: &TrackDescription, now: Instant) {
        let Some(track) = self.tracks.get_mut(&listed.handle) else { return };
        let contradicted = track.contradicted_by(listed);
        match &mut track.state {
            State::Published { .. } if contradicted => {
                self.undo(listed.handle, UnpublishReason::Revoked, now);
            }
            State::Published { confirmed, .. } => {
                confirmed.get_or_insert(now);
                self.rename(listed.handle, listed.info.sid.clone());
            }
            // The answer proper is on its way, or lost.
            State::Pending { listed, .. } => *listed = true,
            State::Republishing { .. } => {}
        }
    }

    fn not_told_of(&mut self, handle: Handle, forbidden: bool, now: Instant) {
        match self.tracks.get(&handle).map(|track| &track.state) {
            Some(State::Published { confirmed, .. }) => {
                let long = |at: &Instant| now.saturating_duration_since(*at) >= STALENESS;
                if forbidden || confirmed.as_ref().is_some_and(long) {
                    self.end_known(handle, UnpublishReason::Revoked, now);
                }
            }
            Some(State::Pending { .. } | State::Republishing { .. }) | None => {}
        }
    }

    fn told_of_unwanted(&mut self, handle: Handle, now: Instant) {
        if self.forget_abandoned(handle) {
            return self.ask_to_unpublish(handle, now);
        }
        let rested = self.handles.resting_since(handle);
        let rested = rested.map(|since| now.saturating_duration_since(since));
        match (self.handles.ending(handle), rested) {
            (Some(Ending::NotAsked), _) => self.ask_to_unpublish(handle, now),
            (Some(_), Some(rested)) if rested >= STALENESS => self.ask_to_unpublish(handle, now),
            (Some(Ending::Asked), Some(rested)) => {
                self.deadlines.insert((now + (STALENESS - rested), Due::Doubt(handle)), ());
            }
            (Some(Ending::Known), _) | (Some(Ending::Asked), None) => {}
            (None, _) if self.handles.was_taken(handle) => self.ask_to_unpublish(handle, now),
            (None, _) => {}
        }
    }

    pub(super) fn doubt_timed_out(&mut self, handle: Handle, now: Instant) {
        if self.handles.ending(handle) == Some(Ending::Asked) {
            self.ask_to_unpublish(handle, now);
        }
    }

    pub(super) fn rename(&mut self, handle: Handle, new: String) {
        let Some(key) = self.key(handle) else { return };
        let Some(track) = self.tracks.get_mut(&handle) else { return };
        match &mut track.state {
            State::Published { sid, .. } if *sid != new => {
                sid.clone_from(&new);
                self.outputs.push_back(Output::Renamed { key, sid: new });
            }
            State::Published { .. } | State::Pending { .. } | State::Republishing { .. } => {}
        }
    }

    /// In a new session the SFU has confirmed nothing yet.
    fn meet_session(&mut self, sid: String) {
        let Identity::Known { session, .. } = &mut self.identity else { return };
        let before = session.replace(sid);
        if before.is_none() || before == *session {
            return;
        }
        for track in self.tracks.values_mut() {
            match &mut track.state {
                State::Published { confirmed, .. } => *confirmed = None,
                State::Pending { .. } | State::Republishing { .. } => {}
            }
        }
    }
}

/// Keeps the newest.
fn hold(held: &mut VecDeque<Participant>, participant: Participant) {
    held.push_back(participant);
    let tracks = |held: &VecDeque<Participant>| held.iter().map(|one| one.tracks.len()).sum();
    while held.len() > MAX_HELD || (held.len() > 1 && MAX_HELD_TRACKS < tracks(held)) {
        held.pop_front();
    }
}

/// An SFU collects updates for up to 3 s (protocol §3.2, §7).
const STALENESS: Duration = Duration::from_secs(3);

/// Far more than a join response takes to arrive.
const MAX_HELD: usize = 256;

/// Together with the limit of a message this bounds what is held to a few megabytes.
const MAX_HELD_TRACKS: usize = 4096;
