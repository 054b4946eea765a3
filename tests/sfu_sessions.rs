//! Sessions in the embedded SFU, in virtual time (protocol §3): who may join, who stays away and comes back, and what rooms take.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{
    script::Room,
    simulated_room::{SimulatedRoom, packet},
};
use datatracks::{
    host::{
        plain::{DropMode, Permissions},
        sfu::{Config, Control, JoinRefused},
    },
    signal::session::*,
};

#[test]
fn sids_have_their_prefix_and_twelve_characters_of_base_57() {
    let mut room = SimulatedRoom::of_two();
    let sids: BTreeSet<_> = (1..=200).map(|n| room.publish("alice", n, &n.to_string())).collect();
    assert_eq!(sids.len(), 200);
    let mut characters = BTreeSet::new();
    for sid in &sids {
        let rest = sid.strip_prefix("DTR_").unwrap();
        assert_eq!(rest.len(), 12);
        characters.extend(rest.chars());
    }
    assert_eq!(characters.len(), 57, "{characters:?}");
    assert!(characters.iter().all(|c| c.is_ascii_alphanumeric() && !"01IOl".contains(*c)));
}

#[test]
fn who_is_hidden_sees_the_others_and_is_not_seen() {
    let mut room = SimulatedRoom::of_two();
    let sid = room.publish("alice", 1, "imu");
    room.join("spy", Permissions { hidden: true, ..Permissions::default() });
    let own = room.publish("spy", 1, "secret");
    room.want("spy", &sid, true);
    assert_eq!(room.handles("spy").unwrap().len(), 1);
    room.join("carol", Permissions::default());
    room.disconnect("bob");
    room.resume("bob");
    room.disconnect("spy");
    room.resume("spy");
    room.send("spy", Request::Leave(LeaveRequest::default()));
    assert!(room.read_all("spy").iter().any(|told| names(told, &own)), "it sees itself");
    for other in ["alice", "bob", "carol"] {
        for told in room.read_all(other) {
            assert!(!names(&told, "spy") && !names(&told, &own), "{other}: {told:?}");
        }
    }
}

/// However it does so.
fn names(told: &Response, name: &str) -> bool {
    format!("{told:?}").contains(&format!("{name:?}"))
}

#[test]
fn the_same_identity_takes_the_place_of_the_one_before() {
    let mut room = SimulatedRoom::of_two();
    let before = room.id("alice");
    let sid = room.publish("alice", 1, "imu");
    room.subscribe("bob", &sid);
    room.join("alice", Permissions::default());
    let farewell = room.signals.get_mut(&before).unwrap().pop_back().unwrap();
    let Response::Leave(leave) = farewell else { panic!("{farewell:?}") };
    assert_eq!(leave.reason, disconnect_reason::DUPLICATE_IDENTITY);
    assert_eq!(leave.action, leave_action::DISCONNECT);
    assert_eq!(room.closed, [before]);
    let told = room.read_all("bob");
    let updates: Vec<_> = told
        .iter()
        .filter_map(|response| match response {
            Response::Update(update) => Some(&update.participants[0]),
            _ => None,
        })
        .collect();
    let [alice] = updates[..] else { panic!("{updates:?}") };
    assert_eq!((alice.state, alice.data_tracks.len()), (participant_state::ACTIVE, 0));
    assert!(matches!(told.last(),
        Some(Response::DataTrackSubscriberHandles(handles)) if handles.sub_handles.is_empty()));
    assert_eq!(room.sfu.stats().ended.received, 0);
}

