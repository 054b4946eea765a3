//! The Swift package: laid out, built and tested against the library that ships.

mod manifests;
pub(crate) mod participant;
mod style;

use std::{fs, process::Command};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    bindings::{self, Language},
    library::{self, LIBRARY, Profile},
    project::Project,
    report::{Outcome, Report, Tally},
    root::{self, Root},
    run::{self, command},
    runners,
    sfu::Sfu,
};

/// Bindings, SFU, and what [`suites()`] has.
pub(crate) fn all(project: &Project, report: &mut Report, profile: Profile, sanitizers: &[&str]) {
    report.step("bindings", || bindings::generate(project, Language::Swift, profile));
    report.step("reference host", || runners::reference_host(project));
    suites(project, report, profile, sanitizers);
}

/// Toolchain, format, documentation, and the tests: as they are, and under each of these sanitizers.
pub(crate) fn suites(
    project: &Project,
    report: &mut Report,
    profile: Profile,
    sanitizers: &[&str],
) {
    if !report.gate("Swift toolchain", || install(project)) {
        return;
    }
    report.step("Swift format", || style::lint(project));
    report.step("Swift manifests", || manifests::check(project));
    report.step("Swift documentation", || style::document(project, profile));
    report.step("Swift tests", || test(project, profile, None));
    report.step("Swift in a real room", || test_in_a_real_room(project, profile));
    for sanitizer in sanitizers {
        let name = format!("Swift tests, {sanitizer} sanitizer");
        report.step(&name, || test(project, profile, Some(sanitizer)));
    }
}

/// Makes sure that there is a Swift: the machine's own, or one in a root. Where there can be none, nothing of Swift runs.
pub(crate) fn install(project: &Project) -> Result<Outcome> {
    if !has_own_swift(project) {
        if let Some(obstacle) = root::obstacle(project) {
            return Ok(obstacle);
        }
        ROOT.install(project)?;
    }
    let version = run::capture(&mut in_package(project, &["swift", "--version"])?)?;
    say!("   {}", version.lines().next().unwrap_or_default());
    Ok(Outcome::Done)
}

/// Everything but what takes a real room.
fn test(project: &Project, profile: Profile, sanitizer: Option<&str>) -> Result<Outcome> {
    let sfu = Sfu::start(project)?;
    let address = format!("DATATRACKS_SFU={}", sfu.address());
    run_tests(project, profile, sanitizer, &address, ["--skip", REAL_ROOM])
}

/// The core of the list.
fn test_in_a_real_room(project: &Project, profile: Profile) -> Result<Outcome> {
    let sfu = Sfu::real(project)?;
    let address = format!("DATATRACKS_BRIDGE={}", sfu.address());
    sfu.watch(|| run_tests(project, profile, None, &address, ["--filter", REAL_ROOM]))
}

/// Builds the package with every warning an error, and runs the tests that are selected.
fn run_tests(
    project: &Project,
    profile: Profile,
    sanitizer: Option<&str>,
    address: &str,
    selection: [&str; 2],
) -> Result<Outcome> {
    let libraries = lay_out(project, profile)?;
    let build =
        sanitizer.map_or_else(|| scratch(project), |name| project.root.join(TARGET).join(name));
    let (search, link) = (format!("LD_LIBRARY_PATH={libraries}"), format!("-L{libraries}"));
    let host = format!("DATATRACKS_BIN={}", project.reference_host());
    let threads = format!("TSAN_OPTIONS=suppressions={}", project.root.join(UNREPORTED));
    let mut words = vec![address, &host, &search, &threads, ADDRESS_SANITIZER];
    if cfg!(target_os = "linux") {
        words.extend(["timeout", PATIENCE]);
    }
    // One test at a time: some count threads and memory of the process.
    words.extend(["swift", "test", "--disable-xctest", "--no-parallel"]);
    words.extend(selection);
    words.extend(["--scratch-path", build.as_str(), "-Xlinker", &link]);
    words.extend(["-Xswiftc", "-warnings-as-errors"]);
    let sanitize = sanitizer.map(|name| format!("--sanitize={name}"));
    words.extend(sanitize.as_deref());
    runners::count(&mut in_package(project, &words)?, swift_tally)
}

/// Puts generated files where the package looks for them, and the library beside nothing else. Answers the library's folder.
pub(crate) fn lay_out(project: &Project, profile: Profile) -> Result<Utf8PathBuf> {
    let (package, generated) = (project.root.join(PACKAGE), project.bindings().join("swift"));
    for (name, folder) in GENERATED {
        update(&generated.join(name), &package.join(folder).join(name))?;
    }
    let libraries = libraries(project);
    fs::create_dir_all(&libraries)?;
    library::strip(project, &library::path(project, profile), &libraries.join(LIBRARY))?;
    Ok(libraries)
}

