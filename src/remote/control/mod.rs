//! The subscribing side's control state: what is published, what is wanted, what the SFU was told.
//!
//! Owns the catalog, the subscriptions and the last snapshot of handles; never touches a packet. Signals, verbs and deadlines
//! come in. What follows is queued in the order in which it was decided: the packet side's part ([`Output::Route`] and
//! the like, to be done at once) among the delegate's (to be told in order, without a lock).

mod early;
mod finders;
mod interest;
mod routes;
mod signals;
mod snapshot;

use std::{collections::VecDeque, time::Instant};

pub(crate) use self::interest::Search;
use self::{early::Early, finders::Finders, routes::Routes, snapshot::Snapshot};
use super::{
    catalog::{Catalog, TrackId},
    link::{Link, Request},
    receiver::ReaderId,
    subscription::{Reader, Subscription},
};
use crate::{
    arrows::Arrows,
    error::{SubscribeError, WaitError},
    signal::SignalOut,
    sorted::SortedMap,
    track::{DataTrackInfo, Handle, SubscriptionState, TrackKey, UnpublishReason},
};

/// Names a call of `wait_for_track`.
pub(crate) type FinderId = u64;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A track is published: for the delegate, too.
    Published { key: TrackKey, info: DataTrackInfo },
    /// The same track has another SID.
    Reassigned { track: TrackId, sid: String },
    /// A track is not published any more: its streams end, and the delegate is told.
    Unpublished { track: TrackId, reason: UnpublishReason },
    /// A subscription changed its state: for the delegate, too.
    SubscriptionChanged { track: TrackId, state: SubscriptionState },
    /// A call of `subscribe` is answered. Its stream takes frames from now on.
    Settled { track: TrackId, reader: ReaderId, result: Result<(), SubscribeError> },
    /// A call of `wait_for_track` is answered.
    Found { finder: FinderId, result: Result<TrackId, WaitError> },
    /// Packets with this handle are the track's, as a new sequence, or nobody's.
    Route { handle: Handle, to: Option<TrackId> },
    /// The handle is not in use any more. Its last packets may still be under way.
    Unroute { handle: Handle },
    /// A new session: no handle is in use.
    UnrouteAll,
    /// A request to the SFU.
    Send { request: SignalOut, track: TrackId, kind: Request },
    /// Shut down: the last output.
    Closed,
}

/// See the module.
pub(crate) struct Control {
    can_decrypt: bool,
    local_identity: Option<String>,
    catalog: Catalog,
    subscriptions: SortedMap<TrackId, Subscription>,
    /// Tracks that were unpublished just now.
    gone: Vec<TrackId>,
    /// The last snapshot's handles, by SID.
    snapshot: Snapshot,
    routes: Routes,
    early: Early,
    finders: Finders,
    waits: SortedMap<(Instant, u64), Wait>,
    last_id: u64,
    /// Subscriptions whose handle may come.
    pending: usize,
    active: usize,
    skipped: u64,
    closed: bool,
    outputs: VecDeque<Output>,
    arrows: Arrows,
}

/// Who waits until a deadline.
#[derive(Clone, Copy, Debug)]
enum Wait {
    Subscribe(TrackId),
    /// For another try to send what could not be sent.
    Request(TrackId),
    Find,
    /// For the publisher of a track that is held.
    Return(TrackId),
}

