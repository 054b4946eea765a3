//! Pushes tell the truth: what is accepted is sent, waits or is dropped with a reason, and what is refused never leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use datatracks::{
    CancelToken, DataTrackFrame, DataTrackOptions, DropPolicy, EncryptedPayload, EncryptionError,
    EncryptionProvider, KeyRing, LocalDataTrack, Payload, PushFrameError, WaitError,
    packet::{self, Marker},
};
use local_support::*;

fn refusing(max_waiting_bytes: u64) -> DataTrackOptions {
    DataTrackOptions { drop_policy: DropPolicy::Refuse, ..dropping(max_waiting_bytes) }
}

fn dropping(max_waiting_bytes: u64) -> DataTrackOptions {
    DataTrackOptions { max_waiting_bytes, ..DataTrackOptions::new("pose") }
}

fn sending(track: &Arc<LocalDataTrack>, bytes: usize) -> Waiting<Result<(), PushFrameError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.send(frame(bytes), None).await })
}

fn flushing(track: &Arc<LocalDataTrack>, timeout_ms: u64) -> Waiting<Result<(), WaitError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.flush(timeout_ms, None).await })
}

/// A rig whose channel is full: nothing leaves.
fn full() -> Rig {
    let rig = Rig::new();
    rig.manager.handle_buffered_amount(1 << 20);
    rig
}

/// Payload bytes of the frames that left, in order.
fn left(rig: &Rig) -> Vec<usize> {
    let payload =
        |call: &Vec<Vec<u8>>| call.iter().map(|p| packet::decode(p).unwrap().payload.len()).sum();
    rig.host.packets().iter().map(payload).collect()
}

#[test]
fn a_frame_leaves_during_the_push_whole_and_in_order() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let payload: Vec<u8> = (0..40_000_u32).map(|n| n as u8).collect();
    track.try_push_bytes_with_timestamp(&payload, 42).unwrap();
    let calls = rig.host.packets();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].iter().map(Vec::len).collect::<Vec<_>>(),
        [16_000, 16_000, 40_000 - 2 * 15_976 + 24]
    );
    let packets: Vec<_> = calls[0].iter().map(|packet| packet::decode(packet).unwrap()).collect();
    let markers: Vec<_> = packets.iter().map(|packet| packet.header.marker).collect();
    assert_eq!(markers, [Marker::Start, Marker::Inter, Marker::Final]);
    assert!(packets.iter().all(|packet| packet.header.extensions.user_timestamp == Some(42)));
    assert_eq!(
        packets.iter().flat_map(|packet| packet.payload.to_vec()).collect::<Vec<_>>(),
        payload
    );
    track.try_push(frame(5)).unwrap();
    assert_eq!(header(&rig.host.packets()[0][0]).sequence, 3);
    let stats = track.stats();
    assert_eq!((stats.frames_sent, stats.packets_sent, stats.bytes_sent), (2, 4, 40_072 + 17));
}

#[test]
fn p2_an_empty_frame_travels_as_one_packet() {
    let rig = Rig::new();
    let track = rig.track("pose");
    track.try_push(frame(0)).unwrap();
    let calls = rig.host.packets();
    assert_eq!(
        (calls[0].len(), calls[0][0].len(), header(&calls[0][0]).marker),
        (1, 12, Marker::Single)
    );
}

#[test]
fn timestamps_tick_at_90_khz() {
    let rig = Rig::new();
    let track = rig.track("pose");
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(1_000);
    track.try_push(frame(1)).unwrap();
    let calls = rig.host.packets();
    let (first, second) = (header(&calls[0][0]).timestamp, header(&calls[1][0]).timestamp);
    assert_eq!(second.wrapping_sub(first), 90_000);
}

#[test]
fn p2_the_largest_frame_is_sent_and_a_larger_one_refused_with_the_limit() {
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    ring.set_shared_key(b"secret".to_vec(), 0).unwrap();
    let cases = [
        (Rig::new(), None, 128 * 15_988),
        (Rig::new(), Some(1), 128 * 15_976),
        (Rig::with(Some(ring.encryption_provider(None)), Some(ALICE)), Some(1), 128 * 15_960 - 16),
    ];
    for (rig, user_timestamp, max) in cases {
        let track = rig.track("pose");
        let too_large = DataTrackFrame { user_timestamp, ..frame(max + 1) };
        let error = PushFrameError::FrameTooLarge { max: max as u64 };
        assert_eq!(track.try_push(too_large), Err(error));
        track.try_push(DataTrackFrame { user_timestamp, ..frame(max) }).unwrap();
        assert_eq!(rig.host.packets()[0].len(), 128);
        let stats = track.stats();
        assert_eq!((stats.frames_accepted, stats.frames_refused), (1, 1));
    }
}

