//! The embedded SFU over WebSocket and WebRTC: what its clients see.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod raw_participant;

use std::{future::pending, time::Duration};

use datatracks::{
    host::{
        plain::{Kind, Message},
        room::{
            ApiKey, EndReason, Grants, Interruption, JoinError, Mode,
            transport::{JoinOptions, join},
        },
        sfu::{
            RoomOptions, Rooms,
            listen::{Limits, Server},
            plain,
        },
    },
    signal::{
        self, SignalIn, SignalOut,
        session::{Response, decode_response},
    },
    track::Handle,
};
use raw_participant::{KEY, LIMIT, Participant, SECRET, options, publish_request, start_within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    select,
    time::{sleep, timeout},
};

#[tokio::test]
async fn packets_cross_both_ways() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    for (handle, one_way) in [(1, true), (2, false)] {
        let (from, to) = if one_way { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        let track = from.publish(handle, "poses").await;
        let subscribed = to.subscribe(&track.info.sid).await;
        for sequence in 0..50 {
            let payload = vec![sequence as u8; 15_000];
            from.send_packet(handle, sequence, &payload);
            let packet = to.packet().await;
            let packet = datatracks::packet::decode(&packet).unwrap();
            assert_eq!(packet.header.handle, subscribed.handle);
            assert_eq!((packet.header.sequence, packet.payload), (sequence, &payload[..]));
        }
    }
    alice.transport.leave().await;
    bob.transport.leave().await;
    server.close().await;
}

#[tokio::test]
async fn a_burst_loses_nothing() {
    let rooms = Rooms::new(RoomOptions::default());
    let server = start_in(rooms.clone()).await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    let track = alice.publish(1, "cloud").await;
    bob.subscribe(&track.info.sid).await;
    for sequence in 0..200 {
        alice.send_packet(1, sequence, &[7; 15_000]);
    }
    for sequence in 0..200 {
        let packet = bob.packet().await;
        assert_eq!(datatracks::packet::decode(&packet).unwrap().header.sequence, sequence);
    }
    assert_eq!(rooms.take_losses(), []);
    server.close().await;
}

#[tokio::test]
async fn a_quick_reconnect_keeps_tracks_and_handles() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    let track = alice.publish(1, "poses").await;
    bob.subscribe(&track.info.sid).await;

    alice.transport.cut();
    assert_eq!(alice.interruption().await, Interruption::Signal);
    alice.signal(&publish_request(2, "while cut"));
    let published = signal::encode_publish_response(&track);
    alice.transport.resume(Some(vec![published])).await.unwrap();
    assert_eq!(alice.publish_response().await.info.name, "while cut");
    alice.deliver(&mut bob, 1).await;

    bob.transport.cut();
    assert_eq!(bob.interruption().await, Interruption::Signal);
    bob.transport.resume(Some(Vec::new())).await.unwrap();
    alice.deliver(&mut bob, 1).await;
    server.close().await;
}

#[tokio::test]
async fn what_was_said_before_the_connection_broke_counts() {
    const TRACKS: u16 = 50;
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    for handle in 1..=TRACKS {
        alice.publish(handle, &format!("track {handle}")).await;
    }
    for handle in (1..=TRACKS).filter_map(Handle::new) {
        alice.signal(&SignalOut::Unpublish { handle });
    }
    // Its answers now reach nobody.
    alice.transport.cut();
    loop {
        let SignalIn::Update(participants) = bob.next_signal().await else { continue };
        let Some(alice) = participants.iter().find(|other| other.identity == "alice") else {
            continue;
        };
        assert!(alice.connected, "some of it was not heard");
        if alice.tracks.is_empty() {
            break;
        }
    }
    server.close().await;
}

#[tokio::test]
async fn whom_the_server_does_not_know_must_join_anew() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    alice.transport.cut();
    assert_eq!(alice.interruption().await, Interruption::Signal);
    let other = Participant::join(&options(&server, "alice")).await;
    other.transport.leave().await;
    assert_eq!(alice.transport.resume(None).await, Err(JoinError::NotResumable));
    server.close().await;
}

