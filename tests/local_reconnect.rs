//! Reconnects, revocations and lost messages: what the application wants is what the SFU ends up with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use datatracks::{
    DataTrackFrameEncoding as Frames, DataTrackOptions, DelegateError, EncryptionMode,
    LocalDataTrack, PublishError, PushFrameError, SignalOutcome, UnpublishReason, WaitError,
};
use livekit_protocol::{self as proto, request_response::Reason, signal_request::Message as Asked};
use local_support::*;
use prost::Message;

fn request(handle: u32, name: &str) -> proto::PublishDataTrackRequest {
    proto::PublishDataTrackRequest { pub_handle: handle, name: name.into(), ..Default::default() }
}

fn listed(handle: u32, name: &str, sid: &str) -> proto::DataTrackInfo {
    info(&request(handle, name), sid)
}

fn told(rig: &Rig, sid: &str, tracks: Vec<proto::DataTrackInfo>) -> SignalOutcome {
    rig.answer(update(vec![participant("bob", "PA_b", vec![]), participant(ALICE, sid, tracks)]))
}

fn ending(track: &Arc<LocalDataTrack>) -> Waiting<Result<UnpublishReason, WaitError>> {
    let same = Arc::clone(track);
    Waiting::new(async move { same.wait_for_unpublish(None).await })
}

#[test]
fn p8_a_quick_reconnect_tells_the_sfu_what_is_published() {
    let rig = Rig::new();
    let options = DataTrackOptions {
        frame_encoding: Some(Frames::Json),
        encryption: EncryptionMode::Plain,
        ..DataTrackOptions::new("a")
    };
    rig.published(options);
    let pending = rig.publishing(DataTrackOptions::new("b"));
    let state = rig.manager.publish_responses_for_sync_state();
    let infos: Vec<_> = state
        .iter()
        .map(|response| proto::PublishDataTrackResponse::decode(&**response).unwrap().info.unwrap())
        .collect();
    assert_eq!(infos.len(), 1);
    assert_eq!(
        (infos[0].pub_handle, infos[0].sid.as_str(), infos[0].name.as_str()),
        (1, "DTR_1", "a")
    );
    assert!(infos[0].frame_encoding.is_some());
    drop(pending);
    rig.manager.republish_tracks();
    assert!(
        rig.manager.publish_responses_for_sync_state().is_empty(),
        "unknown to the new session"
    );
}

#[test]
fn p8_a_full_reconnect_publishes_everything_again_under_the_same_handles() {
    let rig = Rig::new();
    let track = rig.track("a");
    let mut pending = rig.publishing(DataTrackOptions::new("b"));
    let first = only_publish(&rig.host.requests());
    let mut ended = ending(&track);
    assert!(ended.is_pending());
    rig.manager.republish_tracks();
    let asked = rig.host.requests();
    let [Asked::PublishDataTrackRequest(a), Asked::PublishDataTrackRequest(b)] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((a, b), (&request(1, "a"), &first));
    rig.answer(published(a, "DTR_new"));
    rig.answer(published(b, "DTR_b"));
    assert_eq!(track.info().sid, "DTR_new");
    assert!(track.is_published() && ended.is_pending());
    assert_eq!(pending.ready().unwrap().info().sid, "DTR_b");
    let events = rig.host.take();
    assert!(matches!(&events[..], [Event::Published(b)] if b.info().name == "b"), "{events:?}");
}

#[test]
fn p8_frames_wait_out_a_republish_and_counters_go_on() {
    let rig = Rig::new();
    let track = rig.track("a");
    track.try_push(frame(1)).unwrap();
    rig.manager.republish_tracks();
    track.try_push(frame(2)).unwrap();
    track.try_push(frame(3)).unwrap();
    assert_eq!(rig.host.packets().len(), 1);
    assert_eq!(track.stats().frames_waiting, 2);
    rig.answer(published(&request(1, "a"), "DTR_2"));
    let packets = rig.host.packets();
    let headers: Vec<_> = packets.iter().map(|call| header(&call[0])).collect();
    assert_eq!(
        headers.iter().map(|h| (h.sequence, h.frame_number)).collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
    assert_eq!(headers[0].handle.get(), 1);
    assert_adds_up(&track);
}

#[test]
fn p8_a_refused_republish_is_tried_again_and_then_reported() {
    let rig = Rig::new();
    let track = rig.track("a");
    let mut ended = ending(&track);
    assert!(ended.is_pending());
    rig.manager.republish_tracks();
    for pause in [1_000, 2_000, 4_000] {
        let asked = only_publish(&rig.host.requests());
        rig.answer(refused(&asked, Reason::NotAllowed));
        rig.advance_ms(pause - 1);
        assert!(rig.host.requests().is_empty());
        rig.advance_ms(1);
    }
    assert!(ended.is_pending());
    let asked = only_publish(&rig.host.requests());
    rig.answer(refused(&asked, Reason::NotAllowed));
    assert_eq!(ended.ready(), Ok(UnpublishReason::RepublishRefused));
    let events = rig.host.take();
    assert!(
        matches!(&events[..], [Event::Unpublished(_, UnpublishReason::RepublishRefused)]),
        "{events:?}"
    );
}

#[test]
fn p8_a_republish_that_is_not_answered_or_not_sent_is_tried_again() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    rig.host.requests();
    rig.advance_ms(10_999);
    assert!(rig.host.requests().is_empty());
    rig.host.refuses_signals.store(true, Ordering::SeqCst);
    rig.advance_ms(1);
    assert_eq!(rig.host.requests().len(), 1);
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    rig.advance_ms(2_000);
    let asked = only_publish(&rig.host.requests());
    rig.answer(published(&asked, "DTR_2"));
    rig.advance_ms(60_000);
    assert!(track.is_published() && rig.host.take().is_empty());
}

