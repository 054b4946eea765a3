//! What subscribers are told: which handles their tracks have, and what publishers permit (protocol §3.8).
//!
//! Every snapshot lists all active subscriptions of the subscriber. So one is sent for all that a call has changed: one for each
//! change would let a request of 2 MiB make gigabytes.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Output, ParticipantId, Sfu};
use crate::signal::session::{
    DataTrackSubscriberHandles, PublishedDataTrack, Response, SubscriptionPermissionUpdate,
    encode_response,
};

/// What a subscriber is told once everything is decided, in this order.
#[derive(Debug, Default)]
pub(super) struct News {
    /// How often it gets the snapshot.
    snapshots: usize,
    denied: Vec<SubscriptionPermissionUpdate>,
}

impl Sfu {
    pub(super) fn tell_granted(
        &mut self,
        who: ParticipantId,
        publisher: ParticipantId,
        track_sid: &str,
    ) {
        let update = self.permission_update(publisher, track_sid, true);
        self.signal(who, Response::SubscriptionPermissionUpdate(update));
    }

    /// After the snapshot without the track.
    pub(super) fn tell_denied(
        &mut self,
        who: ParticipantId,
        publisher: ParticipantId,
        track_sid: &str,
    ) {
        let update = self.permission_update(publisher, track_sid, false);
        self.news.entry(who).or_default().denied.push(update);
    }

    fn permission_update(
        &self,
        publisher: ParticipantId,
        track_sid: &str,
        allowed: bool,
    ) -> SubscriptionPermissionUpdate {
        let publisher = self.participants.get(&publisher);
        SubscriptionPermissionUpdate {
            participant_sid: publisher.map_or_else(String::new, |publisher| publisher.sid.clone()),
            track_sid: track_sid.to_owned(),
            allowed,
        }
    }

    /// The server says it twice after the end of a subscription (protocol §3.8).
    pub(super) fn send_snapshot_twice(&mut self, who: ParticipantId) {
        self.news.entry(who).or_default().snapshots = 2;
    }

    pub(super) fn send_snapshot(&mut self, who: ParticipantId) {
        let news = self.news.entry(who).or_default();
        news.snapshots = news.snapshots.max(1);
    }

    /// The news become outputs, at the end of each call that may make some: before what is decided next.
    pub(super) fn tell_news(&mut self) {
        while let Some((who, news)) = self.news.pop_first() {
            if let Some(snapshot) = (news.snapshots > 0).then(|| self.snapshot(who)).flatten() {
                let bytes = Bytes::from(encode_response(snapshot));
                let output = Output::Signal { to: who, bytes };
                self.outputs.extend(std::iter::repeat_n(output, news.snapshots));
            }
            for update in news.denied {
                self.signal(who, Response::SubscriptionPermissionUpdate(update));
            }
        }
    }

    /// Nothing for one who would not get it.
    fn snapshot(&self, who: ParticipantId) -> Option<Response> {
        let subscriber = self.participants.get(&who).filter(|p| p.is_connected())?;
        let active = subscriber.subscriptions.iter().filter_map(|(sid, subscription)| {
            Some((u32::from(subscription.handle()?.get()), self.published_track(sid)?))
        });
        let sub_handles: BTreeMap<_, _> = active.collect();
        Some(Response::DataTrackSubscriberHandles(DataTrackSubscriberHandles { sub_handles }))
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
