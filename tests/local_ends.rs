//! Ends of publications: for one reason each, told to everybody who waits; and the rest that their handles then have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, atomic::Ordering};

use datatracks::{
    DataTrackOptions, PublishError, PushFrameError, SignalError, UnpublishReason, WaitError,
};
use local_support::{
    listing::{ending, request},
    *,
};

#[test]
fn an_unpublished_track_ends_at_once_for_everybody() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let same = Arc::clone(&track);
    let mut ended = Waiting::new(async move { same.wait_for_unpublish(None).await });
    assert!(ended.is_pending());
    track.unpublish();
    track.unpublish();
    assert_eq!(ended.ready(), Ok(UnpublishReason::Requested));
    assert!(!track.is_published());
    assert_eq!(track.try_push(frame(3)), Err(PushFrameError::TrackUnpublished));
    let events = rig.host.take();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().any(
        |event| matches!(event, Event::Unpublished(same, UnpublishReason::Requested) if *same == track)
    ));
    assert!(rig.manager.tracks().is_empty());
}

#[test]
fn everybody_who_waits_for_the_end_is_woken_whoever_gives_up() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let [mut one, mut other, given_up] = [(); 3].map(|()| ending(&track));
    assert!(one.is_pending() && other.is_pending());
    drop(given_up);
    track.unpublish();
    assert_eq!(one.ready(), Ok(UnpublishReason::Requested));
    assert_eq!(other.ready(), Ok(UnpublishReason::Requested));
}

#[test]
fn a_dropped_handle_changes_nothing() {
    let rig = Rig::new();
    drop(rig.track("pose"));
    assert!(rig.host.take().is_empty());
    let again = rig.manager.tracks().remove(0);
    assert!(again.is_published());
    again.try_push(frame(3)).unwrap();
    assert_eq!(rig.host.packets().len(), 1);
}

#[test]
fn p6_shutdown_ends_every_wait_and_every_publication() {
    let rig = Rig::new();
    let track = rig.track("a");
    let mut publishing = rig.publishing(named("b"));
    drop(rig.publishing(named("c")));
    rig.host.requests();
    let same = Arc::clone(&track);
    let mut ended = Waiting::new(async move { same.wait_for_unpublish(None).await });
    assert!(ended.is_pending());
    rig.manager.shutdown();
    rig.manager.shutdown();
    assert_eq!(publishing.ready().unwrap_err(), PublishError::Closed);
    assert_eq!(ended.ready(), Ok(UnpublishReason::Shutdown));
    assert_eq!(track.try_push(frame(1)), Err(PushFrameError::TrackUnpublished));
    let mut handles = unpublishes(&rig.host.requests());
    handles.sort_unstable();
    assert_eq!(handles, [1, 2, 3], "nothing is left behind");
    let events = rig.host.take();
    assert!(
        matches!(&events[..], [Event::Unpublished(_, UnpublishReason::Shutdown)]),
        "{events:?}"
    );
    assert_eq!(rig.publishing(named("d")).ready().unwrap_err(), PublishError::Closed);
    let late = rig.manager.handle_signal_response(bytes(update(vec![])));
    assert_eq!(late, Err(SignalError::Closed));
    assert_eq!(Arc::strong_count(&rig.host), 1, "the delegate was let go");
}

#[test]
fn a_manager_that_is_dropped_ends_waits_and_calls_nobody() {
    let Rig { environment, host, manager } = Rig::new();
    let rig = Rig { environment, host, manager };
    let track = rig.track("a");
    let same = Arc::clone(&track);
    let mut ended = Waiting::new(async move { same.wait_for_unpublish(None).await });
    assert!(ended.is_pending());
    let Rig { environment, host, manager } = rig;
    drop(manager);
    assert_eq!(track.try_push(frame(1)), Err(PushFrameError::TrackUnpublished));
    assert!(ended.look(), "whoever looks sees it before the deadline thread wakes anybody");
    assert_eq!(ended.ready(), Err(WaitError::Closed));
    assert!(!track.is_published());
    track.unpublish();
    environment.advance(std::time::Duration::ZERO);
    assert!(host.take().is_empty());
    assert_eq!(Arc::strong_count(&host), 1, "the delegate was let go");
}

