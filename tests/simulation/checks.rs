//! What must be true after every step, and what must come true once the room heals.

use std::time::Duration;

use datatracks::*;

use super::{
    message::Message,
    participant::{Participant, Published},
    room::Room,
};

/// True at any time, whatever happens.
pub fn invariants(room: &Room) {
    for participant in &room.participants {
        let (local, remote) = (participant.local.stats(), participant.remote.stats());
        assert_eq!(
            (local.panics, remote.panics),
            (0, 0),
            "{}: a panic was caught",
            participant.identity
        );
        assert!(
            remote.bytes_stashed <= MOST_STASHED,
            "{} bytes wait for a handles message",
            remote.bytes_stashed
        );
        participant.tracks.iter().for_each(pushes_told_the_truth);
        participant.streams.iter().for_each(|reading| {
            let stats = reading.stream.stats();
            assert_eq!(stats.frames_delivered, reading.taken, "{stats:?}");
        });
        for track in participant.remote.tracks() {
            let stats = track.stats();
            assert!(
                stats.bytes_partial <= MOST_PARTIAL,
                "{} bytes of incomplete frames",
                stats.bytes_partial
            );
        }
    }
}

/// accepted = sent + waiting + dropped, and the application counts the same.
fn pushes_told_the_truth(published: &Published) {
    let stats = published.track.stats();
    let dropped = stats.frames_dropped_full
        + stats.frames_dropped_expired
        + stats.frames_dropped_unpublished
        + stats.frames_dropped_not_sent;
    assert_eq!(
        stats.frames_accepted,
        stats.frames_sent + stats.frames_waiting + dropped,
        "{stats:?}"
    );
    assert_eq!(stats.frames_accepted, published.accepted, "{stats:?}");
    assert!(stats.bytes_waiting <= MOST_WAITING, "{} bytes wait", stats.bytes_waiting);
    if !published.track.is_published() {
        assert_eq!(stats.frames_waiting, 0, "frames wait for a track that is over");
    }
}

/// The network is whole again, hosts no longer throw, time has passed: what users asked for must be so now.
pub fn intents_fulfilled(room: &mut Room) {
    for participant in &room.participants {
        assert!(participant.publishes.is_empty(), "a publish never ended");
        assert!(participant.subscribes.is_empty(), "a subscribe never ended");
        assert!(participant.waits.is_empty(), "a wait never ended");
    }
    nothing_is_left_behind(room);
    frames_reach_every_stream(room);
    shutting_down_ends_everything(room);
}

/// The SFU holds exactly what applications hold.
fn nothing_is_left_behind(room: &Room) {
    for participant in &room.participants {
        let held: Vec<_> =
            participant.local.tracks().iter().map(|track| track.info().name).collect();
        let mut at_sfu = room.published_at_sfu(&participant.identity);
        at_sfu.sort();
        let mut ours = held.clone();
        ours.sort();
        assert_eq!(at_sfu, ours, "{}: left: at the SFU, right: held", participant.identity);
        for other in &room.participants {
            if other.identity != participant.identity {
                let seen = other.remote.tracks_by_publisher(participant.identity.clone());
                let mut seen: Vec<_> = seen.iter().map(|track| track.info().name).collect();
                seen.sort();
                assert_eq!(
                    seen, ours,
                    "{} sees other tracks of {}",
                    other.identity, participant.identity
                );
            }
        }
        let wanted = participant.streams.iter().filter(|reading| reading.track.is_published());
        let mut wanted: Vec<_> = wanted.map(|reading| reading.track.info().sid).collect();
        wanted.sort();
        wanted.dedup();
        let mut subscribed = room.subscribed_at_sfu(&participant.identity);
        subscribed.sort();
        assert_eq!(
            subscribed, wanted,
            "{}: left: subscribed at the SFU, right: read",
            participant.identity
        );
    }
}

/// Three more frames on every track, and one of them arrives at every stream that is open (a provider may fail for one).
fn frames_reach_every_stream(room: &mut Room) {
    let mut last = Vec::new();
    for participant in &mut room.participants {
        for published in
            participant.tracks.iter_mut().filter(|published| published.track.is_published())
        {
            assert!(published.sends.is_empty(), "a send never ended");
            last.extend((0..3).map(|_| push_until_accepted(published)));
        }
    }
    for _ in 0..50 {
        room.run_network();
        room.advance(Duration::from_millis(10));
        room.participants.iter_mut().for_each(Participant::read_streams);
    }
    for participant in &room.participants {
        for reading in participant.streams.iter().filter(|reading| reading.track.is_published()) {
            let arrived = reading.newest.iter().any(|(publication, number)| {
                last.contains(&Message { publication: *publication, number: *number })
            });
            assert!(
                arrived,
                "{} reads {:?} of {}, but none of the last frames arrived: {:?} {:?} newest {:?} of {last:?}",
                participant.identity,
                reading.track.info(),
                reading.track.publisher_identity(),
                reading.stream.stats(),
                reading.track.stats(),
                reading.newest,
            );
        }
    }
}

/// Providers of the simulation fail now and then; nothing else may refuse a frame here.
fn push_until_accepted(published: &mut Published) -> Message {
    for _ in 0..3 {
        let message = Message { publication: published.publication, number: published.next_number };
        published.next_number += 1;
        let frame = DataTrackFrame {
            payload: message.payload(100).into(),
            user_timestamp: Some(message.number),
        };
        match published.track.try_push(frame) {
            Ok(()) => {
                published.accepted += 1;
                return message;
            }
            Err(refused) => assert_eq!(refused, PushFrameError::EncryptionFailed),
        }
    }
    panic!("three frames refused one after the other");
}

/// Every stream and every wait ends with its manager.
fn shutting_down_ends_everything(room: &mut Room) {
    for participant in &mut room.participants {
        participant.local.shutdown();
        participant.remote.shutdown();
        participant.local.shutdown();
        participant.remote.shutdown();
        participant.read_streams();
        assert!(
            participant.streams.iter().all(|reading| reading.ended),
            "a stream outlived its manager"
        );
        for published in &participant.tracks {
            assert!(!published.track.is_published());
            let pushed = published.track.try_push(DataTrackFrame::default());
            assert_eq!(pushed, Err(PushFrameError::TrackUnpublished));
        }
    }
}

/// The largest waiting room of the simulation, and the one frame that may exceed it alone.
const MOST_WAITING: u64 = (4 << 20) + 500_000;

/// The default of `max_partial_bytes`, and room for one frame that is being placed.
const MOST_PARTIAL: u64 = 9 << 20;

/// What the manager keeps for handles that are not known yet.
const MOST_STASHED: u64 = 256 << 10;
