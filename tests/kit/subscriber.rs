//! A subscriber's manager with a recording host, a clock that stands still, and the SFU's side of the conversation.
#![allow(dead_code, unreachable_pub)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use datatracks::{
    packet::{Encryption, Extensions, Header, MTU, Marker},
    *,
};
use livekit_protocol::{
    self as livekit, data_track_subscriber_handles::PublishedDataTrack,
    signal_request::Message as Request, signal_response::Message as Response,
};
use prost::Message as _;

use super::{
    chance::Chance,
    task::{Task, poll_once},
};

pub const MS: Duration = Duration::from_millis(1);
pub const TICK: Duration = Duration::from_nanos(1);

/// What the host was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Subscribe(String),
    Unsubscribe(String),
    Published(String),
    Unpublished(String, UnpublishReason),
    Changed(String, SubscriptionState),
}

type Hook = Box<dyn Fn(&Event) -> Result<(), DelegateError> + Send + Sync>;

/// Records, and then does what the hook says.
#[derive(Default)]
pub struct Host {
    events: Mutex<Vec<Event>>,
    hook: Mutex<Option<Arc<Hook>>>,
}

impl Host {
    /// What was told since the last call.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    pub fn on_event(
        &self,
        hook: impl Fn(&Event) -> Result<(), DelegateError> + Send + Sync + 'static,
    ) {
        *self.hook.lock().unwrap() = Some(Arc::new(Box::new(hook)));
    }

    /// Throws at whatever matches.
    pub fn throw_at(&self, matches: impl Fn(&Event) -> bool + Send + Sync + 'static) {
        self.on_event(move |event| match matches(event) {
            true => Err(DelegateError::Failed),
            false => Ok(()),
        });
    }

    pub fn stop_throwing(&self) {
        *self.hook.lock().unwrap() = None;
    }

    fn tell(&self, event: Event) -> Result<(), DelegateError> {
        self.events.lock().unwrap().push(event.clone());
        let hook = self.hook.lock().unwrap().clone();
        hook.map_or(Ok(()), |hook| hook(&event))
    }
}

impl RemoteDataTrackManagerDelegate for Host {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        let request = livekit::SignalRequest::decode(&*request).unwrap();
        let Some(Request::UpdateDataSubscription(request)) = request.message else {
            panic!("unexpected request {request:?}")
        };
        let update = request.updates.into_iter().next().unwrap();
        self.tell(match update.subscribe {
            true => Event::Subscribe(update.track_sid),
            false => Event::Unsubscribe(update.track_sid),
        })
    }

    fn on_track_published(&self, track: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        self.tell(Event::Published(track.info().name))
    }

    fn on_track_unpublished(
        &self,
        track: Arc<RemoteDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.tell(Event::Unpublished(track.info().name, reason))
    }

    fn on_subscription_changed(
        &self,
        track: Arc<RemoteDataTrack>,
        state: SubscriptionState,
    ) -> Result<(), DelegateError> {
        self.tell(Event::Changed(track.info().name, state))
    }
}

/// The manager under test. Its identity is "me".
pub struct Subscriber {
    pub clock: Arc<Environment>,
    pub host: Arc<Host>,
    pub manager: Arc<RemoteDataTrackManager>,
}

impl Subscriber {
    pub fn new() -> Self {
        Self::with(None, Some("me"))
    }

    pub fn with(provider: Option<Arc<dyn DecryptionProvider>>, identity: Option<&str>) -> Self {
        let clock = Environment::simulated(Box::new(Chance::new(1)));
        let host = Arc::new(Host::default());
        let manager = RemoteDataTrackManager::with_environment(
            Arc::clone(&clock),
            host.clone(),
            provider,
            identity.map(Into::into),
        );
        Self { clock, host, manager: Arc::new(manager) }
    }

    pub fn signal(&self, response: Response) {
        let outcome = self.manager.handle_signal_response(encode(response));
        assert_eq!(outcome, Ok(SignalOutcome::Handled));
    }

    pub fn join(&self, others: Vec<livekit::ParticipantInfo>) {
        self.signal(join("me", others));
    }

    pub fn update(&self, participants: Vec<livekit::ParticipantInfo>) {
        self.signal(update(participants));
    }

    /// A snapshot of handles and SIDs.
    pub fn handles(&self, handles: &[(u32, &str)]) {
        self.signal(self::handles(handles));
    }

    pub fn permission(&self, sid: &str, allowed: bool) {
        self.signal(permission(sid, allowed));
    }

    pub fn track(&self, name: &str) -> Arc<RemoteDataTrack> {
        let tracks = self.manager.tracks();
        tracks.into_iter().find(|track| track.info().name == name).expect("published")
    }

    /// Begins to subscribe.
    pub fn subscribe(
        &self,
        name: &str,
        options: DataTrackSubscribeOptions,
    ) -> Task<Result<Arc<DataTrackStream>, SubscribeError>> {
        let track = self.track(name);
        Task::begin(async move { track.subscribe_with_options(options, None).await })
    }

    /// The track "data" of "bob" (SID DTR_1), subscribed to under handle 7, and no event left to take.
    pub fn reading(&self, options: DataTrackSubscribeOptions) -> Arc<DataTrackStream> {
        self.reading_track(options, false)
    }

    pub fn reading_track(
        &self,
        options: DataTrackSubscribeOptions,
        encrypted: bool,
    ) -> Arc<DataTrackStream> {
        let mut track = track(1, "DTR_1", "data");
        track.encryption = i32::from(encrypted);
        self.update(vec![participant("bob", vec![track])]);
        let subscribing = self.subscribe("data", options);
        self.handles(&[(7, "DTR_1")]);
        let stream = subscribing.finish().unwrap();
        self.host.take();
        stream
    }

