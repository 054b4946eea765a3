//! What the demo shows while it runs: on a terminal a table that is drawn over, else a line a second; with `--json` nothing.

use std::{
    collections::VecDeque,
    io::{IsTerminal, Write, stdout},
    sync::Arc,
    time::Duration,
};

use super::{
    lane::Lane,
    report::Report,
    table::{millis, table},
};
use crate::{failure::Failure, output::data};

pub(super) struct Display {
    style: Style,
    rates: Vec<Rate>,
}

enum Style {
    /// A table, drawn over the one before of so many lines.
    Table {
        drawn: usize,
    },
    /// Lines; the next one when so much time has passed.
    Lines {
        next: Duration,
    },
    Silent,
}

impl Display {
    pub(super) fn new(silent: bool) -> Self {
        let style = match (silent, stdout().is_terminal()) {
            (true, _) => Style::Silent,
            (false, true) => Style::Table { drawn: 0 },
            (false, false) => Style::Lines { next: LINE_INTERVAL },
        };
        Self { style, rates: Vec::new() }
    }

    /// Shows how far the lanes are.
    pub(super) fn show(&mut self, elapsed: Duration, lanes: &[Arc<Lane>]) {
        self.rates.resize_with(lanes.len(), Rate::default);
        let rates = self.rates.iter_mut().zip(lanes);
        let rates = rates.map(|(rate, lane)| rate.update(elapsed, lane.delivered()));
        let rows = lanes.iter().zip(rates).map(|(lane, rate)| lane.row(rate));
        match &mut self.style {
            Style::Table { drawn } => {
                let text = table(&rows.collect::<Vec<_>>());
                write(&format!("{}{text}", erase(*drawn)));
                *drawn = text.lines().count();
            }
            Style::Lines { next } if elapsed >= *next => {
                *next += LINE_INTERVAL;
                let tracks: String = rows
                    .map(|row| {
                        let (account, p99) = (&row.account, millis(row.p99));
                        format!("  {} {}/{} p99 {p99}", row.name, account.delivered, account.pushed)
                    })
                    .collect();
                write(&format!("{:4.0} s{tracks}\n", elapsed.as_secs_f64()));
            }
            Style::Lines { .. } | Style::Silent => {
                rows.for_each(drop);
            }
        }
    }

    /// Shows the end.
    pub(super) fn finish(self, report: &Report) -> Result<(), Failure> {
        match self.style {
            Style::Table { drawn } => data(&(erase(drawn) + &report.summary())),
            Style::Lines { .. } => data(&report.summary()),
            Style::Silent => data(&report.json()),
        }
    }
}

/// Frames a second over the last [`RATE_WINDOW`].
#[derive(Default)]
struct Rate(VecDeque<(Duration, u64)>);

impl Rate {
    fn update(&mut self, now: Duration, delivered: u64) -> f64 {
        self.0.push_back((now, delivered));
        while self.0.get(1).is_some_and(|(time, _)| *time + RATE_WINDOW <= now) {
            self.0.pop_front();
        }
        let (time, before) = self.0.front().copied().unwrap_or_default();
        (delivered - before) as f64 / now.saturating_sub(time).as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Moves to the first of the last `lines` lines and clears from there (ECMA-48 CPL, ED).
fn erase(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\x1b[{lines}F\x1b[J") }
}

/// Nobody looking is no reason to stop.
fn write(text: &str) {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

const LINE_INTERVAL: Duration = Duration::from_secs(1);

const RATE_WINDOW: Duration = Duration::from_secs(1);
