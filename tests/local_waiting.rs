//! Calls that wait for room, or until nothing waits any more: each ends once, and who waits is woken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, atomic::Ordering};

use datatracks::{CancelToken, DataTrackOptions, LocalDataTrack, PushFrameError, WaitError};
use local_support::{pushing::*, *};

fn sending(track: &Arc<LocalDataTrack>, bytes: usize) -> Waiting<Result<(), PushFrameError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.send(frame(bytes), None).await })
}

fn flushing(track: &Arc<LocalDataTrack>, timeout_ms: u64) -> Waiting<Result<(), WaitError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.flush(timeout_ms, None).await })
}

#[test]
fn p2_send_waits_for_room_and_drops_nothing() {
    let rig = full();
    let track = rig.published(dropping(112));
    assert!(sending(&track, 100).look());
    let mut second = sending(&track, 99);
    let mut third = sending(&track, 98);
    assert!(second.is_pending() && third.is_pending());
    rig.manager.handle_buffered_amount(0);
    assert_eq!(second.ready(), Ok(()));
    assert_eq!(third.ready(), Ok(()));
    assert_eq!(left(&rig), [100, 99, 98]);
    let stats = track.stats();
    assert_eq!((stats.frames_refused, stats.frames_dropped_full), (0, 0), "waiting is no refusal");
}

#[test]
fn p6_send_ends_when_the_track_ends_or_is_cancelled() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let cancel = Arc::new(CancelToken::new());
    let (same, token) = (Arc::clone(&track), Arc::clone(&cancel));
    let mut cancelled = Waiting::new(async move { same.send(frame(1), Some(token)).await });
    let mut ended = sending(&track, 2);
    assert!(cancelled.is_pending() && ended.is_pending());
    cancel.cancel();
    assert_eq!(cancelled.ready(), Err(PushFrameError::Cancelled));
    track.unpublish();
    assert_eq!(ended.ready(), Err(PushFrameError::TrackUnpublished));
    assert_eq!(track.stats().frames_dropped_unpublished, 1);
    assert_adds_up(&track);
}

#[test]
fn p6_a_token_that_is_cancelled_already_lets_nothing_begin() {
    let rig = Rig::new();
    let track = rig.track("pose");
    rig.host.take();
    let token = Arc::new(CancelToken::new());
    token.cancel();
    let mut send = Waiting::new({
        let (track, token) = (Arc::clone(&track), Arc::clone(&token));
        async move { track.send(frame(1), Some(token)).await }
    });
    assert_eq!(send.ready(), Err(PushFrameError::Cancelled));
    assert!(rig.host.take().is_empty());
    let mut flush = Waiting::new(async move { track.flush(0, Some(token)).await });
    assert_eq!(flush.ready(), Err(WaitError::Cancelled));
}

#[test]
fn p6_those_who_wait_for_room_are_woken_when_there_is_some() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let count = Arc::new(Count::default());
    let waker = std::task::Waker::from(Arc::clone(&count));
    let mut context = std::task::Context::from_waker(&waker);
    let mut send = Box::pin(track.send(frame(1), None));
    let mut flush = Box::pin(track.flush(0, None));
    assert!(send.as_mut().poll(&mut context).is_pending());
    assert!(flush.as_mut().poll(&mut context).is_pending());
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert!(send.as_mut().poll(&mut context).is_ready());
    assert!(flush.as_mut().poll(&mut context).is_ready());
}

#[test]
fn p6_flush_waits_until_nothing_waits_or_its_time_is_over() {
    let rig = full();
    let track = rig.track("pose");
    assert_eq!(flushing(&track, 10).ready(), Ok(()));
    track.try_push(frame(1)).unwrap();
    let (mut short, mut long, mut endless) =
        (flushing(&track, 10), flushing(&track, 200), flushing(&track, 0));
    assert!(short.is_pending() && long.is_pending() && endless.is_pending());
    rig.advance_ms(9);
    assert!(short.is_pending());
    rig.advance_ms(1);
    assert_eq!(short.ready(), Err(WaitError::TimedOut));
    rig.manager.handle_buffered_amount(0);
    assert_eq!((long.ready(), endless.ready()), (Ok(()), Ok(())));
}

#[test]
fn p6_flush_ends_with_the_manager() {
    let rig = full();
    let track = rig.track("pose");
    track.try_push(frame(1)).unwrap();
    let mut flush = flushing(&track, 0);
    assert!(flush.is_pending());
    rig.manager.shutdown();
    assert_eq!(flush.ready(), Err(WaitError::Closed));
}

#[test]
fn p6_flush_ends_with_the_track_even_while_its_last_frame_is_being_sent() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let woken = Arc::new(Count::default());
    let (inner, count) = (Arc::clone(&track), Arc::clone(&woken));
    rig.host.on_every(move |event| {
        if matches!(event, Event::Packets(_)) {
            let waker = std::task::Waker::from(Arc::clone(&count));
            let mut context = std::task::Context::from_waker(&waker);
            let mut flush = Box::pin(inner.flush(0, None));
            assert!(flush.as_mut().poll(&mut context).is_pending());
            inner.unpublish();
            assert_eq!(count.0.load(Ordering::SeqCst), 1);
            let ended = std::task::Poll::Ready(Err(WaitError::Closed));
            assert_eq!(flush.as_mut().poll(&mut context), ended);
        }
        Ok(())
    });
    track.try_push(frame(1)).unwrap();
    assert_eq!((track.stats().frames_sent, rig.manager.stats().delegate_errors), (1, 0));
}

