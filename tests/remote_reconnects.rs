//! Subscriptions through reconnects (P8), permissions that come and go, new SIDs and new handles: who reads reads on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use Event::*;
use SubscriptionState::*;
use datatracks::*;
use kit::short::*;
use kit::subscriber::*;

#[test]
fn p8_a_request_for_who_reads_is_made_again_until_it_is_sent() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.host.throw_at(|event| matches!(event, Subscribe(_)));
    subscriber.manager.resend_subscription_updates();
    subscriber.host.take();
    for _ in 0..3 {
        subscriber.clock.advance(500 * MS);
        assert_eq!(subscriber.host.take(), []);
        let late = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap();
        assert_eq!(late.unwrap_err(), SubscribeError::SignalNotSent);
        subscriber.host.take();
        subscriber.clock.advance(499 * MS);
        assert_eq!(subscriber.host.take(), []);
        subscriber.clock.advance(MS);
        assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))], "once, for all of them");
    }
    subscriber.host.stop_throwing();
    subscriber.clock.advance(1_000 * MS);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.clock.advance(60_000 * MS);
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [changed(Active)]);
}

#[test]
fn p8_who_is_permitted_again_during_a_reconnect_may_ask() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    subscriber.permission("DTR_1", false);
    assert_eq!(failed(subscribing), SubscribeError::NotPermitted);
    subscriber.manager.resend_subscription_updates();
    subscriber.host.take();
    let mut subscribing = begin(&subscriber);
    assert_eq!(subscribing.poll().map(drop), None);
    subscriber.handles(&[(7, "DTR_1")]);
    subscribing.finish().unwrap();
}

#[test]
fn permission_refused_fails_those_who_wait() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    subscriber.permission("DTR_1", false);
    assert_eq!(failed(subscribing), SubscribeError::NotPermitted);
    let again = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap();
    assert_eq!(again.unwrap_err(), SubscribeError::NotPermitted, "the SFU does not say it twice");
    subscriber.host.take();
    subscriber.permission("DTR_1", true);
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))], "nobody waits any more");
    subscriber.handles(&[]);
    let subscribing = begin(&subscriber);
    subscriber.handles(&[(8, "DTR_1")]);
    subscribing.finish().unwrap();
}

#[test]
fn a_refusal_of_what_is_being_ended_concerns_nobody_who_wants_it_again() {
    let subscriber = Subscriber::new();
    subscriber.reading(DataTrackSubscribeOptions::default()).shutdown();
    let again = begin(&subscriber);
    subscriber.permission("DTR_1", false);
    subscriber.host.take();
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.handles(&[(8, "DTR_1")]);
    again.finish().unwrap();
}

#[test]
fn what_was_refused_is_asked_for_anew_under_another_sid() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.handles(&[]);
    subscriber.permission("DTR_1", false);
    assert_eq!(subscriber.host.take(), [changed(Pending), changed(NotPermitted)]);
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_9", "data")])]);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_9")), changed(Pending)]);
}

#[test]
fn permission_revoked_and_given_again_keeps_the_stream() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"before"));
    subscriber.handles(&[]);
    subscriber.permission("DTR_1", false);
    assert_eq!(subscriber.host.take(), [changed(Pending), changed(NotPermitted)]);
    assert_eq!(stream.end_reason(), None);
    subscriber.permission("DTR_1", true);
    subscriber.handles(&[(9, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [changed(Pending), changed(Active)]);
    packets.handle = 9;
    subscriber.feed(packets.frame(b"after"));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [0, 1]);
    // The other order of the two messages.
    subscriber.permission("DTR_1", false);
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), [changed(NotPermitted)]);
    stream.shutdown();
    assert_eq!(subscriber.host.take(), [changed(Unsubscribed)], "there is nothing to end");
}

#[test]
fn p8_a_quick_reconnect_asks_again_and_keeps_streams_and_handles() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.update(vec![participant(
        "eve",
        vec![track(1, "DTR_2", "pending"), track(2, "DTR_3", "unread")],
    )]);
    let pending = subscriber.subscribe("pending", DataTrackSubscribeOptions::default());
    subscriber.host.take();
    subscriber.manager.resend_subscription_updates();
    let asked = [Subscribe(sid("DTR_1")), Subscribe(sid("DTR_2"))];
    assert_eq!(subscriber.host.take(), asked, "and no state changes");
    subscriber.feed(Packets::default().frame(b"still here"));
    assert_eq!(read_numbers(&stream), [0]);
    subscriber.handles(&[(7, "DTR_1"), (8, "DTR_2")]);
    pending.finish().unwrap();
}

