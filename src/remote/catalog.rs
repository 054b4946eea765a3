//! Which tracks the other participants publish (protocol §3.7).
//!
//! Owns the list, by stable key; knows nothing of subscriptions. A message holds full lists of participants: what differs
//! from what was known comes out as changes, additions and new SIDs before removals, and the same message twice gives none.
//!
//! ```text
//!  not listed ── listed ──► published ── listed with another SID ──► published (the same track)
//!                             │ ▲ ├───── listed, but of another kind ──► unpublished, and a new one published
//!                             │ │ └───── not listed any more; its publisher left ──► unpublished
//!                its session  │ │ listed in the new one
//!                is lost      ▼ │
//!                            held ── given up, revoked, of another kind, its publisher left ──► unpublished
//! ```
//! A publisher's session is lost when the SFU says so, when the publisher turns up under another participant SID, or when it is
//! missing in a session that is new for us. It comes back without tracks and publishes them one by one (protocol §3.11): until then
//! they are held, as if nothing had happened. `Control` gives them up when that takes too long.

use std::{
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use crate::{
    signal::{Participant, TrackDescription},
    sorted::SortedMap,
    track::{DataTrackInfo, Handle, TrackKey, UnpublishReason},
};

/// Names a track within its manager: its generation, which is never used twice.
pub(crate) type TrackId = u32;

/// All published tracks.
#[derive(Default)]
pub(super) struct Catalog {
    publishers: SortedMap<Arc<str>, Publisher>,
    /// Boxed, since one that ends makes those behind it move up.
    tracks: SortedMap<TrackId, Box<Entry>>,
    by_sid: BTreeMap<String, TrackId>,
    generations: TrackId,
}

/// A participant that has tracks.
#[derive(Default)]
struct Publisher {
    sid: String,
    joined_at_ms: i64,
    /// False while its session is lost and no new one is known.
    present: bool,
    /// It was told of since the session is new for us.
    listed: bool,
    tracks: SortedMap<Handle, TrackId>,
}

/// A published track.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: TrackKey,
    pub(super) info: DataTrackInfo,
    /// The session in which it was published is lost.
    held: bool,
}

/// What a message changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// By publisher as listed, and by handle.
    pub(super) arrivals: Vec<Arrival>,
    /// Whose publisher's session is lost. To be held for a while.
    pub(super) lost: Vec<TrackId>,
    /// To be taken after the arrivals.
    pub(super) removals: Vec<(TrackId, UnpublishReason)>,
    /// Entries that contradict each other or find no room.
    pub(super) skipped: u64,
}

/// A track that is new, or has a new SID, or is not held any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Published(TrackId),
    Reassigned(TrackId),
}

/// Whether a session that is new for us is in the room of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Same,
    Another,
}

/// What becomes of tracks that are not listed.
#[derive(Clone, Copy)]
enum Fate {
    /// Their publisher ended them. Those that are held may still come.
    Unpublished,
    /// Their session is lost.
    Lost,
    /// They do not come back.
    Over(UnpublishReason),
}

impl Catalog {
    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    pub(super) fn get(&self, id: TrackId) -> Option<&Entry> {
        self.tracks.get(&id).map(Box::as_ref)
    }

    pub(super) fn by_sid(&self, sid: &str) -> Option<TrackId> {
        self.by_sid.get(sid).copied()
    }

    /// All tracks, by publisher, then in order of appearance.
    pub(super) fn ids(&self) -> Vec<TrackId> {
        self.publishers.values().flat_map(|publisher| in_order(&publisher.tracks)).collect()
    }

    /// Tracks of one publisher, in order of appearance.
    pub(super) fn ids_of(&self, publisher: &str) -> Vec<TrackId> {
        let publisher = self.publishers.get(publisher);
        publisher.map(|publisher| in_order(&publisher.tracks)).unwrap_or_default()
    }

    /// Takes the full list of a participant.
    pub(super) fn update(&mut self, participant: &Participant) -> Changes {
        let mut changes = Changes::default();
        self.list(participant, &mut changes);
        changes
    }

