//! Subscriptions: wishes by SID, settled at once where the server takes its time (protocol §3.8).
//!
//! ```text
//!                   ┌── no such track: 60 s ──► forgotten
//!  subscribe ──► Awaited ─┐
//!                         ├─ track there, canSubscribe, publisher permits ──► Active ──► unsubscribed, unpublished
//!            Forbidden  ──┤  no canSubscribe: silence                          │
//!            Denied     ──┘  publisher does not permit: told once  ◄───────────┘ permission taken away
//! ```
//! What the subscriber is told of it: `snapshot`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{
    ParticipantId, Sfu,
    link::Link,
    participant::{Participant, Publication, Readers},
};
use crate::{
    signal::session::{DataSubscription, SubscriptionPermission, UpdateDataSubscription},
    track::Handle,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscription {
    /// There is no such track yet.
    Awaited { until: Instant },
    /// The subscriber may not subscribe.
    Forbidden,
    /// The publisher does not permit it.
    Denied,
    /// Packets flow.
    Active { handle: Handle },
}

impl Subscription {
    pub(super) fn handle(&self) -> Option<Handle> {
        match self {
            Self::Active { handle } => Some(*handle),
            Self::Awaited { .. } | Self::Forbidden | Self::Denied => None,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        match self {
            Self::Awaited { until } => *until <= now,
            Self::Forbidden | Self::Denied | Self::Active { .. } => false,
        }
    }
}

/// What a wish should be, as things are.
enum Verdict {
    Forbidden,
    Absent,
    Denied(ParticipantId),
    Granted(ParticipantId),
}

impl Sfu {
    pub(super) fn update_subscriptions(
        &mut self,
        now: Instant,
        who: ParticipantId,
        request: UpdateDataSubscription,
    ) {
        let Some(subscriber) = self.participants.get_mut(&who) else { return };
        subscriber.subscriptions.retain(|_, wish| !wish.is_over(now));
        for DataSubscription { track_sid, subscribe } in request.updates {
            if subscribe {
                self.subscribe(now, who, track_sid);
            } else {
                self.unsubscribe(who, &track_sid);
            }
        }
    }

    fn subscribe(&mut self, now: Instant, who: ParticipantId, track_sid: String) {
        let Some(subscriber) = self.participants.get_mut(&who) else { return };
        let until = now + UNKNOWN_TRACK_KEPT;
        let wishes = &mut subscriber.subscriptions;
        if wishes.contains_key(&track_sid) {
            return;
        }
        if wishes.len() < MAX_SUBSCRIPTIONS && track_sid.len() <= MAX_SID_BYTES {
            wishes.insert(track_sid.clone(), Subscription::Awaited { until });
            self.settle(who, &track_sid);
        }
    }

    fn unsubscribe(&mut self, who: ParticipantId, track_sid: &str) {
        let Some(subscriber) = self.participants.get_mut(&who) else { return };
        match subscriber.subscriptions.remove(track_sid) {
            None => {}
            Some(Subscription::Active { handle }) => {
                self.close_link(who, handle, track_sid);
                if !self.loses_reply(who) {
                    self.send_snapshot_twice(who);
                }
            }
            Some(Subscription::Awaited { .. } | Subscription::Forbidden | Subscription::Denied) => {
                self.stats.dangerous_unsubscribes += 1
            }
        }
    }

    /// Looks again at everybody's wish for this track.
    pub(super) fn settle_track(&mut self, now: Instant, track_sid: &str) {
        let wants = |(id, p): (&ParticipantId, &Participant)| {
            let wish = p.subscriptions.get(track_sid);
            wish.is_some_and(|wish| !wish.is_over(now)).then_some(*id)
        };
        let subscribers: Vec<_> = self.participants.iter().filter_map(wants).collect();
        for subscriber in subscribers {
            self.settle(subscriber, track_sid);
        }
    }

    /// Looks again at all wishes of this participant.
    pub(super) fn settle_subscriber(&mut self, who: ParticipantId) {
        let Some(subscriber) = self.participants.get(&who) else { return };
        let wishes: Vec<String> = subscriber.subscriptions.keys().cloned().collect();
        for track_sid in wishes {
            self.settle(who, &track_sid);
        }
    }

    fn settle(&mut self, who: ParticipantId, track_sid: &str) {
        let Some(subscriber) = self.participants.get(&who) else { return };
        let Some(current) = subscriber.subscriptions.get(track_sid).copied() else { return };
        match (self.judge(subscriber, track_sid), current) {
            (Verdict::Granted(_), Subscription::Active { .. })
            | (Verdict::Absent, _)
            | (Verdict::Denied(_), Subscription::Denied) => {}
            (Verdict::Granted(publisher), _) => self.activate(who, track_sid, publisher),
            (Verdict::Forbidden, current) => {
                self.set_subscription(who, track_sid, Subscription::Forbidden);
                self.deactivate(who, track_sid, current);
            }
            (Verdict::Denied(publisher), current) => {
                self.set_subscription(who, track_sid, Subscription::Denied);
                self.deactivate(who, track_sid, current);
                self.tell_denied(who, publisher, track_sid);
            }
        }
    }

    fn judge(&self, subscriber: &Participant, track_sid: &str) -> Verdict {
        if !subscriber.permissions.can_subscribe {
            return Verdict::Forbidden;
        }
        let Some((publisher_id, _)) = self.tracks.get(track_sid).copied() else {
            return Verdict::Absent;
        };
        let here = |publisher: &&Participant| publisher.room == subscriber.room;
        let Some(publisher) = self.participants.get(&publisher_id).filter(here) else {
            return Verdict::Absent;
        };
        if publisher.readers.permit(track_sid, subscriber) {
            Verdict::Granted(publisher_id)
        } else {
            Verdict::Denied(publisher_id)
        }
    }

    fn activate(&mut self, who: ParticipantId, track_sid: &str, publisher: ParticipantId) {
        let Some(handle) = self.next_handle(who) else { return };
        let Some(subscriber) = self.participants.get(&who) else { return };
        let link = Link::new(subscriber.impairment, salt(who, handle));
        self.links.insert((who, handle), link);
        self.set_subscription(who, track_sid, Subscription::Active { handle });
        if let Some(readers) = self.readers_of(track_sid) {
            readers.insert((who, handle));
        }
        if self.loses_reply(who) {
            return;
        }
        self.tell_granted(who, publisher, track_sid);
        self.send_snapshot(who);
    }

    /// The next free handle for a subscription (protocol §3.1).
    pub(super) fn next_handle(&mut self, who: ParticipantId) -> Option<Handle> {
        let most = self.config.subscriber_handles;
        let last = &mut self.participants.get_mut(&who)?.last_handle;
        for _ in 0..=most {
            *last = if *last < most { *last + 1 } else { 1 };
            let handle = Handle::new(*last);
            let free = handle.filter(|handle| !self.links.contains_key(&(who, *handle)));
            if free.is_some() {
                return free;
            }
        }
        None
    }

    fn deactivate(&mut self, who: ParticipantId, track_sid: &str, was: Subscription) {
        if let Some(handle) = was.handle() {
            self.close_link(who, handle, track_sid);
            self.send_snapshot(who);
        }
    }

    pub(super) fn set_subscription(
        &mut self,
        who: ParticipantId,
        track_sid: &str,
        to: Subscription,
    ) {
        let subscriber = self.participants.get_mut(&who);
        if let Some(wish) = subscriber.and_then(|s| s.subscriptions.get_mut(track_sid)) {
            *wish = to;
        }
    }

    fn close_link(&mut self, who: ParticipantId, handle: Handle, track_sid: &str) {
        if let Some(link) = self.links.remove(&(who, handle)) {
            self.stats.ended.add(&link.stats());
        }
        if let Some(readers) = self.readers_of(track_sid) {
            readers.remove(&(who, handle));
        }
    }

    /// Active subscriptions of a track that is published.
    pub(super) fn readers_of(
        &mut self,
        track_sid: &str,
    ) -> Option<&mut BTreeSet<(ParticipantId, Handle)>> {
        let (publisher, handle) = self.tracks.get(track_sid)?;
        let publisher = self.participants.get_mut(publisher)?;
        publisher.publications.get_mut(handle).map(|track| &mut track.subscribers)
    }

    /// The track is gone, and with it the wishes for it: its SID does not come back.
    pub(super) fn end_subscriptions(&mut self, publication: Publication) {
        for (subscriber_id, handle) in publication.subscribers {
            if let Some(subscriber) = self.participants.get_mut(&subscriber_id) {
                subscriber.subscriptions.remove(&publication.info.sid);
                self.close_link(subscriber_id, handle, &publication.info.sid);
                self.send_snapshot_twice(subscriber_id);
            }
        }
        for participant in self.participants.values_mut() {
            participant.subscriptions.remove(&publication.info.sid);
        }
    }

    /// Ends what a participant who is leaving reads.
    pub(super) fn forget_subscriptions(
        &mut self,
        who: ParticipantId,
        subscriptions: &BTreeMap<String, Subscription>,
    ) {
        for (track_sid, subscription) in subscriptions {
            if let Some(handle) = subscription.handle() {
                self.close_link(who, handle, track_sid);
            }
        }
    }

    pub(super) fn set_readers(
        &mut self,
        now: Instant,
        who: ParticipantId,
        request: SubscriptionPermission,
    ) {
        let Some(publisher) = self.participants.get_mut(&who) else { return };
        publisher.readers = if request.all_participants {
            Readers::All
        } else {
            Readers::Listed(request.track_permissions)
        };
        let sids: Vec<String> =
            publisher.publications.values().map(|track| track.info.sid.clone()).collect();
        for sid in sids {
            self.settle_track(now, &sid);
        }
    }
}

/// Makes the faults of every link its own.
pub(super) fn salt(who: ParticipantId, handle: Handle) -> u64 {
    who.0 << 16 | u64::from(handle.get())
}

/// A wish for an unknown track is forgotten after this (protocol §3.8).
const UNKNOWN_TRACK_KEPT: Duration = Duration::from_secs(60);

/// There are no more handles.
const MAX_SUBSCRIPTIONS: usize = u16::MAX as usize;

/// Far above the 16 bytes of a SID.
const MAX_SID_BYTES: usize = 256;