#[test]
fn p8_a_republish_whose_answer_was_lost_is_taken_back_and_made_again() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    rig.host.requests();
    rig.advance_ms(11_000);
    let asked = only_publish(&rig.host.requests());
    rig.answer(refused(&asked, Reason::DuplicateHandle));
    let requests = rig.host.requests();
    assert_eq!(unpublishes(&requests[..1]), [1]);
    assert_eq!(only_publish(&requests[1..]), asked);
    rig.answer(unpublished(listed(1, "a", "DTR_lost")));
    rig.answer(published(&asked, "DTR_3"));
    assert!(track.is_published());
    assert_eq!(track.info().sid, "DTR_3");
}

#[test]
fn p8_a_second_reconnect_starts_over() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.answer(refused(&asked, Reason::NotAllowed));
    rig.manager.republish_tracks();
    assert_eq!(only_publish(&rig.host.requests()), asked);
    rig.advance_ms(5_000);
    assert!(rig.host.requests().is_empty(), "the pause of the first is forgotten");
    rig.answer(published(&asked, "DTR_2"));
    assert!(track.is_published());
}

#[test]
fn p8_unpublish_is_never_undone_by_a_reconnect() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    track.unpublish();
    let requests = rig.host.requests();
    assert_eq!(unpublishes(&requests[1..]), [1]);
    rig.answer(published(&request(1, "a"), "DTR_2"));
    assert!(rig.host.requests().is_empty(), "the SFU takes the requests in order");
    rig.manager.republish_tracks();
    assert!(rig.host.requests().is_empty());
}

#[test]
fn p8_a_lost_unpublish_is_made_again() {
    let rig = Rig::new();
    let track = rig.track("a");
    track.unpublish();
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    rig.host.take();
    rig.advance_ms(500);
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert!(rig.host.take().is_empty(), "the list may be older than the unpublish");
    rig.advance_ms(2_499);
    assert!(rig.host.take().is_empty());
    rig.advance_ms(1);
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    rig.answer(unpublished(listed(1, "a", "DTR_1")));
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    rig.advance_ms(2_999);
    assert!(rig.host.take().is_empty(), "answered");
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    rig.advance_ms(1);
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert_eq!(unpublishes(&rig.host.requests()), [1], "it is there all the same");
}

#[test]
fn p8_a_full_reconnect_ends_all_doubt_about_an_unpublish() {
    let rig = Rig::new();
    rig.track("a").unpublish();
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    rig.manager.republish_tracks();
    rig.host.take();
    rig.advance_ms(10_000);
    assert!(rig.host.take().is_empty());
}

#[test]
fn p8_an_unpublish_that_could_not_be_sent_is_made_again_as_soon_as_the_track_is_listed() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.host.refuses_signals.store(true, Ordering::SeqCst);
    track.unpublish();
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    rig.host.take();
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
}

#[test]
fn p7_an_unpublish_that_could_not_be_sent_is_made_again_before_the_next_track_is_published() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.host.refuses_signals.store(true, Ordering::SeqCst);
    track.unpublish();
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    rig.host.take();
    let mut publishing = rig.publishing(DataTrackOptions::new("a"));
    let mut requests = rig.host.requests();
    assert_eq!(unpublishes(&requests.drain(..1).collect::<Vec<_>>()), [1]);
    assert_eq!(only_publish(&requests).pub_handle, 2);
    rig.answer(published(&request(2, "a"), "DTR_2"));
    assert!(publishing.ready().is_ok());
    let _next = rig.publishing(DataTrackOptions::new("b"));
    assert_eq!(only_publish(&rig.host.requests()).pub_handle, 3, "asked once");
}

