//! One allocation and one copy a frame; a track that rests costs little.
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
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use datatracks::{
    DataTrackOptions, DelegateError, Environment, KeyRing, LocalDataTrack, LocalDataTrackManager,
    LocalDataTrackManagerDelegate, PacketBatch, UnpublishReason,
};
use livekit_protocol as proto;
use local_support::*;
use prost::Message;

/// Counts allocations and bytes.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
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
    let ring = Arc::new(KeyRing::new(Default::default()).unwrap());
    ring.set_shared_key(b"secret".to_vec(), 0).unwrap();
    let provider = encrypted.then(|| ring.encryption_provider(None));
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
    let (publisher, name) = (Arc::clone(manager), format!("track {handle}"));
    let options = DataTrackOptions::new(name.clone());
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

/// Everything in one test: the counters are the process's.
#[test]
fn a_push_allocates_once_and_an_idle_track_is_small() {
    for (encrypted, bytes, allocations) in [
        (false, 0, 1),
        (false, 1 << 10, 1),
        (false, 1 << 20, 1),
        (true, 1 << 10, 1),
        (true, 64 << 10, 2),
    ] {
        let (manager, track) = silent(encrypted);
        let payload = vec![7; bytes];
        track.try_push_bytes(&payload, None).unwrap();
        let before = CALLS.load(Relaxed);
        for _ in 0..10 {
            track.try_push_bytes(&payload, Some(1)).unwrap();
        }
        let after = CALLS.load(Relaxed);
        assert_eq!(after - before, 10 * allocations, "{bytes} bytes, encrypted: {encrypted}");
        manager.shutdown();
    }

    let (manager, first) = silent(false);
    let before = BYTES.load(Relaxed);
    let tracks: Vec<_> = (2..1_002).map(|handle| publish(&manager, handle, false)).collect();
    for track in &tracks {
        track.try_push_bytes(&[1; 100], None).unwrap();
    }
    let each = (BYTES.load(Relaxed) - before) / tracks.len();
    assert!(each <= 2_048, "{each} bytes a track");
    assert!(first.is_published());
}
