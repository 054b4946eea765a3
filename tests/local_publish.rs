//! Publishing: what can be published, under which name, and every wait ends once, in one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, atomic::Ordering},
};

use datatracks::{
    CancelToken, DataTrackFrameEncoding as Frames, DataTrackOptions,
    DataTrackSchemaEncoding as Schemas, DataTrackSchemaId, DelegateError, EncryptionMode,
    LocalDataTrack, PublishError, PushFrameError, SignalError, SignalOutcome,
};
use livekit_protocol::{request_response::Reason, signal_request::Message as Asked};
use local_support::*;

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
            with(Some(custom("x")), schema(Schemas::Custom { identifier: "y".repeat(33) })),
            PublishError::InvalidEncoding { length: 33 },
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
fn each_encoding_takes_the_schemas_that_describe_it_and_no_others() {
    let all = [
        Schemas::Ros1Msg,
        Schemas::Ros2Msg,
        Schemas::Ros2Idl,
        Schemas::OmgIdl,
        Schemas::Protobuf,
        Schemas::Flatbuffer,
        Schemas::JsonSchema,
    ];
    let cases: [(Frames, bool, &[Schemas]); 7] = [
        (Frames::Ros1, true, &all[..1]),
        (Frames::Cdr, true, &all[1..4]),
        (Frames::Protobuf, true, &all[4..5]),
        (Frames::Flatbuffer, true, &all[5..6]),
        (Frames::Json, false, &all[6..]),
        (Frames::Cbor, false, &[]),
        (Frames::Msgpack, false, &[]),
    ];
    let publishing = |frames: &Frames, schema| {
        let frame_encoding = Some(frames.clone());
        let mut publishing =
            Rig::new().publishing(DataTrackOptions { frame_encoding, schema, ..named("pose") });
        if publishing.is_pending() { None } else { publishing.ready().err() }
    };
    for (frames, needed, fitting) in cases {
        let missing = needed.then_some(PublishError::SchemaMissing);
        assert_eq!(publishing(&frames, None), missing, "{frames:?}");
        for other in &all {
            let mismatch = (!fitting.contains(other)).then_some(PublishError::SchemaMismatch);
            assert_eq!(
                publishing(&frames, schema(other.clone())),
                mismatch,
                "{frames:?} {other:?}"
            );
        }
    }
}

#[test]
fn what_was_answered_was_sent_whatever_the_host_says() {
    let rig = Rig::new();
    let manager = Arc::clone(&rig.manager);
    rig.host.on_every(move |event| {
        if let Event::Request(Asked::PublishDataTrackRequest(asked)) = event {
            manager.handle_signal_response(bytes(published(asked, "DTR_a"))).unwrap();
            return Err(DelegateError::Failed);
        }
        Ok(())
    });
    let track = rig.publishing(named("pose")).ready().unwrap();
    assert!(track.is_published());
    assert_eq!(rig.manager.publish_responses_for_sync_state().len(), 1, "the SFU has it");
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
fn p7_a_thousand_publications_at_once_all_end() {
    let rig = Rig::new();
    let mut waits: Vec<_> =
        (0..1_000).map(|index| rig.publishing(DataTrackOptions::new(format!("{index}")))).collect();
    let requests = rig.host.requests();
    assert_eq!(requests.len(), 1_000);
    for request in &requests {
        let Asked::PublishDataTrackRequest(request) = request else { panic!() };
        rig.answer(published(request, "DTR_1"));
    }
    assert!(waits.iter_mut().all(|wait| wait.ready().is_ok()));
    assert_eq!(rig.manager.stats().tracks_published, 1_000);
}
