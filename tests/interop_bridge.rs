//! The plain protocol in front of a real livekit-server: a host of twenty lines, its reconnects, and what is refused.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_server;

use std::{future::pending, net::SocketAddr, time::Duration};

use datatracks::{
    host::{
        bridge::Bridge,
        plain::{Control, DropMode, Hello, Kind, Limits, Message, Permissions},
        room::ApiKey,
    },
    packet::{Header, Marker, decode},
    signal::{
        self, RefusalReason, SignalIn, SignalOut,
        session::{
            LeaveRequest, ParticipantUpdate, Request, Response, SyncState, decode_response,
            encode_request, leave_action, participant_state,
        },
    },
    track::Handle,
};
use livekit_server::{KEY, LivekitServer, SECRET};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout, timeout_at},
};

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn signals_and_packets_pass_both_ways() {
    let (_server, bridge) = bridge().await;
    let mut alice = Plain::join(bridge, "alice").await;
    let mut bob = Plain::join(bridge, "bob").await;
    let sid = alice.publish().await;
    bob.subscribe(&sid).await;
    for sequence in 0..10 {
        alice.send_packet(sequence, &[7; 1000]).await;
        assert_eq!(bob.packet().await, (sequence, vec![7; 1000]));
    }
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_dropped_session_comes_back_quickly() {
    let (_server, bridge) = bridge().await;
    let mut alice = Plain::join(bridge, "alice").await;
    let mut bob = Plain::join(bridge, "bob").await;
    let sid = alice.publish().await;
    bob.subscribe(&sid).await;
    alice.control(Control::DropSession { mode: DropMode::Quick }).await;
    assert_eq!(alice.reply().await, br#"{"ok":true}"#);
    alice.wait_for_end().await;

    let mut alice = Plain::hello(bridge, "alice", true, Permissions::default()).await;
    assert!(matches!(alice.response().await, Response::Reconnect(_)));
    alice.request(Request::SyncState(SyncState::default())).await;
    loop {
        if let Response::Update(update) = alice.response().await {
            assert!(update.participants.iter().any(|participant| participant.identity == "alice"));
            break;
        }
    }
    alice.send_packet(0, b"again").await;
    assert_eq!(bob.packet().await, (0, b"again".to_vec()));
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_lost_connection_can_be_resumed_and_a_removed_participant_cannot() {
    let (_server, bridge) = bridge().await;
    drop(Plain::join(bridge, "alice").await);
    let mut alice = Plain::hello(bridge, "alice", true, Permissions::default()).await;
    let response = alice.response().await;
    assert!(matches!(response, Response::Reconnect(_)), "{response:?}");

    alice.control(Control::DropSession { mode: DropMode::Full }).await;
    alice.wait_for_end().await;
    let mut alice = Plain::hello(bridge, "alice", true, Permissions::default()).await;
    let Response::Leave(LeaveRequest { action, .. }) = alice.response().await else { panic!() };
    assert_eq!(action, leave_action::RECONNECT);
    alice.wait_for_end().await;
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn who_is_lost_again_while_it_comes_back_comes_back_all_the_same() {
    let (_server, bridge) = bridge().await;
    drop(Plain::join(bridge, "alice").await);
    for _ in 0..20 {
        let mut alice = Plain::hello(bridge, "alice", true, Permissions::default()).await;
        let response = alice.response().await;
        assert!(matches!(response, Response::Reconnect(_)), "{response:?}");
        // Of two that come at once the later one may be the one that is left.
        drop(Plain::hello(bridge, "alice", true, Permissions::default()).await);
    }
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn whoever_a_frozen_server_has_cut_off_comes_back_quickly() {
    let (server, bridge) = bridge().await;
    // The server itself may have given up the participant when it is thawed.
    for _ in 0..3 {
        let mut alice = Plain::join(bridge, "alice").await;
        // Answered when the peers have found each other.
        alice.publish().await;
        server.freeze();
        alice.wait_for_end().await;
        server.thaw();
        let mut alice = Plain::hello(bridge, "alice", true, Permissions::default()).await;
        if matches!(alice.response().await, Response::Reconnect(_)) {
            return;
        }
    }
    panic!("alice cannot come back");
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn who_leaves_is_gone_at_once() {
    let (_server, bridge) = bridge().await;
    let mut alice = Plain::join(bridge, "alice").await;
    let mut bob = Plain::join(bridge, "bob").await;
    alice.publish().await;
    alice.request(Request::Leave(LeaveRequest::default())).await;
    drop(alice);
    let gone = async {
        while !matches!(bob.response().await, Response::Update(update) if is_without_alice(&update))
        {
        }
    };
    timeout(WELL_BELOW_PARKING, gone).await.expect("alice gone");
}

fn is_without_alice(update: &ParticipantUpdate) -> bool {
    update.participants.iter().any(|participant| {
        participant.identity == "alice" && participant.state == participant_state::DISCONNECTED
    })
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn permissions_reach_the_room() {
    let (_server, bridge) = bridge().await;
    let permissions = Permissions { can_publish_data: false, ..Permissions::default() };
    let mut eve = Plain::hello(bridge, "eve", false, permissions).await;
    eve.signal(publish_request()).await;
    loop {
        if let Some(SignalIn::Refused(refusal)) = eve.signal_in().await {
            assert_eq!(refusal.reason, RefusalReason::NotAllowed);
            break;
        }
    }
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn what_a_bridge_cannot_do_is_refused() {
    let (_server, bridge) = bridge().await;
    let mut alice = Plain::join(bridge, "alice").await;
    alice.control(Control::LoseNext).await;
    assert!(alice.reply().await.starts_with(br#"{"ok":false,"error":"#));
    let mut stranger = Plain(TcpStream::connect(bridge).await.unwrap(), Instant::now() + LIMIT);
    Message::signal(Vec::new()).write(&mut stranger.0).await.unwrap();
    assert_eq!(stranger.message().await.unwrap().kind, Kind::Control);
    stranger.wait_for_end().await;
}

async fn bridge() -> (LivekitServer, SocketAddr) {
    let server = LivekitServer::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bridge = Bridge::new(server.address(), ApiKey::new(KEY, SECRET));
    tokio::spawn(async move { bridge.serve(listener, Limits::default(), pending()).await });
    (server, address)
}

struct Plain(TcpStream, Instant);

impl Plain {
    async fn join(bridge: SocketAddr, identity: &str) -> Self {
        let mut plain = Self::hello(bridge, identity, false, Permissions::default()).await;
        assert!(matches!(plain.response().await, Response::Join(_)));
        plain
    }

    async fn hello(
        bridge: SocketAddr,
        identity: &str,
        resume: bool,
        permissions: Permissions,
    ) -> Self {
        let mut stream = TcpStream::connect(bridge).await.unwrap();
        let hello = Hello { identity: identity.into(), room: "lab".into(), permissions, resume };
        let bytes = serde_json::to_vec(&hello).unwrap();
        Message { kind: Kind::Hello, bytes }.write(&mut stream).await.unwrap();
        Self(stream, Instant::now() + LIMIT)
    }

    async fn publish(&mut self) -> String {
        self.signal(publish_request()).await;
        loop {
            if let Some(SignalIn::PublishResponse(track)) = self.signal_in().await {
                return track.info.sid;
            }
        }
    }

    async fn subscribe(&mut self, sid: &str) {
        self.signal(SignalOut::UpdateSubscription { track_sid: sid.into(), subscribe: true }).await;
        while !matches!(self.signal_in().await, Some(SignalIn::SubscriberHandles(_))) {}
    }

    async fn signal(&mut self, request: SignalOut) {
        Message::signal(request.encode()).write(&mut self.0).await.unwrap();
    }

    async fn request(&mut self, request: Request) {
        Message::signal(encode_request(request)).write(&mut self.0).await.unwrap();
    }

    async fn control(&mut self, control: Control) {
        let bytes = serde_json::to_vec(&control).unwrap();
        Message { kind: Kind::Control, bytes }.write(&mut self.0).await.unwrap();
    }

    async fn send_packet(&mut self, sequence: u16, payload: &[u8]) {
        let header = Header {
            marker: Marker::Single,
            handle: Handle::MIN,
            sequence,
            frame_number: sequence,
            timestamp: 0,
            extensions: Default::default(),
        };
        let mut packet = Vec::new();
        header.encode(&mut packet);
        packet.extend_from_slice(payload);
        Message::packet(packet).write(&mut self.0).await.unwrap();
    }

    async fn packet(&mut self) -> (u16, Vec<u8>) {
        loop {
            let message = self.message().await.unwrap();
            if message.kind == Kind::Packet {
                let packet = decode(&message.bytes).unwrap();
                return (packet.header.sequence, packet.payload.to_vec());
            }
        }
    }

    async fn signal_in(&mut self) -> Option<SignalIn> {
        signal::decode(&self.signal_bytes().await, |_| true).unwrap().message
    }

    /// The next response that the session's types know.
    async fn response(&mut self) -> Response {
        loop {
            if let Some(response) = decode_response(&self.signal_bytes().await).unwrap() {
                return response;
            }
        }
    }

    async fn signal_bytes(&mut self) -> Vec<u8> {
        loop {
            let message = self.message().await.expect("a signal");
            if message.kind == Kind::Signal {
                return message.bytes;
            }
        }
    }

    async fn reply(&mut self) -> Vec<u8> {
        loop {
            let message = self.message().await.expect("a reply");
            if message.kind == Kind::Control {
                return message.bytes;
            }
        }
    }

    async fn message(&mut self) -> Option<Message> {
        timeout_at(self.1, Message::read(&mut self.0)).await.expect("a message in time").unwrap()
    }

    async fn wait_for_end(&mut self) {
        while self.message().await.is_some() {}
    }
}

fn publish_request() -> SignalOut {
    SignalOut::Publish {
        handle: Handle::MIN,
        name: "poses".into(),
        encrypted: false,
        frame_encoding: None,
        schema: None,
    }
}

const LIMIT: Duration = Duration::from_secs(30);

/// A participant that is merely lost is kept for 30 s.
const WELL_BELOW_PARKING: Duration = Duration::from_secs(10);
