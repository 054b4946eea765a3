//! Every test there is, each suite by its own runner.

use anyhow::Result;

use crate::{
    bench,
    beside::{self, Lane},
    bindings::{self, Language},
    check, fuzz, guards,
    interop::{self, Cells},
    kotlin, languages,
    library::Profile,
    models, network, programs,
    project::Project,
    report::{Outcome, Report, Tally},
    runners::{count, pytest, reference_host, with_surroundings},
    setup,
    sfu::Sfu,
    size, swift, verify, wheel, xcframework,
};

/// Setup, checks and all suites.
pub(crate) fn all(project: &Project, report: &mut Report, full: bool) {
    report.step("setup", || setup::install(project));
    check::all(project, report, Profile::Release);
    report.step("Rust tests", || rust(project, full));
    let seconds = if full { models::LONG } else { models::SHORT };
    report.step("models", || models::check(project, &models::Wishes::all(seconds)));
    for tool in NIGHTLY {
        report.step(tool, || Ok(Outcome::OutOfReach("it takes a nightly toolchain".into())));
    }
    let seconds = if full { fuzz::LONG } else { fuzz::SHORT };
    report.step("fuzz", || fuzz::run(project, &fuzz::Wishes::all(seconds)));
    report.step("size", || size::measure(project));
    report.step("bindings", || bindings::generate(project, Language::All, Profile::Release));
    report.step("reference host", || reference_host(project));
    report.step("wheel", || wheel::package(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, Profile::Release));
    let in_python_and_kotlin = |report: &mut Report| {
        report.step("Python tests", || pytest(project, "tests/python", &[]));
        kotlin_tests(project, report);
        report.step("Kotlin host", || kotlin::room::build(project));
    };
    let in_swift = Lane::new("Swift, and a poor network", |report: &mut Report| {
        let sanitizers = if full { swift::SANITIZERS } else { &[] };
        swift::suites(project, report, Profile::Release, sanitizers);
        network::suite(project, report);
    });
    beside::run(project, report, in_python_and_kotlin, [in_swift]);
    interop::suite(project, report, Profile::Release, if full { Cells::All } else { Cells::Few });
    languages::suite(project, report, Profile::Release);
    report.step("floors of speed", || bench::quick(project));
    if full {
        report.step("guards", || guards::check(project, &guards::Wishes::all()));
        android(project, report);
        xcframework::all(project, report);
    }
}

/// The wheel, and its tests.
pub(crate) fn wheel(project: &Project, report: &mut Report) {
    report.step("wheel", || wheel::package(project));
    report.step("reference host", || reference_host(project));
    let tests = "tests/python/test_wheel.py";
    report.step("wheel tests", || pytest(project, tests, &[]));
}

/// The Kotlin suite, and what it needs; in a full run also documentation and Android.
pub(crate) fn kotlin(project: &Project, report: &mut Report, profile: Profile, full: bool) {
    report.step("reference host", || reference_host(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, profile));
    kotlin_tests(project, report);
    if full {
        android(project, report);
    }
}

/// With the library in its place.
fn kotlin_tests(project: &Project, report: &mut Report) {
    report.step("Kotlin tests", || junit(project));
    report.step("Kotlin in a real room", || kotlin_in_a_real_room(project));
}

/// What can be known of Android from the classes that the tests have left, and their documentation.
fn android(project: &Project, report: &mut Report) {
    report.step("Kotlin documentation", || kotlin::build::document(project));
    report.step("Kotlin tests on Android's looper", || kotlin::android::looper::test(project));
    verify::android_classes(project, report);
}

fn rust(project: &Project, full: bool) -> Result<Outcome> {
    let more = [("PROPTEST_CASES", CASES_OF_FULL), ("DATATRACKS_STEPS", STEPS_OF_FULL)];
    programs::test(project, if full { &more } else { &[] })
}

fn junit(project: &Project) -> Result<Outcome> {
    let maven = &mut kotlin::build::maven(project, &["verify"]);
    let outcome = count(with_surroundings(project, maven), kotlin::build::tally);
    if !matches!(outcome, Ok(Outcome::Counted(Tally { failed: 0, .. }))) {
        // Maven stops at a test that fails, before it has made the jar that later suites run on.
        kotlin::build::package_with_programs(project)?;
    }
    outcome
}

/// The core of the Kotlin list, as the tests before have compiled it.
fn kotlin_in_a_real_room(project: &Project) -> Result<Outcome> {
    let sfu = Sfu::real(project)?;
    let maven = &mut kotlin::build::maven(project, &["surefire:test", REAL_ROOM, PATIENCE]);
    sfu.watch(|| count(maven.env("DATATRACKS_BRIDGE", sfu.address()), kotlin::build::tally))
}

/// What the stable compiler has not.
const NIGHTLY: &[&str] = &["Miri", "Rust tests, thread sanitizer", "Rust tests, address sanitizer"];
/// Generated cases a property in a full run; 256 otherwise.
const CASES_OF_FULL: &str = "4096";
/// Steps of all simulated rooms together in a full run; 100 000 otherwise.
const STEPS_OF_FULL: &str = "2000000";

/// A class that Maven runs only when it is named.
const REAL_ROOM: &str = "-Dtest=RealRoom";
/// In seconds; usually it takes fifteen.
const PATIENCE: &str = "-Dsurefire.timeout=300";
