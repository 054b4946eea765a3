//! What people read: a table, a chart, and the figures themselves.

pub(crate) mod chart;
pub(crate) mod table;

use std::{
    fs,
    process::Command,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::row::Row;

/// One run.
pub(crate) struct Paper {
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) rows: Vec<Row>,
}

impl Paper {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self { date: today(), machine: machine(), rows }
    }

    /// One row a line, so that two runs can be compared.
    pub(crate) fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| serde_json::to_string(row).unwrap());
        let rows = rows.collect::<Vec<_>>().join(",\n");
        let Self { date, machine, .. } = self;
        format!("{{\"date\": {date:?}, \"machine\": {machine:?}, \"rows\": [\n{rows}\n]}}\n")
    }
}

fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let model = model.unwrap_or(std::env::consts::ARCH);
    format!("{model}, {cores} cores, {}, {}", std::env::consts::OS, compiler())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    version.unwrap_or_default()
}

/// The date in UTC (the civil calendar in days since 1970, after Howard Hinnant).
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let days = since.as_secs() / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month < 3);
    format!("{year}-{month:02}-{day:02}")
}
