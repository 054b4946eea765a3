//! Between the managers and the transport of the moment, both ways, as an SDK's delegates are.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    RoomEvent,
    error::Interruption,
    transport::{Transport, TransportDelegate},
};
use crate::{
    LocalDataTrack, LocalDataTrackManager, LocalDataTrackManagerDelegate, RemoteDataTrack,
    RemoteDataTrackManager, RemoteDataTrackManagerDelegate,
    error::DelegateError,
    frame::PacketBatch,
    signal::{self, tag},
    track::{SubscriptionState, UnpublishReason},
};

/// Managers → transport.
pub(super) struct Gateway {
    transport: RwLock<Option<Transport>>,
    events: UnboundedSender<RoomEvent>,
}

impl Gateway {
    pub(super) fn new(events: UnboundedSender<RoomEvent>) -> Arc<Self> {
        Arc::new(Self { transport: RwLock::default(), events })
    }

    /// From now on everything goes to `transport`, or nowhere. Answers the one before.
    pub(super) fn replace(&self, transport: Option<Transport>) -> Option<Transport> {
        let mut current = self.transport.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, transport)
    }

    pub(super) fn transport(&self) -> Option<Transport> {
        self.transport.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn tell(&self, event: RoomEvent) {
        self.events.send(event).ok();
    }

    /// While the room is being joined again nothing is sent and nothing fails: republishing and resubscribing repeat
    /// every request that still matters.
    fn send_signal(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        let transport = self.transport.read().unwrap_or_else(PoisonError::into_inner);
        let sent = transport.as_ref().map_or(Ok(()), |transport| transport.send_signal(request));
        sent.map_err(|_| DelegateError::Failed)
    }
}

impl LocalDataTrackManagerDelegate for Gateway {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.send_signal(request)
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        let transport = self.transport.read().unwrap_or_else(PoisonError::into_inner);
        let transport = transport.as_ref().ok_or(DelegateError::Failed)?;
        transport.send_packets(packets).map_err(|_| DelegateError::Failed)
    }

    fn on_track_published(&self, _track: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        track: Arc<LocalDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.tell(RoomEvent::OwnTrackUnpublished(track, reason));
        Ok(())
    }
}

impl RemoteDataTrackManagerDelegate for Gateway {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.send_signal(request)
    }

    fn on_track_published(&self, track: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        self.tell(RoomEvent::TrackPublished(track));
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        track: Arc<RemoteDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.tell(RoomEvent::TrackUnpublished(track, reason));
        Ok(())
    }

    fn on_subscription_changed(
        &self,
        _track: Arc<RemoteDataTrack>,
        _state: SubscriptionState,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

/// Transport → managers.
pub(super) struct Inbox {
    pub(super) local: Arc<LocalDataTrackManager>,
    pub(super) remote: Arc<RemoteDataTrackManager>,
    pub(super) interruptions: UnboundedSender<Heard>,
    /// How often the session has been resumed.
    pub(super) resumptions: Arc<AtomicU64>,
}

/// An interruption, and after how many resumptions it came.
pub(super) struct Heard {
    pub(super) interruption: Interruption,
    pub(super) resumptions: u64,
}

impl TransportDelegate for Inbox {
    fn on_signal_response(&self, response: Vec<u8>) {
        let moved = signal::decode(&response, |number| number == tag::ROOM_MOVED);
        if let Err(error) = self.local.handle_signal_response(response.clone()) {
            tracing::warn!(%error, "the local manager did not take a signal");
        }
        if let Err(error) = self.remote.handle_signal_response(response) {
            tracing::warn!(%error, "the remote manager did not take a signal");
        }
        // In that room nothing is published or read yet.
        if moved.is_ok_and(|moved| moved.message.is_some()) {
            self.local.republish_tracks();
            self.remote.resend_subscription_updates();
        }
    }

    fn on_packet_received(&self, packet: &[u8]) {
        self.remote.handle_packet_received(packet);
    }

    fn on_buffered_amount(&self, bytes: u64) {
        self.local.handle_buffered_amount(bytes);
    }

    fn on_interrupted(&self, interruption: Interruption) {
        let resumptions = self.resumptions.load(Ordering::Relaxed);
        self.interruptions.send(Heard { interruption, resumptions }).ok();
    }

    fn on_resumed(&self) {
        self.resumptions.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::{
        DataTrackOptions,
        signal::session::{
            DataTrackInfo, DataTrackResponse, ParticipantInfo, Response, RoomMovedResponse,
            encode_response,
        },
    };

    #[test]
    fn in_the_room_that_it_was_moved_to_everything_is_asked_for_again() {
        let gateway = Gateway::new(unbounded_channel().0);
        let me = Some("me".to_owned());
        let publishing: Arc<dyn LocalDataTrackManagerDelegate> = Arc::<Gateway>::clone(&gateway);
        let reading: Arc<dyn RemoteDataTrackManagerDelegate> = gateway;
        let local = LocalDataTrackManager::new(publishing, None, me.clone());
        let remote = RemoteDataTrackManager::new(reading, None, me);
        let (local, remote) = (Arc::new(local), Arc::new(remote));
        let inbox = Inbox {
            local: Arc::clone(&local),
            remote: Arc::clone(&remote),
            interruptions: unbounded_channel().0,
            resumptions: Arc::default(),
        };
        let hear = |response| inbox.on_signal_response(encode_response(response));
        let track = DataTrackInfo {
            pub_handle: 1,
            sid: "DTR_1".into(),
            name: "imu".into(),
            ..DataTrackInfo::default()
        };
        let moved = || {
            let (me, bob) = (participant("me", vec![]), participant("bob", vec![track.clone()]));
            Response::RoomMoved(RoomMovedResponse {
                participant: Some(me),
                other_participants: vec![bob],
                ..RoomMovedResponse::default()
            })
        };
        hear(moved());
        let mut context = Context::from_waker(Waker::noop());
        let mut publish = pin!(local.publish_track(DataTrackOptions::new("imu"), None));
        assert!(publish.as_mut().poll(&mut context).is_pending());
        hear(Response::PublishDataTrack(DataTrackResponse { info: Some(track.clone()) }));
        let bobs = Arc::clone(&remote.tracks()[0]);
        let mut subscribe = pin!(bobs.subscribe(None));
        assert!(subscribe.as_mut().poll(&mut context).is_pending());
        hear(moved());
        assert_eq!(local.arrows().get(&("Published", "Asked")), Some(&1));
        assert_eq!(remote.arrows().get(&("Off", "Asked")), Some(&2));
    }

    fn participant(identity: &str, data_tracks: Vec<DataTrackInfo>) -> ParticipantInfo {
        let identity = identity.to_owned();
        ParticipantInfo { identity, data_tracks, ..ParticipantInfo::default() }
    }
}