    pub fn feed<P: AsRef<[u8]>>(&self, packets: impl IntoIterator<Item = P>) {
        for packet in packets {
            self.manager.handle_packet_received(packet.as_ref());
        }
    }
}

/// Of a stream that keeps so many frames.
pub fn options(buffer_frames: u32) -> DataTrackSubscribeOptions {
    DataTrackSubscribeOptions { buffer_frames, ..Default::default() }
}

pub fn encode(response: Response) -> Vec<u8> {
    livekit::SignalResponse { message: Some(response) }.encode_to_vec()
}

pub fn participant(
    identity: &str,
    data_tracks: Vec<livekit::DataTrackInfo>,
) -> livekit::ParticipantInfo {
    livekit::ParticipantInfo {
        sid: format!("PA_{identity}"),
        identity: identity.into(),
        state: 2,
        data_tracks,
        ..Default::default()
    }
}

pub fn left(identity: &str) -> livekit::ParticipantInfo {
    livekit::ParticipantInfo { state: 3, ..participant(identity, vec![]) }
}

/// A participant whose connection broke: `SIGNAL_CLOSE`.
pub fn lost(identity: &str) -> livekit::ParticipantInfo {
    livekit::ParticipantInfo { disconnect_reason: 9, ..left(identity) }
}

/// A participant in another session than its first.
pub fn returned(
    identity: &str,
    session: u32,
    data_tracks: Vec<livekit::DataTrackInfo>,
) -> livekit::ParticipantInfo {
    let sid = format!("PA_{identity}_{session}");
    livekit::ParticipantInfo { sid, ..participant(identity, data_tracks) }
}

pub fn track(handle: u32, sid: &str, name: &str) -> livekit::DataTrackInfo {
    livekit::DataTrackInfo {
        pub_handle: handle,
        sid: sid.into(),
        name: name.into(),
        ..Default::default()
    }
}

pub fn join(me: &str, others: Vec<livekit::ParticipantInfo>) -> Response {
    Response::Join(livekit::JoinResponse {
        participant: Some(participant(me, vec![])),
        other_participants: others,
        ..Default::default()
    })
}

pub fn update(participants: Vec<livekit::ParticipantInfo>) -> Response {
    Response::Update(livekit::ParticipantUpdate { participants })
}

pub fn handles(handles: &[(u32, &str)]) -> Response {
    let published = |sid: &str| PublishedDataTrack {
        publisher_identity: "bob".into(),
        publisher_sid: "PA_bob".into(),
        track_sid: sid.into(),
    };
    let sub_handles = handles.iter().map(|(handle, sid)| (*handle, published(sid))).collect();
    Response::DataTrackSubscriberHandles(livekit::DataTrackSubscriberHandles { sub_handles })
}

pub fn permission(sid: &str, allowed: bool) -> Response {
    Response::SubscriptionPermissionUpdate(livekit::SubscriptionPermissionUpdate {
        participant_sid: "PA_bob".into(),
        track_sid: sid.into(),
        allowed,
    })
}

/// Makes the packets of one track as a publisher's SDK does, under the subscriber's handle.
#[derive(Clone)]
pub struct Packets {
    pub handle: u16,
    pub sequence: u16,
    pub number: u16,
    pub mtu: usize,
}

impl Default for Packets {
    fn default() -> Self {
        Self { handle: 7, sequence: 0, number: 0, mtu: MTU }
    }
}

impl Packets {
    /// The next frame's packets, with its number as user timestamp.
    pub fn frame(&mut self, payload: &[u8]) -> Vec<Vec<u8>> {
        let user_timestamp = Some(self.number.into());
        self.frame_with(payload, Extensions { user_timestamp, encryption: None })
    }

    pub fn sealed(&mut self, bytes: &[u8], encryption: Encryption) -> Vec<Vec<u8>> {
        let user_timestamp = Some(self.number.into());
        self.frame_with(bytes, Extensions { user_timestamp, encryption: Some(encryption) })
    }

    pub fn frame_with(&mut self, payload: &[u8], extensions: Extensions) -> Vec<Vec<u8>> {
        let room = self.mtu - extensions.header_len();
        let mut chunks: Vec<_> = payload.chunks(room).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let last = chunks.len() - 1;
        let packets = chunks.iter().enumerate().map(|(index, chunk)| {
            let marker = match (index == 0, index == last) {
                (true, true) => Marker::Single,
                (true, false) => Marker::Start,
                (false, false) => Marker::Inter,
                (false, true) => Marker::Final,
            };
            let header = Header {
                marker,
                handle: self.handle.try_into().unwrap(),
                sequence: self.sequence.wrapping_add(index as u16),
                frame_number: self.number,
                timestamp: 0,
                extensions,
            };
            let mut packet = Vec::new();
            header.encode(&mut packet);
            packet.extend_from_slice(chunk);
            packet
        });
        let packets = packets.collect();
        self.sequence = self.sequence.wrapping_add(chunks.len() as u16);
        self.number = self.number.wrapping_add(1);
        packets
    }
}

/// All frames that can be read now.
pub fn read_all(stream: &DataTrackStream) -> Vec<DataTrackFrame> {
    std::iter::from_fn(|| poll_once(stream.next(None))?.unwrap()).collect()
}

/// The numbers of all frames that can be read now.
pub fn read_numbers(stream: &DataTrackStream) -> Vec<u64> {
    read_all(stream).into_iter().map(|frame| frame.user_timestamp.unwrap()).collect()
}
