//! livekit-datatrack at work: its actors on a tokio runtime, its channels where a host would stand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod delays;
mod flood;
mod host;
mod lockstep;
mod many;
mod seal;

use std::time::Duration;

use bytes::Bytes;
use datatracks_bench_side::{Flood, Idle, Kind, Publisher, Side, Subscriber, counting::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Peer;

impl Side for Peer {
    fn publisher(&self, kind: Kind, tracks: usize) -> Box<dyn Publisher> {
        Box::new(lockstep::Sender::new(kind, tracks))
    }

    fn subscriber(&self, kind: Kind, tracks: usize) -> Box<dyn Subscriber> {
        Box::new(lockstep::Reader::new(kind, tracks))
    }

    fn push_flat_out(&self, payload: &Bytes, frames: u64, each: Duration) -> Flood {
        flood::push(payload, frames, each)
    }

    fn read_flat_out(&self, packets: &[Bytes], times: usize) -> Flood {
        flood::read(packets, times)
    }

    fn read_bursts(&self, frames: &[Vec<Bytes>]) -> u64 {
        flood::bursts(frames)
    }

    fn read_jumbled(&self, packets: &[Bytes], partial_frames: usize) -> Vec<u64> {
        many::jumbled(packets, partial_frames)
    }

    fn hear_signals(&self, signals: u32, packets: &[Bytes]) -> u64 {
        flood::hear_signals(signals, packets)
    }

    fn push_delays(&self, payloads: &[Bytes], gap: Duration) -> Vec<Duration> {
        delays::push(payloads, gap)
    }

    fn read_delays(&self, packets: &[Bytes], gap: Duration) -> Vec<Duration> {
        delays::read(packets, gap)
    }

    fn idle(&self, tracks: usize) -> Idle {
        many::idle(tracks)
    }

    fn publish_at_once(&self, tracks: usize) -> u64 {
        many::publish_at_once(tracks)
    }
}

/// What the library is loaded for.
#[allow(unsafe_code)]
// SAFETY: no other symbol of the process has this name.
#[unsafe(no_mangle)]
pub fn datatracks_bench_peer() -> &'static dyn Side {
    &Peer
}
