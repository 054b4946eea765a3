//! A local manager in virtual time, a host that records what it is asked to do, and an SFU that says what a test wants.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::large_enum_variant,
    clippy::mutable_key_type,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

pub mod leaving;
pub mod listing;
pub mod pushing;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use datatracks::{
    CancelToken, DataTrackFrame, DataTrackOptions, DelegateError, EncryptionProvider, Environment,
    LocalDataTrack, LocalDataTrackManager, LocalDataTrackManagerDelegate, PacketBatch,
    PublishError, UnpublishReason,
    packet::{self, Header},
    random::Random,
};
use livekit_protocol as proto;
use prost::Message;
use proto::{
    request_response::{Reason, Request as Echo},
    signal_request::Message as Asked,
    signal_response::Message as Answer,
};

pub const ALICE: &str = "alice";

/// What the host was asked to do, in order.
#[derive(Clone, Debug)]
pub enum Event {
    Request(Asked),
    Packets(Vec<Vec<u8>>),
    Published(Arc<LocalDataTrack>),
    Unpublished(Arc<LocalDataTrack>, UnpublishReason),
}

type Hook = Arc<dyn Fn(&Event) -> Result<(), DelegateError> + Send + Sync>;

/// The host.
#[derive(Default)]
pub struct Host {
    events: Mutex<Vec<Event>>,
    hook: Mutex<Option<Hook>>,
    pub refuses_signals: AtomicBool,
    pub refuses_packets: AtomicBool,
}

impl Host {
    /// Does this in every callback, and throws what it answers.
    pub fn on_every(
        &self,
        hook: impl Fn(&Event) -> Result<(), DelegateError> + Send + Sync + 'static,
    ) {
        *self.hook.lock().unwrap() = Some(Arc::new(hook));
    }

    pub fn off(&self) {
        *self.hook.lock().unwrap() = None;
    }

    /// Everything since it was last asked.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Takes only the requests out.
    pub fn requests(&self) -> Vec<Asked> {
        let mut events = self.events.lock().unwrap();
        let (requests, others): (Vec<_>, Vec<_>) =
            events.drain(..).partition(|event| matches!(event, Event::Request(_)));
        *events = others;
        requests
            .into_iter()
            .map(|event| match event {
                Event::Request(request) => request,
                _ => unreachable!(),
            })
            .collect()
    }

    /// Takes only the callbacks with packets out.
    pub fn packets(&self) -> Vec<Vec<Vec<u8>>> {
        let mut events = self.events.lock().unwrap();
        let (packets, others): (Vec<_>, Vec<_>) =
            events.drain(..).partition(|event| matches!(event, Event::Packets(_)));
        *events = others;
        packets
            .into_iter()
            .map(|event| match event {
                Event::Packets(packets) => packets,
                _ => unreachable!(),
            })
            .collect()
    }

    fn note(&self, event: Event, refuses: bool) -> Result<(), DelegateError> {
        let hook = self.hook.lock().unwrap().clone();
        let answer = hook.map_or(Ok(()), |hook| hook(&event));
        self.events.lock().unwrap().push(event);
        if refuses { Err(DelegateError::Failed) } else { answer }
    }
}

impl LocalDataTrackManagerDelegate for Host {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        let request = proto::SignalRequest::decode(&*request).unwrap().message.unwrap();
        self.note(Event::Request(request), self.refuses_signals.load(Ordering::SeqCst))
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        let packets = packets.iter().map(<[u8]>::to_vec).collect();
        self.note(Event::Packets(packets), self.refuses_packets.load(Ordering::SeqCst))
    }

    fn on_track_published(&self, track: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        self.note(Event::Published(track), false)
    }

    fn on_track_unpublished(
        &self,
        track: Arc<LocalDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.note(Event::Unpublished(track, reason), false)
    }
}

/// Bytes that count up: random enough to be told apart.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

/// A manager and its surroundings.
pub struct Rig {
    pub environment: Arc<Environment>,
    pub host: Arc<Host>,
    pub manager: Arc<LocalDataTrackManager>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(None, Some(ALICE))
    }

    pub fn with(provider: Option<Arc<dyn EncryptionProvider>>, identity: Option<&str>) -> Self {
        Self::on(Environment::simulated(Box::new(Counting(0))), provider, identity)
    }

    pub fn on(
        environment: Arc<Environment>,
        provider: Option<Arc<dyn EncryptionProvider>>,
        identity: Option<&str>,
    ) -> Self {
        let host = Arc::new(Host::default());
        let manager = LocalDataTrackManager::with_environment(
            Arc::clone(&environment),
            Arc::clone(&host) as _,
            provider,
            identity.map(str::to_owned),
        );
        Self { environment, host, manager: Arc::new(manager) }
    }

    pub fn advance_ms(&self, ms: u64) {
        self.environment.advance(Duration::from_millis(ms));
    }

    pub fn publishing(
        &self,
        options: DataTrackOptions,
    ) -> Waiting<Result<Arc<LocalDataTrack>, PublishError>> {
        self.publishing_with(options, None)
    }

    /// A publication whose request has left.
    pub fn publishing_with(
        &self,
        options: DataTrackOptions,
        cancel: Option<Arc<CancelToken>>,
    ) -> Waiting<Result<Arc<LocalDataTrack>, PublishError>> {
        let manager = Arc::clone(&self.manager);
        let mut waiting = Waiting::new(async move { manager.publish_track(options, cancel).await });
        waiting.look();
        waiting
    }

    /// A track that is published; what that took is taken from the events.
    pub fn published(&self, options: DataTrackOptions) -> Arc<LocalDataTrack> {
        let mut publishing = self.publishing(options);
        let request = only_publish(&self.host.requests());
        self.answer(published(&request, "DTR_1"));
        let track = publishing.ready().unwrap();
        self.host.take();
        track
    }

    pub fn track(&self, name: &str) -> Arc<LocalDataTrack> {
        self.published(DataTrackOptions::new(name))
    }

    pub fn answer(&self, answer: Answer) -> datatracks::SignalOutcome {
        self.manager.handle_signal_response(bytes(answer)).unwrap()
    }
}

