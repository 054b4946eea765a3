//! Allocations per frame, counted: a frame of one packet costs one on either side, sealed or not.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

#[path = "kit/counting.rs"]
mod counting;
#[path = "kit/pair.rs"]
mod pair;

use bytes::Bytes;
use counting::{Counting, allocations};
use pair::Pair;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_frame_of_one_packet_is_published_with_one_allocation() {
    for encrypted in [false, true] {
        let pair = Pair::new(encrypted);
        let per_frame = count(|| pair.track.try_push_bytes_with_timestamp(&[7; 1024], 1).unwrap());
        assert!(per_frame <= 1.0, "{per_frame} allocations a frame, encrypted: {encrypted}");
    }
}

#[test]
fn a_frame_of_one_packet_is_received_with_one_allocation() {
    for encrypted in [false, true] {
        let pair = Pair::new(encrypted);
        let mut sent = sent(&pair, &[7; 1024]);
        let per_frame = count(|| {
            pair.feed(&sent.next().unwrap());
            assert_eq!(pair.read().payload.as_ref(), [7; 1024]);
        });
        assert!(per_frame <= 1.0, "{per_frame} allocations a frame, encrypted: {encrypted}");
    }
}

#[test]
fn large_frames_cost_no_allocation_per_packet() {
    for (encrypted, most) in [(false, 3.0), (true, 4.0)] {
        let payload = vec![7; 256 << 10];
        let pair = Pair::new(encrypted);
        let published = count(|| pair.track.try_push_bytes(&payload).unwrap());
        assert!(published <= most, "{published} allocations to publish, encrypted: {encrypted}");
        let pair = Pair::new(encrypted);
        let mut sent = sent(&pair, &payload);
        let received = count(|| {
            pair.feed(&sent.next().unwrap());
            assert_eq!(pair.read().payload.as_ref().len(), payload.len());
        });
        assert!(received <= most, "{received} allocations to receive, encrypted: {encrypted}");
    }
}

/// As many frames as [`count`] takes, in packets.
fn sent(pair: &Pair, payload: &[u8]) -> impl Iterator<Item = Vec<Bytes>> + use<> {
    let frames: Vec<_> = (0..WARM_UP + FRAMES).map(|_| pair.packets_of(payload)).collect();
    frames.into_iter()
}

/// Allocations per call once everything has its place.
fn count(mut frame: impl FnMut()) -> f64 {
    (0..WARM_UP).for_each(|_| frame());
    let before = allocations();
    (0..FRAMES).for_each(|_| frame());
    (allocations() - before) as f64 / f64::from(FRAMES)
}

const WARM_UP: u32 = 8;
const FRAMES: u32 = 32;
