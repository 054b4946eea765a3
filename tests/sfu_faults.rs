//! Faults of the embedded SFU: drawn from a seed, bounded, and every packet accounted for.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::{script::Room, simulated_room::SimulatedRoom};
use datatracks::{
    host::{
        plain::Permissions,
        sfu::{Config, Control, Impairment, ImpairmentError, LinkStats},
    },
    signal::{RefusalReason, session::*},
};
use proptest::prelude::*;

#[test]
fn an_impairment_is_read_as_it_is_written() {
    let all: Impairment = "loss=2%,reorder=8,duplicate=1%,delay=10ms,seed=7".parse().unwrap();
    let expected = Impairment {
        loss: 0.02,
        duplicate: 0.01,
        reorder: 8,
        delay: Duration::from_millis(10),
        seed: 7,
    };
    assert_eq!(all, expected);
    assert_eq!(" loss = 0.02 , delay=1s ".parse::<Impairment>().unwrap().loss, 0.02);
    assert_eq!("delay=1s".parse::<Impairment>().unwrap().delay, Duration::from_secs(1));
    assert_eq!("".parse::<Impairment>(), Ok(Impairment::default()));
    assert!(Impairment::default().is_none() && !all.is_none());
}

#[test]
fn a_bad_impairment_is_refused_in_words() {
    use ImpairmentError as Error;
    let error = |text: &str| text.parse::<Impairment>().unwrap_err();
    assert_eq!(error("loss"), Error::NoValue("loss".into()));
    assert_eq!(error("lost=1%"), Error::UnknownKey("lost".into()));
    assert_eq!(error("loss=1%,loss=2%"), Error::Repeated("loss".into()));
    for (text, words) in [
        ("loss=200%", "`loss=200%`: expected a probability such as 2% or 0.02"),
        ("loss=-1%", "`loss=-1%`: expected a probability such as 2% or 0.02"),
        ("duplicate=NaN", "`duplicate=NaN`: expected a probability such as 2% or 0.02"),
        ("reorder=1001", "`reorder=1001`: expected a number of places up to 1000"),
        ("reorder=x", "`reorder=x`: expected a number of places up to 1000"),
        ("delay=10", "`delay=10`: expected a time up to 10s, such as 10ms"),
        ("delay=11s", "`delay=11s`: expected a time up to 10s, such as 10ms"),
        ("seed=one", "`seed=one`: expected a number"),
    ] {
        assert_eq!(error(text).to_string(), words);
    }
}

#[test]
fn a_perfect_network_delivers_at_once_and_in_order() {
    let mut link = Link::new("");
    link.send(100);
    assert_eq!(link.received(), (0..100).collect::<Vec<_>>());
    assert_eq!(link.room.sfu.poll_timeout(), None);
}

#[test]
fn loss_is_about_as_asked_for_and_counted() {
    let mut link = Link::new("loss=20%,seed=1");
    link.send(10_000);
    let received = link.received().len();
    let stats = link.stats();
    assert!((7_800..8_200).contains(&received), "{received}");
    assert_eq!(stats.received, 10_000);
    assert_eq!(stats.delivered, received as u64);
    assert_eq!(stats.lost, 10_000 - received as u64);
    assert_eq!(stats.frames_damaged, stats.lost, "each frame is one packet here");
}

#[test]
fn a_frame_of_many_packets_is_damaged_once() {
    let mut link = Link::new("loss=100%");
    for _ in 0..5 {
        link.send_packet(7, 0);
    }
    link.send_packet(8, 0);
    assert_eq!(link.stats().frames_damaged, 2);
    assert_eq!(link.stats().lost, 6);
}

#[test]
fn duplicates_come_and_are_counted() {
    let mut link = Link::new("duplicate=50%,seed=2");
    link.send(1_000);
    let received = link.received();
    let stats = link.stats();
    assert!((400..600).contains(&stats.duplicated));
    assert_eq!(received.len() as u64, 1_000 + stats.duplicated);
    assert_eq!(stats.delivered, received.len() as u64);
}

