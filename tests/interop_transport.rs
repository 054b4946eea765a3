//! The transport alone, against a real livekit-server: hand-made signals, hand-made packets, both modes, reconnects.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use datatracks::{
    PacketBatch,
    host::room::{
        EndReason, Interruption, JoinError, Mode, NotSent,
        transport::{JoinOptions, Transport, TransportDelegate, join},
    },
    packet::{Header, Marker},
    signal::{
        self, SignalIn, SignalOut, SubscribedTrack, TrackDescription,
        session::{Response, decode_response},
    },
    track::Handle,
};
use livekit_server::LivekitServer;
use tokio::{sync::mpsc, time::timeout};

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn packets_cross_in_single_mode() {
    packets_cross(Mode::Single, Mode::Single).await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn packets_cross_in_dual_mode() {
    packets_cross(Mode::Dual, Mode::Dual).await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn packets_cross_between_modes() {
    packets_cross(Mode::Single, Mode::Dual).await;
}

async fn packets_cross(publisher_mode: Mode, subscriber_mode: Mode) {
    let server = LivekitServer::start();
    let mut publisher = Participant::join(&server, "alice", publisher_mode).await;
    let mut subscriber = Participant::join(&server, "bob", subscriber_mode).await;
    let track = publisher.publish(1, "poses").await;
    let subscribed = subscriber.subscribe(&track.info.sid).await;
    assert_eq!(subscribed.publisher_identity, "alice");
    for sequence in 0..20 {
        publisher.send_packet(1, sequence, b"payload");
        let packet = subscriber.packet().await;
        let packet = datatracks::packet::decode(&packet).unwrap();
        assert_eq!(packet.header.handle, subscribed.handle);
        assert_eq!((packet.header.sequence, packet.payload), (sequence, &b"payload"[..]));
    }
    publisher.transport.leave().await;
    subscriber.transport.leave().await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_quick_reconnect_keeps_tracks_and_sends_what_waited() {
    for mode in [Mode::Single, Mode::Dual] {
        let server = LivekitServer::start();
        let mut publisher = Participant::join(&server, "alice", mode).await;
        let mut subscriber = Participant::join(&server, "bob", mode).await;
        let track = publisher.publish(1, "poses").await;
        subscriber.subscribe(&track.info.sid).await;

        publisher.transport.cut();
        assert_eq!(publisher.interruption().await, Interruption::Signal);
        publisher.signal(&publish_request(2, "while cut"));
        let published = signal::encode_publish_response(&track);
        publisher.transport.resume(Some(vec![published])).await.unwrap();
        assert_eq!(publisher.publish_response().await.info.name, "while cut");
        publisher.deliver(&mut subscriber, 1).await;

        subscriber.transport.cut();
        assert_eq!(subscriber.interruption().await, Interruption::Signal);
        subscriber.transport.resume(Some(Vec::new())).await.unwrap();
        publisher.deliver(&mut subscriber, 1).await;
        publisher.transport.leave().await;
        subscriber.transport.leave().await;
    }
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn an_unknown_track_in_the_sync_state_asks_for_a_new_join() {
    let server = LivekitServer::start();
    let mut alice = Participant::join(&server, "alice", Mode::Single).await;
    let mut track = alice.publish(1, "poses").await;
    track.info.sid = "DTR_nobodyknows".into();
    alice.transport.cut();
    assert_eq!(alice.interruption().await, Interruption::Signal);
    alice.transport.resume(Some(vec![signal::encode_publish_response(&track)])).await.ok();
    assert_eq!(alice.interruption().await, Interruption::Rejoin);
    alice.transport.abandon().await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn the_same_identity_ends_the_older_session() {
    let server = LivekitServer::start();
    let mut first = Participant::join(&server, "alice", Mode::Single).await;
    let second = Participant::join(&server, "alice", Mode::Single).await;
    let ended = Interruption::Ended(EndReason::DuplicateIdentity);
    assert_eq!(first.interruption().await, ended);
    first.transport.leave().await;
    assert_eq!(first.transport.send_signal(Vec::new()), Err(NotSent::NotConnected));
    second.transport.leave().await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_wrong_secret_is_refused_as_such() {
    let server = LivekitServer::start();
    let token = datatracks::host::room::ApiKey::new(livekit_server::KEY, "wrong")
        .sign(&datatracks::host::room::Grants::new("eve", "lab"));
    let options = JoinOptions { server: server.address(), token, mode: None };
    assert!(matches!(join(&options).await, Err(JoinError::Unauthorized { .. })));
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_server_without_data_tracks_closes_the_channel() {
    let server = LivekitServer::start_with("enable_data_tracks: false");
    let mut alice = Participant::begin(&server, "alice", Mode::Single).await;
    assert_eq!(alice.interruption().await, Interruption::Channel);
    alice.transport.leave().await;
}

struct Participant {
    transport: Transport,
    signals: mpsc::UnboundedReceiver<Vec<u8>>,
    packets: mpsc::UnboundedReceiver<Vec<u8>>,
    interruptions: mpsc::UnboundedReceiver<Interruption>,
}

impl Participant {
    async fn join(server: &LivekitServer, identity: &str, mode: Mode) -> Self {
        let begun = Instant::now();
        let participant = Self::begin(server, identity, mode).await;
        let joined = begun.elapsed();
        participant.transport.wait_until_open(LIMIT).await.unwrap();
        eprintln!("{identity}: {mode:?}: joined in {joined:?}, open after {:?}", begun.elapsed());
        participant
    }

    async fn begin(server: &LivekitServer, identity: &str, mode: Mode) -> Self {
        let options = JoinOptions {
            server: server.address(),
            token: server.token(identity, "lab"),
            mode: Some(mode),
        };
        let (transport, session) = join(&options).await.unwrap();
        assert_eq!(session.joined().participant.as_ref().unwrap().identity, identity);
        let (signal_sender, signals) = mpsc::unbounded_channel();
        let (packet_sender, packets) = mpsc::unbounded_channel();
        let (interruption_sender, interruptions) = mpsc::unbounded_channel();
        session.start(Arc::new(Inbox { signal_sender, packet_sender, interruption_sender }));
        Self { transport, signals, packets, interruptions }
    }

    fn signal(&self, request: &SignalOut) {
        self.transport.send_signal(request.encode()).unwrap();
    }

    async fn publish(&mut self, handle: u16, name: &str) -> TrackDescription {
        self.signal(&publish_request(handle, name));
        self.publish_response().await
    }

    async fn publish_response(&mut self) -> TrackDescription {
        loop {
            if let SignalIn::PublishResponse(track) = self.next_signal().await {
                return track;
            }
        }
    }

    async fn subscribe(&mut self, track_sid: &str) -> SubscribedTrack {
        let track_sid = track_sid.to_owned();
        self.signal(&SignalOut::UpdateSubscription { track_sid, subscribe: true });
        loop {
            if let SignalIn::SubscriberHandles(tracks) = self.next_signal().await {
                return tracks[0].clone();
            }
        }
    }

    async fn next_signal(&mut self) -> SignalIn {
        loop {
            let bytes = timeout(LIMIT, self.signals.recv()).await.expect("a signal").unwrap();
            if let Some(message) = signal::decode(&bytes, |_| true).unwrap().message {
                return message;
            }
        }
    }

    fn send_packet(&self, handle: u16, sequence: u16, payload: &[u8]) {
        self.transport.send_packets(packet(handle, sequence, payload)).unwrap();
    }

    async fn packet(&mut self) -> Vec<u8> {
        timeout(LIMIT, self.packets.recv()).await.expect("a packet").unwrap()
    }

    /// Sends until something arrives: packets on the way through a reconnect may be lost.
    async fn deliver(&self, to: &mut Participant, handle: u16) {
        let arrived = async {
            for sequence in 0.. {
                self.transport.send_packets(packet(handle, sequence, b"again")).ok();
                let waited = timeout(Duration::from_millis(100), to.packets.recv()).await;
                if waited.is_ok() {
                    return;
                }
            }
        };
        timeout(LIMIT, arrived).await.expect("packets arrive again");
    }

    async fn interruption(&mut self) -> Interruption {
        timeout(LIMIT, self.interruptions.recv()).await.expect("an interruption").unwrap()
    }
}

struct Inbox {
    signal_sender: mpsc::UnboundedSender<Vec<u8>>,
    packet_sender: mpsc::UnboundedSender<Vec<u8>>,
    interruption_sender: mpsc::UnboundedSender<Interruption>,
}

impl TransportDelegate for Inbox {
    fn on_signal_response(&self, response: Vec<u8>) {
        if let Ok(Some(Response::Join(_))) = decode_response(&response) {
            return;
        }
        self.signal_sender.send(response).ok();
    }

    fn on_packet_received(&self, packet: &[u8]) {
        self.packet_sender.send(packet.to_vec()).ok();
    }

    fn on_buffered_amount(&self, _bytes: u64) {}

    fn on_interrupted(&self, interruption: Interruption) {
        self.interruption_sender.send(interruption).ok();
    }
}

fn publish_request(handle: u16, name: &str) -> SignalOut {
    SignalOut::Publish {
        handle: Handle::new(handle).unwrap(),
        name: name.into(),
        encrypted: false,
        frame_encoding: None,
        schema: None,
    }
}

fn packet(handle: u16, sequence: u16, payload: &[u8]) -> PacketBatch {
    let header = Header {
        marker: Marker::Single,
        handle: Handle::new(handle).unwrap(),
        sequence,
        frame_number: sequence,
        timestamp: 0,
        extensions: Default::default(),
    };
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    bytes.extend_from_slice(payload);
    let stride = bytes.len();
    PacketBatch::new(bytes.into(), stride)
}

const LIMIT: Duration = Duration::from_secs(10);