#[tokio::test]
async fn the_same_identity_ends_the_older_session() {
    let server = start().await;
    let mut first = Participant::join(&options(&server, "alice")).await;
    let second = Participant::join(&options(&server, "alice")).await;
    let ended = Interruption::Ended(EndReason::DuplicateIdentity);
    assert_eq!(first.interruption().await, ended);
    second.transport.leave().await;
    server.close().await;
}

#[tokio::test]
async fn leaving_takes_the_tracks_along() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    alice.publish(1, "poses").await;
    alice.transport.leave().await;
    let departed = bob.departure().await;
    assert_eq!((&*departed.identity, &*departed.tracks), ("alice", &[][..]));
    server.close().await;
}

#[tokio::test]
async fn whoever_vanishes_without_a_word_goes_after_a_while() {
    let limits = Limits { departure: A_MOMENT, ..Limits::default() };
    let server = start_within(limits, Rooms::new(RoomOptions::default())).await;
    let alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    alice.transport.abandon().await;
    assert_eq!(bob.departure().await.identity, "alice");
    server.close().await;
}

#[tokio::test]
async fn a_lost_websocket_alone_ends_nobody() {
    let departure_timeout = A_MOMENT;
    let rooms = Rooms::new(RoomOptions { departure_timeout, ..RoomOptions::default() });
    let server = start_in(rooms).await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut bob = Participant::join(&options(&server, "bob")).await;
    let track = alice.publish(1, "poses").await;
    bob.subscribe(&track.info.sid).await;
    alice.transport.cut();
    assert_eq!(alice.interruption().await, Interruption::Signal);
    assert!(timeout(5 * A_MOMENT, bob.departure()).await.is_err(), "its peer connections live");
    alice.transport.resume(None).await.unwrap();
    alice.deliver(&mut bob, 1).await;
    server.close().await;
}

#[tokio::test]
async fn a_server_that_closes_says_so() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    timeout(LIMIT, server.close()).await.expect("the server closes");
    assert_eq!(alice.interruption().await, Interruption::Ended(EndReason::ServerShutdown));
}

