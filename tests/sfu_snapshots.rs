//! Subscriptions in the embedded SFU and the snapshots that tell of them, in virtual time (protocol §3).
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{
    script::Room,
    simulated_room::{SimulatedRoom, packet},
};
use datatracks::{
    host::{plain::Permissions, sfu::Output},
    signal::session::*,
};
use proptest::prelude::*;

#[test]
fn handles_count_up_and_are_not_used_again_at_once() {
    let mut room = SimulatedRoom::of_two();
    let imu = room.publish("alice", 1, "imu");
    let first = room.subscribe("bob", &imu);
    assert!((1..=256).contains(&first));
    room.want("bob", &imu, false);
    assert_eq!(room.subscribe("bob", &imu), first + 1);
}

#[test]
fn handles_wrap_past_zero_and_past_those_in_use() {
    let mut room = SimulatedRoom::of_two();
    let kept = room.publish("alice", 1, "kept");
    let kept_handle = room.subscribe("bob", &kept);
    let other = room.publish("alice", 2, "other");
    let mut seen = BTreeSet::new();
    for _ in 0..u16::MAX {
        room.want("bob", &other, true);
        let handles = room.handles("bob").unwrap();
        let handle = *handles.iter().find(|(_, sid)| **sid == other).unwrap().0;
        assert_ne!(handle, kept_handle);
        seen.insert(handle);
        room.want("bob", &other, false);
    }
    assert_eq!(seen.len(), usize::from(u16::MAX) - 1, "all but zero and the one in use");
    assert_eq!(room.handles("bob").unwrap().into_iter().collect::<Vec<_>>(), [(kept_handle, kept)]);
}

#[test]
fn a_wish_for_an_unknown_track_is_forgotten_after_a_minute() {
    let minute = Duration::from_secs(60);
    for (waited, remembered) in [(minute - Duration::from_nanos(1), true), (minute, false)] {
        let mut room = SimulatedRoom::of_two();
        // The SID of the track to come, from a room that draws the same.
        let sid = SimulatedRoom::of_two().publish("alice", 1, "imu");
        room.want("bob", &sid, true);
        room.advance(waited);
        assert_eq!(room.publish("alice", 1, "imu"), sid);
        assert_eq!(room.handles("bob").is_some(), remembered, "{waited:?}");
    }
}

#[test]
fn who_may_not_subscribe_hears_nothing_until_it_may() {
    let mut room = SimulatedRoom::of_two();
    room.permit("bob", Permissions { can_subscribe: false, ..Permissions::default() });
    let sid = room.publish("alice", 1, "imu");
    room.want("bob", &sid, true);
    assert_eq!(room.handles("bob"), None);
    room.permit("bob", Permissions::default());
    assert_eq!(room.handles("bob").unwrap().len(), 1);
    room.permit("bob", Permissions { can_subscribe: false, ..Permissions::default() });
    assert_eq!(room.handles("bob").unwrap().len(), 0);
    room.send_packet("alice", &packet(1));
    assert!(room.packets.is_empty());
}

#[test]
fn a_denied_reader_is_told_once_and_gets_the_track_when_permitted() {
    let mut room = SimulatedRoom::of_two();
    let sid = room.publish("alice", 1, "imu");
    let readers = |all| {
        let request = SubscriptionPermission { all_participants: all, track_permissions: vec![] };
        Request::SubscriptionPermission(request)
    };
    let told = |room: &mut SimulatedRoom| {
        let all = room.read_all("bob").into_iter();
        let updates = all.filter_map(|response| match response {
            Response::SubscriptionPermissionUpdate(update) => Some(update.allowed),
            _ => None,
        });
        updates.collect::<Vec<_>>()
    };
    room.send("alice", readers(false));
    room.want("bob", &sid, true);
    room.send("alice", readers(false));
    assert_eq!(told(&mut room), [false]);
    room.send("alice", readers(true));
    assert_eq!(told(&mut room), [true]);
    assert_eq!(room.sfu.subscription_stats().len(), 1);
}