#[test]
fn p2_the_oldest_waiting_frame_makes_room() {
    let rig = full();
    let track = rig.published(dropping(3 * (12 + 100)));
    for bytes in [100, 99, 98, 97, 96] {
        track.try_push(frame(bytes)).unwrap();
        assert_adds_up(&track);
    }
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_waiting, stats.frames_dropped_full), (5, 3, 2));
    assert_eq!(stats.bytes_waiting, 98 + 97 + 96 + 36);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(left(&rig), [98, 97, 96]);
    assert_eq!(track.stats().frames_sent, 3);
}

#[test]
fn p2_a_full_room_refuses_by_policy_and_a_refused_frame_leaves_no_gap() {
    let rig = full();
    let track = rig.published(refusing(2 * 112));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(100)), Err(PushFrameError::QueueFull));
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(1)).unwrap();
    let numbers: Vec<_> =
        rig.host.packets().iter().map(|call| header(&call[0]).frame_number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let stats = track.stats();
    assert_eq!((stats.frames_accepted, stats.frames_refused, stats.frames_sent), (3, 1, 3));
}

/// A reader takes a gap for a loss, and holds back what comes behind it.
#[test]
fn p3_frames_that_are_dropped_while_they_wait_leave_no_gap() {
    let rig = full();
    let newest = rig.published(dropping(0));
    newest.try_push(frame(40_000)).unwrap();
    newest.try_push(frame(50_000)).unwrap();
    let brief = DataTrackOptions { max_age_ms: 30, ..dropping(1 << 20) };
    let brief = rig.published(DataTrackOptions { name: "brief".into(), ..brief });
    brief.try_push(frame(40_000)).unwrap();
    rig.advance_ms(31);
    brief.try_push(frame(50_000)).unwrap();
    for _ in 0..100 {
        rig.manager.handle_buffered_amount(0);
        rig.advance_ms(1);
    }
    let packets: Vec<_> =
        rig.host.packets().iter().flatten().map(|packet| header(packet)).collect();
    for (handle, track) in (1..).zip([newest, brief]) {
        assert_eq!(track.stats().frames_sent, 1, "{:?}", track.stats());
        let own = packets.iter().filter(|header| header.handle.get() == handle);
        let numbers: Vec<_> = own.map(|header| (header.sequence, header.frame_number)).collect();
        assert_eq!(numbers, (0..numbers.len() as u16).map(|n| (n, 0)).collect::<Vec<_>>());
        assert!(numbers.len() > 3);
    }
}

#[test]
fn p2_a_frame_larger_than_the_room_waits_alone() {
    let rig = full();
    let track = rig.published(refusing(10));
    assert_eq!(track.try_push(frame(100)), Ok(()));
    assert_eq!(track.try_push(frame(0)), Err(PushFrameError::QueueFull));
    let dropping = rig.published(DataTrackOptions { name: "b".into(), ..dropping(0) });
    dropping.try_push(frame(100)).unwrap();
    dropping.try_push(frame(50)).unwrap();
    assert_eq!(dropping.stats().frames_dropped_full, 1, "newest wins");
}

#[test]
fn p2_send_waits_for_room_and_drops_nothing() {
    let rig = full();
    let track = rig.published(dropping(112));
    assert!(sending(&track, 100).look());
    let mut second = sending(&track, 99);
    let mut third = sending(&track, 98);
    assert!(second.is_pending() && third.is_pending());
    rig.manager.handle_buffered_amount(0);
    assert_eq!(second.ready(), Ok(()));
    assert_eq!(third.ready(), Ok(()));
    assert_eq!(left(&rig), [100, 99, 98]);
    let stats = track.stats();
    assert_eq!((stats.frames_refused, stats.frames_dropped_full), (0, 0), "waiting is no refusal");
}

#[test]
fn p6_send_ends_when_the_track_ends_or_is_cancelled() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let cancel = Arc::new(CancelToken::new());
    let (same, token) = (Arc::clone(&track), Arc::clone(&cancel));
    let mut cancelled = Waiting::new(async move { same.send(frame(1), Some(token)).await });
    let mut ended = sending(&track, 2);
    assert!(cancelled.is_pending() && ended.is_pending());
    cancel.cancel();
    assert_eq!(cancelled.ready(), Err(PushFrameError::Cancelled));
    track.unpublish();
    assert_eq!(ended.ready(), Err(PushFrameError::TrackUnpublished));
    assert_eq!(track.stats().frames_dropped_unpublished, 1);
    assert_adds_up(&track);
}

