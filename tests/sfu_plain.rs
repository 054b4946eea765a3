//! The SFU over plain TCP, spoken to with twenty lines of socket code as a Swift, Kotlin or Python test would.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{future::pending, time::Duration};

use datatracks::{
    host::sfu::{
        Impairment, RoomOptions, Rooms,
        plain::{self, Limits},
    },
    signal::{RefusalReason, session::*},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

#[tokio::test]
async fn a_packet_goes_from_publisher_to_subscriber_under_its_own_handle() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let sid = alice.publish(1, "imu").await;
    let mut bob = Client::join(address, "bob").await;
    let handle = bob.subscribe(&sid).await;
    alice.send(PACKET, &packet(1, b"payload")).await;
    assert_eq!(bob.packet().await, packet(handle, b"payload"));
}

#[tokio::test]
async fn rooms_do_not_hear_each_other() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let hello = r#"{"identity":"alice","room":"another"}"#;
    let mut other = Client::connect(address).await;
    other.send(HELLO, hello.as_bytes()).await;
    let Response::Join(join) = other.signal().await else { panic!("no join") };
    assert_eq!(join.other_participants, []);
    other.publish(1, "elsewhere").await;
    alice.publish(1, "here").await;
    assert!(!alice.seen.iter().any(|response| format!("{response:?}").contains("elsewhere")));
}