/// Counts how often it is woken.
#[derive(Default)]
pub struct Count(pub AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that is polled by hand. It keeps its result until it is asked for.
pub struct Waiting<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    result: Option<T>,
    /// Since it was last seen to wait; `None` when it never was.
    woken: Option<Arc<Count>>,
}

impl<T> Waiting<T> {
    pub fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Box::pin(future), result: None, woken: None }
    }

    /// True when it is done.
    pub fn look(&mut self) -> bool {
        if self.result.is_none() {
            let count = Arc::new(Count::default());
            let waker = Waker::from(Arc::clone(&count));
            match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => self.result = Some(result),
                Poll::Pending => self.woken = Some(count),
            }
        }
        self.result.is_some()
    }

    /// Its result. When it had to wait, somebody must have woken it.
    pub fn ready(&mut self) -> T {
        let is_woken = |count: &Arc<Count>| count.0.load(Ordering::SeqCst) > 0;
        let is_called = self.result.is_some() || self.woken.as_ref().is_none_or(is_woken);
        assert!(is_called, "nobody woke it");
        assert!(self.look(), "still waiting");
        self.result.take().unwrap()
    }

    pub fn is_pending(&mut self) -> bool {
        !self.look()
    }
}

pub fn bytes(answer: Answer) -> Vec<u8> {
    proto::SignalResponse { message: Some(answer) }.encode_to_vec()
}

pub fn only_publish(requests: &[Asked]) -> proto::PublishDataTrackRequest {
    match requests {
        [Asked::PublishDataTrackRequest(request)] => request.clone(),
        others => panic!("not one publish request: {others:?}"),
    }
}

/// Handles of the unpublish requests; there may be no others.
pub fn unpublishes(requests: &[Asked]) -> Vec<u32> {
    let handle = |request: &Asked| match request {
        Asked::UnpublishDataTrackRequest(request) => request.pub_handle,
        other => panic!("not an unpublish request: {other:?}"),
    };
    requests.iter().map(handle).collect()
}

pub fn info(request: &proto::PublishDataTrackRequest, sid: &str) -> proto::DataTrackInfo {
    proto::DataTrackInfo {
        pub_handle: request.pub_handle,
        sid: sid.into(),
        name: request.name.clone(),
        encryption: request.encryption,
        frame_encoding: request.frame_encoding.clone(),
        schema: request.schema.clone(),
    }
}

pub fn published(request: &proto::PublishDataTrackRequest, sid: &str) -> Answer {
    Answer::PublishDataTrackResponse(proto::PublishDataTrackResponse {
        info: Some(info(request, sid)),
    })
}

pub fn unpublished(info: proto::DataTrackInfo) -> Answer {
    Answer::UnpublishDataTrackResponse(proto::UnpublishDataTrackResponse { info: Some(info) })
}

pub fn refused(request: &proto::PublishDataTrackRequest, reason: Reason) -> Answer {
    Answer::RequestResponse(proto::RequestResponse {
        request_id: 0,
        reason: reason.into(),
        message: "no".into(),
        request: Some(Echo::PublishDataTrack(request.clone())),
    })
}

pub fn unpublish_refused(handle: u32, reason: Reason) -> Answer {
    let echo = proto::UnpublishDataTrackRequest { pub_handle: handle };
    Answer::RequestResponse(proto::RequestResponse {
        request_id: 0,
        reason: reason.into(),
        message: "no".into(),
        request: Some(Echo::UnpublishDataTrack(echo)),
    })
}

pub fn participant(
    identity: &str,
    sid: &str,
    tracks: Vec<proto::DataTrackInfo>,
) -> proto::ParticipantInfo {
    proto::ParticipantInfo {
        identity: identity.into(),
        sid: sid.into(),
        state: 2,
        permission: Some(proto::ParticipantPermission {
            can_publish_data: true,
            ..Default::default()
        }),
        data_tracks: tracks,
        ..Default::default()
    }
}

pub fn forbidden(mut participant: proto::ParticipantInfo) -> proto::ParticipantInfo {
    participant.permission = Some(proto::ParticipantPermission::default());
    participant
}

pub fn update(participants: Vec<proto::ParticipantInfo>) -> Answer {
    Answer::Update(proto::ParticipantUpdate { participants })
}

pub fn join(local: proto::ParticipantInfo) -> Answer {
    Answer::Join(proto::JoinResponse { participant: Some(local), ..Default::default() })
}

pub fn named(name: &str) -> DataTrackOptions {
    DataTrackOptions::new(name)
}

pub fn frame(bytes: usize) -> DataTrackFrame {
    DataTrackFrame::new(vec![7; bytes])
}

pub fn header(packet: &[u8]) -> Header {
    packet::decode(packet).unwrap().header
}

/// Sent, waiting and dropped frames are those that were accepted.
pub fn assert_adds_up(track: &LocalDataTrack) {
    let stats = track.stats();
    let dropped = stats.frames_dropped_full
        + stats.frames_dropped_expired
        + stats.frames_dropped_unpublished
        + stats.frames_dropped_not_sent;
    assert_eq!(
        stats.frames_accepted,
        stats.frames_sent + stats.frames_waiting + dropped,
        "{stats:?}"
    );
    assert_eq!(stats.frames_waiting == 0, stats.bytes_waiting == 0, "{stats:?}");
}
