//! Packets and their handles (P3, P8): those that come before it, after it, and under one that meant something else before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::time::Duration;

use Event::*;
use kit::subscriber::*;

#[test]
fn p3_packets_that_come_before_their_handle_are_not_lost() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&[0; 10]));
    assert_eq!(subscriber.manager.stats().bytes_stashed, 0, "nobody waits for a handle");
    assert_eq!(subscriber.manager.stats().packets_unknown_handle, 1);
    let subscribing = subscriber.subscribe("data", options(16));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&[0; 40_000]));
    subscriber.feed(&packets.frame(&[1; 40_000])[..2]);
    assert!(subscriber.manager.stats().bytes_stashed > 70_000);
    subscriber.handles(&[(7, "DTR_1")]);
    let stream = subscribing.finish().unwrap();
    assert_eq!(subscriber.manager.stats().bytes_stashed, 0);
    packets.number = 1;
    packets.sequence = 3;
    subscriber.feed(&packets.frame(&[1; 40_000])[2..]);
    assert_eq!(read_numbers(&stream), [0, 1]);
}

#[test]
fn p10_packets_that_wait_for_a_handle_in_vain_are_dropped() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    let _subscribing = subscriber.subscribe("data", options(16));
    subscriber.feed(Packets::default().frame(&[0; 1_000]));
    subscriber.clock.advance(2_000 * MS - TICK);
    assert!(subscriber.manager.stats().bytes_stashed > 1_000);
    subscriber.clock.advance(TICK);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.bytes_stashed, stats.packets_unknown_handle), (0, 1));
    for handle in 1..=u16::MAX {
        let mut packets = Packets { handle, ..Default::default() };
        subscriber.feed(packets.frame(&[0; 2_000]));
    }
    assert!(subscriber.manager.stats().bytes_stashed <= 256 << 10);
}

#[test]
fn p10_what_came_early_is_let_go_of_when_nobody_wants_it() {
    let stashed = |subscriber: &Subscriber| subscriber.manager.stats().bytes_stashed;
    let both = vec![track(1, "DTR_1", "data"), track(2, "DTR_2", "other")];
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", both)]);
    let subscribing = subscriber.subscribe("data", options(16));
    subscriber.feed(Packets::default().frame(&[0; 1_000]));
    assert!(stashed(&subscriber) > 1_000);
    subscriber.handles(&[(7, "DTR_2")]);
    assert_eq!(stashed(&subscriber), 0, "the handle is that of a track that nobody reads");
    subscriber.feed(Packets { handle: 8, ..Default::default() }.frame(&[0; 1_000]));
    assert!(stashed(&subscriber) > 1_000);
    drop(subscribing);
    assert_eq!(stashed(&subscriber), 0, "no handle is waited for");
}

#[test]
fn a_handle_that_is_out_of_use_may_come_again() {
    for new_session in [false, true] {
        let subscriber = Subscriber::new();
        let tracks = vec![track(1, "DTR_1", "data"), track(2, "DTR_2", "other")];
        subscriber.update(vec![participant("bob", tracks.clone())]);
        subscriber.handles(&[(7, "DTR_2")]);
        if new_session {
            subscriber.join(vec![participant("bob", tracks)]);
        } else {
            subscriber.handles(&[]);
            subscriber.clock.advance(Duration::from_secs(2));
        }
        let _waiting = subscriber.subscribe("data", options(16));
        subscriber.feed(Packets::default().frame(b"before its snapshot"));
        assert!(subscriber.manager.stats().bytes_stashed > 0, "new session: {new_session}");
    }
}

#[test]
fn p8_a_handle_of_the_last_session_is_not_taken_for_one_of_the_next() {
    let subscriber = Subscriber::new();
    subscriber.handles(&[(8, "DTR_2")]);
    subscriber.join(vec![participant("bob", vec![track(2, "DTR_2", "other")])]);
    let _waiting = subscriber.subscribe("other", options(16));
    assert!(subscriber.host.take().contains(&Subscribe("DTR_2".into())), "it has to be asked for");
}

#[test]
fn p8_what_came_early_in_the_last_session_is_nobodys_in_the_next() {
    let both = vec![track(1, "DTR_1", "data"), track(2, "DTR_2", "other")];
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", both.clone())]);
    let subscribing = ["data", "other"].map(|name| subscriber.subscribe(name, options(16)));
    subscriber.feed(Packets::default().frame(&[1; 1_000]));
    subscriber.join(vec![participant("bob", both)]);
    subscriber.manager.resend_subscription_updates();
    subscriber.handles(&[(7, "DTR_2"), (8, "DTR_1")]);
    let streams = subscribing.map(|call| call.finish().unwrap());
    streams.iter().for_each(|stream| assert!(read_all(stream).is_empty(), "of another session"));
    assert_eq!(subscriber.manager.stats().bytes_stashed, 0);
}

#[test]
fn p3_packets_that_overtake_a_permission_are_not_lost() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    subscriber.handles(&[]);
    subscriber.permission("DTR_1", false);
    subscriber.clock.advance(Duration::from_secs(2));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"before its permission"));
    subscriber.permission("DTR_1", true);
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(read_numbers(&stream), [0]);
}

#[test]
fn p13_packets_of_a_track_that_has_ended_are_nobodys() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(options(16));
    let track = subscriber.track("data");
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"read"));
    subscriber.update(vec![participant("bob", vec![])]);
    subscriber.feed(packets.frame(b"under way"));
    assert_eq!(track.stats().packets_received, 1);
    assert_eq!(subscriber.manager.stats().packets_unknown_handle, 1);
}

#[test]
fn p9_the_handle_of_a_former_sid_is_nobodys_once_the_new_one_has_its_own() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_9", "data")])]);
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"under the former"));
    subscriber.handles(&[(7, "DTR_1"), (8, "DTR_9")]);
    subscriber.feed(packets.frame(b"still under the former"));
    assert_eq!(subscriber.manager.stats().packets_unknown_handle, 1);
    assert_eq!(read_numbers(&stream), [0]);
}

#[test]
fn p10_each_handle_is_waited_for_for_its_own_time() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    let _subscribing = subscriber.subscribe("data", options(16));
    for handle in [7, 8] {
        subscriber.feed(Packets { handle, ..Default::default() }.frame(&[0; 1_000]));
        subscriber.clock.advance(1_000 * MS);
    }
    let one = subscriber.manager.stats().bytes_stashed;
    subscriber.clock.advance(1_000 * MS - TICK);
    assert_eq!((subscriber.manager.stats().bytes_stashed, one > 1_000), (one, true));
    subscriber.clock.advance(TICK);
    assert_eq!(subscriber.manager.stats().bytes_stashed, 0);
}
