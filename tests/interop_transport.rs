//! The transport alone, against a real livekit-server: hand-made signals, hand-made packets, both modes, reconnects.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_server;
mod raw_participant;

use datatracks::{
    host::room::{
        ApiKey, EndReason, Grants, Interruption, JoinError, Mode, NotSent,
        transport::{JoinOptions, join},
    },
    signal,
};
use livekit_server::LivekitServer;
use raw_participant::{Participant, publish_request};

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
    let mut publisher = Participant::join(&options(&server, "alice", publisher_mode)).await;
    let mut subscriber = Participant::join(&options(&server, "bob", subscriber_mode)).await;
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
        let mut publisher = Participant::join(&options(&server, "alice", mode)).await;
        let mut subscriber = Participant::join(&options(&server, "bob", mode)).await;
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
    let mut alice = Participant::join(&options(&server, "alice", Mode::Single)).await;
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
    let mut first = Participant::join(&options(&server, "alice", Mode::Single)).await;
    let second = Participant::join(&options(&server, "alice", Mode::Single)).await;
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
    let token = ApiKey::new(livekit_server::KEY, "wrong").sign(&Grants::new("eve", "lab"));
    let options = JoinOptions::new(server.address(), token);
    assert!(matches!(join(&options).await, Err(JoinError::Unauthorized { .. })));
}

#[tokio::test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_server_without_data_tracks_closes_the_channel() {
    let server = LivekitServer::start_with("enable_data_tracks: false");
    let mut alice = Participant::begin(&options(&server, "alice", Mode::Single)).await;
    assert_eq!(alice.interruption().await, Interruption::Channel);
    alice.transport.leave().await;
}

fn options(server: &LivekitServer, identity: &str, mode: Mode) -> JoinOptions {
    let token = server.token(identity, "lab");
    JoinOptions { mode: Some(mode), ..JoinOptions::new(server.address(), token) }
}
