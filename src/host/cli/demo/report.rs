//! The end of the demo: the verdict, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use super::{
    Demo,
    lane::Lane,
    ledger::Account,
    stage::Stage,
    table::{Row, table},
};

/// Everything that is known at the end.
#[derive(Serialize)]
pub(super) struct Report {
    /// Whether every frame is accounted for, as the exit status tells.
    pub(super) ok: bool,
    pushed_for_ms: u64,
    e2ee: bool,
    impaired: bool,
    /// From the start of the program's work to the first frame.
    first_frame_ms: Option<f64>,
    tracks: Vec<Track>,
    sfu: SfuTotals,
    #[serde(skip)]
    rows: Vec<Row>,
}

/// One track.
#[derive(Serialize)]
struct Track {
    name: &'static str,
    frame_bytes: usize,
    ok: bool,
    #[serde(flatten)]
    account: Account,
    latency_ms: Latency,
}

#[derive(Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    longest: f64,
}

/// What the SFU did with packets.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct SfuTotals {
    /// Came from the publisher.
    pub(super) packets_received: u64,
    /// Went to the subscriber, duplicates too.
    pub(super) packets_sent: u64,
    /// Dropped on purpose.
    pub(super) packets_lost: u64,
    /// Sent twice on purpose.
    pub(super) packets_duplicated: u64,
    /// Overtaken by later ones on purpose.
    pub(super) packets_reordered: u64,
    /// Dropped since too much waited for the subscriber.
    pub(super) packets_crowded_out: u64,
}

impl Report {
    pub(super) fn of(stage: &Stage, demo: &Demo, pushed_for: Duration) -> Self {
        let impaired = demo.impair.is_some();
        let tracks: Vec<_> = stage.lanes().iter().map(|lane| Track::of(lane, impaired)).collect();
        let seconds = pushed_for.as_secs_f64();
        let rows = stage.lanes().iter().map(|lane| lane.row(lane.delivered() as f64 / seconds));
        let first = stage.lanes().iter().filter_map(|lane| lane.first()).min();
        Self {
            ok: tracks.iter().all(|track| track.ok),
            pushed_for_ms: u64::try_from(pushed_for.as_millis()).unwrap_or(u64::MAX),
            e2ee: demo.e2ee,
            impaired,
            first_frame_ms: first.map(in_millis),
            tracks,
            sfu: stage.sfu_totals(),
            rows: rows.collect(),
        }
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The last table and the verdict.
    pub(super) fn summary(&self) -> String {
        let total = |of: fn(&Account) -> u64| -> u64 {
            self.tracks.iter().map(|track| of(&track.account)).sum()
        };
        let first =
            self.first_frame_ms.map_or("never".to_owned(), |ms| format!("after {ms:.0} ms"));
        let verdict = if self.ok { "every frame is accounted for" } else { "NOT ACCOUNTED FOR" };
        let sealed = if self.e2ee { ", sealed with AES-128-GCM" } else { "" };
        format!(
            "{}\nfirst frame {first}{sealed}\n{verdict}: {} pushed, {} delivered byte for byte, in order, once; \
             {} lost on the way, {} unexplained",
            table(&self.rows),
            total(|account| account.pushed),
            total(|account| account.delivered),
            total(|account| account.lost),
            total(|account| account.unexplained),
        ) + &self.faults()
    }

    /// A line a track that went badly.
    fn faults(&self) -> String {
        let bad = self.tracks.iter().filter(|track| !track.ok);
        bad.map(|track| format!("\n{}: {:?}", track.name, track.account)).collect()
    }
}

impl Track {
    fn of(lane: &Lane, impaired: bool) -> Self {
        let account = lane.account();
        let row = lane.row(0.0);
        Self {
            name: row.name,
            frame_bytes: row.size,
            ok: account.is_good(impaired),
            account,
            latency_ms: Latency {
                p50: in_millis(row.median),
                p99: in_millis(row.p99),
                longest: in_millis(row.longest),
            },
        }
    }
}

fn in_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
