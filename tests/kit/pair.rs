//! A publisher and a subscriber in one process, joined by the shortest wire there is: for counting and timing, not for faults.
#![allow(dead_code, unreachable_pub)]

mod signals;

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use datatracks::*;

/// One track, and one stream of it.
pub struct Pair {
    pub local: LocalDataTrackManager,
    pub remote: RemoteDataTrackManager,
    pub track: Arc<LocalDataTrack>,
    pub stream: Arc<DataTrackStream>,
    pub wire: Arc<Wire>,
}

/// Takes what both managers give, and keeps packets only when asked to.
#[derive(Default)]
pub struct Wire {
    signals: Mutex<VecDeque<Vec<u8>>>,
    pub keep: Mutex<Option<Vec<Bytes>>>,
}

impl LocalDataTrackManagerDelegate for Wire {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.signals.lock().unwrap().push_back(request);
        Ok(())
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        if let Some(kept) = self.keep.lock().unwrap().as_mut() {
            kept.extend(packets.into_packets());
        }
        Ok(())
    }

    fn on_track_published(&self, _: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        _: Arc<LocalDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

impl RemoteDataTrackManagerDelegate for Wire {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.signals.lock().unwrap().push_back(request);
        Ok(())
    }

    fn on_track_published(&self, _: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        _: Arc<RemoteDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_subscription_changed(
        &self,
        _: Arc<RemoteDataTrack>,
        _: SubscriptionState,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

impl Wire {
    fn request(&self) -> Vec<u8> {
        self.signals.lock().unwrap().pop_front().expect("a request")
    }
}

impl Pair {
    /// Publishes one track and subscribes to it.
    pub fn new(encrypted: bool) -> Self {
        let wire = Arc::new(Wire::default());
        let ring = encrypted.then(|| {
            let options =
                KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() };
            let ring = Arc::new(KeyRing::new(options).unwrap());
            ring.set_shared_key(b"a key for measuring".to_vec(), 0).unwrap();
            ring
        });
        let seal = ring.clone().map(|ring| ring.encryption_provider(None));
        let open = ring.map(|ring| ring.decryption_provider());
        let to_local: Arc<dyn LocalDataTrackManagerDelegate> = wire.clone();
        let to_remote: Arc<dyn RemoteDataTrackManagerDelegate> = wire.clone();
        let local = LocalDataTrackManager::new(to_local, seal, Some("publisher".into()));
        let remote = RemoteDataTrackManager::new(to_remote, open, Some("subscriber".into()));
        let track = {
            let mut publishing = pin!(local.publish_track(DataTrackOptions::new("measured"), None));
            assert!(poll(publishing.as_mut()).is_none());
            let info = signals::published(&wire.request());
            local.handle_signal_response(signals::answer(info.clone())).unwrap();
            remote.handle_signal_response(signals::update(info)).unwrap();
            poll(publishing).expect("published").unwrap()
        };
        let seen = Arc::clone(&remote.tracks()[0]);
        let options = DataTrackSubscribeOptions { buffer_frames: 1024, ..Default::default() };
        let stream = {
            let mut subscribing = pin!(seen.subscribe_with_options(options, None));
            assert!(poll(subscribing.as_mut()).is_none());
            remote.handle_signal_response(signals::handles()).unwrap();
            poll(subscribing).expect("subscribed").unwrap()
        };
        let pair = Self { local, remote, track, stream, wire };
        pair.deliver(b"first");
        pair
    }

    /// One frame all the way: afterwards a subscriber that may have come late knows where the track stands.
    fn deliver(&self, payload: &[u8]) {
        self.feed(&self.packets_of(payload));
        assert_eq!(self.read().payload.as_ref(), payload);
    }

    /// Hands packets to the subscriber.
    pub fn feed<P: AsRef<[u8]>>(&self, packets: &[P]) {
        packets.iter().for_each(|packet| self.remote.handle_packet_received(packet.as_ref()));
    }

    /// The subscriber's count of the track.
    pub fn track_stats(&self) -> RemoteTrackStats {
        self.remote.tracks()[0].stats()
    }

    /// The packets of one pushed frame.
    pub fn packets_of(&self, payload: &[u8]) -> Vec<Bytes> {
        *self.wire.keep.lock().unwrap() = Some(Vec::new());
        self.track.try_push_bytes(payload).unwrap();
        self.wire.keep.lock().unwrap().take().unwrap()
    }

    /// The next frame, which must be there.
    pub fn read(&self) -> DataTrackFrame {
        poll(pin!(self.stream.next(None)))
            .expect("a frame is there")
            .unwrap()
            .expect("the stream is open")
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
