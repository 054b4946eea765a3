//! Hosts that throw, block or call back: their faults stay with them (P5), order and re-entry (P11).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use Event::*;
use datatracks::*;
use kit::subscriber::*;
use kit::task::poll_once;

#[test]
fn p5_a_host_that_throws_at_everything_misses_nothing_else() {
    let subscriber = Subscriber::new();
    subscriber.host.throw_at(|event| !matches!(event, Subscribe(_)));
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(b"x"));
    assert_eq!(read_numbers(&stream), [0]);
    assert_eq!(subscriber.manager.stats().delegate_errors, 3, "published, pending, active");
    stream.shutdown();
    subscriber.update(vec![left("bob")]);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.delegate_errors, stats.signals_not_sent, stats.panics), (6, 1, 0));
}

#[test]
fn p5_a_host_that_panics_is_like_one_that_throws() {
    let subscriber = Subscriber::new();
    subscriber.host.on_event(|event| match event {
        Published(name) if name == "bad" => panic!("the host's own"),
        _ => Ok(()),
    });
    let tracks = vec![track(1, "DTR_1", "bad"), track(2, "DTR_2", "good")];
    subscriber.update(vec![participant("bob", tracks)]);
    assert_eq!(subscriber.host.take(), [Published("bad".into()), Published("good".into())]);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.delegate_errors, stats.panics), (1, 0));
}

/// Calls everything there is, from within a callback.
fn call_everything(subscriber: &Subscriber) {
    let manager = &subscriber.manager;
    manager.handle_packet_received(&Packets::default().frame(b"x")[0]);
    manager.handle_signal_response(encode(handles(&[(7, "DTR_1")]))).unwrap();
    manager.handle_signal_response(encode(join("me", vec![]))).unwrap();
    manager.resend_subscription_updates();
    for track in manager.tracks() {
        drop((track.info(), track.stats(), track.is_published(), track.subscription_state()));
        drop(poll_once(track.subscribe(None)));
        let _ = poll_once(track.wait_for_unpublish(None));
    }
    drop(poll_once(manager.wait_for_track("x".into(), None, 1, None)));
    drop((manager.stats(), manager.tracks_by_publisher("bob".into())));
}

#[test]
fn p11_any_method_may_be_called_from_any_callback() {
    let subscriber = Arc::new(Subscriber::new());
    let (weak, depth) = (Arc::downgrade(&subscriber), Mutex::new(0));
    subscriber.host.on_event(move |_| {
        let Some(subscriber) = weak.upgrade() else { return Ok(()) };
        let first = {
            let mut depth = depth.lock().unwrap();
            *depth += 1;
            *depth < 20
        };
        if first {
            call_everything(&subscriber);
        }
        Ok(())
    });
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.update(vec![participant("eve", vec![track(1, "DTR_2", "more")])]);
    subscriber.clock.advance(20_000 * MS);
    subscriber.manager.shutdown();
    assert_eq!(subscriber.manager.stats().panics, 0);
}

#[test]
fn p11_a_callback_that_shuts_the_manager_down_is_the_last_but_for_the_ends() {
    let subscriber = Arc::new(Subscriber::new());
    let weak = Arc::downgrade(&subscriber);
    subscriber.host.on_event(move |event| {
        if let (Published(_), Some(subscriber)) = (event, weak.upgrade()) {
            subscriber.manager.shutdown();
        }
        Ok(())
    });
    let tracks = vec![track(1, "DTR_1", "a"), track(2, "DTR_2", "b")];
    subscriber.update(vec![participant("bob", tracks)]);
    let ended = |name: &str| Unpublished(name.into(), UnpublishReason::Shutdown);
    let both = [Published("a".into()), Published("b".into()), ended("a"), ended("b")];
    assert_eq!(subscriber.host.take(), both, "once each, in order");
}

/// A callback that blocks until it is let go.
struct Gate {
    entered: Receiver<()>,
    go: Sender<()>,
}

fn block_at(subscriber: &Subscriber, at: fn(&Event) -> bool) -> Gate {
    let (enter, entered) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    subscriber.host.on_event(move |event| {
        if at(event) {
            enter.send(()).unwrap();
            gone.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        }
        Ok(())
    });
    Gate { entered, go }
}

#[test]
fn p11_a_delegate_that_blocks_delays_neither_packets_nor_signals() {
    let subscriber = Arc::new(Subscriber::new());
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let gate = block_at(&subscriber, |event| *event == Published("slow".into()));
    let blocked = Arc::clone(&subscriber);
    let blocked = thread::spawn(move || {
        blocked.update(vec![participant("eve", vec![track(1, "DTR_2", "slow")])]);
    });
    gate.entered.recv().unwrap();
    subscriber.feed(Packets::default().frame(b"x"));
    assert_eq!(read_numbers(&stream), [0]);
    subscriber.update(vec![participant("kim", vec![track(1, "DTR_3", "next")])]);
    let next = subscriber.track("next");
    let subscribing = subscriber.subscribe("next", DataTrackSubscribeOptions::default());
    subscriber.handles(&[(7, "DTR_1"), (8, "DTR_3")]);
    let _stream = subscribing.finish().expect("complete before the delegate is told");
    assert_eq!(next.subscription_state(), SubscriptionState::Active);
    assert_eq!(subscriber.host.take(), [Published("slow".into())]);
    gate.go.send(()).unwrap();
    blocked.join().unwrap();
    let changed = |state| Changed("next".into(), state);
    assert_eq!(
        subscriber.host.take(),
        [
            Published("next".into()),
            Subscribe("DTR_3".into()),
            changed(SubscriptionState::Pending),
            changed(SubscriptionState::Active),
        ]
    );
}

#[test]
fn p11_shutting_down_lets_the_delegate_go_after_the_running_callback() {
    let subscriber = Arc::new(Subscriber::new());
    let gate = block_at(&subscriber, |event| matches!(event, Published(_)));
    let blocked = Arc::clone(&subscriber);
    let blocked = thread::spawn(move || {
        blocked.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    });
    gate.entered.recv().unwrap();
    subscriber.manager.shutdown();
    assert!(Arc::strong_count(&subscriber.host) > 1, "it is still in a callback");
    gate.go.send(()).unwrap();
    blocked.join().unwrap();
    assert_eq!(Arc::strong_count(&subscriber.host), 1);
    let ended = Unpublished("data".into(), UnpublishReason::Shutdown);
    assert_eq!(subscriber.host.take(), [Published("data".into()), ended]);
}
