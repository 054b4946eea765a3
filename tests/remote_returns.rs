//! Publishers that lose their session and come back in another one: who reads their tracks reads on (P8), and notices nothing
//! but a pause. Who does not come back in time has left.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::sync::Arc;

use Event::*;
use SubscriptionState::*;
use datatracks::*;
use kit::subscriber::*;
use kit::task::poll_once;
use livekit_protocol as livekit;

fn changed(state: SubscriptionState) -> Event {
    Changed("data".into(), state)
}

fn unpublished(reason: UnpublishReason) -> Event {
    Unpublished("data".into(), reason)
}

fn data(sid: &str) -> Vec<livekit::DataTrackInfo> {
    vec![track(1, sid, "data")]
}

/// Somebody who reads the track "data" of "bob", subscribed to under handle 7.
struct Reading {
    subscriber: Subscriber,
    stream: Arc<DataTrackStream>,
    track: Arc<RemoteDataTrack>,
    packets: Packets,
}

impl Reading {
    fn new() -> Self {
        let subscriber = Subscriber::new();
        let stream = subscriber.reading(DataTrackSubscribeOptions::default());
        let track = subscriber.track("data");
        Self { subscriber, stream, track, packets: Packets::default() }
    }

    fn events(&self) -> Vec<Event> {
        self.subscriber.host.take()
    }

    /// The SFU gives the subscription a handle; a frame under it arrives.
    fn goes_on(&mut self, sid: &str, handle: u16) {
        self.subscriber.handles(&[(handle.into(), sid)]);
        assert_eq!(self.events(), [changed(Active)]);
        self.packets.handle = handle;
        self.arrives();
    }

    fn arrives(&mut self) {
        let number = u64::from(self.packets.number);
        self.subscriber.feed(self.packets.frame(b"payload"));
        self.subscriber.clock.advance(20 * MS);
        assert_eq!(read_numbers(&self.stream), [number]);
    }

    /// Nobody heard of an end.
    fn is_held(&self) {
        assert!(self.track.is_published());
        assert_eq!(self.subscriber.manager.tracks(), [Arc::clone(&self.track)]);
        assert_eq!(poll_once(self.stream.next(None)), None);
        assert_eq!(self.stream.end_reason(), None);
    }
}

#[test]
fn p8_a_publisher_that_returns_is_read_on_in_the_same_stream() {
    let farewells: [fn() -> Vec<livekit::ParticipantInfo>; 4] = [
        || vec![returned("bob", 2, vec![])],
        || vec![lost("bob")],
        || vec![lost("bob"), returned("bob", 2, vec![])],
        || vec![lost("bob"), lost("bob"), returned("bob", 2, vec![]), returned("bob", 3, vec![])],
    ];
    for farewell in farewells {
        let mut reading = Reading::new();
        reading.arrives();
        for update in farewell() {
            reading.subscriber.update(vec![update]);
            reading.is_held();
        }
        assert_eq!(reading.events(), [changed(Pending)], "all that the application sees");
        assert_eq!(reading.track.subscription_state(), Pending);
        reading.arrives();
        reading.subscriber.handles(&[]);
        reading.subscriber.clock.advance(9_000 * MS);
        reading.is_held();
        reading.subscriber.update(vec![returned("bob", 4, data("DTR_9"))]);
        assert_eq!(reading.events(), [Subscribe("DTR_9".into())]);
        assert_eq!(reading.track.info().sid, "DTR_9");
        reading.goes_on("DTR_9", 8);
        reading.subscriber.clock.advance(60_000 * MS);
        reading.arrives();
        reading.is_held();
    }
}

#[test]
fn a_track_has_its_new_sid_to_itself_and_leaves_the_old_one_to_others() {
    let reading = Reading::new();
    reading.subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    reading.events();
    let eve = |sid| reading.subscriber.update(vec![participant("eve", vec![track(1, sid, "eve")])]);
    eve("DTR_9");
    assert_eq!(reading.events(), []);
    eve("DTR_1");
    assert_eq!(reading.events(), [Published("eve".into())]);
}

#[test]
fn a_publisher_that_begins_anew_is_read_from_its_beginning() {
    let mut reading = Reading::new();
    (0..5).for_each(|_| reading.arrives());
    reading.subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    reading.events();
    reading.packets = Packets::default();
    reading.goes_on("DTR_9", 8);
    (0..5).for_each(|_| reading.arrives());
}