#[tokio::test]
async fn a_broken_connection_comes_back_with_everything() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let sid = alice.publish(1, "imu").await;
    let mut bob = Client::join(address, "bob").await;
    let handle = bob.subscribe(&sid).await;
    for dropped_by in ["server", "client"] {
        if dropped_by == "server" {
            alice.control(r#"{"op":"drop_session","mode":"quick"}"#).await.unwrap();
            alice.expect_end().await;
        }
        alice = Client::connect(address).await;
        alice.send(HELLO, br#"{"identity":"alice","room":"room","resume":true}"#).await;
        assert!(matches!(alice.signal().await, Response::Reconnect(_)), "{dropped_by}");
        let Response::Update(update) = alice.signal().await else { panic!("no update") };
        let identities: Vec<_> = update.participants.iter().map(|p| p.identity.as_str()).collect();
        assert_eq!(identities, ["alice", "bob"]);
        assert_eq!(update.participants[0].data_tracks[0].sid, sid);
        alice.send(PACKET, &packet(1, dropped_by.as_bytes())).await;
        assert_eq!(bob.packet().await, packet(handle, dropped_by.as_bytes()));
    }
}

#[tokio::test]
async fn a_newer_connection_takes_the_place_of_the_one_before() {
    let address = serve(RoomOptions::default()).await;
    let mut first = Client::join(address, "alice").await;
    let mut second =
        Client::hello(address, r#"{"identity":"alice","room":"room","resume":true}"#).await;
    assert!(matches!(second.signal().await, Response::Reconnect(_)));
    first.expect_end().await;
    second.publish(1, "imu").await;
}

#[tokio::test]
async fn a_participant_that_was_removed_has_to_join_anew() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    alice.control(r#"{"op":"drop_session","mode":"full"}"#).await.unwrap();
    alice.expect_end().await;
    let mut alice =
        Client::hello(address, r#"{"identity":"alice","room":"room","resume":true}"#).await;
    let Response::Leave(leave) = alice.signal().await else { panic!("no leave") };
    assert_eq!(leave.action, leave_action::RECONNECT);
    alice.expect_end().await;
    Client::join(address, "alice").await;
}

#[tokio::test]
async fn a_participant_that_does_not_come_back_goes() {
    let departure_timeout = Duration::from_millis(50);
    let address = serve(RoomOptions { departure_timeout, ..Default::default() }).await;
    let mut bob = Client::join(address, "bob").await;
    drop(Client::join(address, "alice").await);
    bob.until(|response| departed(response, "alice")).await;
}

#[tokio::test]
async fn controls_do_what_they_say() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    alice.control(r#"{"op":"refuse_next","reason":3}"#).await.unwrap();
    alice.request(publish_request(1, "imu")).await;
    assert_eq!(alice.refusal().await, RefusalReason::LimitExceeded);
    alice.publish(1, "imu").await;
    alice.control(r#"{"op":"revoke"}"#).await.unwrap();
    alice.request(publish_request(2, "gps")).await;
    assert_eq!(alice.refusal().await, RefusalReason::NotAllowed);
    alice.control(r#"{"op":"grant"}"#).await.unwrap();
    alice.control(r#"{"op":"lose_next"}"#).await.unwrap();
    alice.request(publish_request(1, "imu")).await;
    alice.publish(2, "gps").await;
    let answers = alice.seen.iter().filter(|r| matches!(r, Response::PublishDataTrack(_)));
    assert_eq!(answers.count(), 2, "imu once, gps once: the second imu was not answered");
}

#[tokio::test]
async fn a_bad_network_is_made_by_control() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let sid = alice.publish(1, "imu").await;
    let mut bob = Client::join(address, "bob").await;
    let handle = bob.subscribe(&sid).await;
    bob.control(r#"{"op":"impair","spec":"duplicate=100%,delay=30ms"}"#).await.unwrap();
    alice.send(PACKET, &packet(1, b"x")).await;
    // Nothing else happens in the room: the delay ends by itself.
    assert_eq!(bob.packet().await, packet(handle, b"x"));
    assert_eq!(bob.packet().await, packet(handle, b"x"));
}

#[tokio::test]
async fn a_bad_network_is_made_by_option() {
    let impairment: Impairment = "loss=100%".parse().unwrap();
    let address = serve(RoomOptions { impairment, ..Default::default() }).await;
    let mut alice = Client::join(address, "alice").await;
    let sid = alice.publish(1, "imu").await;
    let mut bob = Client::join(address, "bob").await;
    let handle = bob.subscribe(&sid).await;
    alice.send(PACKET, &packet(1, b"lost")).await;
    alice.publish(2, "barrier").await;
    bob.control(r#"{"op":"impair","spec":""}"#).await.unwrap();
    alice.send(PACKET, &packet(1, b"found")).await;
    assert_eq!(bob.packet().await, packet(handle, b"found"));
}

#[tokio::test]
async fn bad_controls_are_answered_and_change_nothing() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    for (control, hint) in [
        ("", "EOF"),
        ("{}", "op"),
        (r#"{"op":"explode"}"#, "explode"),
        (r#"{"op":"drop_session"}"#, "mode"),
        (r#"{"op":"impair","spec":"loss=lots"}"#, "loss=lots"),
    ] {
        let error = alice.control(control).await.unwrap_err();
        assert!(error.contains(hint), "{control}: {error}");
    }
    alice.send(HELLO, br#"{"identity":"eve","room":"room"}"#).await;
    assert!(alice.answer().await.is_err());
    alice.send(SIGNAL, &[0xff; 20]).await;
    alice.send(PACKET, &[0xff; 20]).await;
    alice.publish(1, "imu").await;
}

#[tokio::test]
async fn bad_hellos_are_refused_in_words() {
    let address = serve(RoomOptions::default()).await;
    let long = "x".repeat(257);
    for (kind, hello) in [
        (HELLO, String::new()),
        (HELLO, "[]".into()),
        (HELLO, r#"{"identity":"alice"}"#.into()),
        (HELLO, r#"{"identity":"","room":"room"}"#.into()),
        (HELLO, format!(r#"{{"identity":"{long}","room":"room"}}"#)),
        (HELLO, r#"{"identity":"alice","room":""}"#.into()),
        (HELLO, format!(r#"{{"identity":"alice","room":"{long}"}}"#)),
        (SIGNAL, String::new()),
        (PACKET, "x".into()),
        (CONTROL, r#"{"op":"revoke"}"#.into()),
    ] {
        let mut client = Client::connect(address).await;
        client.send(kind, hello.as_bytes()).await;
        assert!(client.answer().await.is_err(), "{hello}");
        client.expect_end().await;
    }
    Client::join(address, "alice").await;
}

#[tokio::test]
async fn hostile_framing_ends_the_connection_and_nothing_else() {
    let address = serve(RoomOptions::default()).await;
    let mut bob = Client::join(address, "bob").await;
    for bytes in [&[1, 0xff, 0xff, 0xff, 0xff][..], &[9, 0, 0, 0, 0], &[0, 0x7f, 0, 0, 0]] {
        let mut client = Client::connect(address).await;
        client.stream.write_all(bytes).await.unwrap();
        client.expect_end().await;
    }
    let mut half = Client::connect(address).await;
    half.stream.write_all(&[0, 0, 0]).await.unwrap();
    drop(half);
    bob.publish(1, "still here").await;
}

#[tokio::test]
async fn a_slow_reader_loses_packets_but_no_signals() {
    let address = serve(RoomOptions::default()).await;
    let (mut alice, mut bob) = flooded(address).await;
    for handle in 2..200 {
        alice.publish(handle, &format!("track {handle}")).await;
    }
    let mut packets = 0;
    let last = loop {
        let (kind, bytes) = bob.read().await;
        match kind {
            PACKET => packets += 1,
            _ => {
                let Some(Response::Update(update)) = decode_response(&bytes).unwrap() else {
                    continue;
                };
                if update.participants[0].data_tracks.len() == 199 {
                    break update;
                }
            }
        }
    };
    assert_eq!(last.participants[0].identity, "alice");
    assert!(packets < SENT, "a reader that takes nothing is not waited for");
}

#[tokio::test]
async fn a_reader_that_does_not_even_take_its_signals_is_let_go() {
    let address = serve(RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let mut bob = Client::join(address, "bob").await;
    let key = Some(DataBlobKey { key: Some(BlobKey::Generic("large".into())) });
    let blob = Some(DataBlob { key: key.clone(), contents: vec![0; LARGE] });
    alice.request(Request::StoreDataBlob(StoreDataBlobRequest { request_id: 1, blob })).await;
    alice.until(|response| matches!(response, Response::StoreDataBlob(_)).then_some(())).await;
    let participant_identity = "alice".to_owned();
    let find = GetDataBlobRequest { request_id: 1, participant_identity, key };
    let find = encode_request(Request::GetDataBlob(find));
    let asked = 2000;
    for _ in 0..asked {
        if bob.try_send(SIGNAL, &find).await.is_err() {
            break;
        }
    }
    let mut received = Vec::new();
    // A reset is an end too.
    timeout(PATIENCE, bob.stream.read_to_end(&mut received)).await.expect("it ends").ok();
    assert!(received.len() < asked * LARGE);
    alice.publish(1, "still here").await;
    let hello = r#"{"identity":"bob","room":"room","resume":true}"#;
    let mut bob = Client::hello(address, hello).await;
    assert!(matches!(bob.signal().await, Response::Reconnect(_)), "its participant was kept");
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let address = serve_within(limits, RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let bob = Client::join(address, "bob").await;
    let mut carol = Client::hello(address, r#"{"identity":"carol","room":"room"}"#).await;
    alice.publish(1, "imu").await;
    assert!(timeout(A_MOMENT, carol.stream.readable()).await.is_err(), "nobody serves carol");
    drop(bob);
    assert!(matches!(carol.signal().await, Response::Join(_)));
}

#[tokio::test]
async fn who_does_not_say_hello_in_time_is_let_go() {
    let limits = Limits { hello: A_MOMENT, ..Limits::default() };
    let address = serve_within(limits, RoomOptions::default()).await;
    let mut alice = Client::join(address, "alice").await;
    let mut silent = Client::connect(address).await;
    let mut slow = Client::connect(address).await;
    slow.stream.write_all(&[HELLO, 0, 0]).await.unwrap();
    silent.expect_end().await;
    slow.expect_end().await;
    alice.publish(1, "who said hello may be silent").await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_for_too_long_is_let_go() {
    let limits = Limits { write: A_MOMENT, ..Limits::default() };
    let departure_timeout = A_MOMENT;
    let address =
        serve_within(limits, RoomOptions { departure_timeout, ..Default::default() }).await;
    let (mut alice, _bob) = flooded(address).await;
    alice.until(|response| departed(response, "bob")).await;
}

fn departed(response: &Response, identity: &str) -> Option<()> {
    let Response::Update(update) = response else { return None };
    let participant = &update.participants[0];
    let gone = participant.state == participant_state::DISCONNECTED;
    (participant.identity == identity && gone).then_some(())
}

/// Alice has sent more large packets to bob than lie between them, and bob has not read any.
async fn flooded(address: std::net::SocketAddr) -> (Client, Client) {
    let mut alice = Client::join(address, "alice").await;
    let sid = alice.publish(1, "imu").await;
    let mut bob = Client::join(address, "bob").await;
    bob.subscribe(&sid).await;
    let large = packet(1, &[7; 15_988]);
    for _ in 0..SENT {
        alice.send(PACKET, &large).await;
    }
    (alice, bob)
}

/// Starts a server on a port of its own; it ends with the test.
async fn serve(options: RoomOptions) -> std::net::SocketAddr {
    serve_within(Limits::default(), options).await
}

async fn serve_within(limits: Limits, options: RoomOptions) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain::serve(listener, Rooms::new(options), limits, pending()));
    address
}

struct Client {
    stream: TcpStream,
    seen: Vec<Response>,
}

impl Client {
    async fn connect(address: std::net::SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), seen: Vec::new() }
    }

    async fn hello(address: std::net::SocketAddr, hello: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.send(HELLO, hello.as_bytes()).await;
        client
    }

    async fn join(address: std::net::SocketAddr, identity: &str) -> Self {
        let hello = format!(r#"{{"identity":"{identity}","room":"room"}}"#);
        let mut client = Self::hello(address, &hello).await;
        assert!(matches!(client.signal().await, Response::Join(_)));
        client
    }

    async fn send(&mut self, kind: u8, bytes: &[u8]) {
        self.try_send(kind, bytes).await.unwrap();
    }

    async fn try_send(&mut self, kind: u8, bytes: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let message = [&[kind][..], &length, bytes].concat();
        self.stream.write_all(&message).await
    }

    async fn request(&mut self, request: Request) {
        self.send(SIGNAL, &encode_request(request)).await;
    }

    async fn read(&mut self) -> (u8, Vec<u8>) {
        let read = async {
            let kind = self.stream.read_u8().await.unwrap();
            let mut bytes = vec![0; self.stream.read_u32().await.unwrap() as usize];
            self.stream.read_exact(&mut bytes).await.unwrap();
            (kind, bytes)
        };
        timeout(PATIENCE, read).await.expect("something comes")
    }

    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        // A reset is an end too.
        drop(read.expect("the connection ends"));
    }

    /// The next message of this kind; signals on the way are noted.
    async fn next(&mut self, wanted: u8) -> Vec<u8> {
        loop {
            let (kind, bytes) = self.read().await;
            if kind == SIGNAL {
                self.seen.push(decode_response(&bytes).unwrap().unwrap());
            }
            if kind == wanted {
                return bytes;
            }
        }
    }

    async fn signal(&mut self) -> Response {
        decode_response(&self.next(SIGNAL).await).unwrap().unwrap()
    }

    async fn packet(&mut self) -> Vec<u8> {
        self.next(PACKET).await
    }

    async fn control(&mut self, json: &str) -> Result<(), String> {
        self.send(CONTROL, json.as_bytes()).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<(), String> {
        let answer: serde_json::Value = serde_json::from_slice(&self.next(CONTROL).await).unwrap();
        match answer["ok"].as_bool().unwrap() {
            true => Ok(()),
            false => Err(answer["error"].as_str().unwrap().to_owned()),
        }
    }

    async fn until<T>(&mut self, mut pick: impl FnMut(&Response) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(&self.signal().await) {
                return found;
            }
        }
    }

    async fn publish(&mut self, handle: u32, name: &str) -> String {
        self.request(publish_request(handle, name)).await;
        self.until(|response| match response {
            Response::PublishDataTrack(DataTrackResponse { info: Some(info) })
                if info.pub_handle == handle =>
            {
                Some(info.sid.clone())
            }
            _ => None,
        })
        .await
    }

    async fn subscribe(&mut self, sid: &str) -> u16 {
        let update = DataSubscription { track_sid: sid.to_owned(), subscribe: true };
        let request = UpdateDataSubscription { updates: vec![update] };
        self.request(Request::UpdateDataSubscription(request)).await;
        self.until(|response| match response {
            Response::DataTrackSubscriberHandles(handles) => {
                handles.sub_handles.keys().next().map(|handle| u16::try_from(*handle).unwrap())
            }
            _ => None,
        })
        .await
    }

    async fn refusal(&mut self) -> RefusalReason {
        self.until(|response| match response {
            Response::RequestResponse(refusal) => Some(RefusalReason::from_code(refusal.reason)),
            _ => None,
        })
        .await
    }
}

fn publish_request(pub_handle: u32, name: &str) -> Request {
    let name = name.to_owned();
    Request::PublishDataTrack(PublishDataTrackRequest { pub_handle, name, ..Default::default() })
}

/// A frame in one packet.
fn packet(handle: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x18, 0];
    packet.extend(handle.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend(payload);
    packet
}

const HELLO: u8 = 0;
const SIGNAL: u8 = 1;
const PACKET: u8 = 2;
const CONTROL: u8 = 3;

const PATIENCE: Duration = Duration::from_secs(20);

const A_MOMENT: Duration = Duration::from_millis(100);

/// Most that a data blob may have, nearly.
const LARGE: usize = 60_000;

/// 40 MB: more than all buffers on the way hold.
const SENT: usize = 2500;
