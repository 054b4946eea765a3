//! What each figure should be, and what it must be.

use crate::row::{
    Aim::{self, Allocations, AtLeast, AtMost, NothingLost, OfLimit, Times},
    Row,
};

/// Tells each row what is hoped of it. Fails for a row that this page does not know.
pub(crate) fn tell(rows: &mut [Row]) {
    for row in rows {
        let hope = HOPES.iter().find(|(name, ..)| *name == row.name);
        let (_, aims, floor) = hope.unwrap_or_else(|| panic!("{} has no floor", row.name));
        row.aims = aims.to_vec();
        row.floor = Some(*floor);
    }
}

/// Hopes of rows that were not measured.
pub(crate) fn unheard(rows: &[Row]) -> Vec<&'static str> {
    let names = HOPES.iter().map(|(name, ..)| *name);
    names.filter(|name| !rows.iter().any(|row| row.name == *name)).collect()
}

/// A row, its aims, and its floor: so far below what is measured that only a loss of speed, no noise, falls below it.
const HOPES: &[(&str, &[Aim], Aim)] = &[
    ("publish/64B", &[], Times(1.8)),
    ("publish/1KiB", &[Times(2.5), Allocations(1.0)], Times(1.9)),
    ("publish/64KiB", &[], Times(0.8)),
    ("publish/1MiB", &[Times(4.0)], Times(0.7)),
    ("subscribe/64B", &[], Times(2.1)),
    ("subscribe/1KiB", &[Times(3.0)], Times(1.9)),
    ("subscribe/64KiB", &[Times(8.0)], Times(6.0)),
    ("subscribe/1MiB", &[Times(8.0)], Times(5.0)),
    ("sealed/1KiB", &[], Times(1.2)),
    ("sealed/64KiB", &[OfLimit(0.9)], OfLimit(0.7)),
    ("tracks/publish, 1", &[], Times(1.8)),
    ("tracks/publish, 100", &[], Times(1.8)),
    ("tracks/publish, 10000", &[], Times(1.5)),
    ("tracks/subscribe, 1", &[], Times(2.0)),
    ("tracks/subscribe, 100", &[], Times(2.0)),
    ("tracks/subscribe, 10000", &[], Times(1.7)),
    ("flood/push, fast transport", &[AtMost(0.0)], AtMost(0.0)),
    ("flood/push, slow transport", &[AtMost(0.0)], AtMost(0.0)),
    ("flood/read, 1KiB", &[Times(10.0), NothingLost], NothingLost),
    ("burst/256KiB", &[AtLeast(100.0)], AtLeast(100.0)),
    ("burst/1MiB", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/duplicates only", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/k=1", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/k=4", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/k=8", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/k=64", &[AtLeast(100.0)], AtLeast(100.0)),
    ("order/k=64, peer tuned", &[AtLeast(100.0)], AtLeast(100.0)),
    ("signals/among packets", &[AtMost(0.0)], AtMost(0.0)),
    ("latency/push to packets, p50", &[AtMost(1.0)], Times(1.5)),
    ("latency/push to packets, p99", &[AtMost(5.0)], Times(1.0)),
    ("latency/packet to frame, p50", &[AtMost(1.0)], Times(1.5)),
    ("latency/packet to frame, p99", &[AtMost(5.0)], Times(1.0)),
    ("participants/subscribe, 1", &[], AtMost(2_000.0)),
    ("participants/subscribe, 100", &[], AtMost(2_000.0)),
    ("participants/subscribe, 10000", &[], AtMost(2_000.0)),
    ("streams/subscribe, 1", &[], AtMost(2_000.0)),
    ("streams/subscribe, 10", &[], AtMost(2_000.0)),
    ("streams/subscribe, 100", &[], AtMost(2_000.0)),
    ("in flight/subscribe 64KiB, 1", &[], AtMost(60_000.0)),
    ("in flight/subscribe 64KiB, 4", &[], AtMost(60_000.0)),
    ("in flight/subscribe 64KiB, 16", &[], AtMost(60_000.0)),
    ("idle/published track", &[AtMost(2.0)], AtMost(2.0)),
    ("idle/subscribed track", &[AtMost(2.0)], AtMost(2.0)),
    ("idle/1 000 tracks each way, tasks", &[AtMost(0.0)], AtMost(0.0)),
    ("idle/1 000 tracks each way, threads", &[AtMost(1.0)], AtMost(1.0)),
    ("at once/1 000 publications", &[AtMost(0.0)], AtMost(0.0)),
];
