//! Strangers, and readers that take nothing: they are answered in words or let go, and nobody else notices.

use std::time::Duration;

use datatracks::{
    host::sfu::{RoomOptions, plain::Limits},
    signal::session::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::client::*;

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

const A_MOMENT: Duration = Duration::from_millis(100);

/// Most that a data blob may have, nearly.
const LARGE: usize = 60_000;

/// 40 MB: more than all buffers on the way hold.
const SENT: usize = 2500;
