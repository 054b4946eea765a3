//! Packets that come late, or twice.

use bytes::Bytes;
use datatracks_bench_side::{Side, hash};

use super::{
    Bench,
    flood::{packets, percent},
};
use crate::{
    measure::{Round, alternate},
    row::{Better, Row},
    wire::{Chance, payload},
};

/// Frames of 64 KiB; each packet up to k places late, one in a hundred twice. All of them can be completed.
pub(crate) fn jumbled(bench: &Bench) -> Vec<Row> {
    let count = 400 / bench.divisor.min(4) as usize;
    let frames = packets(bench, 64 << 10, count).concat();
    let expected = hash(&payload(64 << 10));
    let row = |(name, late, partial): (&str, u64, usize)| {
        let packets = late_and_twice(&frames, late);
        let delivered = |side: &dyn Side| {
            let read = side.read_jumbled(&packets, partial);
            assert!(read.len() <= count && read.iter().all(|frame| *frame == expected), "{name}");
            Round { value: percent(read.len() as u64, count as u64), ..Round::default() }
        };
        let [ours, peer] =
            alternate(bench.rounds, [&mut || delivered(bench.ours), &mut || delivered(bench.peer)]);
        Row::new(name, "% delivered", Better::More, ours).against(peer)
    };
    [
        ("order/duplicates only", 0, 1),
        ("order/k=1", 1, 1),
        ("order/k=4", 4, 1),
        ("order/k=8", 8, 1),
        ("order/k=64", 64, 1),
        ("order/k=64, peer tuned", 64, 64),
    ]
    .map(row)
    .into()
}

fn late_and_twice(packets: &[Bytes], late: u64) -> Vec<Bytes> {
    let mut chance = Chance::new();
    let mut places = Vec::new();
    for (place, packet) in (0..).zip(packets) {
        let times = if chance.below(100) == 0 { 2 } else { 1 };
        for _ in 0..times {
            // What is late comes after what is in time at that place.
            let by = chance.below(late + 1);
            places.push(((place + by, by > 0), packet));
        }
    }
    places.sort_by_key(|(place, _)| *place);
    places.into_iter().map(|(_, packet)| packet.clone()).collect()
}
