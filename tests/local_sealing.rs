//! What is pushed is sealed or does not leave (P4), whatever a provider does; what is pushed from inside it is sealed after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use datatracks::{
    DataTrackOptions, DropPolicy, EncryptedPayload, EncryptionError, EncryptionProvider, KeyRing,
    LocalDataTrack, Payload, PushFrameError, packet,
};
use local_support::{leaving::clocked, pushing::*, *};

#[test]
fn p4_frames_of_an_encrypted_track_open_with_the_ring_only() {
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    ring.set_shared_key(b"password".to_vec(), 0).unwrap();
    let rig = Rig::with(Some(Arc::clone(&ring).encryption_provider(None)), Some(ALICE));
    let track = rig.track("pose");
    assert!(track.info().uses_e2ee);
    for bytes in [0, 5, 15_968 - 16, 15_968 - 15, 100_000] {
        track.try_push(frame(bytes)).unwrap();
        let call = rig.host.packets().remove(0);
        let encryption = header(&call[0]).extensions.encryption.unwrap();
        let sealed: Vec<u8> =
            call.iter().flat_map(|p| packet::decode(p).unwrap().payload.to_vec()).collect();
        assert_eq!(sealed.len(), bytes + 16);
        assert!(bytes < 16 || !sealed.windows(16).any(|window| window == [7; 16]));
        let opener = Arc::clone(&ring).decryption_provider();
        let payload = EncryptedPayload {
            payload: sealed.into(),
            iv: encryption.iv.to_vec(),
            key_index: encryption.key_index,
        };
        assert_eq!(opener.decrypt(payload, ALICE.into()).unwrap(), frame(bytes).payload);
    }
}

#[test]
fn p4_every_frame_has_an_iv_of_its_own() {
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    ring.set_shared_key(b"password".to_vec(), 0).unwrap();
    let rig = Rig::with(Some(ring.encryption_provider(None)), Some(ALICE));
    let tracks = [rig.track("pose"), rig.track("again")];
    let ivs: BTreeSet<_> = (0..60)
        .map(|number| {
            tracks[number % 2].try_push(frame(5)).unwrap();
            header(&rig.host.packets()[0][0]).extensions.encryption.unwrap().iv
        })
        .collect();
    assert_eq!(ivs.len(), 60, "with one key, an IV that is used twice gives both frames away");
}

#[test]
fn p4_a_ring_without_key_sends_nothing_and_leaves_no_gap() {
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    let rig = Rig::with(Some(Arc::clone(&ring).encryption_provider(None)), Some(ALICE));
    let track = rig.track("pose");
    assert_eq!(track.try_push(frame(5)), Err(PushFrameError::EncryptionFailed));
    assert!(rig.host.take().is_empty());
    ring.set_shared_key(b"password".to_vec(), 0).unwrap();
    track.try_push(frame(5)).unwrap();
    assert_eq!(header(&rig.host.packets()[0][0]).frame_number, 0);
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_refused), (1, 1));
}

type Encrypt = dyn Fn(Payload) -> Result<EncryptedPayload, EncryptionError> + Send + Sync;

/// A provider of the host's own: flips every bit.
#[derive(Default)]
struct Flip {
    fails: AtomicBool,
    panics: AtomicBool,
    short_iv: AtomicBool,
    before: Mutex<Option<Arc<Encrypt>>>,
    calls: AtomicUsize,
}

fn flipped(payload: &Payload) -> Vec<u8> {
    payload.as_ref().iter().map(|byte| !byte).collect()
}

impl EncryptionProvider for Flip {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let before = self.before.lock().unwrap().clone();
        if let Some(before) = before {
            before(payload.clone())?;
        }
        assert!(!self.panics.load(Ordering::SeqCst), "a host written in Rust");
        if self.fails.load(Ordering::SeqCst) {
            return Err(EncryptionError::Failed);
        }
        let iv = vec![9; if self.short_iv.load(Ordering::SeqCst) { 11 } else { 12 }];
        Ok(EncryptedPayload { payload: flipped(&payload).into(), iv, key_index: 3 })
    }
}

fn flipping() -> (Rig, Arc<Flip>, Arc<LocalDataTrack>) {
    let provider = Arc::new(Flip::default());
    let rig = Rig::with(Some(Arc::clone(&provider) as _), Some(ALICE));
    let track = rig.track("pose");
    (rig, provider, track)
}

