//! Which tracks the others publish: who they are (P9), and that each comes and goes once (P11), whatever the SFU repeats.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use Event::*;
use datatracks::*;
use kit::short::*;
use kit::subscriber::*;
use kit::task::Task;
use livekit_protocol::{self as livekit, signal_response::Message as Response};

fn unpublished(name: &str, reason: UnpublishReason) -> Event {
    Unpublished(name.into(), reason)
}

#[test]
fn p11_each_track_comes_and_goes_once_however_often_the_sfu_says_so() {
    let subscriber = Subscriber::new();
    let bob = || participant("bob", vec![track(1, "DTR_1", "a"), track(2, "DTR_2", "b")]);
    for _ in 0..3 {
        subscriber.join(vec![bob()]);
        subscriber.update(vec![bob()]);
    }
    assert_eq!(subscriber.host.take(), published(&["a", "b"]));
    subscriber.update(vec![participant("bob", vec![track(2, "DTR_2", "b")])]);
    subscriber.update(vec![participant("bob", vec![track(2, "DTR_2", "b")])]);
    assert_eq!(subscriber.host.take(), [unpublished("a", UnpublishReason::Requested)]);
    subscriber.update(vec![left("bob")]);
    subscriber.update(vec![left("bob")]);
    assert_eq!(subscriber.host.take(), [unpublished("b", UnpublishReason::PublisherLeft)]);
    assert_eq!(subscriber.manager.stats().tracks_published, 0);
}

#[test]
fn only_participants_that_are_listed_are_touched() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![
        participant("bob", vec![track(1, "DTR_1", "a")]),
        participant("eve", vec![track(1, "DTR_2", "b")]),
    ]);
    subscriber.host.take();
    subscriber.update(vec![participant("eve", vec![])]);
    assert_eq!(subscriber.host.take(), [unpublished("b", UnpublishReason::Requested)]);
    assert_eq!(names(&subscriber), ["a"]);
}

#[test]
fn who_is_missing_in_a_new_session_has_left() {
    for moved in [false, true] {
        let subscriber = Subscriber::new();
        subscriber.join(vec![
            participant("bob", vec![track(1, "DTR_1", "a")]),
            participant("eve", vec![track(1, "DTR_2", "b")]),
        ]);
        subscriber.host.take();
        let others = vec![participant("eve", vec![track(1, "DTR_2", "b")])];
        if moved {
            subscriber.signal(Response::RoomMoved(livekit::RoomMovedResponse {
                participant: Some(participant("me", vec![])),
                other_participants: others,
                ..Default::default()
            }));
        } else {
            subscriber.join(others);
        }
        if !moved {
            assert_eq!(subscriber.host.take(), [], "the server may have lost its session, too");
            subscriber.clock.advance(10_000 * MS);
        }
        assert_eq!(subscriber.host.take(), [unpublished("a", UnpublishReason::PublisherLeft)]);
    }
}

#[test]
fn a_permission_taken_away_is_told_apart() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
    subscriber.host.take();
    let permission = livekit::ParticipantPermission::default();
    let revoked =
        livekit::ParticipantInfo { permission: Some(permission), ..participant("bob", vec![]) };
    subscriber.update(vec![revoked]);
    assert_eq!(subscriber.host.take(), [unpublished("a", UnpublishReason::Revoked)]);
}

#[test]
fn p9_a_track_stays_itself_under_another_sid() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
    let known = subscriber.track("a");
    subscriber.host.take();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_9", "a")])]);
    assert_eq!(subscriber.host.take(), []);
    assert_eq!(known.info().sid, "DTR_9");
    assert!(known.is_published());
    assert_eq!(subscriber.track("a"), known);
}

#[test]
fn p9_anything_else_under_the_same_handle_is_another_track() {
    let changes: [fn(&mut livekit::DataTrackInfo); 4] = [
        |track| track.name = "b".into(),
        |track| track.encryption = 1,
        |track| {
            track.frame_encoding = Some(livekit::DataTrackFrameEncoding {
                value: Some(livekit::data_track_frame_encoding::Value::Custom("x".into())),
            });
        },
        |track| {
            track.schema =
                Some(livekit::DataTrackSchemaId { name: "s".into(), ..Default::default() });
        },
    ];
    for change in changes {
        for sid in ["DTR_1", "DTR_2"] {
            let subscriber = Subscriber::new();
            subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
            let known = subscriber.track("a");
            subscriber.host.take();
            let mut other = track(1, sid, "a");
            change(&mut other);
            subscriber.update(vec![participant("bob", vec![other.clone()])]);
            let expected = [Published(other.name), unpublished("a", UnpublishReason::Requested)];
            assert_eq!(subscriber.host.take(), expected, "additions before removals");
            assert!(!known.is_published());
            assert_ne!(subscriber.manager.tracks(), [known]);
            assert_eq!(subscriber.manager.tracks()[0].info().sid, sid);
        }
    }
}

#[test]
fn p9_a_handle_used_again_is_another_track_and_managers_are_told_apart() {
    let subscriber = Subscriber::new();
    let bob = || participant("bob", vec![track(1, "DTR_1", "a")]);
    subscriber.update(vec![bob()]);
    let first = subscriber.track("a");
    subscriber.update(vec![left("bob")]);
    subscriber.update(vec![bob()]);
    let second = subscriber.track("a");
    assert_ne!(first, second);
    let elsewhere = Subscriber::new();
    elsewhere.update(vec![bob()]);
    assert_ne!(elsewhere.track("a"), first);
    assert_eq!(HashSet::from([first, second, subscriber.track("a")]).len(), 2);
}

