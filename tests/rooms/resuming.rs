//! A connection that breaks while the one before it is being mended.

use std::net::SocketAddr;

use datatracks::{
    host::room::{EndReason, Mode, Reconnection, RoomEvent, transport::JoinOptions},
    signal::session::{LeaveRequest, Response, disconnect_reason, encode_response},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional},
    net::{TcpListener, TcpStream},
    select,
    sync::oneshot::{self, Receiver, Sender},
};

use super::kit::{deliver, join, next, options, publish, serve, subscribe};

#[tokio::test]
async fn a_farewell_in_the_middle_of_a_resumption_is_heard_at_once() {
    let server = serve().await;
    let farewell =
        LeaveRequest { reason: disconnect_reason::PARTICIPANT_REMOVED, ..LeaveRequest::default() };
    let farewell = encode_response(Response::Leave(farewell));
    let length = u8::try_from(farewell.len()).unwrap();
    let (address, cut) = relay(server.address(), [&[0x82, length], &farewell[..]].concat()).await;
    let options = JoinOptions { mode: Some(Mode::Dual), ..options(address, "alice") };
    let (_room, mut events) = join(options).await;
    cut.send(()).unwrap();
    assert!(matches!(next(&mut events).await, RoomEvent::Reconnecting(_)));
    let event = next(&mut events).await;
    assert!(matches!(event, RoomEvent::Closed(EndReason::ParticipantRemoved)), "{event:?}");
}

#[tokio::test]
async fn a_resumption_whose_connection_breaks_is_tried_again_at_once_and_quickly() {
    let server = serve().await;
    let (reader, _) = join(options(server.address(), "bob")).await;
    let (address, cut) = relay(server.address(), Vec::new()).await;
    let options = JoinOptions { mode: Some(Mode::Dual), ..options(address, "alice") };
    let (room, mut events) = join(options).await;
    let track = publish(&room, "poses").await;
    let stream = subscribe(&reader, "poses").await;
    deliver(&track, &stream).await;
    cut.send(()).unwrap();
    assert!(matches!(next(&mut events).await, RoomEvent::Reconnecting(_)));
    let event = next(&mut events).await;
    assert!(matches!(event, RoomEvent::Reconnected(Reconnection::Quick)), "{event:?}");
    deliver(&track, &stream).await;
}

/// Passes on what comes. Ends the first connection when told to, and the second when the client, which has been let in, begins to
/// speak, with these last words; the server hears nothing of that.
async fn relay(server: SocketAddr, last_words: Vec<u8>) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, told) = oneshot::channel();
    tokio::spawn(serve_all(listener, server, told, last_words));
    (address, cut)
}

async fn serve_all(
    listener: TcpListener,
    server: SocketAddr,
    told: Receiver<()>,
    last_words: Vec<u8>,
) {
    let accept = async || {
        let (client, _) = listener.accept().await.unwrap();
        (client, TcpStream::connect(server).await.unwrap())
    };
    let (mut client, mut upstream) = accept().await;
    select! {
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        _ = told => {}
    }
    drop((client, upstream));
    let (mut client, mut upstream) = accept().await;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = upstream.split();
    let handshake = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(from_client.read_u8().await.unwrap());
        }
        to_server.write_all(&request).await.unwrap();
        from_client.read_u8().await.unwrap();
    };
    select! {
        _ = copy(&mut from_server, &mut to_client) => {}
        () = handshake => {}
    }
    to_client.write_all(&last_words).await.unwrap();
    drop((client, upstream));
    let (mut client, mut upstream) = accept().await;
    copy_bidirectional(&mut client, &mut upstream).await.ok();
}
