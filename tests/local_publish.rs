//! Publishing: every wait ends once, in one way, and nothing is left at the SFU that nobody wants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, atomic::Ordering},
};

use datatracks::{
    CancelToken, DataTrackFrameEncoding as Frames, DataTrackOptions,
    DataTrackSchemaEncoding as Schemas, DataTrackSchemaId, EncryptionMode, LocalDataTrack,
    PublishError, PushFrameError, SignalError, SignalOutcome, UnpublishReason, WaitError,
};
use livekit_protocol::{
    self as proto, request_response::Reason, signal_request::Message as Asked,
    signal_response::Message as Answer,
};
use local_support::*;

fn named(name: &str) -> DataTrackOptions {
    DataTrackOptions::new(name)
}

fn schema(encoding: Schemas) -> Option<DataTrackSchemaId> {
    Some(DataTrackSchemaId { name: "pose".into(), encoding })
}

#[test]
fn a_published_track_is_announced_once_and_known_by_its_sid() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    assert!(publishing.is_pending());
    assert_eq!(rig.manager.stats().tracks_pending, 1);
    let request = only_publish(&rig.host.requests());
    assert_eq!((request.pub_handle, request.name.as_str(), request.encryption), (1, "pose", 0));
    assert_eq!(rig.answer(published(&request, "DTR_a")), SignalOutcome::Handled);
    let track = publishing.ready().unwrap();
    assert!(track.is_published());
    assert_eq!((track.info().sid.as_str(), track.info().name.as_str()), ("DTR_a", "pose"));
    assert_eq!(rig.manager.tracks(), [Arc::clone(&track)]);
    rig.answer(published(&request, "DTR_a"));
    let events = rig.host.take();
    assert!(matches!(&events[..], [Event::Published(same)] if *same == track), "{events:?}");
    let stats = rig.manager.stats();
    assert_eq!((stats.tracks_published, stats.tracks_pending, stats.signals_sent), (1, 0, 1));
}

#[test]
fn tracks_are_listed_in_the_order_of_their_publication() {
    let rig = Rig::new();
    let mut waits: Vec<_> = ["a", "b", "c"].map(|name| rig.publishing(named(name))).into();
    let requests = rig.host.requests();
    for index in [2, 0, 1] {
        let Asked::PublishDataTrackRequest(request) = &requests[index] else { panic!() };
        rig.answer(published(request, "DTR_x"));
        waits[index].ready().unwrap();
    }
    let names: Vec<_> = rig.manager.tracks().iter().map(|track| track.info().name).collect();
    assert_eq!(names, ["c", "a", "b"]);
}

#[test]
fn what_cannot_be_published_is_refused_before_anything_is_asked() {
    let custom = |identifier: &str| Frames::Custom { identifier: identifier.into() };
    let with =
        |frame_encoding, schema| DataTrackOptions { frame_encoding, schema, ..named("pose") };
    let long_schema = DataTrackSchemaId { name: "x".repeat(257), encoding: Schemas::Protobuf };
    let cases = [
        (named(""), PublishError::InvalidName { length: 0 }),
        (named(&"ä".repeat(129)), PublishError::InvalidName { length: 258 }),
        (with(None, schema(Schemas::Protobuf)), PublishError::FrameEncodingMissing),
        (with(Some(Frames::Cdr), None), PublishError::SchemaMissing),
        (with(Some(Frames::Json), schema(Schemas::Protobuf)), PublishError::SchemaMismatch),
        (with(Some(Frames::Cbor), schema(Schemas::JsonSchema)), PublishError::SchemaMismatch),
        (with(Some(custom("")), None), PublishError::InvalidEncoding { length: 0 }),
        (with(Some(custom(&"x".repeat(33))), None), PublishError::InvalidEncoding { length: 33 }),
        (
            with(Some(Frames::Protobuf), Some(long_schema)),
            PublishError::InvalidEncoding { length: 257 },
        ),
        (
            DataTrackOptions { encryption: EncryptionMode::Required, ..named("pose") },
            PublishError::EncryptionUnavailable,
        ),
    ];
    for (options, error) in cases {
        let rig = Rig::new();
        assert_eq!(rig.publishing(options.clone()).ready().unwrap_err(), error, "{options:?}");
        assert!(rig.host.take().is_empty());
    }
    let good = [
        with(None, None),
        with(Some(Frames::Cdr), schema(Schemas::Ros2Idl)),
        with(Some(Frames::Json), None),
        with(Some(custom("x")), schema(Schemas::Custom { identifier: "y".repeat(32) })),
        with(Some(Frames::Unknown { code: 99 }), schema(Schemas::OmgIdl)),
        named(&"x".repeat(256)),
    ];
    for options in good {
        assert!(Rig::new().publishing(options.clone()).is_pending(), "{options:?}");
    }
}

