//! Whole rooms on a real livekit-server: both managers on the transport, through reconnects of both kinds.
#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr
)]

mod livekit_server;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use datatracks::{
    DataTrackFrame, DataTrackOptions, DataTrackStream, KeyRing, KeyRingOptions, LocalDataTrack,
    error::PublishError,
    host::room::{
        ApiKey, EndReason, Grants, Reconnection, Room, RoomEvent, transport::JoinOptions,
    },
    signal::session::{Request, Scenario, SimulateScenario, encode_request},
};
use livekit_server::{KEY, LivekitServer, SECRET};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn frames_cross_whole_and_in_order() {
    for passphrase in [None, Some("secret")] {
        let server = LivekitServer::start();
        let (alice, _alice_events) = join(&server, "alice", passphrase).await;
        let (bob, _bob_events) = join(&server, "bob", passphrase).await;
        let (track, stream) = connect(&alice, &bob).await;
        let sizes = [(0, 3), (1000, 20), (40_000, 10), (100_000, 3)];
        let sizes = sizes.into_iter().flat_map(|(size, count)| vec![size; count]);
        let mut sent = Vec::new();
        for (index, size) in sizes.enumerate() {
            sent.push(frame(index, size));
            deliver_last(&track, &stream, &sent).await;
        }
        bob.leave().await;
        alice.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_quick_reconnect_of_either_side_loses_no_frame() {
    let server = LivekitServer::start();
    let (alice, mut alice_events) = join(&server, "alice", None).await;
    let (bob, mut bob_events) = join(&server, "bob", None).await;
    let (track, stream) = connect(&alice, &bob).await;
    for (index, (room, events)) in
        [(&alice, &mut alice_events), (&bob, &mut bob_events)].into_iter().enumerate()
    {
        room.transport().unwrap().cut();
        assert_eq!(reconnected(events).await, Reconnection::Quick);
        let sent = frame(index, 1000);
        track.send(sent.clone(), None).await.unwrap();
        assert_eq!(next(&stream).await, sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_forgotten_subscriber_reads_on_in_the_same_stream() {
    let server = LivekitServer::start();
    let (alice, _alice_events) = join(&server, "alice", None).await;
    let (bob, mut bob_events) = join(&server, "bob", None).await;
    let (track, stream) = connect(&alice, &bob).await;
    forget(&bob);
    assert_eq!(reconnected(&mut bob_events).await, Reconnection::Full);
    deliver(&track, &stream).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_forgotten_publisher_publishes_the_same_track_again() {
    let server = LivekitServer::start();
    let (alice, mut alice_events) = join(&server, "alice", None).await;
    let (bob, _bob_events) = join(&server, "bob", None).await;
    let (track, stream) = connect(&alice, &bob).await;
    let (sid, known) = (track.info().sid, bob.remote().tracks());
    forget(&alice);
    assert_eq!(reconnected(&mut alice_events).await, Reconnection::Full);
    deliver(&track, &stream).await;
    assert_ne!(track.info().sid, sid);
    assert_eq!(bob.remote().tracks(), known);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_publisher_that_leaves_ends_its_tracks_at_once() {
    let server = LivekitServer::start();
    let (alice, _alice_events) = join(&server, "alice", None).await;
    let (bob, _bob_events) = join(&server, "bob", None).await;
    let (_track, stream) = connect(&alice, &bob).await;
    let before = Instant::now();
    alice.leave().await;
    assert_eq!(within(stream.next(None)).await, Ok(None));
    assert!(before.elapsed() < Duration::from_secs(5), "held for its return");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_server_that_forgot_everything_gets_the_tracks_again() {
    let mut server = LivekitServer::start();
    let (alice, mut alice_events) = join(&server, "alice", None).await;
    let (bob, mut bob_events) = join(&server, "bob", None).await;
    let (track, stream) = connect(&alice, &bob).await;
    server.restart();
    assert_eq!(reconnected(&mut alice_events).await, Reconnection::Full);
    assert_eq!(reconnected(&mut bob_events).await, Reconnection::Full);
    deliver(&track, &stream).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn another_participant_under_the_same_identity_ends_the_room() {
    let server = LivekitServer::start();
    let (first, mut events) = join(&server, "alice", None).await;
    let (_second, _events) = join(&server, "alice", None).await;
    assert_eq!(closed(&mut events).await, EndReason::DuplicateIdentity);
    let publishing = first.local().publish_track(DataTrackOptions::new("poses"), None);
    assert_eq!(publishing.await.err(), Some(PublishError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
async fn a_server_without_data_tracks_is_told_apart_from_a_missing_permission() {
    let server = LivekitServer::start_with("enable_data_tracks: false");
    let (alice, mut events) = join_unopened(&server, &Grants::new("alice", "lab"), None).await;
    let publishing = alice.local().publish_track(DataTrackOptions::new("poses"), None);
    assert_eq!(publishing.await.err(), Some(PublishError::NotAllowed));
    assert!(alice.participant().can_publish_data);
    assert_eq!(closed(&mut events).await, EndReason::ChannelRefused);

    let server = LivekitServer::start();
    let mut grants = Grants::new("alice", "lab");
    grants.can_publish_data = false;
    let (alice, _events) = join_unopened(&server, &grants, None).await;
    let publishing = alice.local().publish_track(DataTrackOptions::new("poses"), None);
    assert_eq!(publishing.await.err(), Some(PublishError::NotAllowed));
    assert!(!alice.participant().can_publish_data);
}

async fn join(
    server: &LivekitServer,
    identity: &str,
    passphrase: Option<&str>,
) -> (Room, UnboundedReceiver<RoomEvent>) {
    let (room, events) = join_unopened(server, &Grants::new(identity, "lab"), passphrase).await;
    room.wait_until_open(LIMIT).await.unwrap();
    (room, events)
}

async fn join_unopened(
    server: &LivekitServer,
    grants: &Grants,
    passphrase: Option<&str>,
) -> (Room, UnboundedReceiver<RoomEvent>) {
    let token = ApiKey::new(KEY, SECRET).sign(grants);
    let options = JoinOptions::new(server.address(), token);
    let key_ring = passphrase.map(|passphrase| {
        let ring = KeyRing::new(KeyRingOptions::default()).unwrap();
        ring.set_shared_key(passphrase.into(), 0).unwrap();
        Arc::new(ring)
    });
    Room::join(options, key_ring).await.unwrap()
}

async fn connect(
    publisher: &Room,
    subscriber: &Room,
) -> (Arc<LocalDataTrack>, Arc<DataTrackStream>) {
    let publishing = publisher.local().publish_track(DataTrackOptions::new("poses"), None);
    let track = within(publishing).await.unwrap();
    (track, subscribe(subscriber).await)
}

async fn subscribe(subscriber: &Room) -> Arc<DataTrackStream> {
    let finding = subscriber.remote().wait_for_track("poses".into(), None, 0, None);
    within(within(finding).await.unwrap().subscribe(None)).await.unwrap()
}

/// The server drops the participant as a node that fails does: without a word.
fn forget(room: &Room) {
    let scenario = Some(Scenario::NodeFailure(true));
    let request = encode_request(Request::Simulate(SimulateScenario { scenario }));
    room.transport().unwrap().send_signal(request).unwrap();
}

/// Sends the last of these frames until it arrives: a real server drops packets of bursts when its machine is busy, and tells
/// nobody (protocol §4.4). Before it, only what the one before it left behind may come.
async fn deliver_last(track: &LocalDataTrack, stream: &DataTrackStream, sent: &[DataTrackFrame]) {
    let (last, before) = sent.split_last().unwrap();
    for _ in 0..ATTEMPTS {
        track.send(last.clone(), None).await.unwrap();
        while let Ok(arrived) = timeout(PATIENCE, stream.next(None)).await {
            let arrived = arrived.unwrap().expect("the stream goes on");
            if arrived == *last {
                return;
            }
            assert_eq!(Some(&arrived), before.last(), "out of order, or damaged");
        }
    }
    panic!("frame {} does not arrive", before.len());
}

/// Sends until something arrives: nobody can know when the other side has subscribed again.
async fn deliver(track: &LocalDataTrack, stream: &DataTrackStream) {
    let arrived = async {
        for index in 0.. {
            track.send(frame(index, 1000), None).await.unwrap();
            if let Ok(arrived) = timeout(Duration::from_millis(100), stream.next(None)).await {
                assert!(arrived.unwrap().is_some(), "the stream ended");
                return;
            }
        }
    };
    within(arrived).await;
}

async fn next(stream: &DataTrackStream) -> DataTrackFrame {
    within(stream.next(None)).await.unwrap().expect("the stream goes on")
}

async fn reconnected(events: &mut UnboundedReceiver<RoomEvent>) -> Reconnection {
    loop {
        match within(events.recv()).await.unwrap() {
            RoomEvent::Reconnected(reconnection) => return reconnection,
            RoomEvent::Closed(reason) => panic!("closed: {reason}"),
            _ => {}
        }
    }
}

async fn closed(events: &mut UnboundedReceiver<RoomEvent>) -> EndReason {
    loop {
        if let RoomEvent::Closed(reason) = within(events.recv()).await.unwrap() {
            return reason;
        }
    }
}

fn frame(index: usize, size: usize) -> DataTrackFrame {
    let payload: Vec<u8> = (0..size).map(|k| (31 * index + 7 * k) as u8).collect();
    DataTrackFrame { payload: payload.into(), user_timestamp: Some(index as u64) }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work).await.expect("done in time")
}

const LIMIT: Duration = Duration::from_secs(30);

/// To get one frame across, and how long to wait for it each time.
const ATTEMPTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(1);
