//! Subscribing and unsubscribing: every wait ends once (P6), nothing is left behind (P7), and the SFU is never told to end
//! what it does not have (protocol §3.8).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use Event::*;
use SubscriptionState::*;
use datatracks::*;
use kit::chance::Chance;
use kit::subscriber::*;
use kit::task::{Task, poll_once};

type Subscribing = Task<Result<Arc<DataTrackStream>, SubscribeError>>;

/// A subscriber that knows the track "data" of "bob".
fn knowing() -> Subscriber {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.host.take();
    subscriber
}

fn begin(subscriber: &Subscriber) -> Subscribing {
    subscriber.subscribe("data", DataTrackSubscribeOptions::default())
}

fn failed(subscribing: Subscribing) -> SubscribeError {
    subscribing.finish().unwrap_err()
}

fn changed(state: SubscriptionState) -> Event {
    Changed("data".into(), state)
}

fn sid(sid: &str) -> String {
    sid.into()
}

#[test]
fn one_subscription_serves_all_readers() {
    let subscriber = knowing();
    let (first, second) = (begin(&subscriber), begin(&subscriber));
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1")), changed(Pending)]);
    assert_eq!(subscriber.track("data").subscription_state(), Pending);
    subscriber.handles(&[(7, "DTR_1")]);
    let (first, second) = (first.finish().unwrap(), second.finish().unwrap());
    let third = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap().unwrap();
    assert_eq!(subscriber.host.take(), [changed(Active)]);
    assert_eq!(subscriber.manager.stats().subscriptions_active, 1);
    assert_eq!(subscriber.track("data").stats().streams, 3);
    first.shutdown();
    first.shutdown();
    second.shutdown();
    assert_eq!(subscriber.host.take(), []);
    third.shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
    assert_eq!(subscriber.manager.stats().subscriptions_active, 0);
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), []);
}

#[test]
fn p6_subscribing_times_out_after_ten_seconds() {
    let subscriber = knowing();
    let mut subscribing = begin(&subscriber);
    subscriber.clock.advance(10_000 * MS - TICK);
    assert!(subscribing.poll().is_none(), "one tick early");
    subscriber.clock.advance(TICK);
    assert_eq!(failed(subscribing), SubscribeError::TimedOut);
    assert_eq!(
        subscriber.host.take(),
        [Subscribe(sid("DTR_1")), changed(Pending), changed(Unsubscribed)],
        "nothing is sent on a time-out"
    );
    assert_eq!(subscriber.clock.next_deadline(), None);
}

#[test]
fn p7_a_handle_that_comes_too_late_is_given_back() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    subscriber.clock.advance(10_000 * MS);
    assert_eq!(failed(subscribing), SubscribeError::TimedOut);
    subscriber.host.take();
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), [], "never before a snapshot holds it");
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
    subscriber.handles(&[(7, "DTR_1")]);
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), [], "once");
}

#[test]
fn p7_a_dropped_call_gives_the_subscription_back_when_its_handle_comes() {
    let subscriber = knowing();
    drop(begin(&subscriber));
    subscriber.clock.advance(Duration::ZERO);
    assert_eq!(
        subscriber.host.take(),
        [Subscribe(sid("DTR_1")), changed(Pending), changed(Unsubscribed)]
    );
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
}

#[test]
fn p7_a_dropped_call_that_was_answered_gives_the_subscription_back() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    subscriber.handles(&[(7, "DTR_1")]);
    subscriber.host.take();
    drop(subscribing);
    assert_eq!(subscriber.host.take(), [], "a drop calls nobody");
    subscriber.clock.advance(Duration::ZERO);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
}

#[test]
fn p7_a_dropped_stream_gives_the_subscription_back() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    drop(stream);
    assert_eq!(subscriber.host.take(), [], "a drop calls nobody");
    subscriber.clock.advance(Duration::ZERO);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
}

#[test]
fn p6_a_cancelled_call_ends_at_once() {
    let subscriber = knowing();
    let token = Arc::new(CancelToken::new());
    let track = subscriber.track("data");
    let cancel = Some(Arc::clone(&token));
    let subscribing = Task::begin(async move { track.subscribe(cancel).await });
    token.cancel();
    assert_eq!(failed(subscribing), SubscribeError::Cancelled);
    subscriber.clock.advance(Duration::ZERO);
    subscriber.host.take();
    let track = subscriber.track("data");
    let answer = kit::task::poll_once(track.subscribe(Some(token))).unwrap();
    assert_eq!(answer.unwrap_err(), SubscribeError::Cancelled);
    assert_eq!(subscriber.host.take(), [], "nothing is asked for");
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
}

