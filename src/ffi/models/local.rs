//! The publishing side: pushes, flushes and publications against their ends.

use std::sync::Arc;

use shuttle::thread;

use super::{
    explore,
    kit::{Host, environment, local, published, wait, wait_briefly},
    sync::foreign,
};
use crate::{
    error::{EncryptionError, PublishError, PushFrameError, WaitError},
    ffi::{
        CancelToken, EncryptedPayload, EncryptionProvider, LocalDataTrack, LocalDataTrackManager,
    },
    frame::{DataTrackFrame, Payload},
    options::{DataTrackOptions, EncryptionMode},
    packet,
};

const FRAMES: u64 = 2;

fn frame() -> DataTrackFrame {
    DataTrackFrame { payload: vec![1; 8].into(), user_timestamp: None }
}

fn push_all(track: &LocalDataTrack) -> u64 {
    (0..FRAMES).filter(|_| track.try_push_bytes(b"payload").is_ok()).count() as u64
}

/// Every frame that was accepted has left or was dropped with a count, and packets left in their order.
fn assert_accounted(track: &LocalDataTrack, host: &Host, accepted: u64) {
    let stats = track.stats();
    assert_eq!(stats.frames_accepted, accepted, "{stats:?}");
    let dropped = stats.frames_dropped_unpublished + stats.frames_dropped_not_sent;
    assert_eq!(accepted, stats.frames_sent + stats.frames_waiting + dropped, "{stats:?}");
    let packets = host.packets.lock().unwrap();
    assert_eq!(packets.len() as u64, stats.frames_sent, "{stats:?}");
    let numbers: Vec<_> =
        packets.iter().map(|bytes| packet::decode(bytes).unwrap().header.sequence).collect();
    assert!(numbers.is_sorted_by(|a, b| b.wrapping_sub(*a) == 1), "{numbers:?}");
}

fn assert_no_faults(manager: &LocalDataTrackManager) {
    let stats = manager.stats();
    assert_eq!((stats.delegate_errors, stats.panics), (0, 0), "{stats:?}");
}

fn two_push_and_one_flushes_until_the_end(end: fn(&LocalDataTrackManager, &LocalDataTrack)) {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = local(&environment, &host, None);
    let track = published(&manager, &host, DataTrackOptions::new("t"));
    let pushers: Vec<_> = (0..2)
        .map(|_| {
            let track = Arc::clone(&track);
            thread::spawn(move || push_all(&track))
        })
        .collect();
    let flusher = {
        let track = Arc::clone(&track);
        thread::spawn(move || wait(track.flush(0, None)))
    };
    end(&manager, &track);
    let accepted = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
    let flushed = flusher.join().unwrap();
    assert!(flushed == Ok(()) || flushed == Err(WaitError::Closed), "{flushed:?}");
    assert!(wait(track.wait_for_unpublish(None)).is_ok());
    assert_accounted(&track, &host, accepted);
    assert_eq!(track.stats().frames_waiting, 0);
    assert_eq!(track.try_push_bytes(b"late"), Err(PushFrameError::TrackUnpublished));
    assert_no_faults(&manager);
    assert_eq!((host.count("published"), host.count("unpublished")), (1, 1));
}

/// One frame of room, and a channel that is full until it is reported empty: `send` must hear of it.
fn a_send_waits_for_room_that_is_reported() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = local(&environment, &host, None);
    let options = DataTrackOptions { max_waiting_bytes: 20, ..DataTrackOptions::new("t") };
    let track = published(&manager, &host, options);
    manager.handle_buffered_amount(1 << 20);
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let track = Arc::clone(&track);
            thread::spawn(move || wait(track.send(frame(), None)))
        })
        .collect();
    let room = Arc::clone(&manager);
    let reporter = thread::spawn(move || (0..2).for_each(|_| room.handle_buffered_amount(0)));
    reporter.join().unwrap();
    manager.handle_buffered_amount(0);
    let results: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(results, [Ok(()), Ok(())]);
    manager.handle_buffered_amount(0);
    assert_accounted(&track, &host, 2);
    assert_no_faults(&manager);
}

/// A provider that pushes another frame while it seals the first.
struct Reentrant {
    track: std::sync::Mutex<Option<Arc<LocalDataTrack>>>,
}

