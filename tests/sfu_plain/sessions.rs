//! What participants are told and send, through broken connections and bad networks.

use std::time::Duration;

use datatracks::{
    host::sfu::{Impairment, RoomOptions},
    signal::{RefusalReason, session::*},
};

use super::client::*;

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
