//! What a frame costs among many: participants that are known, streams of its track, frames in flight. Ours alone: what is looked
//! for is whether the cost grows.

use bytes::Bytes;
use datatracks_bench_side::{Kind, Stopwatch};

use super::{Bench, lockstep::UNIT};
use crate::{
    measure::{Round, alternate},
    ours::lockstep::Reader,
    row::{Better, Row},
    sides::receive,
    wire::{Sequel, payload},
};

/// 1 KiB, of a publisher among others that have a track each.
pub(crate) fn participants(bench: &Bench) -> Vec<Row> {
    let row = |others: usize| {
        let mut reader = Reader::new(Kind::Plain, 1);
        reader.meet(others);
        let mut sequel = sequel(bench, 1 << 10);
        let frames = bench.frames(1 << 10);
        curve(bench, format!("participants/subscribe, {others}"), &mut || {
            receive(&mut reader, &mut sequel, 1 << 10, frames)
        })
    };
    [1, 100, 10_000].map(row).into()
}

/// 1 KiB, to so many streams of one track: what each of them costs.
pub(crate) fn streams(bench: &Bench) -> Vec<Row> {
    let row = |streams: usize| {
        let mut reader = Reader::new(Kind::Plain, 1);
        reader.subscribe_again(streams - 1);
        let mut sequel = sequel(bench, 1 << 10);
        let turns = (bench.frames(1 << 10) / streams as u64).max(4);
        curve(bench, format!("streams/subscribe, {streams}"), &mut || {
            read_in_turns(&reader, &mut sequel, 1, (streams, streams << 10), turns)
        })
    };
    [1, 10, 100].map(row).into()
}

/// 64 KiB, so many frames of a track at once, their packets in turns.
pub(crate) fn in_flight(bench: &Bench) -> Vec<Row> {
    let row = |at_once: usize| {
        let reader = Reader::new(Kind::Plain, 1);
        let mut sequel = sequel(bench, 64 << 10);
        let turns = (bench.frames(64 << 10) / at_once as u64).max(4);
        curve(bench, format!("in flight/subscribe 64KiB, {at_once}"), &mut || {
            read_in_turns(&reader, &mut sequel, at_once, (at_once, at_once << 16), turns)
        })
    };
    [1, 4, 16].map(row).into()
}

/// A turn reads so many bytes in so many deliveries.
fn read_in_turns(
    reader: &Reader,
    sequel: &mut Sequel,
    at_once: usize,
    (deliveries, bytes): (usize, usize),
    turns: u64,
) -> Round {
    let mut cost = Stopwatch::default();
    for _ in 0..turns {
        let packets = in_turns(&sequel.frames(at_once));
        cost.run(|| assert_eq!(reader.read_all(&packets, at_once), bytes));
    }
    Round::per_frame(&cost, turns * deliveries as u64)
}

fn curve(bench: &Bench, name: String, round: &mut dyn FnMut() -> Round) -> Row {
    let [ours] = alternate(bench.rounds, [round]);
    Row::new(name, UNIT, Better::Less, ours)
}

fn sequel(bench: &Bench, size: usize) -> Sequel {
    Sequel::new(bench.ours.publisher(Kind::Plain, 1).packets_of(&payload(size)), 1)
}

/// The first packet of each frame, then the second of each.
fn in_turns(frames: &[Vec<Bytes>]) -> Vec<Bytes> {
    let places = 0..frames[0].len();
    places.flat_map(|place| frames.iter().map(move |packets| packets[place].clone())).collect()
}
