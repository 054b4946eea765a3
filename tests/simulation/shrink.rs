//! Makes a failing script short: what can be left out while it fails in the same way is left out.

use std::time::{Duration, Instant};

use super::{
    run::Failure,
    script::{Script, Step},
};

/// Leaves out age, people and, in halves, quarters, … single ones, steps. `fails` plays a script.
pub fn shrink(
    script: &Script,
    failure: &Failure,
    fails: impl FnMut(&Script) -> Option<Failure>,
) -> Script {
    let steps = script.steps[..failure.steps].to_vec();
    let best = Script { steps, ..script.clone() };
    let end = Instant::now() + PATIENCE;
    let mut shrinking = Shrinking { best, failure, fails, tries: TRIES, end };
    shrinking.keeps_failing(Script { is_old: false, ..script.clone() });
    shrinking.people();
    while shrinking.steps() {}
    shrinking.best
}

struct Shrinking<'a, F> {
    best: Script,
    failure: &'a Failure,
    fails: F,
    tries: usize,
    end: Instant,
}

impl<F: FnMut(&Script) -> Option<Failure>> Shrinking<'_, F> {
    fn people(&mut self) {
        for size in 2..self.best.size {
            if self.keeps_failing(Script { size, ..self.best.clone() }) {
                return;
            }
        }
    }

    /// One pass from halves to single steps; true when another one may find more.
    fn steps(&mut self) -> bool {
        let before = self.best.steps.len();
        let mut chunk = before.div_ceil(2);
        while chunk > 0 {
            let mut at = 0;
            while at < self.best.steps.len() {
                let steps = without(&self.best.steps, at, chunk);
                if !self.keeps_failing(Script { steps, ..self.best.clone() }) {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
        self.is_patient() && self.best.steps.len() < before
    }

    /// Plays a script, and goes on from it when it fails as the first one did.
    fn keeps_failing(&mut self, mut script: Script) -> bool {
        if !self.is_patient() {
            return false;
        }
        self.tries -= 1;
        let failed = (self.fails)(&script).filter(|failed| failed.is_like(self.failure));
        let Some(failed) = failed else { return false };
        script.steps.truncate(failed.steps);
        self.best = script;
        true
    }

    fn is_patient(&self) -> bool {
        self.tries > 0 && Instant::now() < self.end
    }
}

fn without(steps: &[Step], at: usize, count: usize) -> Vec<Step> {
    let end = (at + count).min(steps.len());
    [&steps[..at], &steps[end..]].concat()
}

/// A script of 2 000 steps usually takes a few hundred.
const TRIES: usize = 1_500;

/// Large rooms are slow.
const PATIENCE: Duration = Duration::from_mins(3);