#[test]
fn p6_an_unpublished_track_ends_the_wait_and_is_forgotten() {
    let subscriber = knowing();
    let subscribing = begin(&subscriber);
    let track = subscriber.track("data");
    subscriber.host.take();
    subscriber.update(vec![participant("bob", vec![])]);
    assert_eq!(failed(subscribing), SubscribeError::Unpublished);
    let ended = Unpublished(sid("data"), UnpublishReason::Requested);
    assert_eq!(subscriber.host.take(), [changed(Unsubscribed), ended]);
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [], "what is unpublished need not be ended");
    let answer = kit::task::poll_once(track.subscribe(None)).unwrap();
    assert_eq!(answer.unwrap_err(), SubscribeError::Unpublished);
}

#[test]
fn p6_a_request_that_the_host_cannot_send_fails_at_once() {
    let subscriber = knowing();
    subscriber.host.throw_at(|event| matches!(event, Subscribe(_)));
    let track = subscriber.track("data");
    let answer = kit::task::poll_once(track.subscribe(None)).unwrap();
    assert_eq!(answer.unwrap_err(), SubscribeError::SignalNotSent);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.signals_sent, stats.signals_not_sent, stats.delegate_errors), (0, 1, 1));
    subscriber.host.stop_throwing();
    subscriber.host.take();
    let subscribing = begin(&subscriber);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1")), changed(Pending)]);
    subscriber.handles(&[(7, "DTR_1")]);
    subscribing.finish().unwrap();
}

#[test]
fn p6_who_subscribes_after_an_unsent_request_sends_it_again() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.join(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.host.throw_at(|event| matches!(event, Subscribe(_)));
    subscriber.manager.resend_subscription_updates();
    subscriber.host.stop_throwing();
    subscriber.host.take();
    let subscribing = begin(&subscriber);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.handles(&[(7, "DTR_1")]);
    subscribing.finish().unwrap();
    assert!(stream.end_reason().is_none());
}

#[test]
fn p7_an_end_that_the_host_could_not_send_is_sent_again() {
    for again in
        [(|subscriber| subscriber.handles(&[(7, "DTR_1")])) as fn(&Subscriber), |subscriber| {
            subscriber.manager.resend_subscription_updates()
        }]
    {
        let subscriber = Subscriber::new();
        let stream = subscriber.reading(DataTrackSubscribeOptions::default());
        subscriber.host.throw_at(|event| matches!(event, Unsubscribe(_)));
        stream.shutdown();
        subscriber.host.stop_throwing();
        subscriber.host.take();
        again(&subscriber);
        assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
    }
}

#[test]
fn p6_shutting_down_ends_every_wait() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.update(vec![participant("eve", vec![track(1, "DTR_2", "other")])]);
    let subscribing = subscriber.subscribe("other", DataTrackSubscribeOptions::default());
    let (reader, track) = (Arc::clone(&stream), subscriber.track("data"));
    let next = Task::begin(async move { reader.next(None).await });
    let end = Task::begin(async move { track.wait_for_unpublish(None).await });
    let manager = Arc::clone(&subscriber.manager);
    let found = Task::begin(async move { manager.wait_for_track("x".into(), None, 0, None).await });
    subscriber.host.take();
    subscriber.manager.shutdown();
    assert_eq!(next.finish(), Ok(None));
    assert_eq!(stream.end_reason(), Some(StreamEndReason::Shutdown));
    assert_eq!(failed(subscribing), SubscribeError::Closed);
    assert_eq!(end.finish(), Ok(UnpublishReason::Shutdown));
    assert_eq!(found.finish(), Err(WaitError::Closed));
    let ended = |name: &str| Unpublished(name.into(), UnpublishReason::Shutdown);
    assert_eq!(
        subscriber.host.take(),
        [
            Unsubscribe(sid("DTR_1")),
            changed(Unsubscribed),
            ended("data"),
            Changed("other".into(), Unsubscribed),
            ended("other"),
        ],
        "what is not fulfilled is not ended"
    );
    subscriber.manager.shutdown();
    let late = encode(handles(&[(7, "DTR_1")]));
    assert_eq!(subscriber.manager.handle_signal_response(late), Err(SignalError::Closed));
    assert_eq!(subscriber.host.take(), []);
    assert_eq!(Arc::strong_count(&subscriber.host), 1, "the delegate is let go");
}

#[test]
fn p6_a_manager_that_was_shut_down_is_gone_when_dropped() {
    let ring = Arc::new(KeyRing::new(KeyRingOptions::default()).unwrap());
    let provider = ring.decryption_provider();
    let subscriber = Subscriber::with(Some(Arc::clone(&provider)), Some("me"));
    subscriber.manager.shutdown();
    drop(subscriber);
    assert_eq!(Arc::strong_count(&provider), 1);
}

