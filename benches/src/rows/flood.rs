//! As fast as it goes: what is lost on the way.

use std::time::Duration;

use bytes::Bytes;
use datatracks_bench_side::{Flood, Kind, Side};

use super::Bench;
use crate::{
    measure::{Round, alternate},
    row::{Better, Row},
    wire::{Sequel, payload},
};

/// Accepted frames that neither arrive nor are counted as dropped.
pub(crate) fn push(bench: &Bench) -> Vec<Row> {
    let row = |(name, frames, each): (&str, u64, Duration)| {
        let payload = payload(1 << 10);
        let frames = frames / bench.divisor;
        let lost = |side: &dyn Side| lost(side.push_flat_out(&payload, frames, each));
        let [ours, peer] =
            alternate(bench.rounds, [&mut || lost(bench.ours), &mut || lost(bench.peer)]);
        Row::new(name, "% silently lost", Better::Less, ours).against(peer)
    };
    [
        ("flood/push, fast transport", 100_000, Duration::ZERO),
        ("flood/push, slow transport", 20_000, Duration::from_micros(100)),
    ]
    .map(row)
    .into()
}

fn lost(flood: Flood) -> Round {
    let lost = flood.given - flood.arrived - flood.counted;
    let value = percent(lost, flood.given);
    Round { value, dropped: Some(share(flood.counted, flood.given)), ..Round::default() }
}

/// Frames of 1 KiB that are read, a second.
pub(crate) fn read(bench: &Bench) -> Vec<Row> {
    let packets = packets(bench, 1 << 10, ALL_NUMBERS).concat();
    let times = (16 / bench.divisor as usize).max(1);
    let read = |side: &dyn Side| {
        let flood = side.read_flat_out(&packets, times);
        Round {
            value: flood.arrived as f64 / flood.took.as_secs_f64(),
            lost: Some(share(flood.given - flood.arrived - flood.counted, flood.given)),
            dropped: Some(share(flood.counted, flood.given)),
            ..Round::default()
        }
    };
    let [ours, peer] =
        alternate(bench.rounds, [&mut || read(bench.ours), &mut || read(bench.peer)]);
    vec![Row::new("flood/read, 1KiB", "frames/s", Better::More, ours).against(peer)]
}

/// 17 and 66 packets of one frame at once.
pub(crate) fn bursts(bench: &Bench) -> Vec<Row> {
    let row = |(name, size)| {
        let count = (100 / bench.divisor).max(20) as usize;
        let frames = packets(bench, size, count);
        let delivered = |side: &dyn Side| Round {
            value: percent(side.read_bursts(&frames), count as u64),
            ..Round::default()
        };
        let [ours, peer] =
            alternate(bench.rounds, [&mut || delivered(bench.ours), &mut || delivered(bench.peer)]);
        Row::new(name, "% delivered", Better::More, ours).against(peer)
    };
    [("burst/256KiB", 256 << 10), ("burst/1MiB", 1 << 20)].map(row).into()
}

/// Signals that have no effect, while packets come as fast as they can.
pub(crate) fn signals(bench: &Bench) -> Vec<Row> {
    let packets = packets(bench, 1 << 10, 10_000).concat();
    let lost = |side: &dyn Side| Round {
        value: percent(u64::from(SIGNALS) - side.hear_signals(SIGNALS, &packets), SIGNALS.into()),
        ..Round::default()
    };
    let [ours, peer] =
        alternate(bench.rounds, [&mut || lost(bench.ours), &mut || lost(bench.peer)]);
    vec![Row::new("signals/among packets", "% lost", Better::Less, ours).against(peer)]
}

/// So many frames of one track, one after the other.
pub(super) fn packets(bench: &Bench, size: usize, frames: usize) -> Vec<Vec<Bytes>> {
    let packets = bench.ours.publisher(Kind::Plain, 1).packets_of(&payload(size));
    Sequel::new(packets, 1).frames(frames)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

pub(super) fn percent(part: u64, whole: u64) -> f64 {
    share(part, whole) * 100.0
}

/// Frame and sequence numbers begin anew after so many: the same packets are what comes next.
const ALL_NUMBERS: usize = 1 << 16;

const SIGNALS: u32 = 1000;