#[test]
fn one_request_is_answered_by_one_snapshot_however_much_it_asks_for() {
    let mut room = SimulatedRoom::of_two();
    let sids: Vec<_> = (1..=200).map(|n| room.publish("alice", n, &n.to_string())).collect();
    let all = |subscribe| sids.iter().map(move |sid| (sid.as_str(), subscribe));
    room.read_all("bob");
    want_all(&mut room, "bob", all(true));
    assert_eq!(snapshots(&mut room, "bob"), [200]);
    let toggled = (0..2000).map(|n| (sids[0].as_str(), n % 2 == 1));
    want_all(&mut room, "bob", toggled);
    assert_eq!(snapshots(&mut room, "bob"), [200, 200]);
    let readers = |all_participants| {
        let request = SubscriptionPermission { all_participants, track_permissions: vec![] };
        Request::SubscriptionPermission(request)
    };
    room.send("alice", readers(false));
    assert_eq!(snapshots(&mut room, "bob"), [0]);
    room.send("alice", readers(true));
    assert_eq!(snapshots(&mut room, "bob"), [200]);
    want_all(&mut room, "bob", all(false).take(100));
    assert_eq!(snapshots(&mut room, "bob"), [100, 100]);
    room.send("alice", Request::Leave(LeaveRequest::default()));
    assert_eq!(snapshots(&mut room, "bob"), [0, 0]);
}

fn want_all<'a>(
    room: &mut SimulatedRoom,
    identity: &str,
    wishes: impl Iterator<Item = (&'a str, bool)>,
) {
    let update =
        |(sid, subscribe): (&str, bool)| DataSubscription { track_sid: sid.to_owned(), subscribe };
    let request = UpdateDataSubscription { updates: wishes.map(update).collect() };
    room.send(identity, Request::UpdateDataSubscription(request));
}

#[test]
fn a_snapshot_leaves_before_what_is_decided_after_it() {
    let mut room = SimulatedRoom::of_two();
    let track_sid = room.publish("alice", 1, "imu");
    let (alice, bob) = (room.id("alice"), room.id("bob"));
    room.read_all("bob");
    let updates = vec![DataSubscription { track_sid, subscribe: true }];
    let request = Request::UpdateDataSubscription(UpdateDataSubscription { updates });
    room.sfu.handle_signal(room.now, bob, &encode_request(request));
    room.sfu.handle_packet(room.now, alice, &packet(1));
    let outputs: Vec<_> = std::iter::from_fn(|| room.sfu.poll_output()).collect();
    let [Output::Signal { .. }, Output::Signal { bytes, .. }, Output::Packet { .. }] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    let snapshot = decode_response(bytes);
    assert!(matches!(snapshot, Ok(Some(Response::DataTrackSubscriberHandles(_)))), "{snapshot:?}");
}

/// How many handles each lists of those that have not been read. Reads everything.
fn snapshots(room: &mut SimulatedRoom, identity: &str) -> Vec<usize> {
    let told = room.read_all(identity).into_iter();
    let listed = told.filter_map(|response| match response {
        Response::DataTrackSubscriberHandles(snapshot) => Some(snapshot.sub_handles.len()),
        _ => None,
    });
    listed.collect()
}