#[test]
fn a_handle_that_a_snapshot_has_let_go_of_is_the_tracks_no_more() {
    let mut reading = Reading::new();
    reading.subscriber.update(vec![lost("bob")]);
    reading.subscriber.handles(&[]);
    reading.subscriber.permission("DTR_1", true);
    reading.subscriber.feed(reading.packets.frame(b"of somebody else"));
    reading.is_held();
}

#[test]
fn a_publisher_that_does_not_return_in_time_has_left() {
    for (farewell, reason) in [
        (lost("bob"), UnpublishReason::PublisherLeft),
        (returned("bob", 2, vec![]), UnpublishReason::Requested),
    ] {
        let reading = Reading::new();
        reading.subscriber.update(vec![farewell]);
        reading.subscriber.clock.advance(10_000 * MS - TICK);
        assert_eq!(reading.events(), [changed(Pending)]);
        reading.is_held();
        reading.subscriber.clock.advance(TICK);
        let told = reading.events();
        assert_eq!(told, [changed(Unsubscribed), unpublished(reason)]);
        assert_eq!(poll_once(reading.stream.next(None)), Some(Ok(None)));
        assert_eq!(reading.stream.end_reason(), Some(StreamEndReason::Unpublished));
        assert_eq!(poll_once(reading.track.wait_for_unpublish(None)), Some(Ok(reason)));
        assert_eq!(reading.subscriber.manager.tracks(), []);
        reading.subscriber.update(vec![returned("bob", 3, data("DTR_9"))]);
        assert_eq!(reading.events(), [Published("data".into())]);
        assert_ne!(reading.subscriber.track("data"), reading.track);
    }
}

#[test]
fn time_does_not_begin_anew_with_every_session() {
    let reading = Reading::new();
    for session in 2..12 {
        reading.subscriber.update(vec![returned("bob", session, vec![])]);
        reading.is_held();
        reading.subscriber.clock.advance(1_000 * MS);
    }
    assert!(!reading.track.is_published());
}

#[test]
fn who_decides_to_go_is_gone_at_once() {
    let permission = Some(livekit::ParticipantPermission::default());
    let revoked = livekit::ParticipantInfo { permission, ..returned("bob", 2, vec![]) };
    let reasons = [1, 4, 5, 10];
    let removed = reasons
        .map(|disconnect_reason| livekit::ParticipantInfo { disconnect_reason, ..left("bob") });
    let farewells = removed.into_iter().chain([left("bob")]);
    let farewells = farewells.map(|farewell| (farewell, UnpublishReason::PublisherLeft));
    for (farewell, reason) in farewells.chain([(revoked, UnpublishReason::Revoked)]) {
        for was_held in [false, true] {
            let reading = Reading::new();
            if was_held {
                reading.subscriber.update(vec![lost("bob")]);
            }
            reading.subscriber.update(vec![farewell.clone()]);
            let state = if was_held { vec![changed(Pending)] } else { vec![] };
            let expected = [state, vec![changed(Unsubscribed), unpublished(reason)]].concat();
            assert_eq!(reading.events(), expected);
            assert_eq!(poll_once(reading.stream.next(None)), Some(Ok(None)));
            reading.subscriber.clock.advance(20_000 * MS);
            assert_eq!(reading.events(), []);
        }
    }
}

#[test]
fn p4_a_track_that_returns_with_another_encryption_is_another_track() {
    let reading = Reading::new();
    reading.subscriber.update(vec![returned("bob", 2, vec![])]);
    reading.events();
    let sealed = livekit::DataTrackInfo { encryption: 1, ..track(1, "DTR_9", "data") };
    reading.subscriber.update(vec![returned("bob", 2, vec![sealed])]);
    let ended = unpublished(UnpublishReason::Requested);
    assert_eq!(reading.events(), [Published("data".into()), changed(Unsubscribed), ended]);
    assert_eq!(poll_once(reading.stream.next(None)), Some(Ok(None)));
    assert_ne!(reading.subscriber.track("data"), reading.track);
    reading.subscriber.clock.advance(20_000 * MS);
    assert_eq!(reading.events(), []);
}

