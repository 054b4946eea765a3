//! What ran, what it counted, what did not run and why.

use std::{
    env,
    ops::Add,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// How a step ended when it did not fail.
pub(crate) enum Outcome {
    /// It is done; it has no tests of its own to count.
    Done,
    /// Its runner counted these tests.
    Counted(Tally),
    /// It did not run, for this reason. In CI that is a failure.
    NotRun(String),
    /// It cannot run where the network is closed, or without a right that no package brings, in CI either: never a failure,
    /// always listed.
    OutOfReach(String),
}

/// All steps of a command.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    result: Result<Outcome>,
}

impl Report {
    /// Runs one step. A failure is kept and does not keep later steps from running.
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome>) {
        self.gate(name, step);
    }

    /// Runs a step that later ones stand on, and answers whether they can: it ran, and is good.
    pub(crate) fn gate(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome>) -> bool {
        say!("\n== {name}");
        let started = Instant::now();
        let result = step();
        let step = Step { name: name.into(), took: started.elapsed(), result };
        say!("   {}", step.line());
        let is_open = step.is_green() && step.has_run();
        self.steps.push(step);
        is_open
    }

    /// Takes over the steps of another.
    pub(crate) fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
    }

    /// True when every step so far is good.
    pub(crate) fn is_green(&self) -> bool {
        self.steps.iter().all(Step::is_green)
    }

    /// The lines of those steps that failed or did not run.
    pub(crate) fn open(&self) -> Vec<String> {
        let open = self.steps.iter().filter(|step| !step.is_green() || !step.has_run());
        open.map(|step| step.line().trim_end().to_owned()).collect()
    }

    /// Lists the steps, closes with the sum of all tests, and answers the exit status.
    pub(crate) fn close(self) -> ExitCode {
        if self.steps.len() > 1 {
            say!("\n== what ran");
            self.steps.iter().for_each(|step| say!("   {}", step.line()));
        }
        if self.counts_tests() {
            let Tally { passed, failed } = self.sum();
            say!("\n{passed} passed, {failed} failed");
        }
        if self.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn counts_tests(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.result, Ok(Outcome::Counted(_))))
    }

    fn sum(&self) -> Tally {
        let tallies = self.steps.iter().map(Step::tally);
        tallies.fold(Tally::default(), Add::add)
    }
}

impl Step {
    fn is_green(&self) -> bool {
        match &self.result {
            Ok(Outcome::Done | Outcome::OutOfReach(_)) => true,
            Ok(Outcome::Counted(tally)) => tally.failed == 0 && tally.passed > 0,
            Ok(Outcome::NotRun(_)) => !in_ci(),
            Err(_) => false,
        }
    }

    fn has_run(&self) -> bool {
        !matches!(self.result, Ok(Outcome::NotRun(_) | Outcome::OutOfReach(_)))
    }

    /// A step that counts nothing itself counts once, when it fails.
    fn tally(&self) -> Tally {
        match &self.result {
            Ok(Outcome::Counted(tally)) if tally.failed > 0 || self.is_green() => *tally,
            _ => Tally { passed: 0, failed: u64::from(!self.is_green()) },
        }
    }

    fn line(&self) -> String {
        let Self { name, took, result } = self;
        let mark = if self.is_green() { "ok    " } else { "FAILED" };
        let took = format!("{:7.1} s", took.as_secs_f64());
        match result {
            Ok(Outcome::Done) => format!("{mark} {took}  {name}"),
            Ok(Outcome::Counted(Tally { passed, failed })) => {
                format!("{mark} {took}  {name}: {passed} passed, {failed} failed")
            }
            Ok(Outcome::NotRun(reason)) => format!("{mark} {took}  {name}: NOT RUN, {reason}"),
            Ok(Outcome::OutOfReach(reason)) => {
                format!("{mark} {took}  {name}: NOT RUN, {reason}")
            }
            Err(error) => format!("{mark} {took}  {name}: {error:#}"),
        }
    }
}

/// True where nobody looks on and nothing may be left out.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// The size of a file for people.
pub(crate) fn kilobytes(bytes: u64) -> String {
    format!("{} KB", bytes.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_without_tests_counts_as_one_failure() {
        let mut report = Report::default();
        report.step("good", || Ok(Outcome::Counted(Tally { passed: 3, failed: 0 })));
        report.step("done", || Ok(Outcome::Done));
        assert!(report.is_green());
        assert!(!report.gate("bad", || anyhow::bail!("no")));
        assert_eq!(report.sum(), Tally { passed: 3, failed: 1 });
        assert!(!report.is_green());
    }

    #[test]
    fn a_runner_that_ran_no_test_is_not_green() {
        let mut report = Report::default();
        report.step("empty", || Ok(Outcome::Counted(Tally::default())));
        assert!(!report.is_green());
        assert_eq!(report.sum(), Tally { passed: 0, failed: 1 });
    }

    #[test]
    fn nothing_stands_on_what_did_not_run() {
        let mut report = Report::default();
        assert!(report.gate("made", || Ok(Outcome::Done)));
        assert!(!report.gate("toolchain", || Ok(Outcome::NotRun("no debootstrap".into()))));
        let withheld = || Ok(Outcome::OutOfReach("no right to mount".into()));
        assert!(!report.gate("toolchain", withheld));
    }

    #[test]
    fn what_is_out_of_reach_is_listed_and_no_failure() {
        let mut report = Report::default();
        report.step("advisories", || Ok(Outcome::OutOfReach("no database".into())));
        assert!(report.is_green());
        assert!(report.steps.iter().all(|step| step.line().contains("NOT RUN, no database")));
        report.step("bad", || anyhow::bail!("no"));
        report.step("good", || Ok(Outcome::Done));
        let open = report.open();
        let [advisories, bad] = &*open else { panic!("{open:?}") };
        assert!(advisories.contains("no database") && bad.contains("bad: no"));
    }
}