#[test]
fn a_name_is_taken_while_its_track_is_wanted() {
    let rig = Rig::new();
    let track = rig.track("pose");
    assert_eq!(rig.publishing(named("pose")).ready().unwrap_err(), PublishError::DuplicateName);
    track.unpublish();
    rig.host.take();
    let _pending = rig.publishing(named("pose"));
    assert_eq!(only_publish(&rig.host.requests()).pub_handle, 2);
    assert_eq!(rig.publishing(named("pose")).ready().unwrap_err(), PublishError::DuplicateName);
}

#[test]
fn each_refusal_has_its_own_error() {
    let rejected =
        |reason: Reason| PublishError::Rejected { code: reason.into(), detail: "no".into() };
    let cases = [
        (Reason::NotAllowed, PublishError::NotAllowed),
        (Reason::DuplicateName, PublishError::DuplicateName),
        (Reason::InvalidName, PublishError::InvalidName { length: 4 }),
        (Reason::LimitExceeded, PublishError::LimitReached),
        (Reason::InvalidRequest, rejected(Reason::InvalidRequest)),
        (Reason::DuplicateHandle, rejected(Reason::DuplicateHandle)),
    ];
    for (reason, error) in cases {
        let rig = Rig::new();
        let mut publishing = rig.publishing(named("pose"));
        let request = only_publish(&rig.host.requests());
        assert_eq!(rig.answer(refused(&request, reason)), SignalOutcome::Handled);
        assert_eq!(publishing.ready().unwrap_err(), error);
        rig.answer(refused(&request, reason));
        assert!(rig.host.take().is_empty(), "nothing was published, nothing is announced");
    }
}

#[test]
fn an_acknowledgement_is_no_answer() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(refused(&request, Reason::Ok));
    rig.answer(refused(&request, Reason::Queued));
    assert!(publishing.is_pending());
    rig.answer(published(&request, "DTR_a"));
    assert!(publishing.ready().is_ok());
}

#[test]
fn p6_a_publication_times_out_at_ten_seconds_and_no_earlier() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    rig.advance_ms(9_999);
    assert!(publishing.is_pending());
    rig.advance_ms(1);
    assert_eq!(publishing.ready().unwrap_err(), PublishError::TimedOut);
}

#[test]
fn p6_a_request_that_cannot_be_sent_fails_at_once() {
    let rig = Rig::new();
    rig.host.refuses_signals.store(true, Ordering::SeqCst);
    let mut publishing = rig.publishing(named("pose"));
    assert_eq!(publishing.ready().unwrap_err(), PublishError::SignalNotSent);
    let request = only_publish(&rig.host.requests());
    let stats = rig.manager.stats();
    assert_eq!((stats.signals_not_sent, stats.delegate_errors, stats.signals_sent), (1, 1, 0));
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    rig.answer(published(&request, "DTR_a"));
    assert_eq!(unpublishes(&rig.host.requests()), [1], "it had left all the same");
    assert!(rig.publishing(named("pose")).is_pending(), "the name is free");
}

#[test]
fn p7_what_times_out_is_undone_once_when_the_answer_comes_after_all() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.advance_ms(10_000);
    assert_eq!(publishing.ready().unwrap_err(), PublishError::TimedOut);
    assert!(rig.host.take().is_empty());
    rig.answer(published(&request, "DTR_a"));
    rig.answer(published(&request, "DTR_a"));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    assert_eq!(rig.answer(unpublish_refused(1, Reason::NotFound)), SignalOutcome::Handled);
    assert!(rig.host.take().is_empty());
    assert!(rig.manager.tracks().is_empty());
}

