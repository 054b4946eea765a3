//! Rounds of two sides, and what is aimed at.

use std::{cmp::Ordering, collections::BTreeMap};

/// What one row should show.
pub(super) struct Aim {
    /// As the programs call it.
    pub(super) row: &'static str,
    /// For people.
    pub(super) what: &'static str,
    pub(super) least: Least,
}

/// The smallest figure that is good enough.
#[derive(Clone, Copy)]
pub(super) enum Least {
    /// So many times cheaper than the plain call.
    Ratio(f64),
    /// So many frames in a second.
    Rate(f64),
}

/// Nanoseconds of each round, by row and side.
#[derive(Default)]
pub(super) struct Figures(BTreeMap<(String, String), Vec<f64>>);

/// Lines of a program: `row side nanoseconds`.
impl FromIterator<String> for Figures {
    fn from_iter<Lines: IntoIterator<Item = String>>(lines: Lines) -> Self {
        let mut figures = Self::default();
        for line in lines {
            if let [row, side, time] = line.split(' ').collect::<Vec<_>>()[..]
                && let Ok(time) = time.parse::<f64>()
            {
                let key = (row.to_owned(), side.to_owned());
                figures.0.entry(key).or_default().push(time);
            }
        }
        figures
    }
}

impl Figures {
    /// Prints all rows, and answers how many miss their aim; `None` when one was not measured.
    pub(super) fn table(&self, aims: &[Aim]) -> Option<usize> {
        say!("\n   {:<34} {:>24} {:>24} {:>8}", "µs a frame", "ours", "plain `bytes`", "ratio");
        let mut misses = 0;
        for Aim { row, what, least } in aims {
            let (ours, plain) = (self.spread(row, "ours")?, self.spread(row, "plain")?);
            let ratio = plain.median / ours.median;
            let is_met = match least {
                Least::Ratio(least) => ratio >= *least,
                Least::Rate(least) => 1e9 / ours.median >= *least,
            };
            let aim = match least {
                Least::Ratio(least) => format!("≥ {least} ×"),
                Least::Rate(least) => {
                    format!("{:.1} M/s, ≥ {} M/s", 1e3 / ours.median, least / 1e6)
                }
            };
            let mark = if is_met { "" } else { "  (missed)" };
            say!(
                "   {what:<34} {:>24} {:>24} {ratio:>6.1} ×   {aim}{mark}",
                ours.text(),
                plain.text()
            );
            misses += usize::from(!is_met);
        }
        Some(misses)
    }

    /// Of each row and side the rounds, in nanoseconds.
    pub(super) fn json(&self) -> String {
        let line = |((row, side), rounds): (&(String, String), &Vec<f64>)| {
            format!("  \"{row}, {side}\": {rounds:?}")
        };
        format!("{{\n{}\n}}\n", self.0.iter().map(line).collect::<Vec<_>>().join(",\n"))
    }

    fn spread(&self, row: &str, side: &str) -> Option<Spread> {
        let mut rounds = self.0.get(&(row.to_owned(), side.to_owned()))?.clone();
        rounds.sort_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
        let median = *rounds.get(rounds.len() / 2)?;
        Some(Spread { least: *rounds.first()?, median, most: *rounds.last()? })
    }
}

struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    /// In microseconds: the median, and where the rounds lie.
    fn text(&self) -> String {
        let [median, least, most] = [self.median, self.least, self.most].map(|time| time / 1e3);
        format!("{median:.2} ({least:.2} – {most:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misses(least: Least) -> Option<usize> {
        let lines = ["push ours 200", "push ours 90", "push ours 100", "noise", "push plain 1000"];
        let figures: Figures = lines.map(str::to_owned).into_iter().collect();
        figures.table(&[Aim { row: "push", what: "a push", least }])
    }

    #[test]
    fn medians_are_judged() {
        assert_eq!(misses(Least::Ratio(10.0)), Some(0));
        assert_eq!(misses(Least::Ratio(10.1)), Some(1));
        assert_eq!(misses(Least::Rate(1e7)), Some(0));
        assert_eq!(misses(Least::Rate(1.1e7)), Some(1));
    }

    #[test]
    fn all_rounds_are_kept() {
        let lines = ["push plain 1000.5", "push ours 200", "push ours 90"];
        let figures: Figures = lines.map(str::to_owned).into_iter().collect();
        let kept = "{\n  \"push, ours\": [200.0, 90.0],\n  \"push, plain\": [1000.5]\n}\n";
        assert_eq!(figures.json(), kept);
    }

    #[test]
    fn what_was_not_measured_is_noticed() {
        let aim = Aim { row: "push", what: "a push", least: Least::Ratio(1.0) };
        assert_eq!(Figures::default().table(&[aim]), None);
    }
}
