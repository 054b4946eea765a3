//! One copy and at most one allocation a frame; a track that rests costs little.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod local_support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use datatracks::{
    DataTrackOptions, DelegateError, DropPolicy, Environment, KeyRing, LocalDataTrack,
    LocalDataTrackManager, LocalDataTrackManagerDelegate, PacketBatch, UnpublishReason,
};
use livekit_protocol as proto;
use local_support::*;
use prost::Message;

/// Counts the allocations and bytes of each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(calls: usize, bytes: isize) {
    // A thread that ends may allocate after its counters are gone.
    let _ = CALLS.try_with(|counter| counter.set(counter.get() + calls));
    let _ = BYTES.try_with(|counter| counter.set(counter.get() + bytes));
}

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A host that lets packets fall.
struct Silent;

impl LocalDataTrackManagerDelegate for Silent {
    fn on_signal_request(&self, _: Vec<u8>) -> Result<(), DelegateError> {
        Ok(())
    }
    fn on_packets_available(&self, _: PacketBatch) -> Result<(), DelegateError> {
        Ok(())
    }
    fn on_track_published(&self, _: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }
    fn on_track_unpublished(
        &self,
        _: Arc<LocalDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

fn silent(encrypted: bool) -> (Arc<LocalDataTrackManager>, Arc<LocalDataTrack>) {
    let provider = encrypted.then(|| {
        let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
        ring.set_shared_key(b"secret".to_vec(), 0).unwrap();
        ring.encryption_provider(None)
    });
    let manager = Arc::new(LocalDataTrackManager::with_environment(
        Environment::system(),
        Arc::new(Silent),
        provider,
        Some(ALICE.into()),
    ));
    let track = publish(&manager, 1, encrypted);
    (manager, track)
}

fn publish(
    manager: &Arc<LocalDataTrackManager>,
    handle: u32,
    encrypted: bool,
) -> Arc<LocalDataTrack> {
    publish_with(manager, handle, encrypted, DropPolicy::DropOldest)
}

fn publish_with(
    manager: &Arc<LocalDataTrackManager>,
    handle: u32,
    encrypted: bool,
    drop_policy: DropPolicy,
) -> Arc<LocalDataTrack> {
    let (publisher, name) = (Arc::clone(manager), format!("track {handle}"));
    let options = DataTrackOptions { drop_policy, ..DataTrackOptions::new(name.clone()) };
    let mut publishing = Waiting::new(async move { publisher.publish_track(options, None).await });
    assert!(publishing.is_pending());
    let info = proto::DataTrackInfo {
        pub_handle: handle,
        sid: "DTR_123456789012".into(),
        name,
        encryption: i32::from(encrypted),
        ..Default::default()
    };
    let answer = proto::PublishDataTrackResponse { info: Some(info) };
    let answer = proto::signal_response::Message::PublishDataTrackResponse(answer);
    let answer = proto::SignalResponse { message: Some(answer) }.encode_to_vec();
    manager.handle_signal_response(answer).unwrap();
    publishing.ready().unwrap()
}

#[test]
fn a_push_allocates_nothing_but_a_frame_of_several_packets() {
    for (encrypted, bytes, allocations) in [
        (false, 0, 0),
        (false, 1 << 10, 0),
        (false, 1 << 20, 1),
        (true, 1 << 10, 0),
        (true, 64 << 10, 1),
    ] {
        let (manager, track) = silent(encrypted);
        let payload = vec![7; bytes];
        track.try_push_bytes_with_timestamp(&payload, 1).unwrap();
        let before = CALLS.get();
        for _ in 0..10 {
            track.try_push_bytes_with_timestamp(&payload, 1).unwrap();
        }
        let after = CALLS.get();
        assert_eq!(after - before, 10 * allocations, "{bytes} bytes, encrypted: {encrypted}");
        manager.shutdown();
    }
}

#[test]
fn p10_who_has_waited_leaves_nothing_to_count() {
    let (manager, track) = silent(false);
    let mut flushing = Waiting::new({
        let track = Arc::clone(&track);
        async move { track.flush(0, None).await }
    });
    assert_eq!(flushing.ready(), Ok(()));
    track.try_push_bytes(&[7; 100]).unwrap();
    let (calls, bytes) = (CALLS.get(), BYTES.get());
    for _ in 0..1_000 {
        track.try_push_bytes(&[7; 100]).unwrap();
    }
    assert_eq!((CALLS.get(), BYTES.get()), (calls, bytes));
    manager.shutdown();
}

#[test]
fn a_refused_push_makes_no_packets() {
    let (manager, _) = silent(false);
    manager.handle_buffered_amount(1 << 20);
    let refusing = publish_with(&manager, 2, false, DropPolicy::Refuse);
    let payload = vec![7; 1 << 20];
    while refusing.try_push_bytes(&payload).is_ok() {}
    let before = CALLS.get();
    assert!(refusing.try_push_bytes(&payload).is_err());
    assert_eq!(CALLS.get(), before);
    manager.shutdown();
}

#[test]
fn an_idle_track_is_small() {
    let (manager, first) = silent(false);
    let before = BYTES.get();
    let tracks: Vec<_> = (2..1_002).map(|handle| publish(&manager, handle, false)).collect();
    for track in &tracks {
        track.try_push_bytes(&[1; 100]).unwrap();
    }
    let each = (BYTES.get() - before) / tracks.len() as isize;
    assert!(each <= 2_048, "{each} bytes a track");
    assert!(first.is_published());
}
