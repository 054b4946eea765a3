//! The bridge in front of an embedded SFU: what strangers cannot make it hold. `interop_bridge` has what it is for.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{future::pending, net::SocketAddr, time::Duration};

use datatracks::{
    host::{
        bridge::Bridge,
        plain::{Hello, Kind, Limits, Message, Permissions},
        room::{ApiKey, ServerAddress},
        sfu::{
            RoomOptions, Rooms,
            listen::{self, Server, ServerOptions},
        },
    },
    signal::session::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

#[tokio::test]
async fn who_does_not_say_hello_in_time_is_let_go() {
    let (_server, bridge) = bridge(Limits { hello: A_MOMENT, ..Limits::default() }).await;
    let mut alice = Plain::join(bridge, "alice").await;
    let mut silent = Plain::connect(bridge).await;
    let mut slow = Plain::connect(bridge).await;
    slow.0.write_all(&[0, 0, 0]).await.unwrap();
    assert_eq!((silent.rest().await, slow.rest().await), (0, 0));
    alice.publish(1).await;
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let (_server, bridge) = bridge(Limits { connections: 1, ..Limits::default() }).await;
    let silent = Plain::connect(bridge).await;
    let mut alice = Plain::hello(bridge, "alice").await;
    assert!(timeout(A_MOMENT, alice.0.readable()).await.is_err(), "nobody serves alice");
    drop(silent);
    assert!(matches!(alice.response().await, Response::Join(_)));
}

#[tokio::test]
async fn a_reader_that_takes_nothing_for_too_long_is_let_go() {
    let (_server, bridge) = bridge(Limits { write: A_MOMENT, ..Limits::default() }).await;
    assert_cut_off(bridge, 400).await;
}

#[tokio::test]
async fn a_reader_that_does_not_even_take_its_signals_is_let_go() {
    let (_server, bridge) = bridge(Limits { write: FOREVER, ..Limits::default() }).await;
    assert_cut_off(bridge, 600).await;
}

/// Bob is told of so many tracks and reads nothing meanwhile: 20 MB of signals for 400, more than all buffers on the way hold;
/// 50 MB for 600, more than the bridge keeps as well.
async fn assert_cut_off(bridge: SocketAddr, tracks: u16) {
    let mut bob = Plain::join(bridge, "bob").await;
    let mut alice = Plain::join(bridge, "alice").await;
    let mut said = 0;
    for handle in 1..=tracks {
        said += alice.publish(handle).await;
    }
    let taken = bob.rest().await;
    assert!(taken < said, "{taken} of {said} bytes were kept for it");
}

#[tokio::test]
async fn bad_hellos_are_refused_in_words() {
    let (_server, bridge) = bridge(Limits::default()).await;
    for (kind, hello, hint) in [
        (Kind::Hello, "", "EOF"),
        (Kind::Hello, r#"{"identity":"alice"}"#, "room"),
        (Kind::Signal, "", "hello"),
    ] {
        let mut client = Plain::connect(bridge).await;
        let bytes = hello.as_bytes().to_vec();
        Message { kind, bytes }.write(&mut client.0).await.unwrap();
        let answer = client.message().await;
        let text = String::from_utf8(answer.bytes).unwrap();
        assert!(answer.kind == Kind::Control && text.contains(hint), "{hello}: {text}");
        assert_eq!(client.rest().await, 0);
    }
}

async fn bridge(limits: Limits) -> (Server, SocketAddr) {
    let key = || ApiKey::new("testkey", "0123456789abcdef0123456789abcdef");
    let server = Server::start(ServerOptions {
        address: ([127, 0, 0, 1], 0).into(),
        key: key(),
        rooms: Rooms::new(RoomOptions::default()),
        limits: listen::Limits::default(),
        site: None,
    });
    let server = server.await.unwrap();
    let behind = ServerAddress::parse(&format!("ws://{}", server.address())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bridge = Bridge::new(behind, key());
    tokio::spawn(async move { bridge.serve(listener, limits, pending()).await });
    (server, address)
}

struct Plain(TcpStream);

impl Plain {
    async fn connect(bridge: SocketAddr) -> Self {
        Self(TcpStream::connect(bridge).await.unwrap())
    }

    async fn hello(bridge: SocketAddr, identity: &str) -> Self {
        let mut plain = Self::connect(bridge).await;
        let (identity, room) = (identity.to_owned(), "lab".to_owned());
        let hello = Hello { identity, room, permissions: Permissions::default(), resume: false };
        let bytes = serde_json::to_vec(&hello).unwrap();
        Message { kind: Kind::Hello, bytes }.write(&mut plain.0).await.unwrap();
        plain
    }

    async fn join(bridge: SocketAddr, identity: &str) -> Self {
        let mut plain = Self::hello(bridge, identity).await;
        assert!(matches!(plain.response().await, Response::Join(_)));
        plain
    }

    /// Publishes a track of a long name. Answers how many bytes everybody is told of it.
    async fn publish(&mut self, handle: u16) -> usize {
        let pub_handle = u32::from(handle);
        let name = format!("{handle:0>250}");
        let request = PublishDataTrackRequest { pub_handle, name, ..Default::default() };
        let request = encode_request(Request::PublishDataTrack(request));
        Message::signal(request).write(&mut self.0).await.unwrap();
        let (mut announced, mut published) = (0, false);
        while announced == 0 || !published {
            let message = self.message().await;
            match decode_response(&message.bytes) {
                Ok(Some(Response::Update(update))) => {
                    let tracks = update.participants.first().map_or(0, |one| one.data_tracks.len());
                    if tracks == usize::from(handle) {
                        announced = message.bytes.len();
                    }
                }
                Ok(Some(Response::PublishDataTrack(_))) => published = true,
                _ => {}
            }
        }
        announced
    }

    /// The next response that the session's types know.
    async fn response(&mut self) -> Response {
        loop {
            if let Ok(Some(response)) = decode_response(&self.message().await.bytes) {
                return response;
            }
        }
    }

    async fn message(&mut self) -> Message {
        timeout(LIMIT, Message::read(&mut self.0)).await.expect("in time").unwrap().expect("more")
    }

    /// How many bytes come before the end. A reset is an end too.
    async fn rest(&mut self) -> usize {
        let mut rest = Vec::new();
        timeout(LIMIT, self.0.read_to_end(&mut rest)).await.expect("the connection ends").ok();
        rest.len()
    }
}

const LIMIT: Duration = Duration::from_secs(20);

const A_MOMENT: Duration = Duration::from_millis(100);

const FOREVER: Duration = Duration::from_secs(3600);
