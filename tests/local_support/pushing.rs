//! Channels that are full, tracks with little room, and what has left.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use datatracks::{DataTrackOptions, LocalDataTrack, WaitError, packet};

use super::{Rig, Waiting};

pub fn dropping(max_waiting_bytes: u64) -> DataTrackOptions {
    DataTrackOptions { max_waiting_bytes, ..DataTrackOptions::new("pose") }
}

/// A rig whose channel is full: nothing leaves.
pub fn full() -> Rig {
    let rig = Rig::new();
    rig.manager.handle_buffered_amount(1 << 20);
    rig
}

/// Payload bytes of the frames that left, in order.
pub fn left(rig: &Rig) -> Vec<usize> {
    let payload =
        |call: &Vec<Vec<u8>>| call.iter().map(|p| packet::decode(p).unwrap().payload.len()).sum();
    rig.host.packets().iter().map(payload).collect()
}

/// Waits until all has left.
pub fn flush(track: &Arc<LocalDataTrack>, timeout_ms: u64) -> Waiting<Result<(), WaitError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.flush(timeout_ms, None).await })
}

/// What comes of it in real time.
pub fn wait<T>(mut waiting: Waiting<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    while !waiting.look() {
        assert!(Instant::now() < end, "it never ends");
        thread::sleep(Duration::from_millis(1));
    }
    waiting.ready()
}