#[test]
fn tracks_return_one_by_one_and_what_is_unpublished_meanwhile_ends() {
    let reading = Reading::new();
    let both = || vec![track(1, "DTR_1", "data"), track(2, "DTR_2", "more")];
    reading.subscriber.update(vec![participant("bob", both())]);
    reading.subscriber.update(vec![returned("bob", 2, vec![])]);
    reading.events();
    reading.subscriber.update(vec![returned("bob", 2, vec![track(2, "DTR_8", "more")])]);
    assert_eq!(reading.events(), [], "nobody reads it");
    reading.subscriber.update(vec![returned("bob", 2, vec![])]);
    let ended = Unpublished("more".into(), UnpublishReason::Requested);
    assert_eq!(reading.events(), [ended], "it had returned");
    reading.is_held();
    reading.subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    assert_eq!(reading.events(), [Subscribe("DTR_9".into())]);
}

#[test]
fn tracks_that_nobody_reads_return_without_a_word() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", data("DTR_1"))]);
    let known = subscriber.track("data");
    subscriber.host.take();
    subscriber.update(vec![returned("bob", 2, vec![])]);
    subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    assert_eq!(subscriber.host.take(), []);
    assert_eq!(subscriber.track("data"), known);
    subscriber.clock.advance(20_000 * MS);
    assert_eq!(subscriber.host.take(), []);
}

#[test]
fn news_of_an_earlier_session_is_no_news() {
    let at = |joined_at_ms, info| livekit::ParticipantInfo { joined_at_ms, ..info };
    let mut reading = Reading::new();
    reading.subscriber.update(vec![at(1_000, participant("bob", data("DTR_1")))]);
    reading.subscriber.update(vec![at(2_000, returned("bob", 2, data("DTR_9")))]);
    reading.events();
    reading.goes_on("DTR_9", 8);
    reading.subscriber.update(vec![at(1_000, lost("bob"))]);
    reading.subscriber.update(vec![at(1_000, left("bob"))]);
    reading.subscriber.update(vec![at(1_000, participant("bob", data("DTR_1")))]);
    assert_eq!(reading.events(), []);
    reading.arrives();
    let left = livekit::ParticipantInfo { state: 3, ..returned("bob", 2, vec![]) };
    reading.subscriber.update(vec![at(2_000, left)]);
    assert!(!reading.track.is_published());
}

#[test]
fn p8_a_session_of_our_own_that_is_new_may_be_with_a_server_whose_clock_is_behind() {
    let at = |joined_at_ms, info| livekit::ParticipantInfo { joined_at_ms, ..info };
    for others in [vec![], vec![at(1_000, returned("bob", 2, vec![]))]] {
        let mut reading = Reading::new();
        reading.subscriber.update(vec![at(2_000, participant("bob", data("DTR_1")))]);
        reading.subscriber.join(others);
        reading.subscriber.manager.resend_subscription_updates();
        reading.events();
        reading.is_held();
        reading.subscriber.update(vec![at(1_000, returned("bob", 2, data("DTR_9")))]);
        assert_eq!(reading.events(), [Subscribe("DTR_9".into())]);
        reading.goes_on("DTR_9", 200);
    }
}

#[test]
fn p8_a_session_of_our_own_that_is_new_too_changes_nothing() {
    for others in [vec![], vec![returned("bob", 2, vec![])]] {
        let mut reading = Reading::new();
        reading.subscriber.update(vec![returned("bob", 2, vec![])]);
        reading.subscriber.join(others);
        reading.subscriber.manager.resend_subscription_updates();
        assert_eq!(reading.events(), [changed(Pending)], "a SID that is gone is not asked for");
        reading.is_held();
        reading.subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
        assert_eq!(reading.events(), [Subscribe("DTR_9".into())]);
        reading.goes_on("DTR_9", 200);
    }
}

#[test]
fn p8_a_server_that_forgot_everybody_gets_the_subscription_again() {
    let mut reading = Reading::new();
    reading.subscriber.join(vec![]);
    reading.subscriber.manager.resend_subscription_updates();
    assert_eq!(reading.events(), [changed(Pending)]);
    reading.subscriber.update(vec![returned("bob", 2, data("DTR_1"))]);
    assert_eq!(reading.events(), [Subscribe("DTR_1".into())], "also under the same SID");
    reading.goes_on("DTR_1", 3);
}