#[test]
fn p7_what_times_out_and_is_refused_later_needs_no_undoing() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.advance_ms(10_000);
    assert!(publishing.look());
    rig.answer(refused(&request, Reason::NotAllowed));
    assert!(rig.host.take().is_empty());
}

#[test]
fn p6_a_cancelled_publication_ends_at_once_and_p7_is_undone() {
    let rig = Rig::new();
    let cancel = Arc::new(CancelToken::new());
    let mut publishing = rig.publishing_with(named("pose"), Some(Arc::clone(&cancel)));
    let request = only_publish(&rig.host.requests());
    cancel.cancel();
    cancel.cancel();
    assert_eq!(publishing.ready().unwrap_err(), PublishError::Cancelled);
    assert!(rig.host.requests().is_empty(), "not before it is known to be published");
    rig.answer(published(&request, "DTR_a"));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    let cancelled_before = rig.publishing_with(named("other"), Some(cancel)).ready();
    assert_eq!(cancelled_before.unwrap_err(), PublishError::Cancelled);
    assert!(rig.host.take().is_empty());
}

#[test]
fn p7_a_list_that_comes_before_the_answer_undoes_nothing_twice() {
    let rig = Rig::new();
    drop(rig.publishing(named("pose")));
    let request = only_publish(&rig.host.requests());
    rig.answer(update(vec![participant(ALICE, "PA_a", vec![info(&request, "DTR_a")])]));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    rig.answer(published(&request, "DTR_a"));
    assert!(rig.host.take().is_empty());
}

#[test]
fn p7_a_name_is_free_again_though_the_answer_for_it_got_lost() {
    let rig = Rig::new();
    let lost = rig.publishing(named("pose"));
    rig.advance_ms(10_000);
    drop(lost);
    rig.host.take();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(refused(&request, Reason::DuplicateName));
    let requests = rig.host.requests();
    assert_eq!(unpublishes(&requests[..1]), [1]);
    assert_eq!(only_publish(&requests[1..]), request);
    rig.answer(published(&request, "DTR_b"));
    assert_eq!(publishing.ready().unwrap().info().sid, "DTR_b");
}

#[test]
fn p7_an_abandoned_publication_is_undone() {
    let rig = Rig::new();
    let publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    drop(publishing);
    rig.answer(published(&request, "DTR_a"));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    assert!(rig.host.take().is_empty(), "it was never there for the application");
}

