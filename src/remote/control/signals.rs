//! What the SFU tells.

use std::time::{Duration, Instant};

use super::{Control, Output, Wait};
use crate::{
    error::SubscribeError,
    remote::{
        catalog::{Arrival, Changes, Room, TrackId},
        link::{Link, Request},
        subscription::Subscription,
    },
    signal::{Participant, SignalIn, SubscribedTrack},
    sorted::SortedSet,
};

impl Control {
    /// Takes one message.
    pub(crate) fn handle_signal(&mut self, signal: SignalIn, now: Instant) {
        if self.closed {
            return;
        }
        match signal {
            SignalIn::Join { local, others } => self.handle_join(local, &others, Room::Same, now),
            SignalIn::RoomMoved { local, others } => {
                self.handle_join(local, &others, Room::Another, now);
            }
            SignalIn::Update(participants) => self.handle_update(participants, now),
            SignalIn::SubscriberHandles(tracks) => self.handle_snapshot(tracks),
            SignalIn::SubscriptionPermission { track_sid, allowed } => {
                self.handle_permission(&track_sid, allowed);
            }
            SignalIn::PublishResponse(_)
            | SignalIn::UnusablePublishResponse(_)
            | SignalIn::UnpublishResponse(_)
            | SignalIn::Refused(_)
            | SignalIn::DataBlobStored { .. }
            | SignalIn::DataBlob { .. } => {}
        }
    }

    /// Tells who we are, when the join response has not done so.
    pub(crate) fn set_local_identity(&mut self, identity: String, now: Instant) {
        if self.closed || identity.is_empty() || self.local_identity.is_some() {
            return;
        }
        self.local_identity = Some(identity);
        self.take_early(now);
    }

    /// A new session: nothing is subscribed to, no handle is valid. What is wanted is asked for by `resend`, when the host is ready.
    fn handle_join(
        &mut self,
        local: Option<Participant>,
        others: &[Participant],
        room: Room,
        now: Instant,
    ) {
        if let Some(local) = local {
            self.local_identity = Some(local.identity);
        }
        self.snapshot.clear();
        self.routes.clear(&mut self.outputs);
        for track in self.catalog.ids() {
            self.change(track, forget_session);
        }
        let changes = self.catalog.replace(others_of(self.local_identity.as_ref(), others), room);
        self.take(changes, Asking::Later, now);
        self.take_early(now);
    }

    /// Updates that came before the join response are newer than it: it is the first message of a session.
    fn take_early(&mut self, now: Instant) {
        if self.local_identity.is_none() {
            return;
        }
        for participant in self.early.take() {
            self.handle_update(vec![participant], now);
        }
    }

    fn handle_update(&mut self, participants: Vec<Participant>, now: Instant) {
        if self.local_identity.is_none() {
            self.skipped += self.early.hold(participants);
            return;
        }
        // One after the other: an SFU may put the end of a session and the next one into one message.
        for participant in &participants {
            if self.local_identity.as_ref() != Some(&participant.identity) {
                let changes = self.catalog.update(participant);
                self.take(changes, Asking::Now, now);
            }
        }
    }

    fn take(&mut self, changes: Changes, asking: Asking, now: Instant) {
        self.skipped += changes.skipped;
        for arrival in changes.arrivals {
            match arrival {
                Arrival::Published(track) => self.publish(track),
                Arrival::Reassigned(track) => self.reassign(track, asking),
            }
        }
        for track in changes.lost {
            self.hold(track, now + RETURN_TIME);
        }
        for (track, reason) in changes.removals {
            self.unpublish(track, reason);
        }
        self.forget();
    }

    fn publish(&mut self, track: TrackId) {
        let Some(entry) = self.catalog.get(track) else { return };
        let (link, _) = Link::begin(self.snapshot.handle_of(&entry.info.sid), false);
        self.subscriptions.insert(track, Subscription::new(link));
        self.arrows.take("not listed", PUBLISHED);
        let found = self.finders.take_matching(entry);
        let (key, info) = (entry.key.clone(), entry.info.clone());
        self.outputs.push_back(Output::Published { key, info });
        for finder in found {
            self.found(finder.id, finder.deadline, Ok(track));
        }
    }

