//! The project's own tool: `cargo tasks <command>`.
//!
//! Each command is a list of steps. A step says what it does before it starts, lets the tools that it calls speak, and closes
//! with what it made, its size and its time. Nothing is skipped in silence: what could not run is listed with the reason.

#[macro_use]
mod output;

mod archive;
mod bench;
mod beside;
mod bindings;
mod browser;
mod calls;
mod changelog;
mod check;
mod compatibility;
mod cross;
mod files;
mod fuzz;
mod guards;
mod interop;
mod kotlin;
mod languages;
mod library;
mod models;
mod network;
mod pacing;
mod programs;
mod project;
mod release;
mod report;
mod root;
mod run;
mod runners;
mod scaffolding;
mod setup;
mod sfu;
mod simulate;
mod size;
mod suites;
mod surface;
mod swift;
mod verify;
mod wheel;
mod xcframework;

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

use crate::{
    bindings::Language, interop::Cells, library::Profile, project::Project, report::Report,
};

/// Builds, checks and tests datatracks.
#[derive(Parser)]
#[command(bin_name = "cargo tasks", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate the foreign bindings from the library that ships, below target/bindings
    Bindings {
        /// For which language
        #[arg(long, value_enum, default_value_t = Language::All)]
        language: Language,
        /// Build optimized, as it ships (a minute or two)
        #[arg(long, conflicts_with = "debug")]
        release: bool,
        /// Build for debugging (the default)
        #[arg(long)]
        debug: bool,
    },
    /// Build the Kotlin package and run its tests
    Kotlin {
        /// With the library built for debugging: quicker, and not what ships
        #[arg(long)]
        debug: bool,
        /// Also documentation, and Android: its looper, its API, its shrinker
        #[arg(long)]
        full: bool,
    },
    /// Build the jar for the JVM, and those of its sources and documentation, into target/packages
    Jar,
    /// Build the wheel for Python into target/packages, and try it in an environment of its own
    Wheel,
    /// Build the framework of the Swift package for Apple's systems, and its archive into target/packages; needs no Mac
    Xcframework,
    /// Build the archive for Android into target/packages: for devices with an NDK (ANDROID_NDK_HOME), as a link check without
    Aar,
    /// Read a package back and judge it as the tools of its platform will
    Verify {
        /// An archive for Android (*.aar), a framework for Apple's systems (*.xcframework, *.xcframework.zip), a release's folder
        file: Utf8PathBuf,
    },
    /// Check, build, read back and lay out all that a release consists of, in target/release-VERSION
    Release {
        #[command(flatten)]
        wishes: release::Wishes,
    },
    /// Write the public surface of each language and of the crate to udl/surface/, so that a change of it shows in a diff
    Surface {
        /// Write nothing; fail when the committed text is not what the code gives
        #[arg(long)]
        check: bool,
    },
    /// Measure speed against livekit-datatrack, and write docs/benchmarks.md
    Bench {
        #[command(flatten)]
        wishes: bench::Wishes,
    },
    /// Measure the stripped release library of a mobile build, and look for what must not be in it
    Size,
    /// Build and test the Swift package, with a Swift toolchain in .tools/ where the machine has none
    Swift {
        /// With the library built for debugging: quicker to build
        #[arg(long)]
        debug: bool,
        /// Also under Thread Sanitizer and Address Sanitizer
        #[arg(long)]
        sanitizers: bool,
    },
    /// Run programs in Swift, Kotlin and Python in one room, where each reads all others
    Languages {
        /// With the library built for debugging: quicker to build
        #[arg(long)]
        debug: bool,
    },
    /// Measure what calls cost from Swift and Kotlin, against those that UniFFI makes by itself
    Calls,
    /// Exchange frames with the SDKs of others through a real SFU: every cell of the matrix, written to docs/interop.md
    Interop {
        /// A few cells a pair, as `test` does; writes nothing
        #[arg(long)]
        short: bool,
    },
    /// Check models of the shell: its real code under thousands of schedules of its threads, each to be seen again by its seed
    Models {
        #[command(flatten)]
        wishes: models::Wishes,
    },
    /// Feed inputs that a fuzzer makes up to packets, signals, key rings, recordings and sequences of calls, guided by coverage
    Fuzz {
        #[command(flatten)]
        wishes: fuzz::Wishes,
    },
    /// Play whole rooms in virtual time, with everything going wrong that can: 100 000 steps, or as many as you like
    Simulate {
        #[command(flatten)]
        wishes: simulate::Wishes,
    },
    /// Break the guards of tests/guards.toml one at a time, in a copy, and see the test that is named beside each fail
    Guards {
        #[command(flatten)]
        wishes: guards::Wishes,
    },
    /// Count large frames that arrive in a hurry through a real SFU, from us and from others, at us and at others
    Pacing {
        #[command(flatten)]
        wishes: pacing::Wishes,
    },
    /// Install the tools that tests need into .tools/ (SFU, Python and JavaScript peers, cargo-deny); quick when they are there
    Setup,
    /// Formatting, lints, documentation, dependencies, layers, surface, and whether the version says what changed
    Check,
    /// Everything: setup, check, and every test suite; closes with what ran and what did not
    Test {
        /// Also the long runs: more simulated rooms, more generated cases, the whole matrix, Swift under sanitizers, Android, the framework
        /// for Apple's systems, guards
        #[arg(long)]
        full: bool,
    },
}

