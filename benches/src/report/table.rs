//! The table, for a terminal and for a page.

use super::Paper;
use crate::{
    measure::Measured,
    row::{Aim, Row},
    rows::{method, notes},
};

/// For a terminal: columns in line.
pub(crate) fn text(rows: &[Row]) -> String {
    let lines: Vec<_> =
        [HEAD.map(String::from)].into_iter().chain(rows.iter().map(cells)).collect();
    let width = |column: usize| {
        lines.iter().map(|line: &[String; 6]| line[column].chars().count()).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            text += &format!("{cell:<width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The page that the README points at.
pub(crate) fn page(paper: &Paper) -> String {
    let Paper { date, machine, rows } = paper;
    let mut page =
        format!("# Benchmarks\n\n{}\n\n{date}, {machine}.\n\n{PICTURE}\n\n", method::TEXT);
    let line = |cells: [String; 6]| format!("| {} |\n", cells.join(" | "));
    page += &line(HEAD.map(String::from));
    page += "|---|---|---|---|---|---|\n";
    page.extend(rows.iter().map(cells).map(line));
    let notes: Vec<_> = rows.iter().filter_map(note).collect();
    if !notes.is_empty() {
        page += &format!("\n## Aims that are missed\n\n{}", notes.concat());
    }
    page
}

fn note(row: &Row) -> Option<String> {
    let why = notes::WHY.iter().find(|(name, _)| row.name == *name);
    let why = why.map_or("not looked into yet", |(_, why)| *why);
    (row.verdict() == Some(false)).then(|| format!("- `{}`: {why}.\n", row.name))
}

fn cells(row: &Row) -> [String; 6] {
    [
        row.name.clone(),
        side(&row.ours, row.unit),
        row.peer.as_ref().map_or("–".into(), |peer| side(peer, row.unit)),
        ratio(row),
        limit(row),
        aims(row),
    ]
}

/// `3.0 × (2.9–3.1)`
fn ratio(row: &Row) -> String {
    let (Some(ratio), Some((least, most))) = (row.ratio(), row.ratios()) else {
        return "–".into();
    };
    format!("{} × ({}–{})", short(ratio), short(least), short(most))
}

/// `258 ns (251–263), 1.0 alloc, 3 % lost`
fn side(side: &Measured, unit: &str) -> String {
    let Measured { median, least, most, allocations, lost, dropped, .. } = side;
    let mut text = format!("{} {unit} ({}–{})", short(*median), short(*least), short(*most));
    if let Some(count) = allocations {
        text += &format!(", {count:.1} alloc");
    }
    if let Some(share) = lost {
        text += &format!(", {} % lost", short(share * 100.0));
    }
    if let Some(share) = dropped.filter(|share| *share > 0.0) {
        text += &format!(", {} % dropped and counted", short(share * 100.0));
    }
    text
}

fn limit(row: &Row) -> String {
    let Some(limit) = &row.limit else { return "–".into() };
    let share = row.share_of_limit().unwrap_or_default() * 100.0;
    format!("{} {} {}: {share:.0} %", limit.what, short(limit.measured.median), row.unit)
}

fn aims(row: &Row) -> String {
    let Some(verdict) = row.verdict() else { return "–".into() };
    let aims: Vec<_> = row.aims.iter().map(|aim| self::aim(*aim)).collect();
    format!("{}: {}", aims.join(", "), if verdict { "met" } else { "missed" })
}

/// An aim in words.
pub(crate) fn aim(aim: Aim) -> String {
    match aim {
        Aim::Times(times) => format!("≥ {times} ×"),
        Aim::AtMost(most) => format!("≤ {most}"),
        Aim::AtLeast(least) => format!("≥ {least}"),
        Aim::OfLimit(share) => format!("≥ {:.0} % of the limit", share * 100.0),
        Aim::Allocations(most) => format!("≤ {most} alloc"),
        Aim::NothingLost => "nothing lost".into(),
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        ..1.0 => format!("{value:.2}"),
        ..10.0 => format!("{value:.1}"),
        ..100_000.0 => format!("{value:.0}"),
        ..10_000_000.0 => format!("{:.0} k", value / 1e3),
        _ => format!("{:.1} M", value / 1e6),
    }
}

const HEAD: [&str; 6] = ["figure", "datatracks", "livekit-datatrack", "ratio", "limit", "aim"];
const PICTURE: &str = "![ratios](benchmarks.svg)";