#[test]
fn an_unsubscribe_that_would_freeze_a_real_server_is_counted() {
    let mut room = SimulatedRoom::of_two();
    room.want("bob", "DTR_unknown", false);
    assert_eq!(room.sfu.stats().dangerous_unsubscribes, 0, "never wanted: harmless");
    room.want("bob", "DTR_unknown", true);
    room.want("bob", "DTR_unknown", false);
    assert_eq!(room.sfu.stats().dangerous_unsubscribes, 1);
    let sid = room.publish("alice", 1, "imu");
    room.subscribe("bob", &sid);
    room.want("bob", &sid, false);
    assert_eq!(room.sfu.stats().dangerous_unsubscribes, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever people do: the last snapshot of each is what packets say, and nobody waits for a timer in vain.
    #[test]
    fn snapshots_are_the_truth(steps in proptest::collection::vec(step(), 1..60)) {
        let mut room = SimulatedRoom::new();
        let mut sids: Vec<String> = Vec::new();
        let mut known = std::collections::BTreeMap::new();
        for person in PEOPLE {
            room.join(person, Permissions::default());
            known.insert(person, std::collections::BTreeMap::new());
        }
        for step in steps {
            take(&mut room, &mut sids, step);
            for person in PEOPLE {
                let rejoined = room.signals.get(&room.id(person))
                    .is_some_and(|told| told.iter().any(|r| matches!(r, Response::Join(_))));
                if rejoined {
                    known.insert(person, Default::default());
                }
                if let Some(handles) = room.handles(person) {
                    known.insert(person, handles);
                }
            }
        }
        for (publisher, handle) in PEOPLE.iter().flat_map(|p| (1..=3).map(move |h| (*p, h))) {
            room.packets.clear();
            room.send_packet(publisher, &packet(handle));
            for reader in PEOPLE {
                let packets = room.packets.get(&room.id(reader)).cloned().unwrap_or_default();
                for packet in packets {
                    let under = u16::from_be_bytes([packet[2], packet[3]]);
                    prop_assert!(known[reader].contains_key(&under), "{reader} {known:?}");
                }
            }
        }
        let active = room.sfu.subscription_stats().len();
        let told: usize = known.values().map(std::collections::BTreeMap::len).sum();
        prop_assert_eq!(active, told);
    }

    #[test]
    fn any_bytes_are_a_request_or_counted(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut room = SimulatedRoom::of_two();
        room.sfu.handle_signal(room.now, room.id("alice"), &bytes);
        while room.sfu.poll_output().is_some() {}
    }
}

#[derive(Clone, Debug)]
enum Step {
    Publish(usize, u16),
    Unpublish(usize, u16),
    Want(usize, proptest::sample::Index, bool),
    Rejoin(usize),
    Resume(usize),
    Permit(usize, Permissions),
    Readers(usize, bool),
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE.len();
    let handle = 1_u16..4;
    let permissions =
        (any::<bool>(), any::<bool>()).prop_map(|(can_publish_data, can_subscribe)| Permissions {
            can_publish_data,
            can_subscribe,
            hidden: false,
        });
    prop_oneof![
        4 => (who.clone(), handle.clone()).prop_map(|(who, handle)| Step::Publish(who, handle)),
        1 => (who.clone(), handle).prop_map(|(who, handle)| Step::Unpublish(who, handle)),
        8 => (who.clone(), any::<proptest::sample::Index>(), any::<bool>())
            .prop_map(|(who, track, on)| Step::Want(who, track, on)),
        1 => who.clone().prop_map(Step::Rejoin),
        1 => who.clone().prop_map(Step::Resume),
        1 => (who.clone(), permissions).prop_map(|(who, may)| Step::Permit(who, may)),
        1 => (who, any::<bool>()).prop_map(|(who, all)| Step::Readers(who, all)),
        1 => (0_u64..70).prop_map(Step::Advance),
    ]
}

fn take(room: &mut SimulatedRoom, sids: &mut Vec<String>, step: Step) {
    match step {
        Step::Publish(who, handle) => {
            let request = PublishDataTrackRequest {
                pub_handle: handle.into(),
                name: handle.to_string(),
                ..Default::default()
            };
            room.send(PEOPLE[who], Request::PublishDataTrack(request));
            let id = room.id(PEOPLE[who]);
            sids.extend(room.signals[&id].iter().rev().find_map(|response| match response {
                Response::PublishDataTrack(published) => Some(published.info.clone().unwrap().sid),
                _ => None,
            }));
        }
        Step::Unpublish(who, handle) => room.unpublish(PEOPLE[who], handle),
        Step::Want(_, _, _) if sids.is_empty() => {}
        Step::Want(who, track, on) => room.want(PEOPLE[who], track.get(sids).as_str(), on),
        Step::Rejoin(who) => room.join(PEOPLE[who], Permissions::default()),
        Step::Resume(who) => {
            room.disconnect(PEOPLE[who]);
            room.resume(PEOPLE[who]);
        }
        Step::Permit(who, permissions) => room.permit(PEOPLE[who], permissions),
        Step::Readers(who, all_participants) => {
            let track_permissions = vec![];
            let request = SubscriptionPermission { all_participants, track_permissions };
            room.send(PEOPLE[who], Request::SubscriptionPermission(request));
        }
        Step::Advance(seconds) => room.advance(Duration::from_secs(seconds)),
    }
}

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
