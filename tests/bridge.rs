//! The bridge in front of an embedded SFU: what strangers cannot make it hold. `interop_bridge` has what it is for.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod plain_participant;

use std::{future::pending, net::SocketAddr, time::Duration};

use datatracks::{
    host::{
        bridge::Bridge,
        plain::{Kind, Limits, Message},
        room::{ApiKey, ServerAddress},
        sfu::{
            RoomOptions, Rooms,
            listen::{self, Server, ServerOptions},
        },
    },
    signal::session::*,
};
use plain_participant::{LIMIT, Plain};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
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

#[tokio::test]
async fn requests_that_the_server_does_not_take_fill_no_memory() {
    let server = serve().await;
    let (relay, stall) = relay(server.address()).await;
    let mut alice = Plain::join(bridge_to(relay, Limits::default()).await, "alice").await;
    stall.send_replace(true);
    let request = Message::signal(vec![0; 2 << 20]);
    let taken = async {
        let mut taken = 0;
        while request.write(&mut alice.0).await.is_ok() {
            taken += 1;
        }
        taken
    };
    // Eight wait; what the buffers of two connections hold goes beside them.
    let taken = timeout(LIMIT, taken).await.expect("the connection ends");
    assert!(taken < 30, "{taken} requests of 2 MiB were taken");
}

/// Passes on what comes, until it is told to stall.
async fn relay(server: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stall) = (listener.local_addr().unwrap(), watch::Sender::new(false));
    let told = stall.subscribe();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut told = told.clone();
            tokio::spawn(async move {
                let mut upstream = TcpStream::connect(server).await.unwrap();
                select! {
                    _ = copy_bidirectional(&mut client, &mut upstream) => {}
                    () = async { drop(told.wait_for(|stalls| *stalls).await) } => pending().await,
                }
            });
        }
    });
    (address, stall)
}

async fn bridge(limits: Limits) -> (Server, SocketAddr) {
    let server = serve().await;
    let bridge = bridge_to(server.address(), limits).await;
    (server, bridge)
}

async fn serve() -> Server {
    let server = Server::start(ServerOptions {
        address: ([127, 0, 0, 1], 0).into(),
        key: key(),
        rooms: Rooms::new(RoomOptions::default()),
        limits: listen::Limits::default(),
        site: None,
    });
    server.await.unwrap()
}

async fn bridge_to(server: SocketAddr, limits: Limits) -> SocketAddr {
    let behind = ServerAddress::parse(&format!("ws://{server}")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bridge = Bridge::new(behind, key());
    tokio::spawn(async move { bridge.serve(listener, limits, pending()).await });
    address
}

fn key() -> ApiKey {
    ApiKey::new("testkey", "0123456789abcdef0123456789abcdef")
}

const A_MOMENT: Duration = Duration::from_millis(100);

const FOREVER: Duration = Duration::from_secs(3600);