#[test]
fn p4_a_provider_of_the_host_seals_whole_frames() {
    let (rig, _, track) = flipping();
    track.try_push(frame(20_000)).unwrap();
    track.try_push_bytes_with_timestamp(&[1, 2, 3], 8).unwrap();
    let calls = rig.host.packets();
    assert_eq!(calls[0].len(), 2);
    let encryption = header(&calls[0][1]).extensions.encryption.unwrap();
    assert_eq!((encryption.key_index, encryption.iv), (3, [9; 12]));
    assert_eq!(packet::decode(&calls[1][0]).unwrap().payload, [!1, !2, !3]);
    assert_eq!(header(&calls[1][0]).extensions.user_timestamp, Some(8));
}

#[test]
fn p4_a_provider_that_throws_panics_or_answers_nonsense_sends_nothing() {
    let (rig, provider, track) = flipping();
    for fault in [&provider.fails, &provider.panics, &provider.short_iv] {
        fault.store(true, Ordering::SeqCst);
        assert_eq!(track.try_push(frame(5)), Err(PushFrameError::EncryptionFailed));
        fault.store(false, Ordering::SeqCst);
    }
    assert!(rig.host.take().is_empty());
    track.try_push(frame(5)).unwrap();
    assert_eq!(header(&rig.host.packets()[0][0]).frame_number, 0);
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_refused), (1, 3));
    assert_eq!(rig.manager.stats().delegate_errors, 2);
}

#[test]
fn p11_a_push_from_inside_encrypt_is_accepted_and_sent_after_the_outer_one() {
    let (rig, provider, track) = flipping();
    let inner = Arc::clone(&track);
    let once = AtomicBool::new(true);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if once.swap(false, Ordering::SeqCst) {
            assert_eq!(inner.try_push(frame(2)), Ok(()));
            assert_eq!(inner.stats().frames_waiting, 1);
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    track.try_push(frame(1)).unwrap();
    assert_eq!(left(&rig), [1, 2]);
    assert_eq!(track.stats().frames_sent, 2);
    assert_adds_up(&track);
}

#[test]
fn p2_a_frame_that_was_left_and_then_not_sealed_is_counted() {
    let (rig, provider, track) = flipping();
    let inner = Arc::clone(&track);
    let calls = AtomicUsize::new(0);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            assert_eq!(inner.try_push(frame(2)), Ok(()));
        } else {
            return Err(EncryptionError::Failed);
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    assert_eq!(track.try_push(frame(1)), Ok(()));
    assert_eq!(left(&rig), [1]);
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_dropped_not_sent), (2, 1));
    assert_adds_up(&track);
}

