//! Floods of tracks, calls and frames: what they took comes back, and nothing slows down with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;
mod local_support;

use std::time::{Duration, Instant};

use datatracks::*;
use kit::counting::{alone, live_bytes};
use kit::subscriber::{MS, Packets, Subscriber, handles, participant, track};
use kit::task::{Task, poll_once};
use local_support::{Rig, frame, only_publish, published};

#[global_allocator]
static COUNTING: kit::counting::Counting = kit::counting::Counting;

const TRACKS: u32 = 10_000;

/// What is left after a flood; the second of two must leave no more than the first.
fn left_after_two(mut flood: impl FnMut(u32)) -> [i64; 2] {
    let (before, started) = (live_bytes(), Instant::now());
    let left = [0, 1].map(|round| {
        flood(round);
        live_bytes() - before
    });
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    left
}

#[test]
fn p10_ten_thousand_tracks_published_and_closed_leave_nothing() {
    let _alone = alone();
    let rig = Rig::new();
    let left = left_after_two(|_| {
        for number in 0..TRACKS {
            let track = rig.track(&format!("{number}"));
            track.try_push(frame(100)).unwrap();
        }
        assert_eq!(rig.manager.stats().tracks_published, u64::from(TRACKS));
        rig.manager.tracks().iter().for_each(|track| track.unpublish());
        assert_eq!(rig.manager.stats().tracks_published, 0);
        rig.host.take();
        rig.advance_ms(31_000);
        rig.track("one more").unpublish();
        rig.host.take();
    });
    assert!(left[0] < 12 << 20, "{left:?}: room for as many tracks as there were is kept");
    assert!(left[1] - left[0] < 64 << 10, "{left:?}");
}

#[test]
fn p10_ten_thousand_tracks_read_and_gone_leave_nothing() {
    let _alone = alone();
    let subscriber = Subscriber::new();
    let left = left_after_two(|round| {
        let sid = |number: u32| format!("DTR_{round}_{number}");
        for number in 1..=TRACKS {
            let (sid, publisher) = (sid(number), format!("{round} {number}"));
            subscriber.update(vec![participant(&publisher, vec![track(1, &sid, &sid)])]);
        }
        let all = subscriber.manager.tracks();
        assert_eq!(all.len(), TRACKS as usize);
        let few: Vec<_> = (1..=100).map(sid).collect();
        let calls: Vec<_> = few
            .iter()
            .map(|sid| subscriber.subscribe(sid, DataTrackSubscribeOptions::default()))
            .collect();
        let snapshot: Vec<_> = (1..).zip(few.iter().map(String::as_str)).collect();
        subscriber.signal(handles(&snapshot));
        let streams: Vec<_> = calls.into_iter().map(|call| call.finish().unwrap()).collect();
        for handle in 1..=100 {
            subscriber.feed(Packets { handle, ..Default::default() }.frame(&[0; 1_000]));
        }
        for number in 1..=TRACKS {
            subscriber.update(vec![participant(&format!("{round} {number}"), vec![])]);
        }
        subscriber.handles(&[]);
        assert_eq!(subscriber.manager.tracks().len(), 0);
        drop((streams, subscriber.host.take()));
        subscriber.clock.advance(2_000 * MS);
    });
    assert!(left[0] < 12 << 20, "{left:?}: room for as many tracks as there were is kept");
    assert!(left[1] - left[0] < 64 << 10, "{left:?}");
}

#[test]
fn p10_calls_that_are_given_up_and_frames_that_are_gone_leave_nothing() {
    let _alone = alone();
    let (subscriber, rig) = (Subscriber::new(), Rig::new());
    let ours = rig.track("ours");
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let theirs = subscriber.track("data");
    let left = left_after_two(|_| {
        for _ in 0..2_000 {
            let manager = &subscriber.manager;
            assert!(poll_once(manager.wait_for_track("x".into(), None, 0, None)).is_none());
            assert!(poll_once(ours.wait_for_unpublish(None)).is_none());
            assert_eq!(poll_once(ours.flush(3_600_000, None)), Some(Ok(())));
            assert!(poll_once(theirs.wait_for_unpublish(None)).is_none());
            drop(poll_once(theirs.subscribe(None)).unwrap().unwrap());
            assert!(poll_once(stream.next(None)).is_none());
            ours.try_push(frame(10)).unwrap();
            rig.host.take();
        }
        subscriber.clock.advance(MS);
    });
    assert!(left[0] < 1 << 20, "{left:?}");
    assert!(left[1] - left[0] < 4 << 10, "{left:?}");
}

#[test]
fn p10_publications_that_are_given_up_leave_nothing() {
    let _alone = alone();
    let rig = Rig::new();
    let left = left_after_two(|_| {
        for _ in 0..2_000 {
            drop(rig.publishing(DataTrackOptions::new("data")));
            let request = only_publish(&rig.host.requests());
            rig.answer(published(&request, "DTR_1"));
            rig.host.take();
        }
        rig.advance_ms(31_000);
    });
    assert!(left[1] - left[0] < 64 << 10, "{left:?}");
}

#[test]
fn p10_frames_whose_way_nobody_waits_for_leave_nothing() {
    let _alone = alone();
    let rig = Rig::new();
    let track = rig.track("data");
    let left = left_after_two(|_| {
        for _ in 0..2_000 {
            track.try_push(frame(10)).unwrap();
            rig.host.take();
        }
    });
    assert!(left[1] - left[0] < 4 << 10, "{left:?}");
}

#[test]
fn p10_calls_that_were_answered_or_dropped_leave_no_deadline() {
    let _alone = alone();
    let subscriber = Subscriber::new();
    let bob = |tracks| subscriber.update(vec![participant("bob", tracks)]);
    let left = left_after_two(|_| {
        for _ in 0..2_000 {
            let manager = std::sync::Arc::clone(&subscriber.manager);
            let search =
                async move { manager.wait_for_track("data".into(), None, 3_600_000, None).await };
            let search = Task::begin(search);
            bob(vec![track(1, "DTR_1", "data")]);
            search.finish().unwrap();
            drop(subscriber.subscribe("data", DataTrackSubscribeOptions::default()));
            bob(vec![]);
            subscriber.host.take();
        }
        subscriber.clock.advance(MS);
    });
    assert!(left[0] < 1 << 20, "{left:?}");
    assert!(left[1] - left[0] < 4 << 10, "{left:?}");
}