#[test]
fn p6_every_end_wakes_everybody_who_waits() {
    for end in [|rig: &Rig| rig.manager.tracks()[0].unpublish(), |rig: &Rig| rig.manager.shutdown()]
    {
        let rig = full();
        let track = rig.published(dropping(112));
        track.try_push(frame(100)).unwrap();
        let same = Arc::clone(&track);
        let mut ended = Waiting::new(async move { same.wait_for_unpublish(None).await });
        let (mut send, mut flush) = (sending(&track, 1), flushing(&track, 0));
        assert!(ended.is_pending() && send.is_pending() && flush.is_pending());
        end(&rig);
        assert!(ended.ready().is_ok());
        assert_eq!(send.ready(), Err(PushFrameError::TrackUnpublished));
        assert_eq!(flush.ready(), Err(WaitError::Closed));
    }
}

#[test]
fn p6_who_waits_in_a_full_manager_is_woken_by_any_track() {
    let rig = full();
    let many: Vec<_> = (0..16)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    let late = rig.track("late");
    late.try_push(frame(1)).unwrap(); // or else it would wait for all anyway
    for track in many.iter().cycle().take(64) {
        track.try_push_bytes(&vec![0; 1 << 20]).unwrap();
    }
    let mut send = sending(&late, 1 << 20);
    assert!(send.is_pending(), "no room in the manager");
    many[0].unpublish();
    assert_eq!(send.ready(), Ok(()));
}

#[test]
fn p6_a_push_that_drops_what_was_too_old_wakes_who_waits_for_room() {
    let rig = full();
    let track = rig.published(DataTrackOptions { max_age_ms: 10, ..dropping(112) });
    track.try_push(frame(100)).unwrap();
    let mut send = sending(&track, 50);
    assert!(send.is_pending());
    rig.advance_ms(11);
    track.try_push(frame(1)).unwrap();
    assert_eq!(send.ready(), Ok(()));
}

#[test]
fn p6_who_waits_no_more_is_not_woken_and_leaves_nothing() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let count = Arc::new(Count::default());
    for _ in 0..3 {
        let waker = std::task::Waker::from(Arc::clone(&count));
        let mut context = std::task::Context::from_waker(&waker);
        let mut ended = Box::pin(track.wait_for_unpublish(None));
        let (mut send, mut flush) =
            (Box::pin(track.send(frame(1), None)), Box::pin(track.flush(60_000, None)));
        assert!(ended.as_mut().poll(&mut context).is_pending());
        assert!(send.as_mut().poll(&mut context).is_pending());
        assert!(flush.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(Arc::strong_count(&count), 1, "no waker is left");
    track.unpublish();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
}

#[test]
fn p12_fast_tracks_leave_memory_to_slow_ones() {
    let rig = full();
    let greedy = rig.published(dropping(u64::MAX));
    for _ in 0..70 {
        greedy.try_push(frame(1 << 20)).unwrap();
    }
    for _ in 0..10_000 {
        greedy.try_push(frame(1)).unwrap();
    }
    let slow: Vec<_> = (0..64).map(|index| rig.track(&format!("{index}"))).collect();
    for track in slow.iter().cycle().take(15 * slow.len()) {
        assert_eq!(track.try_push(frame(4_000)), Ok(()));
    }
    let all = || slow.iter().chain([&greedy]);
    let waiting: u64 = all().map(|track| track.stats().bytes_waiting).sum();
    assert!(waiting <= 64 << 20, "{waiting}");
    let dropped = |track: &Arc<LocalDataTrack>| track.stats().frames_dropped_full;
    assert_eq!(slow.iter().map(dropped).sum::<u64>(), 0);
}

#[test]
fn p6_each_flush_ends_at_its_own_time() {
    let rig = full();
    let track = rig.track("pose");
    track.try_push(frame(1)).unwrap();
    let (mut short, mut long) = (flushing(&track, 10), flushing(&track, 20));
    assert!(short.is_pending() && long.is_pending());
    rig.advance_ms(10);
    assert_eq!(short.ready(), Err(WaitError::TimedOut));
    assert!(long.is_pending());
    rig.advance_ms(10);
    assert_eq!(long.ready(), Err(WaitError::TimedOut));
}

#[test]
fn p6_who_flushes_while_the_last_frame_is_being_sent_is_woken_when_it_has_left() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let woken = Arc::new(Count::default());
    let (inner, waker) = (Arc::clone(&track), std::task::Waker::from(Arc::clone(&woken)));
    let flush: Arc<std::sync::Mutex<Vec<_>>> = Arc::default();
    let calls = Arc::clone(&flush);
    rig.host.on_every(move |event| {
        if matches!(event, Event::Packets(_)) {
            let track = Arc::clone(&inner);
            let mut flush = Box::pin(async move { track.flush(0, None).await });
            let mut context = std::task::Context::from_waker(&waker);
            assert!(flush.as_mut().poll(&mut context).is_pending());
            calls.lock().unwrap().push(flush);
        }
        Ok(())
    });
    track.try_push(frame(1)).unwrap();
    assert_eq!((flush.lock().unwrap().len(), woken.0.load(Ordering::SeqCst)), (1, 1));
}
