//! What the SFU says of others: nothing of it is lost (P1), our own tracks are left out, and what is bad or too much of it is bounded and
//! spoils nothing else (P10).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use Event::*;
use datatracks::*;
use kit::short::*;
use kit::subscriber::*;
use livekit_protocol::{self as livekit, signal_response::Message as Response};

#[test]
fn p9_our_own_tracks_are_none_of_the_others() {
    let both = || {
        vec![
            participant("me", vec![track(1, "DTR_1", "mine")]),
            participant("bob", vec![track(1, "DTR_2", "theirs")]),
        ]
    };
    let told_by_an_update = Subscriber::new();
    told_by_an_update.update(both());
    assert_eq!(told_by_an_update.host.take(), published(&["theirs"]));
    let told_by_a_join = Subscriber::new();
    told_by_a_join.join(both());
    assert_eq!(told_by_a_join.host.take(), published(&["theirs"]));
}

#[test]
fn updates_wait_until_our_own_identity_is_known() {
    let both = || {
        vec![
            participant("me", vec![track(1, "DTR_1", "mine")]),
            participant("bob", vec![track(1, "DTR_2", "theirs")]),
        ]
    };
    let subscriber = Subscriber::with(None, None);
    subscriber.update(both());
    assert_eq!(subscriber.host.take(), []);
    subscriber.join(vec![participant("eve", vec![track(1, "DTR_3", "hers")])]);
    assert_eq!(subscriber.host.take(), published(&["hers", "theirs"]));
    let subscriber = Subscriber::with(None, None);
    subscriber.update(both());
    let empty = encode(update(vec![]));
    subscriber.manager.handle_sfu_participant_update(empty, "me".into()).unwrap();
    assert_eq!(subscriber.host.take(), published(&["theirs"]));
}

#[test]
fn p10_updates_that_wait_are_bounded() {
    let subscriber = Subscriber::with(None, None);
    for number in 0..10_000 {
        let sid = format!("DTR_{number}");
        subscriber.update(vec![participant(&sid, vec![track(1, &sid, "t")])]);
    }
    subscriber.join(vec![]);
    assert_eq!(subscriber.manager.stats().tracks_published, 2_048);
    assert_eq!(subscriber.manager.stats().entries_skipped, 10_000 - 2_048);
}

#[test]
fn p10_a_bad_entry_spoils_nothing_else() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant(
        "bob",
        vec![
            track(0, "DTR_1", "no handle"),
            track(70_000, "DTR_2", "handle too large"),
            track(1, "TR_3", "a media track's SID"),
            track(2, "DTR_4", ""),
            track(3, "DTR_5", "good"),
            track(3, "DTR_6", "the same handle"),
            track(4, "DTR_5", "the same SID"),
            livekit::DataTrackInfo { encryption: 2, ..track(5, "DTR_7", "custom encryption") },
            track(6, "DTR_8", "good too"),
        ],
    )]);
    assert_eq!(subscriber.host.take(), published(&["good", "good too"]));
    assert_eq!(subscriber.manager.stats().entries_skipped, 7);
}

#[test]
fn p10_tracks_are_bounded() {
    let subscriber = Subscriber::new();
    for publisher in 0..67 {
        let tracks = (1..=1_000).map(|handle| {
            let name = format!("{publisher} {handle}");
            track(handle, &format!("DTR_{publisher}_{handle}"), &name)
        });
        subscriber.update(vec![participant(&format!("p{publisher}"), tracks.collect())]);
    }
    let stats = subscriber.manager.stats();
    assert_eq!((stats.tracks_published, stats.entries_skipped), (65_535, 67_000 - 65_535));
}

