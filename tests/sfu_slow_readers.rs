//! Who takes its signals from the embedded SFU more slowly than they come, over WebSocket.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod plain_participant;

use std::{future::pending, net::SocketAddr};

use datatracks::{
    host::{
        room::{ApiKey, Grants},
        sfu::{
            RoomOptions, Rooms,
            listen::{Limits, Server, ServerOptions},
            plain,
        },
    },
    signal::session::*,
};
use futures_util::StreamExt;
use plain_participant::{LIMIT, Plain};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::test]
async fn who_lets_its_signals_pile_up_loses_the_connection_and_nothing_else() {
    let rooms = Rooms::new(RoomOptions::default());
    let server = start(rooms.clone()).await;
    let mut bob = socket(&server, "bob", "").await;
    assert!(matches!(response(&mut bob).await, Response::Join(_)));

    let mut alice = Plain::join(plain(rooms).await, "alice").await;
    let mut said = 0;
    for handle in 1..=TRACKS {
        said += alice.publish(handle).await;
    }
    let mut taken = 0;
    let reading = async {
        while let Some(Ok(message)) = bob.next().await {
            taken += message.len();
        }
    };
    timeout(LIMIT, reading).await.expect("the connection ends");
    assert!(taken < said, "{taken} of {said} bytes were kept for it");

    let mut bob = socket(&server, "bob", "&reconnect=1").await;
    assert!(matches!(response(&mut bob).await, Response::Reconnect(_)), "its participant was kept");
    let update = loop {
        if let Response::Update(update) = response(&mut bob).await {
            break update;
        }
    };
    let alice = update.participants.iter().find(|one| one.identity == "alice").unwrap();
    assert_eq!(alice.data_tracks.len(), usize::from(TRACKS));
    server.close().await;
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The signalling of a client that makes no peer connections.
async fn socket(server: &Server, identity: &str, query: &str) -> Socket {
    let token = ApiKey::new(KEY, SECRET).sign(&Grants::new(identity, "lab"));
    let (address, token) = (server.address(), token.as_str());
    let url = format!("ws://{address}/rtc?access_token={token}{query}");
    connect_async(url).await.unwrap().0
}

async fn response(socket: &mut Socket) -> Response {
    let message = timeout(LIMIT, socket.next()).await.expect("a signal").unwrap().unwrap();
    decode_response(&message.into_data()).unwrap().unwrap()
}

async fn plain(rooms: Rooms) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain::serve(listener, rooms, plain::Limits::default(), pending()));
    address
}

async fn start(rooms: Rooms) -> Server {
    let address = ([127, 0, 0, 1], 0).into();
    let (key, limits) = (ApiKey::new(KEY, SECRET), Limits::default());
    Server::start(ServerOptions { address, key, rooms, limits, site: None }).await.unwrap()
}

/// Together 50 MB of announcements: more than the SFU keeps and all buffers on the way hold.
const TRACKS: u16 = 600;

const KEY: &str = "testkey";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