#[test]
fn tracks_that_were_never_ours_are_left_alone() {
    let rig = Rig::new();
    rig.track("a");
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1"), listed(9, "z", "DTR_9")]);
    assert_eq!(rig.answer(published(&request(9, "z"), "DTR_9")), SignalOutcome::Ignored);
    rig.advance_ms(60_000);
    assert!(rig.host.take().is_empty());
}

#[test]
fn a_lost_answer_is_made_up_for_by_the_list() {
    for listed_before_the_end in [true, false] {
        let rig = Rig::new();
        let mut publishing = rig.publishing(DataTrackOptions::new("a"));
        rig.host.requests();
        rig.advance_ms(9_999);
        if listed_before_the_end {
            told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
        }
        assert!(publishing.is_pending());
        rig.advance_ms(1);
        assert_eq!(publishing.ready().unwrap_err(), PublishError::TimedOut);
        if !listed_before_the_end {
            told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
        }
        assert_eq!(unpublishes(&rig.host.requests()), [1], "p7: it is there, and nobody wants it");
        rig.answer(published(&request(1, "a"), "DTR_1"));
        rig.answer(unpublished(listed(1, "a", "DTR_1")));
        rig.advance_ms(60_000);
        assert!(rig.host.take().is_empty());
    }
}

#[test]
fn p8_the_list_of_a_session_that_is_over_undoes_nothing() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(DataTrackOptions::new("a"));
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    rig.manager.republish_tracks();
    rig.host.requests();
    rig.advance_ms(10_000);
    assert_eq!(publishing.ready().unwrap_err(), PublishError::TimedOut);
    assert!(rig.host.requests().is_empty());
}

#[test]
fn a_track_that_the_sfu_lists_no_longer_is_revoked_but_not_by_an_old_list() {
    let rig = Rig::new();
    let track = rig.track("a");
    told(&rig, "PA_a", vec![]);
    rig.advance_ms(2_999);
    told(&rig, "PA_a", vec![]);
    assert!(track.is_published());
    rig.advance_ms(1);
    assert_eq!(told(&rig, "PA_a", vec![]), SignalOutcome::Handled);
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
    let events = rig.host.take();
    assert!(matches!(&events[..], [Event::Unpublished(_, UnpublishReason::Revoked)]), "{events:?}");
}

#[test]
fn a_revoked_permission_ends_tracks_at_once() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.answer(update(vec![forbidden(participant(ALICE, "PA_a", vec![]))]));
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
}

#[test]
fn an_unpublish_response_that_nobody_asked_for_revokes_its_track_only() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.answer(unpublished(listed(1, "a", "DTR_old")));
    assert!(track.is_published());
    rig.answer(unpublished(listed(1, "a", "DTR_1")));
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
}

#[test]
fn what_is_said_of_others_is_of_no_concern() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.advance_ms(5_000);
    let others = vec![forbidden(participant("bob", "PA_b", vec![]))];
    assert_eq!(rig.answer(update(others)), SignalOutcome::Ignored);
    assert!(track.is_published());
}

#[test]
fn a_disconnected_participant_loses_no_intent() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.advance_ms(5_000);
    let gone = proto::ParticipantInfo { state: 3, ..participant(ALICE, "PA_a", vec![]) };
    rig.answer(update(vec![gone]));
    assert!(track.is_published());
}

#[test]
fn p8_the_first_list_of_a_new_session_revokes_nothing() {
    for with_join in [true, false] {
        let rig = Rig::new();
        rig.answer(join(participant(ALICE, "PA_1", vec![])));
        let track = rig.track("a");
        told(&rig, "PA_1", vec![listed(1, "a", "DTR_1")]);
        rig.advance_ms(5_000);
        if with_join {
            rig.answer(join(participant(ALICE, "PA_2", vec![])));
        }
        told(&rig, "PA_2", vec![]);
        assert!(track.is_published(), "the host has not yet said to republish");
        rig.manager.republish_tracks();
        let asked = only_publish(&rig.host.requests());
        rig.answer(published(&asked, "DTR_2"));
        rig.advance_ms(3_000);
        told(&rig, "PA_2", vec![]);
        assert!(!track.is_published());
    }
}

#[test]
fn a_new_sid_is_taken_over() {
    let rig = Rig::new();
    let track = rig.track("a");
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_2")]);
    assert_eq!(track.info().sid, "DTR_2");
    rig.answer(published(&request(1, "a"), "DTR_3"));
    assert_eq!(track.info().sid, "DTR_3");
    assert!(rig.host.take().is_empty());
}

#[test]
fn p4_a_republish_that_switches_encryption_ends_the_track() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    let mut asked = only_publish(&rig.host.requests());
    asked.encryption = 1;
    track.try_push(frame(3)).unwrap();
    rig.answer(published(&asked, "DTR_2"));
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::RepublishRefused));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
    assert!(rig.host.packets().is_empty());
    assert_eq!(track.stats().frames_dropped_unpublished, 1);
    assert_adds_up(&track);
}