#[test]
fn a_packet_is_at_most_so_many_places_late() {
    for places in [1_usize, 4, 64] {
        let mut link = Link::new(&format!("reorder={places},seed=3"));
        link.send(5_000);
        link.room.advance(Duration::from_millis(5));
        let received = link.received();
        assert_eq!(received.len(), 5_000);
        let overtaken = |at: usize, number: u32| {
            let later = received[..at].iter().filter(|earlier| **earlier > number);
            later.count()
        };
        let late: Vec<_> = received.iter().enumerate().map(|(at, n)| overtaken(at, *n)).collect();
        assert!(late.iter().all(|late| *late <= places), "{places}: {:?}", late.iter().max());
        // Others are late too, so hardly any is as late as it could be.
        assert!(late.iter().max() > Some(&(places / 2)), "{places}: {:?}", late.iter().max());
    }
}

#[test]
fn the_last_packet_does_not_wait_for_the_next() {
    let mut link = Link::new("reorder=1000,seed=5");
    link.send(1);
    assert!(link.received().is_empty());
    let due = link.room.sfu.poll_timeout().expect("it is held");
    assert_eq!(due - link.room.now, Duration::from_millis(5));
    link.room.advance(Duration::from_millis(5) - Duration::from_nanos(1));
    assert!(link.received().is_empty());
    link.room.advance(Duration::from_nanos(1));
    assert_eq!(link.received(), [0]);
}

#[test]
fn a_delay_is_kept_to_the_instant() {
    let mut link = Link::new("delay=10ms");
    link.send(3);
    link.room.advance(Duration::from_millis(10) - Duration::from_nanos(1));
    assert!(link.received().is_empty());
    link.room.advance(Duration::from_nanos(1));
    assert_eq!(link.received(), [0, 1, 2]);
}

#[test]
fn a_network_that_gets_better_lets_go_of_what_it_held() {
    let mut link = Link::new("delay=10s");
    link.send(1);
    link.room.control("bob", Control::Impair(Impairment::default()));
    link.send_packet(1, 1);
    assert!(link.received().is_empty(), "what was delayed stays so, and is not overtaken");
    link.room.advance(Duration::from_secs(10));
    assert_eq!(link.received(), [0, 1]);
}

#[test]
fn what_is_on_the_way_is_bounded() {
    let mut link = Link::new("delay=10s");
    for number in 0..400 {
        link.send_packet(number, 60_000);
    }
    let stats = link.stats();
    let held = stats.received - stats.overflowed;
    assert!((250..=280).contains(&held), "16 MiB: {stats:?}");
    link.room.advance(Duration::from_secs(10));
    assert_eq!(link.received().len() as u64, held);
}

#[test]
fn faults_of_one_subscriber_are_not_those_of_another() {
    let mut link = Link::new("loss=100%");
    link.room.join("carol", Permissions::default());
    let sid = link.sid.clone();
    link.room.subscribe("carol", &sid);
    link.send(5);
    assert!(link.received().is_empty());
    let carol = link.room.id("carol");
    assert_eq!(link.room.packets[&carol].len(), 5);
}

#[test]
fn a_reply_can_be_lost_once() {
    let mut room = room();
    room.control("alice", Control::LoseNext);
    room.send("alice", publish(1, "imu"));
    let answers = |room: &mut SimulatedRoom| {
        let all = room.read_all("alice");
        all.iter().filter(|r| matches!(r, Response::PublishDataTrack(_))).count()
    };
    assert_eq!(answers(&mut room), 0);
    let bob = room.read_all("bob");
    assert!(format!("{bob:?}").contains("imu"), "it is published all the same");
    room.send("alice", publish(2, "gps"));
    assert_eq!(answers(&mut room), 1);
}

#[test]
fn a_lost_snapshot_leaves_the_subscription_active() {
    let mut room = room();
    let sid = room.publish("alice", 1, "imu");
    room.control("bob", Control::LoseNext);
    room.want("bob", &sid, true);
    assert_eq!(room.handles("bob"), None);
    room.send_packet("alice", &packet(1, 0, 0));
    assert_eq!(room.packets[&room.id("bob")].len(), 1);
}

