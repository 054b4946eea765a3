//! Which tracks the other participants publish (protocol §3.7).
//!
//! Owns the list, by stable key; knows nothing of subscriptions. A message holds full lists of participants: what differs
//! from what was known comes out as changes, additions and new SIDs before removals, and the same message twice gives none.
//!
//! ```text
//!  not listed ── listed ──► published ── listed with another SID ──► published (the same track)
//!                               ├─────── listed, but of another kind ──► unpublished, and a new one published
//!                               └─────── not listed any more ──► unpublished
//! ```

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    signal::{Participant, TrackDescription},
    sorted::{SortedMap, SortedSet},
    track::{DataTrackInfo, Handle, TrackKey, UnpublishReason},
};

/// Names a track within its manager: its generation, which is never used twice.
pub(crate) type TrackId = u32;

/// All published tracks.
#[derive(Default)]
pub(super) struct Catalog {
    publishers: SortedMap<Arc<str>, SortedMap<Handle, TrackId>>,
    tracks: SortedMap<TrackId, Entry>,
    by_sid: BTreeMap<String, TrackId>,
    generations: TrackId,
}

/// A published track.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: TrackKey,
    pub(super) info: DataTrackInfo,
}

/// What a message changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// In the order in which they were listed.
    pub(super) arrivals: Vec<Arrival>,
    /// To be taken after the arrivals.
    pub(super) removals: Vec<(TrackId, UnpublishReason)>,
    /// Entries that contradict each other or find no room.
    pub(super) skipped: u64,
}

/// A track that is new, or has a new SID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Published(TrackId),
    Reassigned(TrackId),
}

impl Catalog {
    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    pub(super) fn get(&self, id: TrackId) -> Option<&Entry> {
        self.tracks.get(&id)
    }

    pub(super) fn by_sid(&self, sid: &str) -> Option<TrackId> {
        self.by_sid.get(sid).copied()
    }

    /// All tracks, by publisher, then in order of appearance.
    pub(super) fn ids(&self) -> Vec<TrackId> {
        self.publishers.values().flat_map(in_order).collect()
    }

    /// Tracks of one publisher, in order of appearance.
    pub(super) fn ids_of(&self, publisher: &str) -> Vec<TrackId> {
        self.publishers.get(publisher).map(in_order).unwrap_or_default()
    }