impl EncryptionProvider for Reentrant {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        foreign("encrypt");
        thread::yield_now();
        let track = self.track.lock().unwrap().take();
        if let Some(track) = track {
            track.try_push_bytes(b"from inside").map_err(|_| EncryptionError::Failed)?;
        }
        Ok(EncryptedPayload { payload, iv: vec![0; 12], key_index: 0 })
    }
}

fn two_push_through_a_provider_that_pushes() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let provider = Arc::new(Reentrant { track: std::sync::Mutex::default() });
    let manager = local(&environment, &host, Some(provider.clone()));
    let options =
        DataTrackOptions { encryption: EncryptionMode::Required, ..DataTrackOptions::new("t") };
    let track = published(&manager, &host, options);
    *provider.track.lock().unwrap() = Some(Arc::clone(&track));
    let pushers: Vec<_> = (0..2)
        .map(|_| {
            let track = Arc::clone(&track);
            thread::spawn(move || push_all(&track))
        })
        .collect();
    let accepted: u64 = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
    assert_accounted(&track, &host, accepted + 1);
    assert_eq!(host.packets.lock().unwrap().len() as u64, accepted + 1, "none is left behind");
    assert_no_faults(&manager);
}

fn a_publish_is_answered_cancelled_and_shut_down() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = local(&environment, &host, None);
    let token = Arc::new(CancelToken::new());
    let publisher = {
        let (manager, token) = (Arc::clone(&manager), Arc::clone(&token));
        thread::spawn(move || {
            wait(manager.publish_track(DataTrackOptions::new("t"), Some(token))).map(drop)
        })
    };
    let canceller = thread::spawn(move || token.cancel());
    let shutter = {
        let manager = Arc::clone(&manager);
        thread::spawn(move || manager.shutdown())
    };
    let answers = host.answers();
    let asked = answers.len() as isize;
    for answer in answers {
        let _ = manager.handle_signal_response(answer);
    }
    let result = publisher.join().unwrap();
    let may_be = [Ok(()), Err(PublishError::Cancelled), Err(PublishError::Closed)];
    assert!(may_be.contains(&result), "{result:?}");
    canceller.join().unwrap();
    shutter.join().unwrap();
    assert_eq!(host.count("published"), host.count("unpublished"));
    assert!(asked + host.held_at_sfu() <= 0 || host.count("published") == 0, "left at the SFU");
    assert!(manager.tracks().is_empty());
    assert_eq!(Arc::strong_count(&host), 1, "the delegate was let go");
    assert_no_faults(&manager);
}

/// Nobody waits for it any more, and the manager is gone without a shutdown.
fn a_publish_is_dropped_with_its_manager() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = local(&environment, &host, None);
    let publisher = {
        let manager = Arc::clone(&manager);
        thread::spawn(move || {
            drop(wait_briefly(manager.publish_track(DataTrackOptions::new("t"), None)));
        })
    };
    let time = {
        let environment = Arc::clone(&environment);
        thread::spawn(move || environment.advance(std::time::Duration::ZERO))
    };
    for answer in host.answers() {
        let _ = manager.handle_signal_response(answer);
    }
    drop(manager);
    publisher.join().unwrap();
    time.join().unwrap();
    environment.advance(std::time::Duration::ZERO);
    assert_eq!(Arc::strong_count(&host), 1, "the delegate was let go");
    assert_eq!(environment.next_deadline(), None);
}

#[test]
fn push_flush_unpublish() {
    explore("push_flush_unpublish", || {
        two_push_and_one_flushes_until_the_end(|_, track| track.unpublish());
    });
}

#[test]
fn push_flush_shutdown() {
    explore("push_flush_shutdown", || {
        two_push_and_one_flushes_until_the_end(|manager, _| manager.shutdown());
    });
}

#[test]
fn send_report() {
    explore("send_report", a_send_waits_for_room_that_is_reported);
}

#[test]
fn push_seal_push() {
    explore("push_seal_push", two_push_through_a_provider_that_pushes);
}

#[test]
fn publish_answer_cancel_shutdown() {
    explore("publish_answer_cancel_shutdown", a_publish_is_answered_cancelled_and_shut_down);
}

#[test]
fn publish_answer_drop() {
    explore("publish_answer_drop", a_publish_is_dropped_with_its_manager);
}
