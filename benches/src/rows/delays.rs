//! How long a frame is under way, at 10 000 frames of 1 KiB a second.

use std::time::Duration;

use bytes::Bytes;
use datatracks_bench_side::Kind;

use super::Bench;
use crate::{
    measure::{Measured, Round, alternate_all},
    row::{Better, Row},
    wire::{Sequel, payload},
};

/// From push to packet callback.
pub(crate) fn push(bench: &Bench) -> Vec<Row> {
    let payloads: Vec<_> = (0..frames(bench)).map(numbered).collect();
    let [ours, peer] = alternate_all(
        bench.rounds,
        [&mut || percentiles(bench.ours.push_delays(&payloads, GAP), payloads.len()), &mut || {
            percentiles(bench.peer.push_delays(&payloads, GAP), payloads.len())
        }],
    );
    rows("latency/push to packets", ours, peer)
}

/// From packet in to frame readable.
pub(crate) fn read(bench: &Bench) -> Vec<Row> {
    let packet = bench.ours.publisher(Kind::Plain, 1).packets_of(&payload(1 << 10));
    let packets = Sequel::new(packet, 1).frames(frames(bench)).concat();
    let [ours, peer] = alternate_all(
        bench.rounds,
        [&mut || percentiles(bench.ours.read_delays(&packets, GAP), packets.len()), &mut || {
            percentiles(bench.peer.read_delays(&packets, GAP), packets.len())
        }],
    );
    rows("latency/packet to frame", ours, peer)
}

fn rows(name: &str, ours: [Measured; 2], peer: [Measured; 2]) -> Vec<Row> {
    let sides = ours.into_iter().zip(peer).zip(["p50", "p99"]);
    sides
        .map(|((ours, peer), part)| {
            Row::new(format!("{name}, {part}"), "µs", Better::Less, ours).against(peer)
        })
        .collect()
}

/// The median and the ninety-ninth, in microseconds.
fn percentiles(mut delays: Vec<Duration>, frames: usize) -> [Round; 2] {
    delays.sort_unstable();
    let lost = Some(1.0 - delays.len() as f64 / frames as f64);
    [50, 99].map(|percent| {
        let delay = delays.get(delays.len() * percent / 100);
        let value = delay.map_or(f64::NAN, |delay| delay.as_nanos() as f64 / 1e3);
        Round { value, lost, ..Round::default() }
    })
}

/// Its number is the end.
fn numbered(number: usize) -> Bytes {
    let mut frame = payload(1 << 10).to_vec();
    let at = frame.len() - 8;
    frame[at..].copy_from_slice(&(number as u64).to_be_bytes());
    frame.into()
}

fn frames(bench: &Bench) -> usize {
    (10_000 / bench.divisor).max(2_000) as usize
}

const GAP: Duration = Duration::from_micros(100);
