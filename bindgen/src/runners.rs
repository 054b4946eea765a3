//! How tests are run: what they are told, and how what their runner says is counted.
//!
//! A runner's own closing line is what counts: a suite whose runner says nothing, or that it ran no test, has failed.

use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::{
    project::Project,
    report::{Outcome, Tally},
    run::{self, command},
    setup,
};

/// The binary whose embedded SFU the bindings are tested against.
pub(crate) fn reference_host(project: &Project) -> Result<Outcome> {
    // As what a Rust test runs beside it: `cargo build` would compile the libraries that it stands on once more, with fewer features.
    let arguments = ["test", "--workspace", "--all-features", "--test", "layers", "--no-run"];
    run::run(&mut command(&project.root, "cargo", &arguments))?;
    Ok(Outcome::Done)
}

/// Runs the tests of a file or a folder, with variables of their own.
pub(crate) fn pytest(project: &Project, tests: &str, own: &[(&str, String)]) -> Result<Outcome> {
    count(&mut pytest_command(project, &[tests], own), pytest_tally)
}

pub(crate) fn pytest_command(project: &Project, tests: &[&str], own: &[(&str, String)]) -> Command {
    let arguments = [&["-m", "pytest", "--durations=5", "--color=no"], tests].concat();
    let mut pytest = command(&project.root, project.python().as_str(), &arguments);
    pytest.envs(own.iter().map(|(name, value)| (name, value)));
    with_surroundings(project, &mut pytest);
    pytest
}

/// What tests are told of where things are.
pub(crate) fn with_surroundings<'a>(
    project: &Project,
    command: &'a mut Command,
) -> &'a mut Command {
    command
        .env("DATATRACKS_BIN", project.reference_host())
        .env("DATATRACKS_PYTHON", project.bindings().join("python"))
        .env("DATATRACKS_LIVEKIT_SERVER", project.tool(setup::SFU))
        .env("DATATRACKS_VENV_PYTHON", project.python())
}

/// Runs a command, and adds up what `read` finds in its lines. Those that name a failed test are shown again at the end, where people look.
pub(crate) fn count(
    command: &mut Command,
    read: impl Fn(&str) -> Option<Tally>,
) -> Result<Outcome> {
    tally(command, read).map(Outcome::Counted)
}

/// The same, for sums.
pub(crate) fn tally(command: &mut Command, read: impl Fn(&str) -> Option<Tally>) -> Result<Tally> {
    run::announce(command);
    let mut count = Count::default();
    let status = run::watch(command, |line| count.show(line, &read))?;
    count.end(command, status)
}

/// What a runner has counted, and its lines that name a failed test.
#[derive(Default)]
struct Count {
    sum: Tally,
    failures: Vec<String>,
}

impl Count {
    fn show(&mut self, line: &str, read: impl Fn(&str) -> Option<Tally>) {
        say!("{line}");
        self.sum = self.sum + read(line).unwrap_or_default();
        if names_a_failure(line) {
            self.failures.push(line.to_owned());
        }
    }

    fn end(self, command: &Command, status: ExitStatus) -> Result<Tally> {
        self.failures.iter().for_each(|line| say!("   failed: {line}"));
        if self.sum.failed == 0 {
            run::succeeded(command, status)?;
        }
        Ok(self.sum)
    }
}

/// What cargo, pytest, Maven and Swift Testing say of a test that failed.
fn names_a_failure(line: &str) -> bool {
    let of_cargo = line.starts_with("test ") && line.ends_with("... FAILED");
    let of_pytest = ["FAILED ", "ERROR "].iter().any(|word| line.starts_with(word));
    let of_maven = line.starts_with("[ERROR]   ");
    let of_swift = line.starts_with("✘ Test ") && line.contains(" recorded an issue ");
    of_cargo || of_pytest || of_maven || of_swift
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
pub(crate) fn cargo_tally(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?;
    Some(Tally {
        passed: number_before(counts, "passed"),
        failed: number_before(counts, "failed") + number_before(counts, "ignored"),
    })
}

/// `==== 1 failed, 30 passed, 2 skipped in 12.34s ====`; what is skipped or errs has not passed.
pub(crate) fn pytest_tally(line: &str) -> Option<Tally> {
    let counts = line.trim_matches(['=', ' ']);
    let is_closing =
        line.starts_with("==") && counts.contains(" in ") && counts.ends_with(['s', ')']);
    is_closing.then(|| Tally {
        passed: number_before(counts, "passed"),
        failed: ["failed", "error", "errors", "skipped", "xfailed"]
            .iter()
            .map(|word| number_before(counts, word))
            .sum(),
    })
}

/// The number before a word.
pub(crate) fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<_> = text.split([' ', ';', ',', '.']).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter(|pair| pair.last() == Some(&word));
    pairs.filter_map(|pair| pair.first()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_runners_are_understood() {
        let ok = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s";
        assert_eq!(cargo_tally(ok), Some(Tally { passed: 3, failed: 0 }));
        let bad = "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(cargo_tally(bad), Some(Tally { passed: 3, failed: 2 }));
        assert_eq!(cargo_tally("test packet::decode ... ok"), None);
        assert_eq!(
            pytest_tally("===== 30 passed in 12.34s ====="),
            Some(Tally { passed: 30, failed: 0 })
        );
        let bad = "=== 1 failed, 30 passed, 2 skipped, 1 error in 72.34s (0:01:12) ===";
        assert_eq!(pytest_tally(bad), Some(Tally { passed: 30, failed: 4 }));
        assert_eq!(pytest_tally("===== test session starts ====="), None);
        assert_eq!(pytest_tally("=== slowest 5 durations ==="), None);
    }

    #[test]
    fn lines_that_name_a_failed_test_are_known() {
        for line in [
            "test packet::decode ... FAILED",
            "FAILED test_waits.py::test_timeout - AssertionError: late",
            "[ERROR]   CyclesTest.managers:16 expected: <1> but was: <2>",
            "✘ Test aTimeoutIsOne() recorded an issue at WaitTests.swift:9:3: Expectation failed",
        ] {
            assert!(names_a_failure(line), "{line}");
        }
        for line in
            ["test packet::decode ... ok", "✔ Test aTimeoutIsOne() passed.", "[ERROR] Failures:"]
        {
            assert!(!names_a_failure(line), "{line}");
        }
    }
}
