//! datatracks at work.

mod delays;
mod flood;
mod host;
pub(crate) mod lockstep;
mod many;

use std::time::Duration;

use bytes::Bytes;
use datatracks_bench_side::{Flood, Idle, Kind, Publisher, Side, Subscriber};

/// datatracks.
pub(crate) struct Ours;

impl Side for Ours {
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

    /// There is a budget of bytes; the number of frames that may be incomplete has no bound.
    fn read_jumbled(&self, packets: &[Bytes], _: usize) -> Vec<u64> {
        many::jumbled(packets)
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