#[test]
fn p7_a_publication_that_is_done_but_was_not_taken_is_undone() {
    let rig = Rig::new();
    let publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(published(&request, "DTR_a"));
    rig.host.take();
    drop(publishing);
    assert!(rig.host.take().is_empty(), "a drop calls nobody");
    rig.advance_ms(0);
    let events = rig.host.take();
    assert!(
        matches!(
            &events[..],
            [
                Event::Unpublished(_, UnpublishReason::Requested),
                Event::Request(Asked::UnpublishDataTrackRequest(_))
            ] | [
                Event::Request(Asked::UnpublishDataTrackRequest(_)),
                Event::Unpublished(_, UnpublishReason::Requested)
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn a_name_whose_abandoned_track_is_still_to_be_undone_is_asked_for_again() {
    let rig = Rig::new();
    drop(rig.publishing(named("pose")));
    let first = only_publish(&rig.host.requests());
    let mut publishing = rig.publishing(named("pose"));
    let second = only_publish(&rig.host.requests());
    rig.answer(published(&first, "DTR_a"));
    rig.answer(refused(&second, Reason::DuplicateName));
    let requests = rig.host.requests();
    assert_eq!(unpublishes(&requests[..1]), [1]);
    assert_eq!(only_publish(&requests[1..]), second);
    rig.answer(published(&second, "DTR_b"));
    assert_eq!(publishing.ready().unwrap().info().sid, "DTR_b");
}

#[test]
fn p4_an_answer_that_switches_encryption_is_undone() {
    for encryption in [1, 0] {
        let provider = (encryption == 0).then(|| {
            let ring = Arc::new(datatracks::KeyRing::new(Default::default()).unwrap());
            ring.set_shared_key(b"secret".to_vec(), 0).unwrap();
            ring.encryption_provider(None)
        });
        let rig = Rig::with(provider, Some(ALICE));
        let mut publishing = rig.publishing(named("pose"));
        let mut request = only_publish(&rig.host.requests());
        assert_ne!(request.encryption, encryption);
        request.encryption = encryption;
        rig.answer(published(&request, "DTR_a"));
        assert_eq!(publishing.ready().unwrap_err(), PublishError::UnexpectedAnswer);
        assert_eq!(unpublishes(&rig.host.requests()), [1]);
        assert!(rig.host.take().is_empty());
    }
}

#[test]
fn p4_an_answer_that_makes_no_sense_is_undone_at_once() {
    let changes: [fn(&mut proto::DataTrackInfo); 4] = [
        |track| track.encryption = 2,
        |track| track.encryption = -1,
        |track| track.sid = "TR_media".into(),
        |track| track.name = String::new(),
    ];
    for change in changes {
        let rig = Rig::new();
        let mut publishing = rig.publishing(named("pose"));
        let mut info = info(&only_publish(&rig.host.requests()), "DTR_a");
        change(&mut info);
        let answer = || {
            let info = Some(info.clone());
            Answer::PublishDataTrackResponse(proto::PublishDataTrackResponse { info })
        };
        rig.answer(answer());
        assert_eq!(publishing.ready().unwrap_err(), PublishError::UnexpectedAnswer);
        assert_eq!(unpublishes(&rig.host.requests()), [1]);
        assert!(rig.host.take().is_empty());
        assert_eq!(rig.manager.stats().entries_skipped, 1);
        rig.answer(answer());
        assert!(rig.host.requests().is_empty(), "it was undone");
    }
}

#[test]
fn an_answer_with_another_name_is_undone() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let mut request = only_publish(&rig.host.requests());
    request.name = "rose".into();
    rig.answer(published(&request, "DTR_a"));
    assert_eq!(publishing.ready().unwrap_err(), PublishError::UnexpectedAnswer);
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
}

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
fn p9_tracks_are_equal_by_handle_generation_and_manager() {
    let (rig, other) = (Rig::new(), Rig::new());
    let (a, b, c) = (rig.track("a"), rig.track("b"), other.track("a"));
    assert_eq!(a, rig.manager.tracks()[0]);
    assert_ne!(a, b);
    assert_ne!(a, c);
    let hash = |track: &LocalDataTrack| {
        let mut hasher = std::hash::DefaultHasher::new();
        track.hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&a), hash(&rig.manager.tracks()[0]));
    assert_ne!(hash(&a), hash(&b));
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
fn p13_messages_of_other_kinds_are_refused_by_name_or_ignored() {
    let rig = Rig::new();
    let manager = &rig.manager;
    let update = bytes(update(vec![]));
    assert_eq!(
        manager.handle_sfu_publish_response(update.clone()),
        Err(SignalError::UnexpectedMessage { tag: 5 })
    );
    assert_eq!(manager.handle_sfu_participant_update(update), Ok(()));
    assert_eq!(manager.handle_signal_response(vec![0xff]), Err(SignalError::Malformed));
    let pong = bytes(livekit_protocol::signal_response::Message::PongResp(Default::default()));
    assert_eq!(manager.handle_signal_response(pong), Ok(SignalOutcome::Ignored));
    let foreign = local_support::unpublish_refused(77, Reason::NotFound);
    assert_eq!(rig.answer(foreign), SignalOutcome::Ignored);
}

#[test]
fn p5_a_throwing_host_is_counted_and_ends_nothing() {
    let rig = Rig::new();
    rig.host.on_every(|event| match event {
        Event::Published(_) => panic!("a host written in Rust"),
        Event::Unpublished(..) => Err(datatracks::DelegateError::Failed),
        _ => Ok(()),
    });
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(published(&request, "DTR_a"));
    let track = publishing.ready().unwrap();
    track.unpublish();
    assert_eq!(rig.manager.stats().delegate_errors, 2);
    assert_eq!(rig.manager.stats().panics, 0);
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
}

#[test]
fn p11_any_method_can_be_called_from_any_callback() {
    let rig = Rig::new();
    let manager = Arc::clone(&rig.manager);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    rig.host.on_every(move |event| {
        match event {
            Event::Published(track) => {
                track.try_push(frame(1)).unwrap();
                assert_eq!(manager.tracks().len(), 1);
                track.unpublish();
                log.lock().unwrap().push("published");
            }
            Event::Unpublished(track, _) => {
                assert_eq!(track.try_push(frame(1)), Err(PushFrameError::TrackUnpublished));
                manager.republish_tracks();
                manager.handle_buffered_amount(0);
                manager.shutdown();
                log.lock().unwrap().push("unpublished");
            }
            Event::Request(_) => log.lock().unwrap().push("request"),
            Event::Packets(_) => log.lock().unwrap().push("packets"),
        }
        Ok(())
    });
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(published(&request, "DTR_a"));
    assert!(publishing.ready().is_ok());
    assert_eq!(
        *seen.lock().unwrap(),
        ["request", "packets", "published", "request", "unpublished"]
    );
    assert_eq!(rig.manager.stats().delegate_errors, 0);
}

#[test]
fn what_was_refused_is_known_to_be_gone() {
    for abandoned in [false, true] {
        let rig = Rig::new();
        let publishing = rig.publishing(DataTrackOptions::new("a"));
        let request = only_publish(&rig.host.requests());
        let publishing = (!abandoned).then_some(publishing);
        rig.answer(refused(&request, Reason::NotAllowed));
        let listed = participant(ALICE, "PA_a", vec![info(&request, "DTR_1")]);
        rig.answer(update(vec![listed]));
        assert!(rig.host.requests().is_empty(), "an old list; given up: {abandoned}");
        rig.answer(published(&request, "DTR_1"));
        assert_eq!(unpublishes(&rig.host.requests()), [1], "p7: it is there after all");
        drop(publishing);
    }
}

#[test]
fn p7_what_is_published_long_after_its_end_is_undone() {
    let rig = Rig::new();
    let publishing = rig.publishing(DataTrackOptions::new("a"));
    let request = only_publish(&rig.host.requests());
    drop(publishing);
    rig.answer(refused(&request, Reason::NotAllowed));
    rig.advance_ms(31_000);
    rig.track("b");
    assert_eq!(rig.answer(published(&request, "DTR_1")), datatracks::SignalOutcome::Handled);
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
}

#[test]
fn p7_what_was_given_up_and_never_asked_for_needs_no_undoing() {
    let rig = Rig::new();
    let (manager, host) = (Arc::clone(&rig.manager), Arc::downgrade(&rig.host));
    rig.host.on_every(move |event| {
        if matches!(event, Event::Published(_)) {
            let manager = Arc::clone(&manager);
            let publishing =
                async move { manager.publish_track(DataTrackOptions::new("b"), None).await };
            assert!(Waiting::new(publishing).is_pending());
            host.upgrade().unwrap().refuses_signals.store(true, Ordering::SeqCst);
        }
        Ok(())
    });
    rig.track("a");
    rig.host.off();
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    assert_eq!(rig.manager.stats().signals_not_sent, 1);
    rig.host.take();
    rig.manager.shutdown();
    assert_eq!(unpublishes(&rig.host.requests()), [1], "of a, which was published");
}

#[test]
fn the_words_of_the_sfu_are_cut_between_letters() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(DataTrackOptions::new("a"));
    let request = only_publish(&rig.host.requests());
    let Answer::RequestResponse(mut response) = refused(&request, Reason::InvalidRequest) else {
        panic!()
    };
    response.message = format!("x{}", "ä".repeat(1_000));
    rig.answer(Answer::RequestResponse(response));
    let Err(PublishError::Rejected { detail, .. }) = publishing.ready() else { panic!() };
    assert_eq!(detail.len(), 1_023);
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
fn a_name_that_is_taken_by_another_is_asked_for_again_once() {
    let rig = Rig::new();
    drop(rig.publishing(named("pose")));
    rig.host.take();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(refused(&request, Reason::DuplicateName));
    let requests = rig.host.requests();
    assert_eq!(unpublishes(&requests[..1]), [1], "whose answer did not come before this one");
    assert_eq!(only_publish(&requests[1..]), request);
    rig.answer(refused(&request, Reason::DuplicateName));
    assert_eq!(publishing.ready().unwrap_err(), PublishError::DuplicateName);
    assert!(rig.host.take().is_empty());
}