/// The folder of the library.
fn libraries(project: &Project) -> Utf8PathBuf {
    project.root.join(TARGET).join("lib")
}

/// Where the package is built, but for sanitizers.
fn scratch(project: &Project) -> Utf8PathBuf {
    project.root.join(TARGET).join("build")
}

/// Copies a file unless the copy is the same already: a touched file is compiled anew.
pub(crate) fn update(from: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let new = fs::read(from).with_context(|| from.to_string())?;
    if fs::read(to).ok().as_ref() != Some(&new) {
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::write(to, new)?;
    }
    Ok(())
}

/// A command of the Swift toolchain, in the package's folder. `words` may begin with `NAME=value`.
fn in_package(project: &Project, words: &[&str]) -> Result<Command> {
    in_folder(project, &project.root.join(PACKAGE), words)
}

/// The same in another folder of the project.
pub(crate) fn in_folder(project: &Project, folder: &Utf8Path, words: &[&str]) -> Result<Command> {
    if has_own_swift(project) {
        return Ok(command(folder, "env", words));
    }
    ROOT.inside(project, folder, words)
}

fn has_own_swift(project: &Project) -> bool {
    let version = run::capture(&mut command(&project.root, "swift", &["--version"]));
    version.is_ok_and(|version| version.contains("Swift version 6"))
}

/// `✔ Test run with 12 tests passed after 0.5 seconds.`; `✘ Test run with 12 tests failed after 0.5 seconds with 3 issues.`
/// The runner counts what it skips among them; here it has failed: `✘ Test example() skipped: "no room"`.
fn swift_tally(line: &str) -> Option<Tally> {
    if line.contains(" Test ") && (line.contains(") skipped: ") || line.ends_with(") skipped.")) {
        return Some(Tally { passed: 0, failed: 1 });
    }
    let (_, counts) = line.split_once("Test run with ")?;
    let number = |text: &str| text.split(' ').next()?.parse::<u64>().ok();
    let tests = number(counts)?;
    let issues = counts.split_once(" with ").and_then(|(_, issues)| number(issues)).unwrap_or(0);
    let failed = if counts.contains(" failed ") { issues.max(1) } else { 0 };
    Some(Tally { passed: tests.saturating_sub(failed), failed })
}

/// The release that packages Swift 6, the first with typed throws and complete checks of concurrency.
const ROOT: Root = Root {
    name: "swift",
    suite: "trixie",
    packages: "swiftlang,libstdc++-14-dev,libc6-dev",
    costs: "two minutes and 2.7 GB",
};
const PACKAGE: &str = "swift-package";
const TARGET: &str = "target/swift";
/// The suite that needs one.
const REAL_ROOM: &str = "RealRoomTests";
/// Generated files, and where the package has them.
const GENERATED: &[(&str, &str)] = &[
    ("DataTracks.swift", "Sources/DataTracks/Generated"),
    ("DataTracksFFI.h", "Sources/DataTracksFFI"),
];
/// Longest build and run together: tests have deadlines of their own, but a task that nobody cancels does not end by them.
const PATIENCE: &str = "20m";
/// What Swift's runtime and Foundation keep until the end would be reported as leaked. Leaks of ours have tests that count memory, and
/// those want freed memory back.
const ADDRESS_SANITIZER: &str = "ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=1";
/// What is no race, though Thread Sanitizer takes it for one.
const UNREPORTED: &str = "swift-package/Tests/thread-sanitizer.txt";

pub(crate) const SANITIZERS: &[&str] = &["thread", "address"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_swift_testing_is_understood() {
        let ok = "✔ Test run with 12 tests passed after 0.523 seconds.";
        assert_eq!(swift_tally(ok), Some(Tally { passed: 12, failed: 0 }));
        let bad = "✘ Test run with 12 tests failed after 0.523 seconds with 3 issues.";
        assert_eq!(swift_tally(bad), Some(Tally { passed: 9, failed: 3 }));
        assert_eq!(swift_tally("✔ Test \"frames\" passed after 0.001 seconds."), None);
        let skipped =
            "✘ Test resubscribingAtOnceWorks() skipped: \"DATATRACKS_BRIDGE names no bridge\"";
        assert_eq!(swift_tally(skipped), Some(Tally { passed: 0, failed: 1 }));
        assert_eq!(swift_tally("✘ Suite RealRoomTests skipped: \"no bridge\""), None);
    }
}
