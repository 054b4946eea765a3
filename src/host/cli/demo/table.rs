//! The demo's tracks as a table: text only, of a fixed number of lines.

use std::{fmt::Write, time::Duration};

use super::ledger::Account;

/// What one line shows.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) size: usize,
    /// Frames delivered a second.
    pub(super) rate: f64,
    pub(super) account: Account,
    pub(super) median: Duration,
    pub(super) p99: Duration,
    pub(super) longest: Duration,
}

/// A heading and a line a row, each ended.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::from(HEADING);
    for row in rows {
        line(&mut text, row).ok();
    }
    text
}

fn line(text: &mut String, row: &Row) -> std::fmt::Result {
    let Row { name, size, rate, account, median, p99, .. } = row;
    let [size, median, p99] = [bytes(*size), millis(*median), millis(*p99)];
    let dropped = account.dropped;
    writeln!(
        text,
        "{name:6} {size:>8} {rate:>8.1}/s {:>8} {:>9} {:>7} {:>7} {:>5} {median:>8} {p99:>8}",
        account.pushed,
        account.delivered,
        account.refused + dropped.sender,
        account.lost,
        dropped.late + dropped.reader,
    )
}

/// A latency, to a hundredth of a millisecond.
pub(super) fn millis(latency: Duration) -> String {
    format!("{:.2} ms", latency.as_secs_f64() * 1e3)
}

fn bytes(count: usize) -> String {
    if count.is_multiple_of(KIB) { format!("{} KiB", count / KIB) } else { format!("{count} B") }
}

const HEADING: &str = concat!(
    "                                                dropped    lost\n",
    "track      size       rate   pushed delivered  sender on the way  late      p50      p99\n",
);

const KIB: usize = 1 << 10;
