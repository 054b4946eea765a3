//! Channels that are full, tracks with little room, and what has left.

use datatracks::{DataTrackOptions, packet};

use super::Rig;

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
