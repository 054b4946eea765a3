//! The embedded SFU moves participants to other rooms, and subscriptions to other handles.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::{
    script::Room,
    simulated_room::{SimulatedRoom, packet},
};
use datatracks::{
    host::{
        plain::Permissions,
        sfu::{Control, Impairment},
    },
    signal::session::*,
    track::Handle,
};

#[test]
fn who_is_moved_is_gone_here_and_finds_others_there() {
    let mut room = SimulatedRoom::of_two();
    let sid = room.publish("alice", 1, "imu");
    room.publish("bob", 1, "gps");
    room.subscribe("bob", &sid);
    room.read_all("alice");
    room.control("alice", Control::Move(1));
    let Response::RoomMoved(moved) = room.read_all("alice").remove(0) else { panic!() };
    let me = moved.participant.unwrap();
    assert_eq!((me.identity.as_str(), me.data_tracks.len()), ("alice", 0));
    assert_eq!((moved.other_participants.len(), moved.room.unwrap().name), (0, "room-1".into()));
    let told = room.read_all("bob");
    let Response::Update(gone) = &told[0] else { panic!() };
    assert_eq!(gone.participants[0].state, participant_state::DISCONNECTED);
    assert_ne!(gone.participants[0].sid, me.sid);
    let Some(Response::DataTrackSubscriberHandles(left)) = told.last() else { panic!() };
    assert!(left.sub_handles.is_empty());
    let sid = room.publish("alice", 1, "imu");
    assert_eq!(room.read_all("bob"), [], "it is somewhere else");
    room.want("bob", &sid, true);
    assert_eq!(room.handles("bob"), None);
    room.control("bob", Control::Move(1));
    let Response::RoomMoved(moved) = room.read_all("bob").remove(0) else { panic!() };
    assert_eq!(moved.other_participants[0].data_tracks[0].name, "imu");
    room.subscribe("bob", &sid);
}

#[test]
fn who_was_moved_comes_back_to_the_room_where_it_is() {
    let mut room = SimulatedRoom::of_two();
    for identity in ["alice", "bob"] {
        room.control(identity, Control::Move(1));
    }
    room.join("alice", Permissions::default());
    let Response::Join(joined) = room.read_all("alice").remove(0) else { panic!() };
    assert_eq!(joined.other_participants[0].identity, "bob");
    room.disconnect("alice");
    room.control("alice", Control::Move(0));
    assert_eq!(room.sfu.room_of(room.id("alice")), Some(1), "nobody could tell it");
}

#[test]
fn a_subscription_goes_on_under_another_handle() {
    let mut room = SimulatedRoom::of_two();
    let sid = room.publish("alice", 1, "imu");
    let old = room.subscribe("bob", &sid);
    let delay = Impairment { delay: Duration::from_millis(100), ..Impairment::default() };
    room.control("bob", Control::Impair(delay));
    room.send_packet("alice", &packet(1));
    room.control("bob", Control::ChangeHandle(Handle::new(old).unwrap()));
    let (new, _) = room.handles("bob").unwrap().pop_first().unwrap();
    room.send_packet("alice", &packet(1));
    room.advance(Duration::from_secs(1));
    assert_eq!(received(&mut room), [old, new], "one was under way");
    assert_eq!(u16::from(room.sfu.subscription_stats()[0].handle), new);
    room.control("bob", Control::ChangeHandle(Handle::new(old).unwrap()));
    assert_eq!(room.handles("bob"), None, "that is no subscription's");
    room.want("bob", &sid, false);
    room.send_packet("alice", &packet(1));
    room.advance(Duration::from_secs(1));
    assert!(received(&mut room).is_empty(), "it has ended");
}

#[test]
fn subscriptions_exchange_their_handles() {
    let mut room = SimulatedRoom::of_two();
    let sids = [(1, "imu"), (2, "gps")].map(|(handle, name)| room.publish("alice", handle, name));
    let [one, other] = sids.each_ref().map(|sid| room.subscribe("bob", sid));
    let delay = Impairment { delay: Duration::from_millis(100), ..Impairment::default() };
    room.control("bob", Control::Impair(delay));
    room.send_packet("alice", &packet(1));
    let handles = [one, other].map(|handle| Handle::new(handle).unwrap());
    room.control("bob", Control::SwapHandles(handles[0], handles[1]));
    let told = room.handles("bob").unwrap();
    assert_eq!((&told[&one], &told[&other]), (&sids[1], &sids[0]));
    room.send_packet("alice", &packet(1));
    room.advance(Duration::from_secs(1));
    assert_eq!(received(&mut room), [other], "what was under way could be taken for the other's");
    room.control("bob", Control::SwapHandles(handles[0], Handle::MAX));
    assert_eq!(room.handles("bob"), None, "there is but one");
    room.send_packet("alice", &packet(2));
    room.advance(Duration::from_secs(1));
    assert_eq!(received(&mut room), [one]);
}

/// Handles of the packets that bob got since this was last asked.
fn received(room: &mut SimulatedRoom) -> Vec<u16> {
    let id = room.id("bob");
    let packets = room.packets.entry(id).or_default().drain(..);
    packets.map(|packet| u16::from_be_bytes([packet[2], packet[3]])).collect()
}
