//! A host of both managers: takes requests as a WebSocket would, answers them as an SFU does.

use std::{
    collections::VecDeque,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use datatracks::*;
use datatracks_bench_side::{KEY, Kind};
use livekit_protocol::{
    self as livekit, signal_request::Message as Request, signal_response::Message as Response,
};
use prost::Message;

/// Keeps requests, and hands packets to whoever measures.
pub(crate) struct Host<S> {
    requests: Mutex<VecDeque<Vec<u8>>>,
    pub(crate) sink: S,
}

impl<S: Fn(PacketBatch) + Send + Sync + 'static> Host<S> {
    pub(crate) fn new(sink: S) -> Arc<Self> {
        Arc::new(Self { requests: Mutex::default(), sink })
    }
}

impl<S> Host<S> {
    /// Requests to publish that have not been answered.
    pub(crate) fn publish_requests(
        &self,
    ) -> impl Iterator<Item = livekit::PublishDataTrackRequest> + use<S> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).split_off(0);
        requests.into_iter().filter_map(|request| {
            match livekit::SignalRequest::decode(&*request).unwrap().message {
                Some(Request::PublishDataTrackRequest(request)) => Some(request),
                _ => None,
            }
        })
    }

    fn keep(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
        Ok(())
    }
}

impl<S: Fn(PacketBatch) + Send + Sync> LocalDataTrackManagerDelegate for Host<S> {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.keep(request)
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        (self.sink)(packets);
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

impl<S: Send + Sync> RemoteDataTrackManagerDelegate for Host<S> {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.keep(request)
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

/// A manager that publishes, encrypted when there is a ring.
pub(crate) fn local<S: Fn(PacketBatch) + Send + Sync + 'static>(
    host: &Arc<Host<S>>,
    kind: Kind,
) -> LocalDataTrackManager {
    let host: Arc<dyn LocalDataTrackManagerDelegate> = Arc::clone(host) as _;
    let seal = ring(kind).map(|ring| ring.encryption_provider(None));
    LocalDataTrackManager::new(host, seal, Some(PUBLISHER.into()))
}

/// Publishes so many tracks: the SFU says yes.
pub(crate) fn publishing<S>(
    host: &Host<S>,
    local: &LocalDataTrackManager,
    tracks: usize,
) -> Vec<Arc<LocalDataTrack>> {
    let names = (1..=tracks).map(|number| format!("track-{number:05}"));
    names.map(|name| publish(host, local, DataTrackOptions::new(name))).collect()
}

/// Publishes one track: the SFU says yes.
pub(crate) fn publish<S>(
    host: &Host<S>,
    local: &LocalDataTrackManager,
    options: DataTrackOptions,
) -> Arc<LocalDataTrack> {
    let mut publishing = pin!(local.publish_track(options, None));
    assert!(poll(publishing.as_mut()).is_none(), "nobody has answered yet");
    let request = host.publish_requests().last().expect("a request");
    local.handle_signal_response(encode(accepted(request))).unwrap();
    poll(publishing).expect("answered").unwrap()
}

/// The SFU's yes to a request.
pub(crate) fn accepted(request: livekit::PublishDataTrackRequest) -> Response {
    let info = livekit::DataTrackInfo {
        sid: format!("DTR_{}", request.pub_handle),
        pub_handle: request.pub_handle,
        name: request.name,
        encryption: request.encryption,
        ..Default::default()
    };
    let answer = livekit::PublishDataTrackResponse { info: Some(info) };
    Response::PublishDataTrackResponse(answer)
}

/// A manager that subscribes, and its streams of so many tracks: the n-th under handle n, from 1.
pub(crate) fn subscribed(
    kind: Kind,
    tracks: usize,
    options: &DataTrackSubscribeOptions,
) -> (RemoteDataTrackManager, Vec<Arc<DataTrackStream>>) {
    let remote = remote(kind);
    let numbers = 1..=tracks as u32;
    let tracks: Vec<_> = numbers.map(|number| info(number, kind)).collect();
    let sids: Vec<_> = tracks.iter().map(|track| track.sid.clone()).collect();
    remote.handle_signal_response(encode(announcement(PUBLISHER, tracks))).unwrap();
    let seen = remote.tracks();
    let call = |track: &Arc<RemoteDataTrack>| {
        let track = Arc::clone(track);
        let options = options.clone();
        Box::pin(async move { track.subscribe_with_options(options, None).await })
    };
    let mut calls: Vec<_> = seen.iter().map(call).collect();
    calls.iter_mut().for_each(|call| assert!(poll(call.as_mut()).is_none()));
    remote.handle_signal_response(encode(handles(&sids))).unwrap();
    let streams = calls.iter_mut().map(|call| poll(call.as_mut()).expect("subscribed").unwrap());
    let streams = streams.collect();
    (remote, streams)
}

fn remote(kind: Kind) -> RemoteDataTrackManager {
    let host: Arc<dyn RemoteDataTrackManagerDelegate> = Host::new(|_: PacketBatch| {}) as _;
    let open = ring(kind).map(KeyRing::decryption_provider);
    RemoteDataTrackManager::new(host, open, Some("subscriber".into()))
}

/// A ring with one key for all.
fn ring(kind: Kind) -> Option<Arc<KeyRing>> {
    let options = KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() };
    (kind == Kind::Sealed).then(|| {
        let ring = Arc::new(KeyRing::new(options).unwrap());
        ring.set_shared_key(KEY.to_vec(), 0).unwrap();
        ring
    })
}

/// What an SFU knows of a track.
pub(crate) fn info(pub_handle: u32, kind: Kind) -> livekit::DataTrackInfo {
    use livekit::encryption::Type;
    livekit::DataTrackInfo {
        sid: format!("DTR_{pub_handle}"),
        pub_handle,
        name: format!("track-{pub_handle:05}"),
        encryption: if kind == Kind::Sealed { Type::Gcm } else { Type::None }.into(),
        ..Default::default()
    }
}

/// What the SFU tells of a participant's tracks.
pub(crate) fn announcement(publisher: &str, tracks: Vec<livekit::DataTrackInfo>) -> Response {
    let publisher = livekit::ParticipantInfo {
        sid: format!("PA_{publisher}"),
        identity: publisher.into(),
        state: livekit::participant_info::State::Active.into(),
        data_tracks: tracks,
        ..Default::default()
    };
    Response::Update(livekit::ParticipantUpdate { participants: vec![publisher] })
}

/// The n-th track gets handle n, from 1.
fn handles(sids: &[String]) -> Response {
    let sub_handles = (1..).zip(sids).map(|(handle, sid)| {
        let track = livekit::data_track_subscriber_handles::PublishedDataTrack {
            publisher_identity: PUBLISHER.into(),
            publisher_sid: format!("PA_{PUBLISHER}"),
            track_sid: sid.clone(),
        };
        (handle, track)
    });
    let sub_handles = sub_handles.collect();
    Response::DataTrackSubscriberHandles(livekit::DataTrackSubscriberHandles { sub_handles })
}

pub(crate) fn encode(message: Response) -> Vec<u8> {
    livekit::SignalResponse { message: Some(message) }.encode_to_vec()
}

/// What a future has to say now.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Who publishes everything.
const PUBLISHER: &str = "publisher";