#[tokio::test]
async fn plain_participants_are_in_the_same_rooms() {
    let rooms = Rooms::new(RoomOptions::default());
    let server = start_in(rooms.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(plain::serve(listener, rooms, plain::Limits::default(), pending()));
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let track = alice.publish(1, "poses").await;

    let mut bob = TcpStream::connect(plain).await.unwrap();
    let hello = br#"{"identity":"bob","room":"lab"}"#.to_vec();
    Message { kind: Kind::Hello, bytes: hello }.write(&mut bob).await.unwrap();
    let track_sid = track.info.sid;
    let subscribe = SignalOut::UpdateSubscription { track_sid, subscribe: true };
    Message::signal(subscribe.encode()).write(&mut bob).await.unwrap();
    let sending = async {
        for sequence in 0.. {
            alice.send_packet(1, sequence, b"across");
            sleep(Duration::from_millis(20)).await;
        }
    };
    let reading = async {
        loop {
            if let Message { kind: Kind::Packet, bytes } =
                Message::read(&mut bob).await.unwrap().unwrap()
            {
                return datatracks::packet::decode(&bytes).unwrap().payload.to_vec();
            }
        }
    };
    let crossed = select! {
        () = sending => unreachable!("it goes on"),
        crossed = timeout(LIMIT, reading) => crossed.expect("a packet"),
    };
    assert_eq!(crossed, b"across");

    let hello = br#"{"identity":"alice","room":"lab","resume":true}"#.to_vec();
    let mut alice_again = TcpStream::connect(plain).await.unwrap();
    Message { kind: Kind::Hello, bytes: hello }.write(&mut alice_again).await.unwrap();
    let reconnect = Message::read(&mut alice_again).await.unwrap().unwrap();
    assert!(matches!(decode_response(&reconnect.bytes), Ok(Some(Response::Reconnect(_)))));
    server.close().await;
}

#[tokio::test]
async fn tokens_are_checked() {
    let server = start().await;
    for (key, secret) in [(KEY, "wrong"), ("wrong", SECRET)] {
        let token = ApiKey::new(key, secret).sign(&Grants::new("eve", "lab"));
        let refused = join(&JoinOptions { token, ..options(&server, "eve") }).await.err();
        assert!(matches!(refused, Some(JoinError::Unauthorized { .. })), "{refused:?}");
    }
    let nameless = join(&options(&server, "")).await.err();
    assert!(matches!(nameless, Some(JoinError::Rejected { status: 400, .. })), "{nameless:?}");
    server.close().await;
}

#[tokio::test]
async fn only_two_peer_connections_are_served() {
    let server = start().await;
    let single = JoinOptions { mode: Some(Mode::Single), ..options(&server, "alice") };
    let refused = join(&single).await.err();
    assert!(matches!(refused, Some(JoinError::Rejected { status: 404, .. })), "{refused:?}");
    server.close().await;
}

#[tokio::test]
async fn plain_requests_get_plain_answers() {
    let server = start().await;
    let validate = "GET /rtc/validate?access_token=a.b.c HTTP/1.1\r\nHost: x\r\n\r\n";
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
        (validate, "401"),
        ("GET /rtc/validate HTTP/1.1\r\nHost: x\r\n\r\n", "401"),
        ("GET /rtc/v1/validate HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("POST /twirp/livekit.RoomService/DeleteRoom HTTP/1.1\r\nHost: x\r\n\r\n", "401"),
    ] {
        let answer = ask(&server, request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}: {answer}");
    }
    assert_eq!(ask(&server, "hello\r\n\r\n").await, "");
    server.close().await;
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let server = start_within(limits, Rooms::new(RoomOptions::default())).await;
    let alice = Participant::join(&options(&server, "alice")).await;
    let mut waiting = TcpStream::connect(server.address()).await.unwrap();
    waiting.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(timeout(A_MOMENT, waiting.readable()).await.is_err(), "nobody serves it");
    alice.transport.leave().await;
    assert!(rest(waiting).await.starts_with("HTTP/1.1 200"));
    server.close().await;
}

#[tokio::test]
async fn who_does_not_ask_in_time_is_let_go() {
    let limits = Limits { request: A_MOMENT, ..Limits::default() };
    let server = start_within(limits, Rooms::new(RoomOptions::default())).await;
    let silent = TcpStream::connect(server.address()).await.unwrap();
    let mut slow = TcpStream::connect(server.address()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!((rest(silent).await, rest(slow).await), (String::new(), String::new()));
    server.close().await;
}

#[tokio::test]
async fn who_is_hidden_reads_and_is_not_seen() {
    let server = start().await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    let mut grants = Grants::new("spy", "lab");
    grants.hidden = true;
    let token = ApiKey::new(KEY, SECRET).sign(&grants);
    let mut spy = Participant::join(&JoinOptions { token, ..options(&server, "") }).await;
    let track = alice.publish(1, "poses").await;
    spy.subscribe(&track.info.sid).await;
    alice.send_packet(1, 0, b"seen");
    spy.packet().await;
    spy.transport.leave().await;
    let bob = Participant::join(&options(&server, "bob")).await;
    bob.transport.leave().await;
    assert_eq!(alice.departure().await.identity, "bob");
    server.close().await;
}

async fn ask(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(stream).await
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

async fn start() -> Server {
    start_in(Rooms::new(RoomOptions::default())).await
}

async fn start_in(rooms: Rooms) -> Server {
    start_within(Limits::default(), rooms).await
}

const A_MOMENT: Duration = Duration::from_millis(100);