    /// The publisher published the track again, after a full reconnect of its own.
    fn reassign(&mut self, track: TrackId, asking: Asking) {
        let Some(entry) = self.catalog.get(track) else { return };
        self.outputs.push_back(Output::Reassigned { track, sid: entry.info.sid.clone() });
        let before = self.stop_holding(track);
        self.arrows.take(before, PUBLISHED);
        let handle = self.handle_of(track);
        self.change(track, |subscription| {
            let wanted = subscription.is_wanted() && asking == Asking::Now;
            subscription.begin(Link::begin(handle, wanted))
        });
    }

    /// The publisher's session is lost, and the track's SID with it. Whoever reads the track, or waits to, goes on waiting.
    fn hold(&mut self, track: TrackId, until: Instant) {
        let key = (until, self.next_id());
        self.arrows.take(PUBLISHED, HELD);
        self.waits.insert(key, Wait::Return(track));
        self.change(track, |subscription| {
            subscription.held_until = Some(key);
            subscription.begin((Link::Gone, None))
        });
    }

    /// Answers where the track was in the drawing of the catalog.
    pub(super) fn stop_holding(&mut self, track: TrackId) -> &'static str {
        let subscription = self.subscriptions.get_mut(&track);
        let held = subscription.and_then(|subscription| subscription.held_until.take());
        let Some(key) = held else { return PUBLISHED };
        self.waits.remove(&key);
        HELD
    }

    fn handle_snapshot(&mut self, tracks: Vec<SubscribedTrack>) {
        let mut handles = SortedSet::default();
        self.snapshot.clear();
        for track in tracks {
            handles.insert(track.handle, ());
            self.snapshot.insert(track.track_sid, track.handle);
        }
        for track in self.catalog.ids() {
            let handle = self.handle_of(track);
            self.change(track, |subscription| {
                subscription.former =
                    subscription.former.filter(|former| handles.contains_key(former));
                subscription.step(subscription.link.snapshot(handle, subscription.is_wanted()))
            });
        }
        self.routes.keep(&handles, &mut self.outputs);
    }

    fn handle_permission(&mut self, track_sid: &str, allowed: bool) {
        let Some(track) = self.catalog.by_sid(track_sid) else { return };
        self.change(track, |subscription| {
            subscription.permitted = allowed;
            None
        });
        let asked = self.subscriptions.get(&track).is_some_and(|known| known.link == Link::Asked);
        if !allowed && asked {
            self.fail_waiting(track, &SubscribeError::NotPermitted);
            self.change(track, Subscription::let_go_if_unwanted);
        }
    }
}

/// How long a publisher whose session is lost may take until its tracks are published again. Once it is back it gets so long for an
/// answer (protocol §7), and asks again for 7 s when it is refused (`local/republish.rs`).
pub(crate) const RETURN_TIME: Duration = Duration::from_secs(10);

/// Where a track is in the drawing of the catalog.
const PUBLISHED: &str = "published";
const HELD: &str = "held";

/// Whether what is wanted is asked for at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Now,
    Later,
}

fn forget_session(subscription: &mut Subscription) -> Option<Request> {
    if subscription.link != Link::Gone {
        subscription.link = Link::Off;
    }
    subscription.former = None;
    subscription.permitted = true;
    None
}

fn others_of<'a>(
    local: Option<&'a String>,
    participants: &'a [Participant],
) -> impl Iterator<Item = &'a Participant> {
    participants.iter().filter(move |participant| Some(&participant.identity) != local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        signal::TrackDescription,
        track::{DataTrackInfo, Handle},
    };

    /// Of a message that another thread has looked at before the shutdown.
    #[test]
    fn nothing_is_taken_after_the_shutdown() {
        let info = DataTrackInfo { sid: "DTR_1".into(), ..DataTrackInfo::default() };
        let bob = Participant {
            identity: "bob".into(),
            sid: "PA_bob".into(),
            joined_at_ms: 0,
            connected: true,
            may_return: false,
            can_publish_data: None,
            tracks: vec![TrackDescription { handle: Handle::MIN, info }],
        };
        let now = Instant::now();
        let mut control = Control::new(false, None);
        control.handle_signal(SignalIn::Update(vec![bob.clone()]), now);
        control.shutdown();
        while control.poll_output().is_some() {}
        control.set_local_identity("me".into(), now);
        assert_eq!(control.poll_output(), None, "what came early is not taken either");
        control.handle_signal(SignalIn::Join { local: None, others: vec![bob] }, now);
        assert_eq!(control.poll_output(), None);
    }
}
