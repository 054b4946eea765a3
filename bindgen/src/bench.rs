//! The benchmarks against livekit-datatrack: builds both sides, each as its users do, and runs them in one process.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    calls, library, pacing,
    project::Project,
    report::{Outcome, Report, Tally},
    run::{self, command},
    runners::{count, number_before},
    size,
};

/// What to measure, and where to leave it.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// Rows to measure, by the beginning of their names (publish/1KiB); without: all
    rows: Vec<String>,
    /// Fewer and shorter rounds; fails where a row is below its floor
    #[arg(long)]
    quick: bool,
    /// Every figure there is: also what calls cost from Swift and Kotlin, the size, and large frames through a real SFU (20 minutes)
    #[arg(long, conflicts_with_all = ["rows", "quick"])]
    whole: bool,
    /// Where to write all rounds
    #[arg(long)]
    json: Option<Utf8PathBuf>,
}

/// What is wished for, and with `--whole` what other commands measure.
pub(crate) fn all(project: &Project, report: &mut Report, wishes: &Wishes) {
    report.step("bench", || measure(project, wishes));
    if wishes.whole {
        report.step("size", || size::measure(project));
        calls::all(project, report);
        pacing::all(project, report, &pacing::Wishes::default());
    }
}

/// Measures what is wished for. A run of all rows leaves docs/benchmarks.{md,svg,json}.
fn measure(project: &Project, wishes: &Wishes) -> Result<Outcome> {
    let arguments: Vec<_> = wishes.rows.iter().map(String::as_str).collect();
    let mut bench = prepared(project, &arguments)?;
    if let Some(file) = &wishes.json {
        bench.args(["--json", file.as_str()]);
    }
    if wishes.quick {
        return count(bench.arg("--quick"), floors);
    }
    if wishes.rows.is_empty() {
        bench.args(["--docs", "docs"]);
    }
    run::run(&mut bench)?;
    Ok(Outcome::Done)
}

/// The short form: each row that has a floor is a test.
pub(crate) fn quick(project: &Project) -> Result<Outcome> {
    count(&mut prepared(project, &["--quick"])?, floors)
}

fn prepared(project: &Project, arguments: &[&str]) -> Result<std::process::Command> {
    let ours = ["build", "--package", "datatracks-bench", "--release"];
    run::run(&mut library::cargo(project, &ours)?)?;
    let peer = build_peer(project, &project.root.join("target/bench-peer"))?;
    let program = project.root.join(library::TARGET).join("release/datatracks-bench");
    let mut bench = command(&project.root, program.as_str(), arguments);
    // With it the peer would walk the stack for each packet that it refuses.
    bench.env("DATATRACKS_BENCH_PEER", peer).env_remove("RUST_BACKTRACE");
    Ok(bench)
}

/// With cargo's own flags: those of `.cargo/config.toml` make ours small, and would make the peer slow.
fn build_peer(project: &Project, target: &Utf8Path) -> Result<Utf8PathBuf> {
    let peer = ["rustc", "--package", "datatracks-bench-peer", "--lib", "--crate-type", "cdylib"];
    let peer = &mut command(&project.root, "cargo", &peer);
    let no_flags = ("CARGO_ENCODED_RUSTFLAGS", "");
    run::run(peer.arg("--release").envs([no_flags]).env("CARGO_TARGET_DIR", target))?;
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(target.join(format!("release/{prefix}datatracks_bench_peer{suffix}")))
}

/// `floors: 12 passed; 0 failed`
fn floors(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("floors: ")?;
    Some(Tally { passed: number_before(counts, "passed"), failed: number_before(counts, "failed") })
}
