//! A participant with a transport and no managers: hand-made signals, hand-made packets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub
)]

use std::{sync::Arc, time::Duration};

use datatracks::{
    PacketBatch,
    host::{
        room::{
            ApiKey, Grants, Interruption, ServerAddress,
            transport::{JoinOptions, Transport, TransportDelegate, join},
        },
        sfu::{
            Rooms,
            listen::{Limits, Server, ServerOptions},
        },
    },
    packet::{Header, Marker},
    signal::{
        self, SignalIn, SignalOut, SubscribedTrack, TrackDescription,
        session::{Response, decode_response},
    },
    track::Handle,
};
use tokio::{sync::mpsc, time::timeout};

pub struct Participant {
    pub transport: Transport,
    signals: mpsc::UnboundedReceiver<Vec<u8>>,
    pub packets: mpsc::UnboundedReceiver<Vec<u8>>,
    interruptions: mpsc::UnboundedReceiver<Interruption>,
}

impl Participant {
    /// Joins, and waits until packets can be sent.
    pub async fn join(options: &JoinOptions) -> Self {
        let participant = Self::begin(options).await;
        participant.transport.wait_until_open(LIMIT).await.unwrap();
        participant
    }

    pub async fn begin(options: &JoinOptions) -> Self {
        let (transport, session) = join(options).await.unwrap();
        let (signal_sender, signals) = mpsc::unbounded_channel();
        let (packet_sender, packets) = mpsc::unbounded_channel();
        let (interruption_sender, interruptions) = mpsc::unbounded_channel();
        session.start(Arc::new(Inbox { signal_sender, packet_sender, interruption_sender }));
        Self { transport, signals, packets, interruptions }
    }

    pub fn signal(&self, request: &SignalOut) {
        self.transport.send_signal(request.encode()).unwrap();
    }

    pub async fn publish(&mut self, handle: u16, name: &str) -> TrackDescription {
        self.signal(&publish_request(handle, name));
        self.publish_response().await
    }

    pub async fn publish_response(&mut self) -> TrackDescription {
        loop {
            if let SignalIn::PublishResponse(track) = self.next_signal().await {
                return track;
            }
        }
    }

    pub async fn subscribe(&mut self, track_sid: &str) -> SubscribedTrack {
        let track_sid = track_sid.to_owned();
        self.signal(&SignalOut::UpdateSubscription { track_sid, subscribe: true });
        loop {
            if let SignalIn::SubscriberHandles(tracks) = self.next_signal().await {
                return tracks[0].clone();
            }
        }
    }

    /// Waits until a participant has gone.
    pub async fn departure(&mut self) -> signal::Participant {
        loop {
            if let SignalIn::Update(participants) = self.next_signal().await {
                let mut departed = participants.into_iter().filter(|other| !other.connected);
                if let Some(departed) = departed.next() {
                    return departed;
                }
            }
        }
    }

    pub async fn next_signal(&mut self) -> SignalIn {
        loop {
            let bytes = timeout(LIMIT, self.signals.recv()).await.expect("a signal").unwrap();
            if let Some(message) = signal::decode(&bytes, |_| true).unwrap().message {
                return message;
            }
        }
    }

    pub fn send_packet(&self, handle: u16, sequence: u16, payload: &[u8]) {
        self.transport.send_packets(packet(handle, sequence, payload)).unwrap();
    }

    pub async fn packet(&mut self) -> Vec<u8> {
        timeout(LIMIT, self.packets.recv()).await.expect("a packet").unwrap()
    }

    /// Sends until something arrives: packets on the way through a reconnect may be lost.
    pub async fn deliver(&self, to: &mut Participant, handle: u16) {
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

    pub async fn interruption(&mut self) -> Interruption {
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

pub fn publish_request(handle: u16, name: &str) -> SignalOut {
    SignalOut::Publish {
        handle: Handle::new(handle).unwrap(),
        name: name.into(),
        encrypted: false,
        frame_encoding: None,
        schema: None,
    }
}

pub fn packet(handle: u16, sequence: u16, payload: &[u8]) -> PacketBatch {
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

pub const LIMIT: Duration = Duration::from_secs(30);

/// An SFU for participants.
pub async fn start_within(limits: Limits, rooms: Rooms) -> Server {
    let address = ([127, 0, 0, 1], 0).into();
    let key = ApiKey::new(KEY, SECRET);
    Server::start(ServerOptions { address, key, rooms, limits, site: None }).await.unwrap()
}

/// How one joins it.
pub fn options(server: &Server, identity: &str) -> JoinOptions {
    let token = ApiKey::new(KEY, SECRET).sign(&Grants::new(identity, "lab"));
    let address = ServerAddress::parse(&format!("ws://{}", server.address())).unwrap();
    JoinOptions::new(address, token)
}

pub const KEY: &str = "testkey";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