#[test]
fn p8_a_quick_reconnect_during_an_unsubscribe_brings_the_track_back() {
    let subscriber = Subscriber::new();
    subscriber.reading(DataTrackSubscribeOptions::default()).shutdown();
    let mut subscribing = begin(&subscriber);
    subscriber.host.take();
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    assert!(subscribing.poll().is_none(), "the SFU may still end the old handle");
    // It never got the request to end it, so the old handle stays, and no snapshot tells so.
    subscriber.clock.advance(10_000 * MS);
    subscribing.finish().unwrap();
    assert_eq!(subscriber.host.take(), [changed(Active)]);
}

#[test]
fn p8_a_full_reconnect_voids_the_handles_and_keeps_the_streams() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let known = subscriber.track("data");
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"before"));
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    assert_eq!(subscriber.host.take(), [changed(Pending)], "asked when the host is ready");
    subscriber.feed(packets.clone().frame(b"of the old session"));
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.handles(&[(200, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [changed(Active)]);
    packets.handle = 200;
    subscriber.feed(packets.frame(b"after"));
    subscriber.clock.advance(20 * MS);
    let frames = read_all(&stream);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1].payload.as_ref(), b"after");
    assert_eq!(subscriber.track("data"), known);
    stream.shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
}

#[test]
fn p8_a_call_that_waits_survives_a_full_reconnect() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    subscriber.clock.advance(9_000 * MS);
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.manager.resend_subscription_updates();
    let [Subscribe(_), Changed(_, Pending), Subscribe(again)] = &subscriber.host.take()[..] else {
        panic!("asked again")
    };
    assert_eq!(again, "DTR_1");
    subscriber.handles(&[(3, "DTR_1")]);
    subscribing.finish().unwrap();
}

#[test]
fn p9_a_track_that_is_published_again_keeps_its_readers() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let known = subscriber.track("data");
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"before"));
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_9", "data")])]);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_9")), changed(Pending)]);
    assert_eq!(known.info().sid, "DTR_9");
    subscriber.feed(packets.frame(b"the last of the old handle"));
    subscriber.handles(&[]);
    subscriber.handles(&[(8, "DTR_9")]);
    assert_eq!(subscriber.host.take(), [changed(Active)]);
    packets.handle = 8;
    subscriber.feed(packets.frame(b"after"));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [0, 1, 2]);
    assert_eq!(subscriber.track("data"), known);
    assert_eq!(stream.end_reason(), None);
    // The new handle may also be known before the new SID.
    subscriber.handles(&[(8, "DTR_9"), (9, "DTR_10")]);
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_10", "data")])]);
    assert_eq!(subscriber.host.take(), []);
    packets.handle = 9;
    subscriber.feed(packets.frame(b"at once"));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [3]);
}

#[test]
fn handles_may_be_swapped() {
    let subscriber = Subscriber::new();
    let tracks = vec![track(1, "DTR_1", "a"), track(2, "DTR_2", "b")];
    subscriber.update(vec![participant("bob", tracks)]);
    let calls =
        ["a", "b"].map(|name| subscriber.subscribe(name, DataTrackSubscribeOptions::default()));
    subscriber.handles(&[(7, "DTR_1"), (8, "DTR_2")]);
    let streams = calls.map(|call| call.finish().unwrap());
    subscriber.handles(&[(8, "DTR_1"), (7, "DTR_2")]);
    for (handle, stream) in [(8, &streams[0]), (7, &streams[1])] {
        subscriber.feed(Packets { handle, ..Default::default() }.frame(&handle.to_be_bytes()));
        let frames = read_all(stream);
        assert_eq!(frames.len(), 1, "handle {handle}");
        assert_eq!(frames[0].payload.as_ref(), handle.to_be_bytes());
    }
}

#[test]
fn what_was_revoked_is_asked_for_anew_by_the_next_reader() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.permission("DTR_1", false);
    stream.shutdown();
    subscriber.handles(&[]);
    subscriber.host.take();
    let _first = subscriber.subscribe("data", DataTrackSubscribeOptions::default());
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1")), changed(Pending)]);
    let _second = subscriber.subscribe("data", DataTrackSubscribeOptions::default());
    assert_eq!(subscriber.host.take(), [], "it waits with the first");
}

#[test]
fn p8_in_a_new_session_nothing_is_asked_for_before_the_host_is_ready() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_9", "data")])]);
    assert_eq!(subscriber.host.take(), [changed(Pending)]);
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_9"))]);
}

#[test]
fn p8_who_subscribes_in_a_new_session_need_not_wait_for_the_host() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.host.take();
    let subscribing = begin(&subscriber);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.handles(&[(3, "DTR_1")]);
    subscribing.finish().unwrap();
}
