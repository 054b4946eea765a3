//! What the SFU lists, lists no more or revokes: it is believed, but not lists that are old, strange or of another session.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use datatracks::{DataTrackOptions, PublishError, SignalOutcome, UnpublishReason};
use livekit_protocol::{self as proto, request_response::Reason};
use local_support::{listing::*, *};

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
    let _next = rig.publishing(DataTrackOptions::new("b"));
    assert_eq!(only_publish(&rig.host.requests()).pub_handle, 2, "asked once");
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
fn a_track_that_was_listed_just_now_is_revoked_by_the_list_that_lacks_it() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.advance_ms(3_000);
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert!(track.is_published());
    told(&rig, "PA_a", vec![]);
    assert!(!track.is_published(), "it was confirmed three seconds ago, and lists come in order");
}

#[test]
fn p8_who_joins_under_another_identity_is_told_of_under_that_one() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.answer(join(participant("alice 2", "PA_2", vec![])));
    rig.answer(update(vec![forbidden(participant(ALICE, "PA_a", vec![]))]));
    assert!(track.is_published(), "that is somebody else now");
    rig.answer(update(vec![forbidden(participant("alice 2", "PA_2", vec![]))]));
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
}

#[test]
fn an_old_list_undoes_nothing_that_was_refused() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(DataTrackOptions::new("a"));
    let asked = only_publish(&rig.host.requests());
    rig.answer(refused(&asked, Reason::NotAllowed));
    assert_eq!(publishing.ready().unwrap_err(), PublishError::NotAllowed);
    rig.host.take();
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert!(rig.host.take().is_empty(), "the list may be older than the refusal");
    rig.advance_ms(3_000);
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
    assert_eq!(unpublishes(&rig.host.requests()), [1], "it is there all the same");
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
fn a_track_that_was_renamed_is_known_by_its_new_sid_only() {
    let rig = Rig::new();
    let track = rig.track("a");
    told(&rig, "PA_a", vec![listed(1, "a", "DTR_2")]);
    rig.answer(unpublished(listed(1, "a", "DTR_1")));
    assert!(track.is_published());
    rig.answer(unpublished(listed(1, "a", "DTR_2")));
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
fn p8_what_a_new_session_lists_is_confirmed_from_then_on() {
    let rig = Rig::new();
    rig.answer(join(participant(ALICE, "PA_1", vec![])));
    let track = rig.track("a");
    told(&rig, "PA_2", vec![listed(1, "a", "DTR_1")]);
    rig.advance_ms(2_999);
    told(&rig, "PA_2", vec![]);
    assert!(track.is_published());
    rig.advance_ms(1);
    told(&rig, "PA_2", vec![]);
    assert_eq!(ending(&track).ready(), Ok(UnpublishReason::Revoked));
}

#[test]
fn p8_the_session_of_the_join_response_is_the_one_that_another_follows() {
    for identity in [None, Some(ALICE)] {
        let rig = Rig::with(None, identity);
        rig.answer(join(participant(ALICE, "PA_1", vec![])));
        let track = rig.track("a");
        rig.advance_ms(5_000);
        told(&rig, "PA_2", vec![]);
        assert!(track.is_published(), "the host has not yet said to republish");
    }
}

#[test]
fn p8_a_list_that_lacks_what_is_being_republished_ends_nothing() {
    let rig = Rig::new();
    let track = rig.track("a");
    rig.advance_ms(5_000);
    rig.manager.republish_tracks();
    let asked = only_publish(&rig.host.requests());
    told(&rig, "PA_2", vec![]);
    rig.answer(published(&asked, "DTR_2"));
    assert!(track.is_published());
}

#[test]
fn a_list_that_says_nothing_of_permissions_forbids_nothing() {
    let rig = Rig::new();
    let track = rig.track("a");
    let untold = proto::ParticipantInfo { permission: None, ..participant(ALICE, "PA_a", vec![]) };
    rig.answer(update(vec![untold]));
    assert!(track.is_published());
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
fn p8_a_doubt_ends_with_the_answer() {
    for answer in [unpublished(listed(1, "a", "DTR_1")), unpublish_refused(1, Reason::NotFound)] {
        let rig = Rig::new();
        rig.track("a").unpublish();
        told(&rig, "PA_a", vec![listed(1, "a", "DTR_1")]);
        rig.answer(answer);
        rig.host.take();
        rig.advance_ms(10_000);
        assert!(rig.host.take().is_empty());
    }
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