    /// Takes the full lists of all other participants in a session that is new for us. Whoever is missing may have lost its own with
    /// ours, or, when the `room` is another one, has stayed behind.
    pub(super) fn replace<'a>(
        &mut self,
        participants: impl IntoIterator<Item = &'a Participant>,
        room: Room,
    ) -> Changes {
        for publisher in self.publishers.values_mut() {
            publisher.listed = false;
            // Another server may have another clock.
            publisher.joined_at_ms = 0;
        }
        let mut changes = Changes::default();
        participants.into_iter().for_each(|one| self.list(one, &mut changes));
        let missing = self.publishers.values_mut().filter(|publisher| !publisher.listed);
        let fate = match room {
            Room::Same => Fate::Lost,
            Room::Another => Fate::Over(UnpublishReason::PublisherLeft),
        };
        let tracks: Vec<_> = missing
            .flat_map(|publisher| {
                publisher.present = false;
                in_order(&publisher.tracks)
            })
            .collect();
        tracks.into_iter().for_each(|id| self.decide(id, fate, &mut changes));
        changes
    }

    /// Why a track ends that was held in vain.
    pub(super) fn reason_to_give_up(&self, id: TrackId) -> UnpublishReason {
        let publisher = self.get(id).and_then(|entry| self.publishers.get(&entry.key.publisher));
        match publisher.is_some_and(|publisher| publisher.present) {
            true => UnpublishReason::Requested,
            false => UnpublishReason::PublisherLeft,
        }
    }

    /// Takes a track away that is among the removals.
    pub(super) fn remove(&mut self, id: TrackId) -> Option<Entry> {
        let entry = self.tracks.remove(&id)?;
        if self.by_sid(&entry.info.sid) == Some(id) {
            self.by_sid.remove(&entry.info.sid);
        }
        if let Some(Publisher { tracks, .. }) = self.publishers.get_mut(&entry.key.publisher) {
            if tracks.get(&entry.key.handle) == Some(&id) {
                tracks.remove(&entry.key.handle);
            }
            if tracks.is_empty() {
                self.publishers.remove(&entry.key.publisher);
            }
        }
        Some(*entry)
    }

    fn list(&mut self, participant: &Participant, changes: &mut Changes) {
        let publisher = self.publisher(&participant.identity);
        let Some(fate) = self.fate_of_the_missing(&publisher, participant) else { return };
        let known = self.publishers.get(&publisher);
        let mut missing = known.map(|known| known.tracks.clone()).unwrap_or_default();
        let (mut last, mut fresh) = (None, BinaryHeap::new());
        for track in by_handle(&participant.tracks).filter(|_| participant.connected) {
            let known = missing.get(&track.handle).copied();
            let is_again = last.replace(track.handle) == Some(track.handle);
            if is_again || self.is_taken(&track.info.sid, known) {
                changes.skipped += 1;
                continue;
            }
            match known.filter(|id| self.is_same(*id, track)) {
                Some(id) => {
                    missing.remove(&track.handle);
                    if self.reassign(id, &track.info.sid) {
                        changes.arrivals.push(Arrival::Reassigned(id));
                    }
                }
                None => match self.publish(&publisher, track) {
                    Some(id) => {
                        changes.arrivals.push(Arrival::Published(id));
                        fresh.push(track.info.name.as_str());
                        let replaced = missing.remove(&track.handle);
                        changes
                            .removals
                            .extend(replaced.map(|id| (id, UnpublishReason::Requested)));
                    }
                    None => changes.skipped += 1,
                },
            }
        }
        // Names are unique: what is missing, and whose name another track has now, does not come back.
        let fresh = fresh.into_sorted_vec();
        for id in in_order(&missing) {
            let is_replaced = self
                .get(id)
                .is_some_and(|entry| fresh.binary_search(&entry.info.name.as_str()).is_ok());
            let over = Fate::Over(UnpublishReason::Requested);
            self.decide(id, if is_replaced { over } else { fate }, changes);
        }
        self.note_session(&publisher, participant);
    }

    /// What becomes of the tracks that a publisher had and does not list; `None` when the list is of an earlier session of its.
    fn fate_of_the_missing(&self, publisher: &str, participant: &Participant) -> Option<Fate> {
        let known = self.publishers.get(publisher);
        let is_another = known.is_some_and(|known| known.sid != participant.sid);
        if known.is_some_and(|known| (1..known.joined_at_ms).contains(&participant.joined_at_ms)) {
            return None;
        }
        Some(match (participant.connected, participant.can_publish_data) {
            (false, _) if participant.may_return => Fate::Lost,
            (false, _) => Fate::Over(UnpublishReason::PublisherLeft),
            (true, Some(false)) => Fate::Over(UnpublishReason::Revoked),
            (true, Some(true) | None) if is_another => Fate::Lost,
            (true, Some(true) | None) => Fate::Unpublished,
        })
    }

    /// Decides on a track that is not listed.
    fn decide(&mut self, id: TrackId, fate: Fate, changes: &mut Changes) {
        let Some(entry) = self.tracks.get_mut(&id) else { return };
        match fate {
            Fate::Unpublished | Fate::Lost if entry.held => {}
            Fate::Unpublished => changes.removals.push((id, UnpublishReason::Requested)),
            Fate::Lost => {
                entry.held = true;
                changes.lost.push(id);
            }
            Fate::Over(reason) => changes.removals.push((id, reason)),
        }
    }

    fn note_session(&mut self, publisher: &Arc<str>, participant: &Participant) {
        if let Some(known) = self.publishers.get_mut(publisher) {
            known.sid.clone_from(&participant.sid);
            known.joined_at_ms = participant.joined_at_ms;
            (known.present, known.listed) = (participant.connected, true);
        }
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

    /// Gives a track another SID, and an end to being held; false when nothing has changed.
    fn reassign(&mut self, id: TrackId, sid: &str) -> bool {
        let Some(entry) = self.tracks.get_mut(&id) else { return false };
        let was_held = std::mem::take(&mut entry.held);
        if entry.info.sid == sid {
            return was_held;
        }
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
        let entry =
            self.publishers.get_or_insert_with(Arc::clone(publisher), Publisher::default)?;
        entry.tracks.insert(track.handle, id);
        self.by_sid.insert(track.info.sid.clone(), id);
        self.tracks.insert(id, Box::new(Entry { key, info: track.info.clone(), held: false }));
        Some(id)
    }
}

/// An SFU lists the tracks of a publisher in no order (livekit-server 1.13.5: that of a Go map). Handles tell in which one they were
/// published, as long as there are new ones. Of two tracks with the same handle the one that is listed first is the first.
fn by_handle(tracks: &[TrackDescription]) -> impl Iterator<Item = &TrackDescription> {
    let handles = tracks.iter().enumerate().map(|(at, track)| (track.handle, at));
    let order = handles.collect::<BinaryHeap<_>>().into_sorted_vec();
    order.into_iter().filter_map(|(_, at)| tracks.get(at))
}

fn in_order(tracks: &SortedMap<Handle, TrackId>) -> Vec<TrackId> {
    // A heap sorts with a tenth of the code that `sort` brings.
    tracks.values().copied().collect::<BinaryHeap<_>>().into_sorted_vec()
}

/// As many as one subscriber has handles for.
const MAX_TRACKS: usize = 65_535;