    /// Takes the full lists of some participants.
    pub(super) fn update<'a>(
        &mut self,
        participants: impl IntoIterator<Item = &'a Participant>,
    ) -> Changes {
        let mut changes = Changes::default();
        for participant in participants {
            self.list(participant, &mut changes);
        }
        changes
    }

    /// Takes the full lists of all other participants: whoever is not among them has left.
    pub(super) fn replace<'a>(
        &mut self,
        participants: impl IntoIterator<Item = &'a Participant> + Clone,
    ) -> Changes {
        let mut changes = self.update(participants.clone());
        let mut present = SortedSet::default();
        for participant in participants {
            present.insert(participant.identity.as_str(), ());
        }
        let left =
            self.publishers.iter().filter(|(publisher, _)| !present.contains_key(&***publisher));
        let tracks = left.flat_map(|(_, tracks)| in_order(tracks));
        changes.removals.extend(tracks.map(|id| (id, UnpublishReason::PublisherLeft)));
        changes
    }

    /// Takes a track away that is among the removals.
    pub(super) fn remove(&mut self, id: TrackId) -> Option<Entry> {
        let entry = self.tracks.remove(&id)?;
        if self.by_sid(&entry.info.sid) == Some(id) {
            self.by_sid.remove(&entry.info.sid);
        }
        if let Some(tracks) = self.publishers.get_mut(&entry.key.publisher) {
            if tracks.get(&entry.key.handle) == Some(&id) {
                tracks.remove(&entry.key.handle);
            }
            if tracks.is_empty() {
                self.publishers.remove(&entry.key.publisher);
            }
        }
        Some(entry)
    }

    fn list(&mut self, participant: &Participant, changes: &mut Changes) {
        let publisher = self.publisher(&participant.identity);
        let mut missing = self.publishers.get(&publisher).cloned().unwrap_or_default();
        let mut listed = SortedSet::default();
        let tracks = participant.tracks.iter().filter(|_| participant.connected);
        for track in tracks {
            let known = missing.get(&track.handle).copied();
            if listed.insert(track.handle, ()).is_some() || self.is_taken(&track.info.sid, known) {
                changes.skipped += 1;
                continue;
            }
            match known {
                Some(id) if self.is_same(id, track) => {
                    missing.remove(&track.handle);
                    if self.reassign(id, &track.info.sid) {
                        changes.arrivals.push(Arrival::Reassigned(id));
                    }
                }
                Some(_) | None => match self.publish(&publisher, track) {
                    Some(id) => changes.arrivals.push(Arrival::Published(id)),
                    None => changes.skipped += 1,
                },
            }
        }
        let reason = reason_of(participant);
        changes.removals.extend(in_order(&missing).into_iter().map(|id| (id, reason)));
    }

    fn publisher(&self, identity: &str) -> Arc<str> {
        let known = self.publishers.get_key_value(identity);
        known.map_or_else(|| Arc::from(identity), |(publisher, _)| Arc::clone(publisher))
    }

    /// True when the SID is that of a track other than `known`: the SFU gives each to one track only.
    fn is_taken(&self, sid: &str, known: Option<TrackId>) -> bool {
        self.by_sid(sid).is_some_and(|holder| Some(holder) != known)
    }

    /// True when `track` is track `id`, perhaps published again (protocol §3.11).
    fn is_same(&self, id: TrackId, track: &TrackDescription) -> bool {
        self.tracks.get(&id).is_some_and(|entry| {
            let DataTrackInfo { sid: _, name, uses_e2ee, schema, frame_encoding } = &track.info;
            entry.info.name == *name
                && entry.info.uses_e2ee == *uses_e2ee
                && entry.info.schema == *schema
                && entry.info.frame_encoding == *frame_encoding
        })
    }

    /// Gives a track another SID; false when it has it already.
    fn reassign(&mut self, id: TrackId, sid: &str) -> bool {
        let Some(entry) = self.tracks.get_mut(&id).filter(|entry| entry.info.sid != sid) else {
            return false;
        };
        self.by_sid.remove(&entry.info.sid);
        entry.info.sid = sid.to_owned();
        self.by_sid.insert(sid.to_owned(), id);
        true
    }

    fn publish(&mut self, publisher: &Arc<str>, track: &TrackDescription) -> Option<TrackId> {
        if self.tracks.len() >= MAX_TRACKS {
            return None;
        }
        self.generations = self.generations.wrapping_add(1);
        let id = self.generations;
        let key =
            TrackKey { publisher: Arc::clone(publisher), handle: track.handle, generation: id };
        let tracks =
            self.publishers.get_or_insert_with(Arc::clone(publisher), SortedMap::default)?;
        tracks.insert(track.handle, id);
        self.by_sid.insert(track.info.sid.clone(), id);
        self.tracks.insert(id, Entry { key, info: track.info.clone() });
        Some(id)
    }
}

fn in_order(tracks: &SortedMap<Handle, TrackId>) -> Vec<TrackId> {
    let mut ids: Vec<_> = tracks.values().copied().collect();
    ids.sort_unstable();
    ids
}

fn reason_of(participant: &Participant) -> UnpublishReason {
    match (participant.connected, participant.can_publish_data) {
        (false, _) => UnpublishReason::PublisherLeft,
        (true, Some(false)) => UnpublishReason::Revoked,
        (true, Some(true) | None) => UnpublishReason::Requested,
    }
}

/// As many as one subscriber has handles for.
const MAX_TRACKS: usize = 65_535;