#[test]
fn each_method_takes_its_own_message_only() {
    let subscriber = Subscriber::new();
    let joined = encode(join("me", vec![]));
    let updated = encode(update(vec![]));
    let snapshot = encode(handles(&[]));
    let manager = &subscriber.manager;
    assert_eq!(manager.handle_sfu_join_response(joined.clone()), Ok(()));
    assert_eq!(manager.handle_sfu_participant_update(updated.clone(), "me".into()), Ok(()));
    assert_eq!(manager.handle_sfu_subscriber_handles(snapshot.clone()), Ok(()));
    assert_eq!(manager.handle_subscriber_handles(snapshot.clone()), Ok(()));
    let unexpected = |tag| Err(SignalError::UnexpectedMessage { tag });
    assert_eq!(manager.handle_sfu_join_response(updated), unexpected(5));
    assert_eq!(manager.handle_subscriber_handles(joined), unexpected(1));
    assert_eq!(manager.handle_sfu_participant_update(snapshot, "me".into()), unexpected(29));
    assert_eq!(manager.handle_sfu_join_response(vec![]), unexpected(0));
    assert_eq!(manager.handle_signal_response(vec![0xff; 9]), Err(SignalError::Malformed));
    let pong = encode(Response::Pong(7));
    assert_eq!(manager.handle_signal_response(pong), Ok(SignalOutcome::Ignored));
}

#[test]
fn p1_no_signal_is_lost_while_packets_pour_in() {
    let subscriber = Arc::new(Subscriber::new());
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let expected: Vec<_> = (0..1_000).map(|number| format!("track {number}")).collect();
    let done = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let packets = scope.spawn(|| {
            let mut packets = Packets::default();
            let feed = |sent: &u64| {
                subscriber.feed(packets.frame(&[0; 1_000]));
                *sent < 10_000 || !done.load(Relaxed)
            };
            (1..).take_while(feed).count() as u64 + 1
        });
        for (number, name) in (2..).zip(&expected) {
            let sid = format!("DTR_{number}");
            let (handle, identity) = (number, format!("participant {number}"));
            subscriber.update(vec![participant(&identity, vec![track(handle, &sid, name)])]);
            assert_eq!(subscriber.track(name).info().sid, sid, "in effect at once");
        }
        done.store(true, Relaxed);
        packets.join().unwrap()
    });
    assert_eq!(subscriber.host.take(), expected.into_iter().map(Published).collect::<Vec<_>>());
    assert_eq!(subscriber.track("data").stats().frames_completed, sent);
    assert_eq!(stream.stats().frames_dropped_full, sent - 16);
}

#[test]
fn our_identity_is_told_once_and_not_empty() {
    let subscriber = Subscriber::with(None, None);
    let tell = |tracks, identity: &str| {
        let update = encode(update(vec![participant("bob", tracks)]));
        subscriber.manager.handle_sfu_participant_update(update, identity.into()).unwrap();
    };
    tell(vec![track(1, "DTR_1", "a")], "");
    assert_eq!(subscriber.host.take(), [], "whose track it is nobody knows");
    tell(vec![track(1, "DTR_1", "a")], "me");
    assert_eq!(subscriber.host.take(), [Published("a".into())]);
    tell(vec![], "bob");
    assert_eq!(subscriber.host.take(), [Unpublished("a".into(), UnpublishReason::Requested)]);
}

#[test]
fn a_large_room_is_joined() {
    let said = "x".repeat(5_000);
    let mut others: Vec<_> = (0..1_000)
        .map(|number| livekit::ParticipantInfo {
            metadata: said.clone(),
            ..participant(&format!("guest {number}"), vec![])
        })
        .collect();
    others.push(participant("bob", vec![track(1, "DTR_1", "data")]));
    let subscriber = Subscriber::with(None, None);
    subscriber.join(others);
    assert_eq!(names(&subscriber), ["data"]);
}

#[test]
fn p10_what_is_kept_of_an_entry_is_bounded_and_spoils_no_other() {
    let long = "x".repeat(1 << 20);
    let schema =
        |name: &str| Some(livekit::DataTrackSchemaId { name: name.into(), ..Default::default() });
    let strange = livekit::DataTrackInfo { schema: schema(&long), ..track(1, "DTR_1", "strange") };
    let usual = livekit::DataTrackInfo { schema: schema("Pose"), ..track(2, "DTR_2", "usual") };
    let nameless = livekit::ParticipantInfo { identity: long.clone(), ..participant("", vec![]) };
    let stranger = livekit::ParticipantInfo { sid: long, ..participant("eve", vec![]) };
    let subscriber = Subscriber::new();
    subscriber.update(vec![nameless, stranger, participant("bob", vec![strange, usual])]);
    assert_eq!(names(&subscriber), ["usual"]);
    assert_eq!(subscriber.manager.stats().entries_skipped, 3);
}