#[test]
fn p2_a_frame_that_was_left_and_finds_the_channel_full_leaves_all_the_same() {
    let (rig, provider, track) = flipping();
    rig.manager.handle_buffered_amount(1 << 20);
    let inner = Arc::clone(&track);
    let once = AtomicBool::new(true);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if once.swap(false, Ordering::SeqCst) {
            inner.try_push(frame(2)).unwrap();
            return Err(EncryptionError::Failed);
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    assert_eq!(track.try_push(frame(1)), Err(PushFrameError::EncryptionFailed));
    assert_eq!(track.stats().frames_waiting, 1);
    rig.advance_ms(1_000);
    assert_eq!(left(&rig), [2]);
}

#[test]
fn p10_a_frame_that_is_left_finds_no_more_room_than_another() {
    let (rig, provider, _) = flipping();
    let options = DataTrackOptions { drop_policy: DropPolicy::Refuse, ..named("bounded") };
    let track = rig.published(DataTrackOptions { max_waiting_bytes: 2_000, ..options });
    let inner = Arc::clone(&track);
    let once = AtomicBool::new(true);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if once.swap(false, Ordering::SeqCst) {
            let pushed = [(); 3].map(|()| inner.try_push(frame(900)));
            assert_eq!(pushed, [Ok(()), Ok(()), Err(PushFrameError::QueueFull)]);
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    track.try_push(frame(1)).unwrap();
    assert_eq!(left(&rig), [1, 900, 900]);
    assert_adds_up(&track);
}

#[test]
fn p12_large_frames_that_are_left_tell_how_often_large_ones_come() {
    let (rig, provider, track) = flipping();
    let (large, inner) = (10 * 15_988, Arc::clone(&track));
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if payload.as_ref().len() == 1 {
            inner.try_push(frame(2)).unwrap();
            inner.try_push(frame(large)).unwrap();
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    let log = clocked(&rig);
    for _ in 0..5 {
        rig.manager.handle_buffered_amount(0);
        track.try_push(frame(1)).unwrap();
        for _ in 0..200 {
            rig.advance_ms(1);
            rig.manager.handle_buffered_amount(0);
        }
    }
    let log = log.lock().unwrap();
    let last: Vec<_> = log.iter().map(|(at, _)| at).filter(|at| **at >= 800).collect();
    let gaps: BTreeSet<_> = last.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Every 200 ms: 6 ms apart, where 16 is for those whose rate is unknown (see local_pacing).
    assert_eq!(gaps, BTreeSet::from([0, 6]), "{last:?}");
}

#[test]
fn p11_a_track_can_end_while_a_frame_of_it_is_sealed() {
    let (rig, provider, track) = flipping();
    let inner = Arc::clone(&track);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if payload.as_ref().len() == 1 {
            inner.try_push(frame(2)).unwrap();
            inner.unpublish();
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    assert_eq!(track.try_push(frame(1)), Err(PushFrameError::TrackUnpublished));
    assert!(rig.host.packets().is_empty());
    assert_eq!(track.stats().frames_dropped_unpublished, 1);
    assert_adds_up(&track);
    assert_eq!(provider.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn p2_a_frame_that_is_refused_after_it_was_sealed_leaves_no_gap() {
    let (rig, provider, track) = flipping();
    let plain = rig.published(DataTrackOptions {
        encryption: datatracks::EncryptionMode::Plain,
        drop_policy: DropPolicy::Refuse,
        name: "plain".into(),
        ..dropping(u64::MAX)
    });
    rig.manager.handle_buffered_amount(1 << 20);
    let filler = Arc::clone(&plain);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        while filler.try_push_bytes(&[0; 2_000_000]).is_ok() {}
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    assert_eq!(track.try_push(frame(2_000_000)), Err(PushFrameError::QueueFull));
    *provider.before.lock().unwrap() = None;
    plain.unpublish();
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(1)).unwrap();
    let calls = rig.host.packets();
    assert_eq!(header(&calls[0][0]).frame_number, 0);
}

#[test]
fn a_plain_track_stays_plain_beside_a_provider() {
    let provider = Arc::new(Flip::default());
    let rig = Rig::with(Some(Arc::clone(&provider) as _), Some(ALICE));
    let track = rig.published(DataTrackOptions {
        encryption: datatracks::EncryptionMode::Plain,
        ..DataTrackOptions::new("pose")
    });
    track.try_push(frame(5)).unwrap();
    assert!(header(&rig.host.packets()[0][0]).extensions.encryption.is_none());
    assert_eq!(provider.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_frame_that_is_too_large_is_not_even_sealed() {
    let (_rig, provider, track) = flipping();
    let too_large = track.try_push_bytes(&vec![0; 3 << 20]);
    assert!(matches!(too_large, Err(PushFrameError::FrameTooLarge { .. })));
    assert_eq!(provider.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn p11_a_track_can_end_while_a_frame_that_was_left_is_sealed() {
    let (rig, provider, track) = flipping();
    let inner = Arc::clone(&track);
    *provider.before.lock().unwrap() = Some(Arc::new(move |payload| {
        if payload.as_ref().len() == 1 {
            inner.try_push(frame(2)).unwrap();
        } else {
            let stats = inner.stats();
            assert_eq!((stats.frames_waiting, stats.bytes_waiting > 0), (1, true), "it is here");
            inner.unpublish();
        }
        Ok(EncryptedPayload { payload, iv: vec![], key_index: 0 })
    }));
    assert_eq!(track.try_push(frame(1)), Ok(()));
    assert_eq!(left(&rig), [1]);
    let stats = track.stats();
    assert_eq!((stats.frames_waiting, stats.frames_dropped_unpublished), (0, 1));
    assert_eq!(provider.calls.load(Ordering::SeqCst), 2);
}