#[test]
fn p6_a_dropped_manager_ends_every_wait_without_a_word() {
    let Subscriber { clock, host, manager } = {
        let subscriber = Subscriber::new();
        subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
        subscriber
    };
    let known = manager.tracks().remove(0);
    let track = Arc::clone(&known);
    let subscribing = Task::begin(async move { track.subscribe(None).await });
    manager.handle_signal_response(encode(handles(&[(7, "DTR_1")]))).unwrap();
    let stream = subscribing.finish().unwrap();
    let (reader, track) = (Arc::clone(&stream), Arc::clone(&known));
    let next = Task::begin(async move { reader.next(None).await });
    let end = Task::begin(async move { track.wait_for_unpublish(None).await });
    host.take();
    drop(manager);
    assert_eq!((next.wakes(), end.wakes()), (0, 0), "a drop wakes nobody");
    stream.shutdown();
    clock.advance(Duration::ZERO);
    assert_eq!(next.finish(), Ok(None));
    assert_eq!(end.finish(), Ok(UnpublishReason::Shutdown));
    assert_eq!(host.take(), []);
    assert_eq!(Arc::strong_count(&host), 1, "the delegate is let go");
    assert!(!known.is_published());
    assert_eq!(
        kit::task::poll_once(known.subscribe(None)).unwrap().unwrap_err(),
        SubscribeError::Closed
    );
}

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
fn what_the_sfu_subscribes_us_to_is_used_when_wanted_and_left_alone_otherwise() {
    let subscriber = knowing();
    subscriber.handles(&[(7, "DTR_1")]);
    subscriber.feed(Packets::default().frame(b"unwanted"));
    assert_eq!(subscriber.manager.stats().packets_unknown_handle, 1);
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), []);
    let stream = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap().unwrap();
    assert_eq!(subscriber.host.take(), [changed(Active)]);
    subscriber.feed(Packets { number: 1, sequence: 1, ..Default::default() }.frame(b"wanted"));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [1]);
    stream.shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
}