#[test]
fn p6_a_token_that_is_cancelled_already_lets_nothing_begin() {
    let rig = Rig::new();
    let track = rig.track("pose");
    rig.host.take();
    let token = Arc::new(CancelToken::new());
    token.cancel();
    let mut send = Waiting::new({
        let (track, token) = (Arc::clone(&track), Arc::clone(&token));
        async move { track.send(frame(1), Some(token)).await }
    });
    assert_eq!(send.ready(), Err(PushFrameError::Cancelled));
    assert!(rig.host.take().is_empty());
    let mut flush = Waiting::new(async move { track.flush(0, Some(token)).await });
    assert_eq!(flush.ready(), Err(WaitError::Cancelled));
}

#[test]
fn p6_those_who_wait_for_room_are_woken_when_there_is_some() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let count = Arc::new(Count::default());
    let waker = std::task::Waker::from(Arc::clone(&count));
    let mut context = std::task::Context::from_waker(&waker);
    let mut send = Box::pin(track.send(frame(1), None));
    let mut flush = Box::pin(track.flush(0, None));
    assert!(send.as_mut().poll(&mut context).is_pending());
    assert!(flush.as_mut().poll(&mut context).is_pending());
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert!(send.as_mut().poll(&mut context).is_ready());
    assert!(flush.as_mut().poll(&mut context).is_ready());
}

#[test]
fn p6_flush_waits_until_nothing_waits_or_its_time_is_over() {
    let rig = full();
    let track = rig.track("pose");
    assert_eq!(flushing(&track, 10).ready(), Ok(()));
    track.try_push(frame(1)).unwrap();
    let (mut short, mut long, mut endless) =
        (flushing(&track, 10), flushing(&track, 200), flushing(&track, 0));
    assert!(short.is_pending() && long.is_pending() && endless.is_pending());
    rig.advance_ms(9);
    assert!(short.is_pending());
    rig.advance_ms(1);
    assert_eq!(short.ready(), Err(WaitError::TimedOut));
    rig.manager.handle_buffered_amount(0);
    assert_eq!((long.ready(), endless.ready()), (Ok(()), Ok(())));
}

#[test]
fn p6_flush_ends_with_the_manager() {
    let rig = full();
    let track = rig.track("pose");
    track.try_push(frame(1)).unwrap();
    let mut flush = flushing(&track, 0);
    assert!(flush.is_pending());
    rig.manager.shutdown();
    assert_eq!(flush.ready(), Err(WaitError::Closed));
}

#[test]
fn p2_what_waits_too_long_is_dropped_and_counted() {
    let rig = full();
    let track = rig.published(DataTrackOptions { max_age_ms: 50, ..DataTrackOptions::new("pose") });
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(10);
    track.try_push(frame(2)).unwrap();
    rig.advance_ms(41);
    rig.manager.handle_buffered_amount(0);
    assert_eq!(left(&rig), [2]);
    assert_eq!(track.stats().frames_dropped_expired, 1);
    assert_adds_up(&track);
}

#[test]
fn p5_a_frame_that_the_host_cannot_send_is_dropped_whole_and_counted() {
    let rig = Rig::new();
    let track = rig.track("pose");
    rig.host.refuses_packets.store(true, Ordering::SeqCst);
    assert_eq!(track.try_push(frame(20_000)), Ok(()), "it was accepted");
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(100_000)).unwrap();
    assert_eq!(
        rig.host.packets().iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1],
        "the rest is dropped"
    );
    rig.host.refuses_packets.store(false, Ordering::SeqCst);
    track.try_push(frame(1)).unwrap();
    rig.advance_ms(100);
    let stats = track.stats();
    assert_eq!((stats.frames_sent, stats.frames_dropped_not_sent, stats.frames_waiting), (1, 2, 0));
    assert_eq!(rig.manager.stats().delegate_errors, 2);
    assert_adds_up(&track);
}

#[test]
fn p10_a_manager_has_a_budget_whatever_its_tracks_may_hold() {
    let rig = full();
    let tracks: Vec<_> = (0..40)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    let payload = vec![0; 1 << 20];
    let mut refused = 0;
    for track in tracks.iter().cycle().take(160) {
        refused += usize::from(track.try_push_bytes(&payload).is_err());
    }
    let waiting: u64 = tracks.iter().map(|track| track.stats().bytes_waiting).sum();
    assert!((60 << 20..=64 << 20).contains(&waiting), "{waiting}");
    assert_eq!(refused, 0, "each has something of its own to drop");
    let late = rig.published(DataTrackOptions::new("late"));
    assert_eq!(late.try_push_bytes(&payload), Err(PushFrameError::QueueFull));
    tracks.iter().for_each(|track| assert_adds_up(track));
    tracks.iter().for_each(|track| track.unpublish());
    rig.manager.handle_buffered_amount(0);
    rig.host.take();
    late.try_push(frame(1)).unwrap();
    assert_eq!(
        header(&rig.host.packets()[0][0]).frame_number,
        0,
        "the refused frame leaves no gap"
    );
}