#[test]
fn subscriptions_survive_a_quick_reconnect_and_are_not_told_again() {
    let mut room = SimulatedRoom::of_two();
    let sid = room.publish("alice", 1, "imu");
    let handle = room.subscribe("bob", &sid);
    room.control("bob", Control::DropSession(DropMode::Quick));
    assert_eq!(room.closed, [room.id("bob")]);
    room.publish("alice", 2, "gps");
    assert_eq!(room.read_all("bob"), [], "signals are lost while it is away");
    room.resume("bob");
    let told = room.read_all("bob");
    assert!(matches!(told[..], [Response::Reconnect(_), Response::Update(_)]), "{told:?}");
    room.send_packet("alice", &packet(1));
    assert_eq!(room.packets[&room.id("bob")][0][2..4], handle.to_be_bytes());
    room.want("bob", &sid, true);
    assert_eq!(room.read_all("bob"), [], "already subscribed");
}

#[test]
fn who_stays_away_is_gone_after_its_time_and_not_before() {
    let mut room = SimulatedRoom::with_config(Config {
        departure_timeout: Duration::from_secs(20),
        ..Config::new("room")
    });
    for identity in ["alice", "bob"] {
        room.join(identity, Permissions::default());
    }
    let sid = room.publish("alice", 1, "imu");
    room.subscribe("bob", &sid);
    room.disconnect("alice");
    room.advance(Duration::from_secs(20) - Duration::from_nanos(1));
    assert_eq!(room.read_all("bob"), []);
    room.advance(Duration::from_nanos(1));
    let told = room.read_all("bob");
    assert!(matches!(&told[0], Response::Update(update)
        if update.participants[0].state == participant_state::DISCONNECTED));
    assert_eq!(room.sfu.poll_timeout(), None);
    room.disconnect("bob");
    room.advance(Duration::from_secs(20));
    assert!(room.sfu.is_empty());
}

#[test]
fn nobody_joins_without_a_usable_name() {
    let mut room = SimulatedRoom::of_two();
    for identity in [String::new(), "x".repeat(257)] {
        let refused = room.sfu.join(&identity, Permissions::default());
        assert_eq!(refused, Err(JoinRefused::InvalidIdentity));
    }
    assert!(room.sfu.join(&"x".repeat(256), Permissions::default()).is_ok());
}

#[test]
fn a_room_has_room_for_so_many() {
    let mut room = SimulatedRoom::of_two();
    let quiet = |room: &mut SimulatedRoom| while room.sfu.poll_output().is_some() {};
    for number in 3..=1024 {
        room.sfu.join(&number.to_string(), Permissions::default()).unwrap();
        quiet(&mut room);
    }
    let refused = room.sfu.join("one more", Permissions::default());
    assert_eq!(refused, Err(JoinRefused::RoomFull));
    assert!(room.sfu.join("bob", Permissions::default()).is_ok(), "who is there may come again");
}

#[test]
fn a_server_without_data_tracks_or_blobs_says_so() {
    let config = Config { data_tracks: false, data_blobs: false, ..Config::new("room") };
    let mut room = SimulatedRoom::with_config(config);
    room.join("alice", Permissions::default());
    room.read_all("alice");
    for request in [
        Request::PublishDataTrack(PublishDataTrackRequest::default()),
        Request::StoreDataBlob(StoreDataBlobRequest::default()),
        Request::GetDataBlob(GetDataBlobRequest::default()),
    ] {
        room.send("alice", request);
        let told = room.read_all("alice");
        assert!(matches!(&told[..], [Response::RequestResponse(refusal)] if refusal.reason == 2));
    }
}

#[test]
fn blobs_of_one_participant_fit_into_their_limit() {
    let mut room = SimulatedRoom::of_two();
    let store = |room: &mut SimulatedRoom, key: &str, size: usize| {
        let key = Some(DataBlobKey { key: Some(BlobKey::Generic(key.into())) });
        let blob = Some(DataBlob { key, contents: vec![0; size] });
        room.send("alice", Request::StoreDataBlob(StoreDataBlobRequest { request_id: 1, blob }));
        matches!(room.read_all("alice")[..], [Response::StoreDataBlob(_)])
    };
    assert!(store(&mut room, "a", 60_000));
    assert!(!store(&mut room, "b", 4_000));
    assert!(store(&mut room, "a", 30_000), "it replaces itself");
    assert!(store(&mut room, "b", 33_000));
}
