//! What must be true after every step, and what must come true once the room heals.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use datatracks::*;

use super::{
    app::{App, Published},
    coverage::STREAM_DROP,
    host::Side,
    hostile, kinds,
    message::Message,
    participant::Participant,
    room::Room,
};

/// True at any time, whatever happens. In a large room not everybody is looked at after each step: who it concerned, and the next.
pub fn invariants(room: &Room, step: usize, who: usize) {
    let size = room.participants.len();
    let next = (0..4).map(|offset| (step + offset) % size);
    for at in next.chain([who % size]) {
        holds(&room.participants[at]);
    }
}

fn holds(participant: &Participant) {
    let (local, remote) = (participant.local.stats(), participant.remote.stats());
    let identity = participant.identity();
    assert_eq!((local.panics, remote.panics), (0, 0), "{identity}: a panic was caught");
    let thrown = [Side::Local, Side::Remote].map(|side| participant.host.thrown(side));
    assert_eq!(
        [local.delegate_errors, remote.delegate_errors],
        thrown,
        "{identity} threw so often"
    );
    assert!(
        remote.bytes_stashed <= MOST_STASHED,
        "{} bytes wait for a handles message",
        remote.bytes_stashed
    );
    let app = participant.app();
    app.tracks.lock().unwrap().iter().for_each(|published| pushes_told_the_truth(published));
    for reading in app.streams.lock().unwrap().iter() {
        let stats = reading.stream.stats();
        let taken = reading.seen.lock().unwrap().taken;
        assert_eq!(stats.frames_delivered, taken, "{stats:?}");
    }
    for track in participant.remote.tracks() {
        let partial = track.stats().bytes_partial;
        assert!(partial <= MOST_PARTIAL, "{partial} bytes of incomplete frames");
    }
}

/// accepted = sent + waiting + dropped, and the application counts the same.
fn pushes_told_the_truth(published: &Published) {
    let track = published.track();
    let stats = track.stats();
    let dropped = stats.frames_dropped_full
        + stats.frames_dropped_expired
        + stats.frames_dropped_unpublished
        + stats.frames_dropped_not_sent;
    assert_eq!(
        stats.frames_accepted,
        stats.frames_sent + stats.frames_waiting + dropped,
        "{stats:?}"
    );
    assert_eq!(stats.frames_accepted, published.accepted(), "{stats:?}");
    assert!(stats.bytes_waiting <= MOST_WAITING, "{} bytes wait", stats.bytes_waiting);
    if !track.is_published() {
        assert_eq!(stats.frames_waiting, 0, "frames wait for a track that is over");
    }
}

/// The network is whole again, hosts no longer throw, time has passed: what users asked for must be so now.
pub fn intents_fulfilled(room: &mut Room) {
    for participant in &room.participants {
        let calls = participant.app().calls.lock().unwrap();
        let left = calls.iter().find(|call| !call.waits_for_an_end());
        assert!(left.is_none(), "a {} never ended", left.unwrap().what);
    }
    nothing_is_left_behind(room);
    frames_reach_every_stream(room);
    shutting_down_ends_everything(room);
}

/// The SFU holds exactly what applications hold.
fn nothing_is_left_behind(room: &Room) {
    for participant in &room.participants {
        let identity = participant.identity();
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let tracks = participant.local.tracks();
        let ours = sorted(tracks.iter().map(|track| track.info().name).collect());
        let at_sfu = sorted(room.published_at_sfu(identity));
        assert_eq!(at_sfu, ours, "{identity}: left: at the SFU, right: held");
        for other in room.participants.iter().filter(|other| other.identity() != identity) {
            let seen = other.remote.tracks_by_publisher(identity.to_owned());
            let seen = sorted(seen.iter().map(|track| track.info().name).collect());
            assert_eq!(seen, ours, "{} sees other tracks of {identity}", other.identity());
        }
        let streams = participant.app().streams.lock().unwrap();
        let wanted = streams.iter().filter(|reading| reading.is_open());
        let mut wanted = sorted(wanted.map(|reading| reading.track.info().sid).collect());
        wanted.dedup();
        let subscribed = sorted(room.subscribed_at_sfu(identity));
        assert_eq!(subscribed, wanted, "{identity}: left: subscribed at the SFU, right: read");
    }
}

/// Three more frames on every track, and one of them arrives at every stream that is open.
fn frames_reach_every_stream(room: &mut Room) {
    let mut last = Vec::new();
    for participant in &room.participants {
        let tracks = participant.app().tracks.lock().unwrap();
        for published in tracks.iter().filter(|published| published.track().is_published()) {
            assert_eq!(published.sending.load(Relaxed), 0, "a send never ended");
            last.extend((0..3).map(|_| push(published, participant.app())));
        }
    }
    for _ in 0..50 {
        room.run_network();
        room.advance(Duration::from_millis(10));
        room.read_streams();
    }
    for participant in &room.participants {
        for reading in participant.app().streams.lock().unwrap().iter() {
            let seen = reading.seen.lock().unwrap();
            let arrived = seen.newest.iter().any(|(publication, number)| {
                last.contains(&Message { publication: *publication, number: *number })
            });
            let idle = seen.ended || hostile::is_hostile(&reading.track.publisher_identity());
            assert!(
                arrived || idle,
                "{} reads {:?} of {}, but none of the last frames arrived: {:?} {:?} {seen:?} of {last:?}",
                participant.identity(),
                reading.track.info(),
                reading.track.publisher_identity(),
                reading.stream.stats(),
                reading.track.stats(),
            );
        }
    }
}

fn push(published: &Published, app: &App) -> Message {
    let message = published.next_message();
    let user_timestamp = Some(message.number);
    let frame = DataTrackFrame { payload: message.payload(100).into(), user_timestamp };
    let pushed = published.track().try_push(frame);
    assert_eq!(pushed, Ok(()), "a healed room refuses a frame");
    published.count(&pushed, &app.ledger);
    message
}

/// Every stream and every wait ends with its manager.
fn shutting_down_ends_everything(room: &mut Room) {
    for participant in &room.participants {
        participant.shut_down();
        participant.shut_down();
        let ledger = &room.ledger;
        participant.tell_what_it_came_to();
        for published in participant.app().tracks.lock().unwrap().iter() {
            assert!(!published.track().is_published());
            let pushed = published.track().try_push(DataTrackFrame::default());
            assert_eq!(pushed, Err(PushFrameError::TrackUnpublished));
        }
        for reading in participant.app().streams.lock().unwrap().iter() {
            ledger.add_all(STREAM_DROP, kinds::stream_drops(&reading.stream.stats()));
        }
    }
}

/// The largest waiting room of the simulation, and the one frame that may exceed it alone.
const MOST_WAITING: u64 = (4 << 20) + 500_000;

/// The default of `max_partial_bytes`, and room for one frame that is being placed.
const MOST_PARTIAL: u64 = 9 << 20;

/// What the manager keeps for handles that are not known yet.
const MOST_STASHED: u64 = 256 << 10;
