//! Subscribing: one subscription serves all readers, and every wait ends once (P6).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::{sync::Arc, time::Duration};

use Event::*;
use SubscriptionState::*;
use datatracks::*;
use kit::short::*;
use kit::subscriber::*;
use kit::task::{Task, poll_once};

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
    assert_eq!(subscriber.manager.stats().tracks_published, 0);
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
fn p6_who_waits_is_woken_by_the_waker_of_its_last_poll() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let token = Arc::new(CancelToken::new());
    let (track, manager) = (subscriber.track("data"), Arc::clone(&subscriber.manager));
    let (reader, cancel) = (Arc::clone(&stream), Some(Arc::clone(&token)));
    let mut calls = [
        Task::begin(async move { stream.next(None).await.map(drop) }),
        Task::begin(async move { track.wait_for_unpublish(None).await.map(drop) }),
        Task::begin(
            async move { manager.wait_for_track("x".into(), None, 0, None).await.map(drop) },
        ),
    ];
    let mut cancelled = Task::begin(async move { reader.next(cancel).await.map(drop) });
    calls.iter_mut().chain([&mut cancelled]).for_each(Task::moves);
    token.cancel();
    assert_eq!(cancelled.finish(), Err(WaitError::Cancelled));
    subscriber.update(vec![
        participant("eve", vec![kit::subscriber::track(1, "DTR_2", "x")]),
        left("bob"),
    ]);
    assert_eq!(calls.map(Task::finish), [Ok(()), Ok(()), Ok(())]);
}

#[test]
fn p6_a_manager_that_is_dropped_is_gone_and_says_nothing_more() {
    let ring = Arc::new(KeyRing::new(KeyRingOptions::default()).unwrap());
    let provider = ring.decryption_provider();
    let subscriber = Subscriber::with(Some(Arc::clone(&provider)), Some("me"));
    // The end of its subscription is left to the deadline thread.
    drop(subscriber.reading(DataTrackSubscribeOptions::default()));
    let Subscriber { clock, host, manager } = subscriber;
    drop(manager);
    clock.advance(Duration::ZERO);
    assert_eq!(host.take(), []);
    assert_eq!(Arc::strong_count(&provider), 1);
}

#[test]
fn p6_a_call_that_has_failed_reads_nothing() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.handles(&[]);
    let subscribing = begin(&subscriber);
    subscriber.clock.advance(10_000 * MS);
    assert_eq!(subscriber.track("data").stats().streams, 1);
    assert_eq!(failed(subscribing), SubscribeError::TimedOut);
}