#[test]
fn a_request_can_be_refused_once_for_any_reason() {
    let mut room = room();
    for (reason, request) in [
        (RefusalReason::LimitExceeded, publish(1, "imu")),
        (
            RefusalReason::Unknown(99),
            Request::UnpublishDataTrack(UnpublishDataTrackRequest { pub_handle: 1 }),
        ),
        (RefusalReason::NotAllowed, Request::StoreDataBlob(StoreDataBlobRequest::default())),
        (RefusalReason::NotFound, Request::GetDataBlob(GetDataBlobRequest::default())),
    ] {
        room.control("alice", Control::RefuseNext(reason.code()));
        room.send("alice", request);
        let Some(Response::RequestResponse(refusal)) = room.read_all("alice").pop() else {
            panic!("no refusal for {reason:?}")
        };
        assert_eq!(RefusalReason::from_code(refusal.reason), reason);
    }
    room.publish("alice", 1, "imu");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_packet_is_accounted_for(
        loss in 0_u32..=100,
        duplicate in 0_u32..=100,
        reorder in 0_u32..=100,
        delay in 0_u32..50,
        seed: u64,
        packets in 0_u32..300,
    ) {
        let spec = format!(
            "loss={loss}%,duplicate={duplicate}%,reorder={reorder},delay={delay}ms,seed={seed}"
        );
        let mut link = Link::new(&spec);
        link.send(packets);
        link.room.advance(Duration::from_millis(60));
        let received = link.received();
        let stats = link.stats();
        prop_assert_eq!(stats.received, u64::from(packets));
        prop_assert_eq!(stats.delivered, received.len() as u64);
        prop_assert_eq!(stats.delivered + stats.lost, stats.received + stats.duplicated);
        for number in 0..packets {
            let copies = received.iter().filter(|n| **n == number).count();
            prop_assert!(copies <= 2);
        }
        let mut again = Link::new(&spec);
        again.send(packets);
        again.room.advance(Duration::from_millis(60));
        prop_assert_eq!(again.received(), received);
    }
}

/// Alice publishes, bob reads over a network with these faults.
struct Link {
    room: SimulatedRoom,
    sid: String,
}

impl Link {
    fn new(impairment: &str) -> Self {
        let mut room = room();
        room.control("bob", Control::Impair(impairment.parse().unwrap()));
        let sid = room.publish("alice", 1, "imu");
        room.subscribe("bob", &sid);
        Self { room, sid }
    }

    fn send(&mut self, packets: u32) {
        for number in 0..packets {
            self.send_packet(number, 0);
        }
    }

    fn send_packet(&mut self, number: u32, padding: usize) {
        self.room.send_packet("alice", &packet(1, number, padding));
    }

    fn received(&mut self) -> Vec<u32> {
        let bob = self.room.id("bob");
        let packets = self.room.packets.remove(&bob).unwrap_or_default();
        packets
            .iter()
            .map(|packet| u32::from_be_bytes(packet[12..16].try_into().unwrap()))
            .collect()
    }

    fn stats(&self) -> LinkStats {
        let all = self.room.sfu.subscription_stats();
        all.into_iter().find(|stats| stats.subscriber == "bob").unwrap().link
    }
}

fn room() -> SimulatedRoom {
    let mut room = SimulatedRoom::with_config(Config::new("room"));
    room.join("alice", Permissions::default());
    room.join("bob", Permissions::default());
    room.read_all("alice");
    room.read_all("bob");
    room
}

fn publish(pub_handle: u32, name: &str) -> Request {
    let name = name.to_owned();
    Request::PublishDataTrack(PublishDataTrackRequest { pub_handle, name, ..Default::default() })
}

/// Frame and payload of this number.
fn packet(handle: u16, number: u32, padding: usize) -> Vec<u8> {
    let mut packet = vec![0x18, 0];
    packet.extend(handle.to_be_bytes());
    packet.extend([0; 2]);
    packet.extend((number as u16).to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(number.to_be_bytes());
    packet.resize(packet.len() + padding, 0);
    packet
}
