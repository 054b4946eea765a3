//! Unsubscribing: nothing is left behind (P7), and the SFU is never told to end what it does not have (protocol §3.8).
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
use kit::short::*;
use kit::subscriber::*;
use kit::task::Task;

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
fn p7_an_end_that_the_host_could_not_send_is_sent_again() {
    let ways: [fn(&Subscriber); 3] = [
        |subscriber| subscriber.handles(&[(7, "DTR_1")]),
        |subscriber| subscriber.manager.resend_subscription_updates(),
        |subscriber| subscriber.clock.advance(Duration::from_secs(1)),
    ];
    for again in ways {
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
fn p7_an_end_is_sent_again_each_second_until_the_host_can() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.host.throw_at(|event| matches!(event, Unsubscribe(_)));
    stream.shutdown();
    for _ in 0..5 {
        subscriber.host.take();
        subscriber.clock.advance(Duration::from_secs(1));
        assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
    }
    subscriber.host.stop_throwing();
    subscriber.clock.advance(Duration::from_secs(10));
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))], "once, and it is done");
}

#[test]
fn p7_an_end_that_was_not_sent_is_forgotten_when_the_track_is_wanted_again() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.host.throw_at(|event| matches!(event, Unsubscribe(_)));
    stream.shutdown();
    subscriber.host.stop_throwing();
    let _again = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap().unwrap();
    subscriber.host.take();
    subscriber.clock.advance(Duration::from_secs(10));
    assert_eq!(subscriber.host.take(), []);
}

/// The publisher takes the permission away meanwhile, and gives it back: all that time the SFU wants what was asked for once.
#[test]
fn p7_an_end_that_was_never_sent_is_sent_when_the_handle_comes_again() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    subscriber.host.throw_at(|event| matches!(event, Unsubscribe(_)));
    stream.shutdown();
    subscriber.host.stop_throwing();
    subscriber.handles(&[]);
    subscriber.permission("DTR_1", false);
    subscriber.host.take();
    subscriber.permission("DTR_1", true);
    subscriber.handles(&[(8, "DTR_1")]);
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
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
fn p7_a_quick_reconnect_ends_again_what_was_being_ended() {
    let subscriber = Subscriber::new();
    subscriber.reading(DataTrackSubscribeOptions::default()).shutdown();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1")), changed(Unsubscribed)]);
    subscriber.manager.resend_subscription_updates();
    assert_eq!(subscriber.host.take(), [Unsubscribe(sid("DTR_1"))]);
}