#[test]
fn p10_frames_without_bytes_count_too() {
    let rig = full();
    let track = rig.published(dropping(u64::MAX));
    for _ in 0..1_000_000 {
        if track.stats().frames_dropped_full > 0 {
            break;
        }
        track.try_push_bytes(&[]).unwrap();
    }
    assert!(track.stats().frames_dropped_full > 0);
    assert_adds_up(&track);
}

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
fn p6_flush_ends_with_the_track_even_while_its_last_frame_is_being_sent() {
    let rig = Rig::new();
    let track = rig.track("pose");
    let woken = Arc::new(Count::default());
    let (inner, count) = (Arc::clone(&track), Arc::clone(&woken));
    rig.host.on_every(move |event| {
        if matches!(event, Event::Packets(_)) {
            let waker = std::task::Waker::from(Arc::clone(&count));
            let mut context = std::task::Context::from_waker(&waker);
            let mut flush = Box::pin(inner.flush(0, None));
            assert!(flush.as_mut().poll(&mut context).is_pending());
            inner.unpublish();
            assert_eq!(count.0.load(Ordering::SeqCst), 1);
            let ended = std::task::Poll::Ready(Err(WaitError::Closed));
            assert_eq!(flush.as_mut().poll(&mut context), ended);
        }
        Ok(())
    });
    track.try_push(frame(1)).unwrap();
    assert_eq!((track.stats().frames_sent, rig.manager.stats().delegate_errors), (1, 0));
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
fn p6_every_end_wakes_everybody_who_waits() {
    for end in [|rig: &Rig| rig.manager.tracks()[0].unpublish(), |rig: &Rig| rig.manager.shutdown()]
    {
        let rig = full();
        let track = rig.published(dropping(112));
        track.try_push(frame(100)).unwrap();
        let same = Arc::clone(&track);
        let mut ended = Waiting::new(async move { same.wait_for_unpublish(None).await });
        let (mut send, mut flush) = (sending(&track, 1), flushing(&track, 0));
        assert!(ended.is_pending() && send.is_pending() && flush.is_pending());
        end(&rig);
        assert!(ended.ready().is_ok());
        assert_eq!(send.ready(), Err(PushFrameError::TrackUnpublished));
        assert_eq!(flush.ready(), Err(WaitError::Closed));
    }
}

#[test]
fn p6_who_waits_in_a_full_manager_is_woken_by_any_track() {
    let rig = full();
    let many: Vec<_> = (0..16)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    let late = rig.track("late");
    for track in many.iter().cycle().take(64) {
        track.try_push_bytes(&vec![0; 1 << 20]).unwrap();
    }
    let mut send = sending(&late, 1 << 20);
    assert!(send.is_pending(), "no room in the manager");
    many[0].unpublish();
    assert_eq!(send.ready(), Ok(()));
}

#[test]
fn p6_a_push_that_drops_what_was_too_old_wakes_who_waits_for_room() {
    let rig = full();
    let track = rig.published(DataTrackOptions { max_age_ms: 10, ..dropping(112) });
    track.try_push(frame(100)).unwrap();
    let mut send = sending(&track, 50);
    assert!(send.is_pending());
    rig.advance_ms(11);
    track.try_push(frame(1)).unwrap();
    assert_eq!(send.ready(), Ok(()));
}

#[test]
fn p6_who_waits_no_more_is_not_woken_and_leaves_nothing() {
    let rig = full();
    let track = rig.published(dropping(112));
    track.try_push(frame(100)).unwrap();
    let count = Arc::new(Count::default());
    for _ in 0..3 {
        let waker = std::task::Waker::from(Arc::clone(&count));
        let mut context = std::task::Context::from_waker(&waker);
        let mut ended = Box::pin(track.wait_for_unpublish(None));
        let (mut send, mut flush) =
            (Box::pin(track.send(frame(1), None)), Box::pin(track.flush(60_000, None)));
        assert!(ended.as_mut().poll(&mut context).is_pending());
        assert!(send.as_mut().poll(&mut context).is_pending());
        assert!(flush.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(Arc::strong_count(&count), 1, "no waker is left");
    track.unpublish();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
}

#[test]
fn p10_what_is_held_leaves_no_memory_for_frames_of_other_tracks() {
    let rig = Rig::new();
    let held: Vec<_> = (0..16)
        .map(|index| {
            rig.published(DataTrackOptions { name: format!("{index}"), ..dropping(u64::MAX) })
        })
        .collect();
    rig.manager.republish_tracks();
    for track in held.iter().cycle().take(64) {
        track.try_push_bytes(&vec![0; 1 << 20]).unwrap();
    }
    rig.host.take();
    let late = rig.track("late");
    assert_eq!(late.try_push_bytes(&vec![0; 1 << 20]), Err(PushFrameError::QueueFull));
    assert!(rig.host.packets().is_empty());
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
