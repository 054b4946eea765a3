//! Packets through the embedded SFU: taken apart and put together as livekit-server does (protocol §1.9, §1.11).
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;
mod hex;

use common::{script::Room, simulated_room::SimulatedRoom};
use datatracks::host::plain::Permissions;
use proptest::prelude::*;

/// The vectors of protocol §1.11 and what the server makes of them, their handle aside.
const VECTORS: &[(&str, &str, Fate)] = &[
    ("V01", "18000102030405060708090adeadbeef", Unchanged),
    ("V02", "1c000102030405060708090a000202081122334455667788deadbeef", Unchanged),
    ("V03", "1c000102030405060708090a0004010d05000102030405060708090a0b000000deadbeef", Unchanged),
    (
        "V04",
        "1c000102030405060708090a0006010d05000102030405060708090a0b0208112233445566778800deadbeef",
        Unchanged,
    ),
    ("V05a", "10000102fffeffff0708090aaaaa", Unchanged),
    ("V05b", "00000102ffffffff0708090abbbb", Unchanged),
    ("V05c", "080001020000ffff0708090acc", Unchanged),
    ("V06", "1c000102030405060708090a0003020c1122334455667788ffffffffdeadbeef", Unchanged),
    ("V07", "1c000102030405060708090a0004011005000102030405060708090a0beeeeeedeadbeef", Unchanged),
    ("V08", "1c000102030405060708090a0004c80301020302081122334455667788000000deadbeef", Unchanged),
    ("V09", "1c000102030405060708090a00000800deadbeef", Unchanged),
    ("V10", "1c000102030405060708090a00000000deadbeef", Unchanged),
    (
        "V11",
        "1c000102030405060708090a00030000020811223344556677880000deadbeef",
        Becomes("1c000102030405060708090a00000000deadbeef"),
    ),
    (
        "V12",
        "1c000102030405060708090a00030002081122334455667788000000deadbeef",
        Becomes("1c000102030405060708090a00000000deadbeef"),
    ),
    ("V13", "1c000102030405060708090a000102043c3c3c3cdeadbeef", Unchanged),
    ("V14", "1c000102030405060708090a000302043c3c3c3cc806090909090909deadbeef", Unchanged),
    (
        "V15",
        "1c000102030405060708090a000602081122334455667788010d05000102030405060708090a0b00deadbeef",
        Unchanged,
    ),
    ("V16", "18000102030405060708090a", Unchanged),
    ("V17", "1bff0102030405060708090adeadbeef", Becomes("18000102030405060708090adeadbeef")),
    (
        "V18",
        "1c000102030405060708090a000502081122334455667788020899999999999999990000deadbeef",
        Unchanged,
    ),
    (
        "V19",
        "1c000102030405060708090a00030208112233445566778800000007deadbeef",
        Becomes("1c000102030405060708090a000202081122334455667788deadbeef"),
    ),
    ("V20", "1c000102030405060708090a0001080301010107deadbeef", Dropped),
    ("V21", "1c000102030405060708090a0001080301010100deadbeef", Unchanged),
    ("M01", "", Dropped),
    ("M02", "1800010203040506070809", Dropped),
    ("M03", "38000102030405060708090adeadbeef", Unchanged),
    ("M04", "18000000030405060708090adeadbeef", Dropped),
    ("M05", "1c000102030405060708090a", Dropped),
    ("M06", "1c000102030405060708090a00", Dropped),
    ("M07", "1c000102030405060708090a00010000", Dropped),
    ("M08", "1c000102030405060708090affff0000", Dropped),
    ("M09", "1c000102030405060708090a000202091122334455667788deadbeef", Dropped),
    ("M10", "1c000102030405060708090a0001080501010101deadbeef", Dropped),
    ("M11", "1c000102030405060708090a0002010d0101010101010101deadbeef", Dropped),
    ("M12", "1c000102030405060708090a00000204deadbeef", Dropped),
];

enum Fate {
    Unchanged,
    Becomes(&'static str),
    Dropped,
}
use Fate::{Becomes, Dropped, Unchanged};

#[test]
fn vectors_are_forwarded_as_the_server_does() {
    for (name, packet, fate) in VECTORS {
        let (mut room, handle) = room_with_reader(HANDLE);
        room.send_packet("alice", &hex::bytes(packet));
        let expected = match fate {
            Unchanged => Some(with_handle(&hex::bytes(packet), handle)),
            Becomes(other) => Some(with_handle(&hex::bytes(other), handle)),
            Dropped => None,
        };
        assert_eq!(received(&mut room, "bob").pop(), expected, "{name}");
    }
}

#[test]
fn a_publisher_does_not_hear_itself_and_strangers_hear_nothing() {
    let (mut room, _) = room_with_reader(HANDLE);
    room.join("carol", Permissions::default());
    room.send_packet("alice", &hex::bytes(VECTORS[0].1));
    assert!(received(&mut room, "alice").is_empty());
    assert!(received(&mut room, "carol").is_empty());
}

#[test]
fn packets_of_unknown_tracks_are_counted_and_dropped() {
    let (mut room, _) = room_with_reader(HANDLE + 1);
    room.send_packet("alice", &hex::bytes(VECTORS[0].1));
    room.send_packet("bob", &hex::bytes(VECTORS[0].1));
    assert!(received(&mut room, "bob").is_empty());
    assert_eq!(room.sfu.stats().unknown_packets, 2);
}

#[test]
fn messages_larger_than_the_servers_buffer_are_dropped() {
    let (mut room, _) = room_with_reader(HANDLE);
    let mut packet = hex::bytes(VECTORS[0].1);
    packet.resize(65_535, 0);
    room.send_packet("alice", &packet);
    assert_eq!(received(&mut room, "bob").len(), 1);
    packet.push(0);
    room.send_packet("alice", &packet);
    assert!(received(&mut room, "bob").is_empty());
    assert_eq!(room.sfu.stats().malformed_packets, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_forwarded_or_dropped(mut bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
        let (mut room, handle) = room_with_reader(HANDLE);
        if let Some(at) = bytes.get_mut(2..4) {
            at.copy_from_slice(&HANDLE.to_be_bytes());
        }
        room.send_packet("alice", &bytes);
        for packet in received(&mut room, "bob") {
            prop_assert!(packet.len() <= bytes.len(), "nothing is added");
            prop_assert_eq!(&packet[2..4], &handle.to_be_bytes());
            prop_assert_eq!(packet[0] & 3, 0);
            // What the server sends it would forward unchanged.
            let mut again = packet.clone();
            again[2..4].copy_from_slice(&HANDLE.to_be_bytes());
            room.send_packet("alice", &again);
            prop_assert_eq!(received(&mut room, "bob"), vec![packet]);
        }
    }
}

/// Alice publishes under this handle, and bob reads.
fn room_with_reader(handle: u16) -> (SimulatedRoom, u16) {
    let mut room = SimulatedRoom::new();
    room.join("alice", Permissions::default());
    room.join("bob", Permissions::default());
    let sid = room.publish("alice", handle, "imu");
    let handle = room.subscribe("bob", &sid);
    (room, handle)
}

fn received(room: &mut SimulatedRoom, identity: &str) -> Vec<Vec<u8>> {
    let id = room.id(identity);
    room.packets.remove(&id).unwrap_or_default().into()
}

fn with_handle(packet: &[u8], handle: u16) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[2..4].copy_from_slice(&handle.to_be_bytes());
    packet
}

/// As in the vectors.
const HANDLE: u16 = 0x0102;