#[test]
fn p6_a_call_waits_for_the_return_of_the_publisher() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", data("DTR_1"))]);
    subscriber.update(vec![lost("bob")]);
    subscriber.host.take();
    let subscribing = subscriber.subscribe("data", DataTrackSubscribeOptions::default());
    let in_vain = subscriber.subscribe("data", DataTrackSubscribeOptions::default());
    assert_eq!(subscriber.host.take(), [changed(Pending)], "nothing to ask for yet");
    drop(in_vain);
    subscriber.clock.advance(5_000 * MS);
    subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    assert_eq!(subscriber.host.take(), [Subscribe("DTR_9".into())]);
    subscriber.handles(&[(4, "DTR_9")]);
    subscribing.finish().unwrap();
}

#[test]
fn p6_a_call_ends_with_a_track_that_does_not_return() {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", data("DTR_1"))]);
    subscriber.update(vec![lost("bob")]);
    subscriber.clock.advance(1_000 * MS);
    let subscribing = subscriber.subscribe("data", DataTrackSubscribeOptions::default());
    subscriber.clock.advance(9_000 * MS);
    assert_eq!(subscribing.finish().err(), Some(SubscribeError::Unpublished));
}

#[test]
fn p7_what_is_not_wanted_any_more_is_not_asked_for_and_never_ended() {
    let reading = Reading::new();
    reading.subscriber.update(vec![lost("bob")]);
    reading.stream.shutdown();
    reading.subscriber.update(vec![returned("bob", 2, data("DTR_9"))]);
    assert_eq!(reading.events(), [changed(Pending), changed(Unsubscribed)]);
    assert_eq!(reading.track.info().sid, "DTR_9");
}

#[test]
fn p6_shutting_down_ends_what_is_held() {
    let reading = Reading::new();
    reading.subscriber.update(vec![lost("bob")]);
    reading.subscriber.manager.shutdown();
    let ended = unpublished(UnpublishReason::Shutdown);
    assert_eq!(reading.events(), [changed(Pending), changed(Unsubscribed), ended]);
    assert_eq!(reading.stream.end_reason(), Some(StreamEndReason::Shutdown));
    reading.subscriber.clock.advance(20_000 * MS);
    assert_eq!(reading.events(), []);
}

#[test]
fn a_track_that_was_lost_twice_and_is_back_stays() {
    let reading = Reading::new();
    for session in [2, 3] {
        reading.subscriber.update(vec![returned("bob", session, vec![])]);
    }
    reading.subscriber.update(vec![returned("bob", 3, vec![track(1, "DTR_3", "data")])]);
    reading.subscriber.clock.advance(60_000 * MS);
    assert!(reading.track.is_published());
}

#[test]
fn the_end_of_a_session_and_the_next_one_may_come_in_one_message() {
    for end in [left("bob"), lost("bob")] {
        let reading = Reading::new();
        reading.subscriber.update(vec![end, returned("bob", 2, data("DTR_2"))]);
        reading.subscriber.handles(&[(8, "DTR_2")]);
        reading.subscriber.clock.advance(20_000 * MS);
        let tracks = reading.subscriber.manager.tracks();
        assert_eq!(tracks.len(), 1, "{:?}", reading.events());
        assert!(tracks[0].is_published() && tracks[0].info().sid == "DTR_2");
    }
}

#[test]
fn a_track_that_is_held_ends_when_another_has_its_name() {
    let both = vec![track(1, "DTR_a", "a"), track(2, "DTR_b", "b")];
    for empty_first in [true, false] {
        let subscriber = Subscriber::new();
        subscriber.update(vec![participant("bob", both.clone())]);
        if empty_first {
            subscriber.update(vec![returned("bob", 2, vec![])]);
        }
        subscriber.host.take();
        subscriber.update(vec![returned("bob", 2, vec![track(1, "DTR_2", "b")])]);
        let ended = |name: &str| Unpublished(name.into(), UnpublishReason::Requested);
        assert_eq!(subscriber.host.take(), [Published("b".into()), ended("a"), ended("b")]);
        assert_eq!(subscriber.track("b").info().sid, "DTR_2");
    }
}