impl Control {
    /// `can_decrypt`: there is a provider, so that encrypted tracks can be read.
    pub(crate) fn new(can_decrypt: bool, local_identity: Option<String>) -> Self {
        Self {
            can_decrypt,
            local_identity: local_identity.filter(|identity| !identity.is_empty()),
            catalog: Catalog::default(),
            subscriptions: SortedMap::default(),
            gone: Vec::new(),
            snapshot: Snapshot::default(),
            routes: Routes::default(),
            early: Early::default(),
            finders: Finders::default(),
            waits: SortedMap::default(),
            last_id: 0,
            pending: 0,
            active: 0,
            skipped: 0,
            closed: false,
            outputs: VecDeque::new(),
            arrows: Arrows::default(),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > MOST_IDLE_OUTPUTS {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waits.first().map(|((at, _), _)| *at)
    }

    /// Arrows of the drawings of links and of the catalog that were taken.
    #[cfg(feature = "host")]
    pub(crate) fn arrows(&self) -> &crate::arrows::Taken {
        self.arrows.taken()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// All tracks, by publisher, then in order of appearance.
    pub(crate) fn tracks(&self) -> Vec<TrackId> {
        self.catalog.ids()
    }

    /// Tracks of one publisher, in order of appearance.
    pub(crate) fn tracks_of(&self, publisher: &str) -> Vec<TrackId> {
        self.catalog.ids_of(publisher)
    }

    pub(crate) fn published(&self) -> usize {
        self.catalog.len()
    }

    /// Subscriptions that have their handle.
    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// True while a handle may come whose first packets overtake it.
    pub(crate) fn expects_handles(&self) -> bool {
        self.pending > 0
    }

    /// Entries of messages that made no sense.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Ends everything.
    pub(crate) fn shutdown(&mut self) {
        if self.closed {
            return;
        }
        self.closed = true;
        for finder in self.finders.take_all() {
            self.found(finder.id, finder.deadline, Err(WaitError::Closed));
        }
        for track in self.catalog.ids() {
            self.fail_waiting(track, &SubscribeError::Closed);
            self.change(track, |subscription| {
                subscription.readers.clear();
                subscription.step(subscription.link.let_go())
            });
            self.unpublish(track, UnpublishReason::Shutdown);
        }
        self.forget();
        self.outputs.push_back(Output::Closed);
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Changes one subscription, and does what follows from it.
    fn change(
        &mut self,
        track: TrackId,
        change: impl FnOnce(&mut Subscription) -> Option<Request>,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(&track) else { return };
        let (before, link) = (subscription.handles().collect::<Vec<_>>(), subscription.link);
        let request = change(subscription);
        if link != subscription.link {
            self.arrows.take(link.name(), subscription.link.name());
        }
        let after: Vec<_> = subscription.handles().collect();
        if let Link::On(_) = subscription.link {
            self.settle_waiting(track);
        }
        for handle in before.iter().filter(|handle| !after.contains(handle)) {
            let known = self.snapshot.has(*handle);
            self.routes.leave(track, *handle, known, &mut self.outputs);
        }
        for handle in after {
            self.routes.set(handle, Some(track), &mut self.outputs);
        }
        if let Some(kind) = request {
            self.send(track, kind);
        }
        self.report(track);
    }

    fn send(&mut self, track: TrackId, kind: Request) {
        let Some(entry) = self.catalog.get(track) else { return };
        let request = SignalOut::UpdateSubscription {
            track_sid: entry.info.sid.clone(),
            subscribe: kind == Request::Ask,
        };
        self.outputs.push_back(Output::Send { request, track, kind });
    }

    /// Tells the delegate of a new state, once.
    fn report(&mut self, track: TrackId) {
        let Some(subscription) = self.subscriptions.get_mut(&track) else { return };
        let (state, before) = (subscription.state(), subscription.reported);
        if state == before {
            return;
        }
        subscription.reported = state;
        self.count(before, usize::wrapping_sub);
        self.count(state, usize::wrapping_add);
        self.outputs.push_back(Output::SubscriptionChanged { track, state });
    }

    fn count(&mut self, state: SubscriptionState, change: fn(usize, usize) -> usize) {
        match state {
            SubscriptionState::Unsubscribed => {}
            SubscriptionState::Active => self.active = change(self.active, 1),
            SubscriptionState::Pending | SubscriptionState::NotPermitted => {
                self.pending = change(self.pending, 1);
            }
        }
    }

    fn settle_waiting(&mut self, track: TrackId) {
        let Some(subscription) = self.subscriptions.get_mut(&track) else { return };
        for (reader, state) in &mut subscription.readers {
            if let Reader::Waiting(deadline) = *state {
                *state = Reader::Reading;
                self.waits.remove(&(deadline, *reader));
                self.outputs.push_back(Output::Settled { track, reader: *reader, result: Ok(()) });
            }
        }
    }

    /// Those who wait give up. Afterwards the subscription may be wanted by nobody.
    fn fail_waiting(&mut self, track: TrackId, error: &SubscribeError) {
        let waiting = self.subscriptions.get(&track).map(Subscription::waiting);
        for reader in waiting.unwrap_or_default() {
            self.forget_reader(track, reader);
            let result = Err(error.clone());
            self.outputs.push_back(Output::Settled { track, reader, result });
        }
    }

    fn forget_reader(&mut self, track: TrackId, reader: ReaderId) {
        let Some(subscription) = self.subscriptions.get_mut(&track) else { return };
        if let Some(Reader::Waiting(deadline)) = subscription.remove(reader) {
            self.waits.remove(&(deadline, reader));
        }
    }

    /// The handle that the last snapshot holds for a track.
    fn handle_of(&self, track: TrackId) -> Option<Handle> {
        self.catalog.get(track).and_then(|entry| self.snapshot.handle_of(&entry.info.sid))
    }

    fn unpublish(&mut self, track: TrackId, reason: UnpublishReason) {
        let before = self.stop_holding(track);
        self.fail_waiting(track, &SubscribeError::Unpublished);
        self.change(track, |subscription| {
            subscription.readers.clear();
            None
        });
        if self.catalog.get(track).is_some() {
            self.arrows.take(before, "unpublished");
            self.gone.push(track);
            self.outputs.push_back(Output::Unpublished { track, reason });
        }
    }

    /// Forgets the tracks that are gone, the last one first: each that goes makes those behind it move up.
    fn forget(&mut self) {
        while let Some(track) = self.gone.pop() {
            self.subscriptions.remove(&track);
            self.catalog.remove(track);
        }
    }
}

/// Room for outputs that is kept while there are none: a single message may have caused 65 535.
const MOST_IDLE_OUTPUTS: usize = 1024;
