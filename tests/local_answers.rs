//! What the SFU answers to a publication, be it late, wrong or never: each has its meaning, and nothing is left at the SFU that
//! nobody wants (P7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, atomic::Ordering};

use datatracks::{DataTrackOptions, PublishError, SignalOutcome, UnpublishReason};
use livekit_protocol::{
    self as proto, request_response::Reason, signal_request::Message as Asked,
    signal_response::Message as Answer,
};
use local_support::*;

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
        let doubled = rig.answer(refused(&request, reason));
        assert_eq!(doubled, SignalOutcome::Handled, "its handle was ours");
        assert!(rig.host.take().is_empty(), "nothing was published, nothing is announced");
    }
}

#[test]
fn an_acknowledgement_is_no_answer() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    for reason in [Reason::Ok, Reason::Queued] {
        assert_eq!(rig.answer(refused(&request, reason)), SignalOutcome::Handled);
    }
    assert!(publishing.is_pending());
    rig.answer(published(&request, "DTR_a"));
    assert!(publishing.ready().is_ok());
}

#[test]
fn a_refusal_of_a_handle_that_there_cannot_be_is_of_no_concern() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let mut request = only_publish(&rig.host.requests());
    for handle in [0, 65_537, u32::MAX] {
        request.pub_handle = handle;
        assert_eq!(rig.answer(refused(&request, Reason::NotAllowed)), SignalOutcome::Ignored);
    }
    assert!(publishing.is_pending());
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
    rig.manager.shutdown();
    assert_eq!(unpublishes(&rig.host.requests()), [2], "the lost one was undone");
}

#[test]
fn p7_a_name_is_freed_of_its_own_lost_track_only() {
    let rig = Rig::new();
    drop(rig.publishing(named("another")));
    drop(rig.publishing(named("pose")));
    rig.host.take();
    let _publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(refused(&request, Reason::DuplicateName));
    assert_eq!(unpublishes(&rig.host.requests()[..1]), [2]);
}

#[test]
fn an_answer_that_comes_again_changes_nothing_whatever_it_says() {
    let rig = Rig::new();
    let mut publishing = rig.publishing(named("pose"));
    let request = only_publish(&rig.host.requests());
    rig.answer(published(&request, "DTR_a"));
    let track = publishing.ready().unwrap();
    rig.host.take();
    let renamed = proto::PublishDataTrackRequest { name: "rose".into(), ..request.clone() };
    for again in [published(&renamed, "DTR_b"), refused(&request, Reason::NotAllowed)] {
        assert_eq!(rig.answer(again), SignalOutcome::Handled);
    }
    assert!(track.is_published());
    assert_eq!(track.info().sid, "DTR_a");
    assert!(rig.host.take().is_empty());
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
