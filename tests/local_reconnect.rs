//! Reconnects: what the application wants is what the SFU ends up with, whatever is refused or lost on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, Mutex, atomic::Ordering};

use datatracks::{
    DataTrackFrameEncoding as Frames, DataTrackOptions, DelegateError, EncryptionMode,
    UnpublishReason,
};
use livekit_protocol::{self as proto, request_response::Reason, signal_request::Message as Asked};
use local_support::{listing::*, *};
use prost::Message;

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
fn p8_a_handle_that_stays_taken_is_given_up_after_four_attempts() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.manager.republish_tracks();
    for attempt in 1..=4 {
        assert!(track.is_published(), "attempt {attempt}");
        let asked = rig.host.requests().pop().unwrap();
        rig.answer(refused(&only_publish(&[asked]), Reason::DuplicateHandle));
    }
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::RepublishRefused));
    assert_eq!(unpublishes(&rig.host.requests()), [1], "whatever the SFU has there");
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
fn p8_a_new_session_has_nothing_to_undo() {
    let rig = Rig::new();
    drop(rig.publishing(DataTrackOptions::new("a")));
    rig.manager.republish_tracks();
    rig.host.take();
    rig.manager.shutdown();
    assert!(rig.host.take().is_empty(), "it never heard of the track");
}
