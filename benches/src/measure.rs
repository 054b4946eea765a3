//! Rounds in turns: a machine that slows down, slows both sides.

use datatracks_bench_side::Stopwatch;
use serde::{Deserialize, Serialize};

/// One round of one side.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(crate) value: f64,
    /// A frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocations: Option<f64>,
    /// Share of the frames that got lost without a count, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lost: Option<f64>,
    /// Share of the frames that were dropped with a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dropped: Option<f64>,
}

/// All rounds of one side.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) allocations: Option<f64>,
    pub(crate) lost: Option<f64>,
    pub(crate) dropped: Option<f64>,
    pub(crate) rounds: Vec<Round>,
}

/// Something that can be done again and again, for one figure or for several.
pub(crate) type Side<'a, R> = &'a mut dyn FnMut() -> R;

/// Runs each side once to warm up, then all in turns.
pub(crate) fn alternate<const N: usize>(
    rounds: usize,
    sides: [Side<'_, Round>; N],
) -> [Measured; N] {
    in_turns(rounds, sides).map(Measured::of)
}

/// As [`alternate`], for rounds that give several figures.
pub(crate) fn alternate_all<const N: usize, const M: usize>(
    rounds: usize,
    sides: [Side<'_, [Round; M]>; N],
) -> [[Measured; M]; N] {
    in_turns(rounds, sides).map(|rounds| {
        std::array::from_fn(|figure| {
            Measured::of(rounds.iter().map(|round| round[figure]).collect())
        })
    })
}

fn in_turns<const N: usize, R>(rounds: usize, mut sides: [Side<'_, R>; N]) -> [Vec<R>; N] {
    let mut all = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (side, all) in sides.iter_mut().zip(&mut all) {
            let result = side();
            if round > 0 {
                all.push(result);
            }
        }
    }
    all
}

impl Measured {
    /// Adds more rounds.
    pub(crate) fn join(&mut self, more: Self) {
        let rounds = [std::mem::take(&mut self.rounds), more.rounds].concat();
        *self = Self::of(rounds);
    }

    fn of(rounds: Vec<Round>) -> Self {
        let sorted = |value: fn(&Round) -> Option<f64>| {
            let mut values: Vec<f64> = rounds.iter().filter_map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let median = |values: &[f64]| values.get(values.len() / 2).copied();
        let values = sorted(|round| Some(round.value));
        Self {
            median: median(&values).unwrap_or(f64::NAN),
            least: values.first().copied().unwrap_or(f64::NAN),
            most: values.last().copied().unwrap_or(f64::NAN),
            allocations: median(&sorted(|round| round.allocations)),
            lost: median(&sorted(|round| round.lost)),
            dropped: median(&sorted(|round| round.dropped)),
            rounds,
        }
    }
}

impl Round {
    /// What a frame costs: CPU time in nanoseconds, and allocations.
    pub(crate) fn per_frame(watch: &Stopwatch, frames: u64) -> Self {
        let frames = frames as f64;
        Self {
            value: watch.cpu.as_secs_f64() * 1e9 / frames,
            allocations: Some(watch.allocations as f64 / frames),
            ..Self::default()
        }
    }
}
