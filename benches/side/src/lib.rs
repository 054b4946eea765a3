//! What both sides of the benchmarks are asked to do, and how their work is counted.
//!
//! Each side is a binary of its own, compiled as its users compile it, so each has its own copy of these counters. They meet
//! in one process: [`Side`] is what the peer's library hands over.
#![allow(missing_docs)]

mod clock;
#[path = "../../../tests/kit/counting.rs"]
pub mod counting;
mod pace;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use bytes::Bytes;
pub use clock::Stopwatch;
pub use pace::{Arrivals, pushed, readable, threads};

/// One of the two crates.
pub trait Side: Sync {
    /// So many published tracks.
    fn publisher(&self, kind: Kind, tracks: usize) -> Box<dyn Publisher>;
    /// So many subscribed tracks: the n-th under handle n, from 1.
    fn subscriber(&self, kind: Kind, tracks: usize) -> Box<dyn Subscriber>;
    /// Pushes until so many frames are accepted, as fast as it goes, to a transport that needs `each` for a frame;
    /// nothing, when it takes them as they come.
    fn push_flat_out(&self, payload: &Bytes, frames: u64, each: Duration) -> Flood;
    /// One thread hands packets in as fast as it goes, so many times, another reads their frames: of one packet each.
    fn read_flat_out(&self, packets: &[Bytes], times: usize) -> Flood;
    /// Hands all packets of a frame in at once, and waits for the frame before it goes on. Answers how many were read.
    fn read_bursts(&self, frames: &[Vec<Bytes>]) -> u64;
    /// Hands packets in one after the other, with time to look at each. Answers a hash of each frame that was read.
    fn read_jumbled(&self, packets: &[Bytes], partial_frames: usize) -> Vec<u64>;
    /// One thread hands packets in as fast as it goes, another so many signals, each of a new participant with a track.
    /// Answers how many have taken effect.
    fn hear_signals(&self, signals: u32, packets: &[Bytes]) -> u64;
    /// From push to packet callback, for each payload that came through, pushed at a given pace.
    fn push_delays(&self, payloads: &[Bytes], gap: Duration) -> Vec<Duration>;
    /// From packet in to frame readable, likewise.
    fn read_delays(&self, packets: &[Bytes], gap: Duration) -> Vec<Duration>;
    /// What so many tracks hold while nothing happens.
    fn idle(&self, tracks: usize) -> Idle;
    /// Publishes so many tracks at once, to an SFU that accepts each. Answers how many fail.
    fn publish_at_once(&self, tracks: usize) -> u64;
}

/// What became of frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flood {
    /// Accepted from the pusher, handed in by the transport.
    pub given: u64,
    pub arrived: u64,
    /// Dropped, with a count that tells so.
    pub counted: u64,
    /// Until the last arrival.
    pub took: Duration,
}

/// What tracks hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idle {
    /// Of all tracks that are published.
    pub published_bytes: i64,
    /// Of all tracks that are subscribed to.
    pub subscribed_bytes: i64,
    pub tasks: u64,
    pub threads: u64,
}

/// Whether frames are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// With AES-128-GCM.
    Sealed,
}

/// Published tracks whose packets come back to the caller.
pub trait Publisher {
    /// Pushes a payload so many times, track after track, each time until its packets are out.
    fn push(&mut self, payload: &Bytes, frames: u64) -> Work;
    /// The packets of one frame, pushed to the first track.
    fn packets_of(&mut self, payload: &Bytes) -> Vec<Bytes>;
}

/// Subscribed tracks.
pub trait Subscriber {
    /// Hands each frame's packets in and reads the frame, one after the other. Frame n is one of track n modulo their number.
    fn receive(&mut self, frames: &[Vec<Bytes>]) -> Work;
    /// Reads the frame of these packets of the first track.
    fn frame_of(&mut self, packets: &[Bytes]) -> Bytes;
}

/// What was done, and what it cost this thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub out: Out,
    pub cost: Stopwatch,
}

/// What came out of one side: counted while the time runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Out {
    /// Packets that left a publisher, frames that a subscriber read.
    pub pieces: u64,
    pub bytes: u64,
}

impl Out {
    pub fn of(packets: &[Bytes]) -> Self {
        let mut out = Self::default();
        packets.iter().for_each(|packet| out.add(packet.len()));
        out
    }

    pub fn times(self, count: u64) -> Self {
        Self { pieces: self.pieces * count, bytes: self.bytes * count }
    }

    pub fn add(&mut self, bytes: usize) {
        self.pieces += 1;
        self.bytes += bytes as u64;
    }
}

impl Work {
    /// Runs some work and counts.
    pub fn of(work: impl FnOnce() -> Out) -> Self {
        let mut cost = Stopwatch::default();
        let out = cost.run(work);
        Self { out, cost }
    }
}

/// What tells one payload from another.
pub fn hash(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

/// The name under which the peer's library exports its [`Side`]: `fn() -> &'static dyn Side`.
pub const PEER: &str = "datatracks_bench_peer";

/// One key for both directions.
pub const KEY: [u8; 16] = *b"for measurements";