fn main() -> ExitCode {
    let project = Project::find();
    let mut report = Report::default();
    match Cli::parse().command {
        Command::Bindings { language, release, .. } => {
            let profile = if release { Profile::Release } else { Profile::Debug };
            report.step("bindings", || bindings::generate(&project, language, profile));
        }
        Command::Kotlin { debug, full } => {
            suites::kotlin(&project, &mut report, profile(debug), full);
        }
        Command::Jar => report.step("jar", || kotlin::jar::package(&project)),
        Command::Wheel => suites::wheel(&project, &mut report),
        Command::Xcframework => xcframework::all(&project, &mut report),
        Command::Aar => kotlin::android::package(&project, &mut report),
        Command::Verify { file } => verify::file(&project, &mut report, &file),
        Command::Release { wishes } => release::all(&project, &mut report, wishes),
        Command::Surface { check: false } => report.step("surface", || surface::write(&project)),
        Command::Surface { check: true } => check::surface(&project, &mut report, Profile::Debug),
        Command::Bench { wishes } => bench::all(&project, &mut report, &wishes),
        Command::Size => report.step("size", || size::measure(&project)),
        Command::Swift { debug, sanitizers } => {
            let sanitizers = if sanitizers { swift::SANITIZERS } else { &[] };
            swift::all(&project, &mut report, profile(debug), sanitizers);
        }
        Command::Languages { debug } => {
            languages::all(&project, &mut report, profile(debug));
        }
        Command::Calls => calls::all(&project, &mut report),
        Command::Interop { short } => {
            let cells = if short { Cells::Few } else { Cells::All };
            interop::all(&project, &mut report, cells);
        }
        Command::Models { wishes } => report.step("models", || models::check(&project, &wishes)),
        Command::Fuzz { wishes } => report.step("fuzz", || fuzz::run(&project, &wishes)),
        Command::Simulate { wishes } => {
            report.step("simulation", || simulate::play(&project, &wishes));
        }
        Command::Guards { wishes } => report.step("guards", || guards::check(&project, &wishes)),
        Command::Pacing { wishes } => pacing::all(&project, &mut report, &wishes),
        Command::Setup => {
            report.step("setup", || setup::install(&project));
            report.step("browser", || browser::install(&project));
        }
        Command::Check => check::all(&project, &mut report, Profile::Debug),
        Command::Test { full } => suites::all(&project, &mut report, full),
    }
    report.close()
}

/// What ships, unless it should be quick to build.
fn profile(debug: bool) -> Profile {
    if debug { Profile::Debug } else { Profile::Release }
}
