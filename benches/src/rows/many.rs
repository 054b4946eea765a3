//! Many tracks: what they hold, what a frame costs among them, and all of them at once.

use datatracks_bench_side::{Idle, Kind, Side};

use super::{Bench, lockstep::UNIT};
use crate::{
    measure::{Round, alternate, alternate_all},
    row::{Better, Row},
    sides::{push, receive},
    wire::{Sequel, payload},
};

/// A thousand tracks while nothing happens.
pub(crate) fn idle(bench: &Bench) -> Vec<Row> {
    let [ours, peer] = alternate_all(
        bench.rounds,
        [&mut || held(bench.ours.idle(TRACKS)), &mut || held(bench.peer.idle(TRACKS))],
    );
    let columns = [
        ("idle/published track", "KiB"),
        ("idle/subscribed track", "KiB"),
        ("idle/1 000 tracks each way, tasks", "tasks"),
        ("idle/1 000 tracks each way, threads", "threads"),
    ];
    let sides = ours.into_iter().zip(peer).zip(columns);
    sides
        .map(|((ours, peer), (name, unit))| Row::new(name, unit, Better::Less, ours).against(peer))
        .collect()
}

fn held(idle: Idle) -> [Round; 4] {
    let each = |bytes: i64| bytes as f64 / 1024.0 / TRACKS as f64;
    [
        each(idle.published_bytes),
        each(idle.subscribed_bytes),
        idle.tasks as f64,
        idle.threads as f64,
    ]
    .map(|value| Round { value, ..Round::default() })
}

/// A thousand calls, and an SFU that says yes to each.
pub(crate) fn at_once(bench: &Bench) -> Vec<Row> {
    let failed =
        |side: &dyn Side| Round { value: side.publish_at_once(TRACKS) as f64, ..Round::default() };
    let [ours, peer] =
        alternate(bench.rounds, [&mut || failed(bench.ours), &mut || failed(bench.peer)]);
    vec![Row::new("at once/1 000 publications", "failed", Better::Less, ours).against(peer)]
}

/// 1 KiB, lockstep, on one track after the other.
pub(crate) fn curves(bench: &Bench) -> Vec<Row> {
    let counts = [1, 100, 10_000];
    let pushed = counts.map(|tracks| {
        let payload = payload(1 << 10);
        let mut ours = bench.ours.publisher(Kind::Plain, tracks);
        let mut peer = bench.peer.publisher(Kind::Plain, tracks);
        let frames = bench.frames(1 << 10);
        let [ours, peer] = alternate(
            bench.rounds,
            [&mut || push(&mut *ours, &payload, frames), &mut || {
                push(&mut *peer, &payload, frames)
            }],
        );
        Row::new(format!("tracks/publish, {tracks}"), UNIT, Better::Less, ours).against(peer)
    });
    let read = counts.map(|tracks| {
        let packets = bench.ours.publisher(Kind::Plain, 1).packets_of(&payload(1 << 10));
        let mut ours = bench.ours.subscriber(Kind::Plain, tracks);
        let mut peer = bench.peer.subscriber(Kind::Plain, tracks);
        let mut for_ours = Sequel::new(packets.clone(), tracks as u64);
        let mut for_peer = Sequel::new(packets, tracks as u64);
        let frames = bench.frames(1 << 10);
        let [ours, peer] = alternate(
            bench.rounds,
            [&mut || receive(&mut *ours, &mut for_ours, 1 << 10, frames), &mut || {
                receive(&mut *peer, &mut for_peer, 1 << 10, frames)
            }],
        );
        Row::new(format!("tracks/subscribe, {tracks}"), UNIT, Better::Less, ours).against(peer)
    });
    pushed.into_iter().chain(read).collect()
}

const TRACKS: usize = 1000;