#[test]
fn who_has_left_publishes_nothing_whatever_is_listed() {
    let subscriber = Subscriber::new();
    let tracks = || vec![track(1, "DTR_1", "a")];
    subscriber.update(vec![participant("bob", tracks())]);
    subscriber.host.take();
    let left = livekit::ParticipantInfo { data_tracks: tracks(), ..left("bob") };
    subscriber.update(vec![left]);
    assert_eq!(subscriber.host.take(), [unpublished("a", UnpublishReason::PublisherLeft)]);
}

#[test]
fn tracks_are_listed_by_publisher_then_in_order_of_appearance() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("eve", vec![track(9, "DTR_1", "e9")])]);
    subscriber.update(vec![participant("bob", vec![track(5, "DTR_2", "b5")])]);
    let both = vec![track(3, "DTR_3", "e3"), track(9, "DTR_1", "e9")];
    subscriber.update(vec![participant("eve", both)]);
    assert_eq!(names(&subscriber), ["b5", "e9", "e3"]);
    let of = |publisher: &str| subscriber.manager.tracks_by_publisher(publisher.into());
    assert_eq!(of("eve").len(), 2);
    assert_eq!(of("eve")[0].publisher_identity(), "eve");
    assert!(of("nobody").is_empty());
}

#[test]
fn tracks_that_appear_at_once_do_so_in_order_of_their_handles() {
    let subscriber = Subscriber::new();
    let tracks = [4, 1, 3, 0xFFFF, 2].map(|at| track(at, &format!("DTR_{at}"), &at.to_string()));
    subscriber.update(vec![participant("bob", tracks.to_vec())]);
    let order = ["1", "2", "3", "4", "65535"];
    assert_eq!(names(&subscriber), order);
    assert_eq!(subscriber.host.take(), published(&order));
}

type Finding = Task<Result<Arc<RemoteDataTrack>, WaitError>>;

fn find(subscriber: &Subscriber, name: &str, publisher: Option<&str>, timeout_ms: u64) -> Finding {
    let (manager, name) = (Arc::clone(&subscriber.manager), name.to_owned());
    let publisher = publisher.map(Into::into);
    Task::new(async move { manager.wait_for_track(name, publisher, timeout_ms, None).await })
}

#[test]
fn a_track_can_be_waited_for() {
    let subscriber = Subscriber::new();
    let mut anyone = find(&subscriber, "a", None, 0);
    let mut eve = find(&subscriber, "a", Some("eve"), 1_000);
    let mut abandoned = find(&subscriber, "a", None, 5);
    assert!(anyone.poll().is_none() && eve.poll().is_none() && abandoned.poll().is_none());
    drop(abandoned);
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
    assert_eq!(anyone.finish().unwrap(), subscriber.track("a"));
    assert_eq!(find(&subscriber, "a", Some("bob"), 0).poll(), Some(Ok(subscriber.track("a"))));
    subscriber.clock.advance(1_000 * MS - TICK);
    assert!(eve.poll().is_none(), "one tick early");
    subscriber.clock.advance(TICK);
    assert_eq!(eve.finish(), Err(WaitError::TimedOut));
    assert!(find(&subscriber, "b", None, u64::MAX).poll().is_none(), "no time is too long");
}

#[test]
fn the_end_of_a_publication_can_be_waited_for() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
    let track = subscriber.track("a");
    let waiting = |track: &Arc<RemoteDataTrack>, cancel| {
        let track = Arc::clone(track);
        Task::new(async move { track.wait_for_unpublish(cancel).await })
    };
    let token = Arc::new(CancelToken::new());
    let mut cancelled = waiting(&track, Some(Arc::clone(&token)));
    let mut waits = [waiting(&track, None), waiting(&track, None)];
    assert!(cancelled.poll().is_none() && waits.iter_mut().all(|wait| wait.poll().is_none()));
    token.cancel();
    assert_eq!(cancelled.finish(), Err(WaitError::Cancelled));
    subscriber.update(vec![left("bob")]);
    for wait in waits {
        assert_eq!(wait.finish(), Ok(UnpublishReason::PublisherLeft));
    }
    assert_eq!(waiting(&track, None).poll(), Some(Ok(UnpublishReason::PublisherLeft)));
}

#[test]
fn p11_events_arrive_in_order_from_whatever_thread() {
    let subscriber = Subscriber::new();
    let last: Arc<Mutex<u32>> = Arc::default();
    let seen = Arc::clone(&last);
    subscriber.host.on_event(move |event| {
        if let Published(name) = event {
            let number = name.parse().unwrap();
            let mut last = seen.lock().unwrap();
            assert!(*last < number);
            *last = number;
        }
        Ok(())
    });
    let next = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    let (name, sid) = (next.to_string(), format!("DTR_{next}"));
                    subscriber.update(vec![participant(&name, vec![track(1, &sid, &name)])]);
                }
            });
        }
    });
    assert_eq!(*last.lock().unwrap(), 1_000);
}

#[test]
fn a_sid_is_that_of_its_latest_track_only() {
    let subscriber = Subscriber::new();
    let names = || subscriber.manager.tracks().iter().map(|t| t.info().name).collect::<Vec<_>>();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "a")])]);
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "b")])]);
    assert_eq!(names(), ["b"], "another track under the same SID");
    subscriber.update(vec![participant("eve", vec![track(1, "DTR_1", "c")])]);
    assert_eq!(names(), ["b"], "the SID is taken");
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_2", "b")])]);
    subscriber.update(vec![participant("eve", vec![track(1, "DTR_1", "c")])]);
    assert_eq!(names(), ["b", "c"], "the SID is free");
}
