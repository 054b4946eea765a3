//! Every test there is, each suite by its own runner.
//!
//! A runner's own closing line is what counts: a suite whose runner says nothing, or that it ran no test, has failed.

use std::process::Command;

use anyhow::Result;

use crate::{
    bindings::{self, Language, Profile},
    check, kotlin, languages,
    project::Project,
    report::{Outcome, Report, Tally},
    run::{self, command},
    setup,
    sfu::Sfu,
    size, swift, verify, wheel, xcframework,
};

/// Setup, checks and all suites.
pub(crate) fn all(project: &Project, report: &mut Report, full: bool) {
    report.step("setup", || setup::install(project));
    check::all(project, report);
    report.step("Rust tests", || rust(project, full));
    report.step("size", || size::measure(project));
    report.step("bindings", || bindings::generate(project, Language::All, Profile::Release));
    report.step("reference host", || reference_host(project));
    report.step("wheel", || wheel::package(project));
    report.step("Python tests", || count(&mut pytest(project, "tests/python"), pytest_tally));
    report.step("interop tests", || count(&mut pytest(project, "tests/interop"), pytest_tally));
    report.step("Kotlin library", || kotlin::build::prepare(project, Profile::Release));
    report.step("Kotlin tests", || junit(project));
    report.step("Kotlin in a real room", || kotlin_in_a_real_room(project));
    swift::suites(project, report, Profile::Release, true);
    languages::suite(project, report, Profile::Release);
    if full {
        android(project, report);
        xcframework::all(project, report);
    }
}

/// The wheel, and its tests.
pub(crate) fn wheel(project: &Project, report: &mut Report) {
    report.step("wheel", || wheel::package(project));
    report.step("reference host", || reference_host(project));
    let tests = "tests/python/test_wheel.py";
    report.step("wheel tests", || count(&mut pytest(project, tests), pytest_tally));
}

/// The Kotlin suite, and what it needs; in a full run also documentation and Android.
pub(crate) fn kotlin(project: &Project, report: &mut Report, profile: Profile, full: bool) {
    report.step("reference host", || reference_host(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, profile));
    report.step("Kotlin tests", || junit(project));
    report.step("Kotlin in a real room", || kotlin_in_a_real_room(project));
    if full {
        android(project, report);
    }
}

/// What can be known of Android from the classes that the tests have left, and their documentation.
fn android(project: &Project, report: &mut Report) {
    report.step("Kotlin documentation", || kotlin::build::document(project));
    report.step("Kotlin tests on Android's looper", || kotlin::android::looper::test(project));
    verify::android_classes(project, report);
}

fn rust(project: &Project, full: bool) -> Result<Outcome> {
    // Tests that need a real SFU are marked as ignored, for those who run `cargo test` without it.
    let arguments =
        ["test", "--workspace", "--all-features", "--no-fail-fast", "--", "--include-ignored"];
    let test = &mut command(&project.root, "cargo", &arguments);
    if full {
        test.env("PROPTEST_CASES", CASES_OF_FULL).env("DATATRACKS_STEPS", STEPS_OF_FULL);
    }
    count(with_surroundings(project, test), cargo_tally)
}

/// The binary whose embedded SFU the bindings are tested against.
pub(crate) fn reference_host(project: &Project) -> Result<Outcome> {
    // With the features of the Rust tests, so that nothing is compiled twice.
    let arguments = ["build", "--workspace", "--all-features", "--bins"];
    run::run(&mut command(&project.root, "cargo", &arguments))?;
    Ok(Outcome::Done)
}

/// The runner of a folder's tests.
pub(crate) fn pytest(project: &Project, folder: &str) -> Command {
    let arguments = ["-m", "pytest", "--durations=5", "--color=no", folder];
    let mut pytest = command(&project.root, project.python().as_str(), &arguments);
    with_surroundings(project, &mut pytest);
    pytest
}

fn junit(project: &Project) -> Result<Outcome> {
    let maven = &mut kotlin::build::maven(project, &["verify"]);
    count(with_surroundings(project, maven), kotlin::build::tally)
}

/// The core of the Kotlin list, as the tests before have compiled it.
fn kotlin_in_a_real_room(project: &Project) -> Result<Outcome> {
    let sfu = Sfu::real(project)?;
    let maven = &mut kotlin::build::maven(project, &["surefire:test", REAL_ROOM, PATIENCE]);
    count(maven.env("DATATRACKS_BRIDGE", sfu.address()), kotlin::build::tally)
}

/// What tests are told of where things are.
fn with_surroundings<'a>(project: &Project, command: &'a mut Command) -> &'a mut Command {
    command
        .env("DATATRACKS_BIN", project.reference_host())
        .env("DATATRACKS_PYTHON", project.bindings().join("python"))
        .env("DATATRACKS_LIVEKIT_SERVER", project.tool(setup::SFU))
        .env("DATATRACKS_VENV_PYTHON", project.python())
}

pub(crate) fn count(
    command: &mut Command,
    read: impl Fn(&str) -> Option<Tally>,
) -> Result<Outcome> {
    let mut sum = Tally::default();
    let status = run::watch(command, |line| {
        if let Some(Tally { passed, failed }) = read(line) {
            sum.passed += passed;
            sum.failed += failed;
        }
    })?;
    if sum.failed == 0 {
        run::succeeded(command, status)?;
    }
    Ok(Outcome::Counted(sum))
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
fn cargo_tally(line: &str) -> Option<Tally> {
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

fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<_> = text.split([' ', ';', ',', '.']).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter(|pair| pair.last() == Some(&word));
    pairs.filter_map(|pair| pair.first()?.parse::<u64>().ok()).sum()
}

/// Generated cases a property in a full run; 256 otherwise.
const CASES_OF_FULL: &str = "4096";
/// Steps of all simulated rooms together in a full run; 100 000 otherwise.
const STEPS_OF_FULL: &str = "2000000";

/// A class that Maven runs only when it is named.
const REAL_ROOM: &str = "-Dtest=RealRoom";
/// In seconds; usually it takes fifteen.
const PATIENCE: &str = "-Dsurefire.timeout=300";

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
}
