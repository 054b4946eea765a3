//! A waker that panics is woken by itself: the others are woken all the same, and what was decided is done.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod kit;
mod local_support;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Wake, Waker},
};

use datatracks::CancelToken;
use kit::subscriber::{Event as Remote, Packets, Subscriber, options};
use local_support::{Count, Rig, frame, unpublishes};

struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("planted");
    }
}

/// Calls that wait, the first of them with a waker that panics.
struct Waiters<'a> {
    _calls: Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    others: Vec<Arc<Count>>,
}

impl<'a> Waiters<'a> {
    fn of(mut calls: Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>) -> Self {
        let others: Vec<_> = calls.iter().skip(1).map(|_| Arc::<Count>::default()).collect();
        let good = others.iter().map(|count| Waker::from(Arc::clone(count)));
        let wakers = std::iter::once(Waker::from(Arc::new(Panicking))).chain(good);
        for (call, waker) in calls.iter_mut().zip(wakers) {
            assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        Self { _calls: calls, others }
    }

    fn assert_woken(&self) {
        for other in &self.others {
            assert_eq!(other.0.load(Ordering::SeqCst), 1, "woken once");
        }
    }
}

macro_rules! waiting {
    ($($call:expr),+ $(,)?) => {
        Waiters::of(vec![$(Box::pin(async { drop($call.await) })),+])
    };
}

#[test]
fn the_end_of_a_publication_wakes_the_others_and_is_asked_for() {
    let rig = Rig::new();
    let track = rig.track("a");
    let waiters = waiting![track.wait_for_unpublish(None), track.wait_for_unpublish(None)];
    track.unpublish();
    waiters.assert_woken();
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
}

#[test]
fn a_token_wakes_all_calls_that_have_it() {
    let rig = Rig::new();
    let track = rig.track("a");
    let token = Arc::new(CancelToken::new());
    let waiting = || track.wait_for_unpublish(Some(Arc::clone(&token)));
    let waiters = waiting![waiting(), waiting(), waiting()];
    token.cancel();
    waiters.assert_woken();
}

#[test]
fn room_in_the_channel_wakes_the_others_and_is_used() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.handle_buffered_amount(1 << 20);
    track.try_push(frame(1)).unwrap();
    let waiters = waiting![track.flush(0, None), track.flush(0, None)];
    rig.manager.handle_buffered_amount(0);
    waiters.assert_woken();
    track.try_push(frame(1)).unwrap();
    assert_eq!(track.stats().frames_sent, 2);
    assert_eq!(rig.manager.stats().panics, 0);
}

#[test]
fn a_frame_wakes_the_readers_of_other_streams() {
    let subscriber = Subscriber::new();
    let first = subscriber.reading(options(1));
    let track = subscriber.track("data");
    let second = kit::task::poll_once(track.subscribe(None)).unwrap().unwrap();
    let waiters = waiting![first.next(None), second.next(None)];
    subscriber.feed(Packets::default().frame(b"frame"));
    waiters.assert_woken();
    assert_eq!(subscriber.manager.stats().panics, 0);
}

#[test]
fn a_shutdown_wakes_whoever_waits_and_tells_the_delegate() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(1));
    let track = subscriber.track("data");
    let finding = || subscriber.manager.wait_for_track("other".into(), None, 0, None);
    let waiters = waiting![finding(), finding(), stream.next(None), track.wait_for_unpublish(None)];
    subscriber.manager.shutdown();
    waiters.assert_woken();
    let events = subscriber.host.take();
    assert!(events.iter().any(|event| matches!(event, Remote::Unpublished(..))), "{events:?}");
}