#[test]
fn a_manager_that_is_dropped_in_a_callback_makes_no_call_that_was_to_come() {
    let rig = Rig::new();
    let track = rig.track("a");
    let Rig { host, manager, .. } = rig;
    let manager = std::sync::Mutex::new(Some(manager));
    host.on_every(move |_| {
        manager.lock().unwrap().take();
        Ok(())
    });
    track.unpublish();
    assert_eq!(host.take().len(), 1, "the request or the event, whichever comes first");
}

#[test]
fn p6_a_dropped_manager_wakes_its_waiters_from_the_deadline_thread() {
    struct Flag(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let rig = Rig::new();
    let track = rig.track("a");
    let flag = Arc::new(Flag(false.into()));
    let waker = std::task::Waker::from(Arc::clone(&flag));
    let mut wait = Box::pin(track.wait_for_unpublish(None));
    assert!(wait.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    drop(rig.manager);
    assert!(!flag.0.load(Ordering::SeqCst), "a drop calls nobody");
    rig.environment.advance(std::time::Duration::ZERO);
    assert!(flag.0.load(Ordering::SeqCst));
}

#[test]
fn a_track_ends_for_one_reason_only() {
    let rig = Rig::new();
    let track = rig.track("a");
    track.unpublish();
    let manager = rig.manager;
    drop(manager);
    rig.environment.advance(std::time::Duration::from_millis(1));
    let same = Arc::clone(&track);
    let mut end = Waiting::new(async move { same.wait_for_unpublish(None).await });
    assert_eq!(end.ready(), Ok(UnpublishReason::Requested));
}

#[test]
fn handles_are_used_again_after_a_rest() {
    let rig = Rig::new();
    let keep = rig.track("keep");
    let mut first = None;
    for round in 0..70_000_u32 {
        if round % 1_000 == 0 {
            rig.advance_ms(1_000);
        }
        let track = rig.track("pose");
        first.get_or_insert_with(|| Arc::clone(&track));
        if round == 65_534 {
            let first = first.as_ref().unwrap();
            assert_ne!(&track, first);
            assert_eq!(track.stats().frames_accepted, 0);
            first.unpublish();
            assert_eq!(first.try_push(frame(1)), Err(PushFrameError::TrackUnpublished));
            assert!(track.is_published() && rig.host.take().is_empty(), "it is another one");
        }
        track.unpublish();
        let handle = unpublishes(&rig.host.requests())[0];
        let expected = if round < 65_534 { round + 2 } else { round - 65_532 };
        assert_eq!(handle, expected, "1 is in use, 0 is none");
        rig.host.take();
    }
    assert!(keep.is_published());
}

#[test]
fn handles_that_have_not_rested_are_not_used() {
    let rig = Rig::new();
    for _ in 0..65_535 {
        rig.track("pose").unpublish();
        rig.host.take();
    }
    let mut refused = rig.publishing(DataTrackOptions::new("pose"));
    assert_eq!(refused.ready().unwrap_err(), PublishError::LimitReached);
    rig.advance_ms(29_999);
    let mut refused = rig.publishing(DataTrackOptions::new("pose"));
    assert_eq!(refused.ready().unwrap_err(), PublishError::LimitReached);
    rig.advance_ms(1);
    let _pending = rig.publishing(DataTrackOptions::new("pose"));
    assert_eq!(only_publish(&rig.host.requests()).pub_handle, 1);
}

#[test]
fn a_handle_whose_answer_is_still_to_come_is_not_used() {
    let rig = Rig::new();
    drop(rig.publishing(DataTrackOptions::new("lost")));
    rig.host.take();
    for _ in 0..65_534 {
        rig.track("pose").unpublish();
        rig.host.take();
    }
    rig.advance_ms(60_000);
    let _pending = rig.publishing(DataTrackOptions::new("pose"));
    assert_eq!(only_publish(&rig.host.requests()).pub_handle, 2);
    rig.manager.republish_tracks();
    rig.host.take();
    rig.advance_ms(30_000);
    rig.answer(published(&request(1, "lost"), "DTR_1"));
    assert_eq!(unpublishes(&rig.host.requests()), [1], "p7: however late");
}
