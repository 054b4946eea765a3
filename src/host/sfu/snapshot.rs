//! What subscribers are told: which handles their tracks have, and what publishers permit (protocol §3.8).
//!
//! Every snapshot lists all active subscriptions of the subscriber.

use std::collections::BTreeMap;

use super::{ParticipantId, Sfu};
use crate::signal::session::{
    DataTrackSubscriberHandles, PublishedDataTrack, Response, SubscriptionPermissionUpdate,
};

impl Sfu {
    pub(super) fn tell_permission(
        &mut self,
        who: ParticipantId,
        publisher: ParticipantId,
        track_sid: &str,
        allowed: bool,
    ) {
        let publisher = self.participants.get(&publisher);
        let update = SubscriptionPermissionUpdate {
            participant_sid: publisher.map_or_else(String::new, |publisher| publisher.sid.clone()),
            track_sid: track_sid.to_owned(),
            allowed,
        };
        self.signal(who, Response::SubscriptionPermissionUpdate(update));
    }

    /// The server says it twice after the end of a subscription (protocol §3.8).
    pub(super) fn send_snapshot_twice(&mut self, who: ParticipantId) {
        self.send_snapshot(who);
        self.send_snapshot(who);
    }

    pub(super) fn send_snapshot(&mut self, who: ParticipantId) {
        let Some(subscriber) = self.participants.get(&who) else { return };
        let active = subscriber.subscriptions.iter().filter_map(|(sid, subscription)| {
            Some((u32::from(subscription.handle()?.get()), self.published_track(sid)?))
        });
        let sub_handles: BTreeMap<_, _> = active.collect();
        let snapshot = DataTrackSubscriberHandles { sub_handles };
        self.signal(who, Response::DataTrackSubscriberHandles(snapshot));
    }

    fn published_track(&self, track_sid: &str) -> Option<PublishedDataTrack> {
        let publisher = self.participants.get(&self.tracks.get(track_sid)?.0)?;
        Some(PublishedDataTrack {
            publisher_identity: publisher.identity.clone(),
            publisher_sid: publisher.sid.clone(),
            track_sid: track_sid.to_owned(),
        })
    }
}
