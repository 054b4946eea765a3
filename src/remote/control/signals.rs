//! What the SFU tells.

use super::{Control, Output};
use crate::{
    error::SubscribeError,
    remote::{
        catalog::{Arrival, Changes, TrackId},
        link::{Link, Request},
        subscription::Subscription,
    },
    signal::{Participant, SignalIn, SubscribedTrack},
    sorted::SortedSet,
};

impl Control {
    /// Takes one message.
    pub(crate) fn handle_signal(&mut self, signal: SignalIn) {
        if self.closed {
            return;
        }
        match signal {
            SignalIn::Join { local, others } | SignalIn::RoomMoved { local, others } => {
                self.handle_join(local, &others);
            }
            SignalIn::Update(participants) => self.handle_update(participants),
            SignalIn::SubscriberHandles(tracks) => self.handle_snapshot(tracks),
            SignalIn::SubscriptionPermission { track_sid, allowed } => {
                self.handle_permission(&track_sid, allowed);
            }
            SignalIn::PublishResponse(_)
            | SignalIn::UnpublishResponse(_)
            | SignalIn::Refused(_)
            | SignalIn::DataBlobStored { .. }
            | SignalIn::DataBlob { .. } => {}
        }
    }

    /// Tells who we are, when the join response has not done so.
    pub(crate) fn set_local_identity(&mut self, identity: String) {
        if self.closed || identity.is_empty() || self.local_identity.is_some() {
            return;
        }
        self.local_identity = Some(identity);
        self.take_early();
    }

    /// A new session: nothing is subscribed to, no handle is valid. What is wanted is asked for by `resend`, when the host is ready.
    fn handle_join(&mut self, local: Option<Participant>, others: &[Participant]) {
        if let Some(local) = local {
            self.local_identity = Some(local.identity);
        }
        self.snapshot.clear();
        self.routes.clear(&mut self.outputs);
        for track in self.catalog.ids() {
            self.change(track, forget_session);
        }
        let changes = self.catalog.replace(others_of(self.local_identity.as_ref(), others));
        self.take(changes, Asking::Later);
        self.take_early();
    }

    /// Updates that came before the join response are newer than it: it is the first message of a session.
    fn take_early(&mut self) {
        if self.local_identity.is_none() {
            return;
        }
        for participant in self.early.take() {
            self.handle_update(vec![participant]);
        }
    }

    fn handle_update(&mut self, participants: Vec<Participant>) {
        if self.local_identity.is_none() {
            self.skipped += self.early.hold(participants);
            return;
        }
        let changes = self.catalog.update(others_of(self.local_identity.as_ref(), &participants));
        self.take(changes, Asking::Now);
    }

    fn take(&mut self, changes: Changes, asking: Asking) {
        self.skipped += changes.skipped;
        for arrival in changes.arrivals {
            match arrival {
                Arrival::Published(track) => self.publish(track),
                Arrival::Reassigned(track) => self.reassign(track, asking),
            }
        }
        for (track, reason) in changes.removals {
            self.unpublish(track, reason);
        }
    }

    fn publish(&mut self, track: TrackId) {
        let Some(entry) = self.catalog.get(track) else { return };
        let (link, _) = Link::begin(self.snapshot.get(&entry.info.sid).copied(), false);
        self.subscriptions.insert(track, Subscription::new(link));
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
        let handle = self.handle_of(track);
        self.change(track, |subscription| {
            subscription.former = match subscription.link {
                Link::On(handle) => Some(handle),
                Link::Off | Link::Offered(_) | Link::Asked | Link::Ending(_) => subscription.former,
            };
            subscription.permitted = true;
            let wanted = subscription.is_wanted() && asking == Asking::Now;
            subscription.step(Link::begin(handle, wanted))
        });
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

/// Whether what is wanted is asked for at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Now,
    Later,
}

fn forget_session(subscription: &mut Subscription) -> Option<Request> {
    subscription.link = Link::Off;
    subscription.former = None;
    subscription.permitted = true;
    None
}

fn others_of<'a>(
    local: Option<&'a String>,
    participants: &'a [Participant],
) -> impl Iterator<Item = &'a Participant> + Clone {
    participants.iter().filter(move |participant| Some(&participant.identity) != local)
}