#[test]
fn an_identity_is_learned_from_the_join_response_and_updates_before_it_are_held() {
    let rig = Rig::with(None, None);
    let track = rig.track("a");
    rig.advance_ms(5_000);
    told(&rig, "PA_a", vec![]);
    assert!(track.is_published());
    rig.answer(join(participant(ALICE, "PA_a", vec![])));
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
}

#[test]
fn p10_updates_that_are_held_are_bounded() {
    let rig = Rig::with(None, None);
    let track = rig.track("a");
    rig.advance_ms(5_000);
    told(&rig, "PA_a", vec![]);
    for _ in 0..300 {
        rig.answer(update(vec![participant("bob", "PA_b", vec![])]));
    }
    rig.answer(join(participant(ALICE, "PA_a", vec![])));
    assert!(track.is_published(), "the oldest was dropped");
}

#[test]
fn p10_updates_that_are_held_are_bounded_by_their_tracks() {
    let rig = Rig::with(None, None);
    let track = rig.track("a");
    rig.advance_ms(5_000);
    told(&rig, "PA_a", vec![]);
    let many: Vec<_> = (1..=2_100).map(|handle| listed(handle, "x", "DTR_x")).collect();
    for _ in 0..2 {
        rig.answer(update(vec![participant("bob", "PA_b", many.clone())]));
    }
    rig.answer(join(participant(ALICE, "PA_a", vec![])));
    assert!(track.is_published(), "the oldest was dropped");
}

#[test]
fn p8_the_deadline_of_an_earlier_attempt_is_not_that_of_the_next() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.advance_ms(9_000);
    rig.answer(published(&asked, "DTR_2"));
    rig.manager.republish_tracks();
    rig.host.take();
    rig.advance_ms(9_999);
    assert!(rig.host.take().is_empty(), "the SFU has ten seconds to answer");
    rig.answer(published(&asked, "DTR_3"));
    assert!(track.is_published());
}

#[test]
fn p8_a_refusal_that_comes_twice_costs_no_time() {
    let rig = Rig::new();
    rig.track("a");
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    rig.answer(refused(&asked, Reason::NotAllowed));
    rig.advance_ms(500);
    rig.answer(refused(&asked, Reason::NotAllowed));
    rig.advance_ms(500);
    assert_eq!(only_publish(&rig.host.requests()), asked, "a second after the first refusal");
}

#[test]
fn p8_an_attempt_that_was_not_sent_fails_itself_only() {
    let rig = Rig::new();
    let track = rig.track("a");
    let manager = Arc::clone(&rig.manager);
    let first = Mutex::new(true);
    rig.host.on_every(move |event| {
        let is_first = std::mem::replace(&mut *first.lock().unwrap(), false);
        if is_first && let Event::Request(Asked::PublishDataTrackRequest(asked)) = event {
            let doubled = refused(asked, Reason::DuplicateHandle);
            manager.handle_signal_response(bytes(doubled)).unwrap();
            return Err(DelegateError::Failed);
        }
        Ok(())
    });
    rig.manager.republish_tracks();
    assert_eq!(rig.host.requests().len(), 3, "the first attempt, its end, the second attempt");
    rig.advance_ms(9_999);
    assert!(rig.host.requests().is_empty(), "the second attempt is being waited for");
    rig.answer(published(&request(1, "a"), "DTR_2"));
    assert!(track.is_published());
}

#[test]
fn p8_a_doubt_ends_with_the_answer() {
    let rig = Rig::new();
    rig.track("a").unpublish();
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    rig.answer(unpublished(listed(1, "a", "DTR_1")));
    rig.host.take();
    rig.advance_ms(10_000);
    assert!(rig.host.take().is_empty());
}

#[test]
fn p8_a_new_session_has_nothing_to_undo() {
    let rig = Rig::new();
    drop(rig.publishing(DataTrackOptions::new("a")));
    rig.manager.republish_tracks();
    rig.host.take();
    rig.manager.shutdown();
    assert!(rig.host.take().is_empty(), "it never heard of the track");
}

#[test]
fn p4_a_list_that_switches_encryption_ends_the_track() {
    let rig = Rig::new();
    let track = rig.track("a");
    let switched = proto::DataTrackInfo { encryption: 1, ..listed(1, "a", "DTR_1") };
    told(&rig, "PA_a", vec![switched]);
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
    assert_eq!(unpublishes(&rig.host.requests()), [1]);
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

#[test]
fn a_list_in_falling_order_costs_no_more_than_another() {
    let rig = Rig::new();
    let kept = rig.track("kept");
    let strange = (2..=65_535).rev();
    let strange = strange.map(|handle| listed(handle, &format!("{handle:0200}"), "DTR_strange"));
    let begun = Instant::now();
    told(&rig, "PA_a", strange.collect());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(kept.is_published());
}
