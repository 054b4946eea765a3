//! What calls that carry bytes cost from Swift and from Kotlin, against the same calls as UniFFI makes them by itself.
//!
//! Programs in `benches/calls` measure, either side in turns; this builds them, adds up what they print, keeps it in `docs`, and fails
//! where an aim is missed.

mod figures;

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use camino::Utf8PathBuf;

use self::figures::{Aim, Figures};
use crate::{
    bindings::{self, Language},
    kotlin,
    library::{self, Profile},
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    swift,
};

/// Builds everything as it ships, and measures from one language after the other.
pub(crate) fn all(project: &Project, report: &mut Report) {
    report.step("library", || bindings::generate(project, Language::All, Profile::Release));
    report.step("plain library", || plain_library(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, Profile::Release));
    report.step("Kotlin package", || kotlin::build::package_with_programs(project));
    report.step("calls from Kotlin", || from_kotlin(project));
    if report.gate("Swift toolchain", || swift::install(project)) {
        report.step("calls from Swift", || from_swift(project));
    }
}

/// The other side, as applications build it: none of our flags, everything for speed.
fn plain_library(project: &Project) -> Result<Outcome> {
    let arguments = ["rustc", "--package", PLAIN, "--lib", "--crate-type", "cdylib", "--release"];
    let build = &mut command(&project.root, "cargo", &arguments);
    build.args(["--config", "profile.release.package.uniffi_core.opt-level=3"]);
    let target = folder(project).join("build");
    run::run(build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", ""))?;
    let built = target.join("release").join(PLAIN_LIBRARY);
    for language in [Language::Swift, Language::Kotlin] {
        let into = folder(project).join("bindings").join(language.name());
        bindings::generate_plain(&project.root.join(SOURCES), &built, language, &into)?;
    }
    fs::create_dir_all(libraries(project))?;
    library::strip(project, &built, &libraries(project).join(PLAIN_LIBRARY))?;
    Ok(Outcome::Done)
}

fn from_kotlin(project: &Project) -> Result<Outcome> {
    let pom = format!("{SOURCES}/kotlin/pom.xml");
    fs::remove_dir_all(folder(project).join("kotlin/classes")).ok();
    run::run(&mut kotlin::build::maven_on(project, &pom, &["compile"]))?;
    let classes = folder(project).join("kotlin/classes");
    let path = format!("{}:{classes}", kotlin::build::class_path(project)?);
    let search = format!("-Djna.library.path={}", libraries(project));
    let arguments = ["-Djna.nosys=true", &search, "-cp", &path, "calls.CallsKt"];
    measure(project, Language::Kotlin, KOTLIN, |side| {
        let mut program = command(&project.root, "java", &arguments);
        program.arg(side);
        Ok(program)
    })
}

fn from_swift(project: &Project) -> Result<Outcome> {
    let ours = swift::lay_out(project, Profile::Release)?;
    let (package, generated) = (project.root.join(SOURCES).join("swift"), folder(project));
    let generated = generated.join("bindings/swift");
    swift::update(&generated.join("Plain.swift"), &package.join("Sources/Plain/Plain.swift"))?;
    swift::update(&generated.join("PlainFFI.h"), &package.join("Sources/PlainFFI/PlainFFI.h"))?;
    let scratch = folder(project).join("swift");
    let (one, other) = (format!("-L{ours}"), format!("-L{}", libraries(project)));
    let mut build = vec!["swift", "build", "-c", "release", "--product", "Calls"];
    build.extend(["--scratch-path", scratch.as_str(), "-Xlinker", &one, "-Xlinker", &other]);
    run::run(&mut swift::in_folder(project, &package, &build)?)?;
    let search = format!("LD_LIBRARY_PATH={ours}:{}", libraries(project));
    let program = scratch.join("release/Calls");
    measure(project, Language::Swift, SWIFT, |side| {
        swift::in_folder(project, &package, &[&search, program.as_str(), side])
    })
}

/// Runs the program of each side in turns, lists what they print, and keeps it.
fn measure(
    project: &Project,
    language: Language,
    aims: &[Aim],
    program: impl Fn(&'static str) -> Result<Command>,
) -> Result<Outcome> {
    let mut lines = Vec::new();
    for side in ["ours", "plain"].repeat(TURNS) {
        lines.extend(run::capture(&mut program(side)?)?.lines().map(str::to_owned));
    }
    let figures: Figures = lines.into_iter().collect();
    let misses = figures.table(aims).context("the program has not measured everything")?;
    fs::write(project.root.join(format!("docs/calls.{}.json", language.name())), figures.json())?;
    ensure!(misses == 0, "{misses} of {} aims are missed", aims.len());
    Ok(Outcome::Done)
}

fn folder(project: &Project) -> Utf8PathBuf {
    project.root.join("target/calls")
}

fn libraries(project: &Project) -> Utf8PathBuf {
    folder(project).join("lib")
}

/// How often either side runs.
const TURNS: usize = 3;
/// The programs, and the library that ours is compared with.
const SOURCES: &str = "benches/calls";
const PLAIN: &str = "datatracks-plain";
const PLAIN_LIBRARY: &str = "libplain.so";

const KOTLIN: &[Aim] = &aims(4.0, 300e3);
const SWIFT: &[Aim] = &aims(10.0, 1e6);

/// Those of the design; what a frame costs on its way in, and how many small ones arrive, differs between languages.
const fn aims(frame_in: f64, small_frames: f64) -> [Aim; 4] {
    use figures::Least::{Rate, Ratio};
    [
        Aim { row: "push", what: "push 64 KiB", least: Ratio(10.0) },
        Aim { row: "out", what: "its packets out", least: Ratio(10.0) },
        Aim { row: "in", what: "the packets in, and the frame read", least: Ratio(frame_in) },
        Aim { row: "batch", what: "64 B, read 256 at once", least: Rate(small_frames) },
    ]
}