#[test]
fn wanted_again_before_the_snapshot_it_is_asked_for_after_it() {
    let subscriber = Subscriber::new();
    subscriber.reading(DataTrackSubscribeOptions::default()).shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
    let subscribing = begin(&subscriber);
    subscriber.handles(&[(7, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [changed(Pending)], "never toggled faster than snapshots");
    subscriber.handles(&[]);
    assert_eq!(subscriber.host.take(), [Subscribe(sid("DTR_1"))]);
    subscriber.handles(&[]);
    subscriber.handles(&[(8, "DTR_1")]);
    let stream = subscribing.finish().unwrap();
    assert_eq!(subscriber.host.take(), [changed(Active)]);
    subscriber.feed(Packets::default().frame(b"old handle"));
    subscriber.feed(Packets { handle: 8, ..Default::default() }.frame(b"new handle"));
    assert_eq!(read_all(&stream)[0].payload.as_ref(), b"new handle");
    assert_eq!(subscriber.track("data").stats().packets_received, 1);
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

/// The SFU of protocol §3.8 as far as subscriptions go: it freezes when told to end what it wants but does not have.
#[derive(Default)]
struct Sfu {
    wanted: BTreeMap<String, bool>,
    handles: BTreeMap<String, u32>,
    last_handle: u32,
}

impl Sfu {
    fn take(&mut self, event: &Event) {
        match event {
            Subscribe(sid) => drop(self.wanted.insert(sid.clone(), true)),
            Unsubscribe(sid) => {
                let wanted = self.wanted.insert(sid.clone(), false) == Some(true);
                assert!(!wanted || self.handles.contains_key(sid), "frozen by {sid}");
            }
            Published(_) | Unpublished(..) | Changed(..) => {}
        }
    }

    /// Brings one track in line with what is wanted; the answer is the snapshot, if there is news.
    fn reconcile(&mut self, sid: &str) -> Option<Vec<(u32, String)>> {
        let wanted = self.wanted.get(sid) == Some(&true);
        if wanted == self.handles.contains_key(sid) {
            return None;
        }
        if wanted {
            self.last_handle += 1;
            self.handles.insert(sid.to_owned(), self.last_handle);
        } else {
            self.handles.remove(sid);
        }
        Some(self.handles.iter().map(|(sid, handle)| (*handle, sid.clone())).collect())
    }
}

#[test]
fn p7_whatever_the_application_does_the_sfu_is_never_frozen_and_ends_as_wanted() {
    for seed in 0..300 {
        let mut chance = Chance::new(seed);
        let subscriber = Subscriber::new();
        let sids = ["DTR_1", "DTR_2"];
        let tracks = vec![track(1, sids[0], "a"), track(2, sids[1], "b")];
        subscriber.update(vec![participant("bob", tracks.clone())]);
        let mut sfu = Sfu::default();
        let mut calls: Vec<(usize, Subscribing)> = Vec::new();
        let mut streams: Vec<(usize, Arc<DataTrackStream>)> = Vec::new();
        let mut to_sfu = Vec::new();
        let mut snapshots = std::collections::VecDeque::new();
        for step in 0..400 {
            let at = chance.below(2);
            // In the end only the network and the SFU go on.
            match if step < 300 { chance.below(8) } else { 4 + chance.below(3) } {
                0 | 1 => {
                    let track = subscriber.track(["a", "b"][at]);
                    calls.push((at, Task::new(async move { track.subscribe(None).await })));
                }
                2 if !calls.is_empty() => drop(calls.swap_remove(chance.below(calls.len()))),
                3 if !streams.is_empty() => {
                    streams.swap_remove(chance.below(streams.len())).1.shutdown();
                }
                4 => drop((!to_sfu.is_empty()).then(|| sfu.take(&to_sfu.remove(0)))),
                5 => snapshots.extend(sfu.reconcile(sids[at])),
                6 => {
                    if let Some(snapshot) = snapshots.pop_front() {
                        let snapshot: Vec<_> =
                            snapshot.iter().map(|(handle, sid)| (*handle, sid.as_str())).collect();
                        subscriber.handles(&snapshot);
                    }
                }
                7 if chance.one_in(4) => subscriber.clock.advance(3_000 * MS),
                _ => {}
            }
            let mut waiting = Vec::new();
            for (at, mut call) in calls {
                match call.poll() {
                    None => waiting.push((at, call)),
                    Some(Ok(stream)) => streams.push((at, stream)),
                    Some(Err(error)) => assert_eq!(error, SubscribeError::TimedOut),
                }
            }
            calls = waiting;
            subscriber.clock.advance(Duration::ZERO);
            to_sfu.extend(subscriber.host.take());
        }
        for (at, sid) in sids.iter().enumerate() {
            let read = streams.iter().any(|(of, _)| *of == at);
            let waits = calls.iter().any(|(of, _)| *of == at);
            assert!(!waits, "seed {seed}: all answers came");
            assert_eq!(sfu.handles.contains_key(*sid), read, "seed {seed}");
        }
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let subscriber = knowing();
    let defaults = DataTrackSubscribeOptions::default;
    for options in [
        DataTrackSubscribeOptions { buffer_frames: 0, ..defaults() },
        DataTrackSubscribeOptions { buffer_frames: 65_537, ..defaults() },
        DataTrackSubscribeOptions { reorder_window_ms: 10_001, ..defaults() },
    ] {
        let track = subscriber.track("data");
        let answer = kit::task::poll_once(track.subscribe_with_options(options, None)).unwrap();
        assert_eq!(answer.unwrap_err(), SubscribeError::InvalidOptions);
    }
    assert_eq!(subscriber.host.take(), []);
}

#[test]
fn a_thousand_subscriptions_at_once() {
    let subscriber = Subscriber::new();
    let sids: Vec<_> = (1..=1_000).map(|number| format!("DTR_{number}")).collect();
    let tracks = (1..=1_000).map(|number| track(number, &sids[number as usize - 1], "t")).collect();
    subscriber.update(vec![participant("bob", tracks)]);
    let tracks = subscriber.manager.tracks();
    assert_eq!(tracks.len(), 1_000);
    let calls: Vec<_> = tracks
        .into_iter()
        .map(|track| Task::begin(async move { track.subscribe(None).await }))
        .collect();
    let all: Vec<_> = (1..).zip(sids.iter().map(String::as_str)).collect();
    subscriber.handles(&all);
    let streams: Vec<_> = calls.into_iter().map(|call| call.finish().unwrap()).collect();
    assert_eq!(subscriber.manager.stats().subscriptions_active, 1_000);
    subscriber.feed(Packets { handle: 500, ..Default::default() }.frame(b"to one of them"));
    assert_eq!(read_numbers(&streams[499]), [0]);
    assert!(read_numbers(&streams[498]).is_empty());
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
fn p7_a_quick_reconnect_ends_again_what_was_being_ended() {
    let subscriber = Subscriber::new();
    subscriber.reading(DataTrackSubscribeOptions::default()).shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
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
fn p6_nothing_is_begun_after_the_shutdown() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    let track = subscriber.track("data");
    subscriber.manager.shutdown();
    assert_eq!(poll_once(track.subscribe(None)).unwrap().unwrap_err(), SubscribeError::Closed);
    let found = subscriber.manager.wait_for_track("data".into(), None, 0, None);
    assert_eq!(poll_once(found), Some(Err(WaitError::Closed)));
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
