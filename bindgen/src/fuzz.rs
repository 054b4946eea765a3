//! Fuzzing with libFuzzer, guided by coverage, on the stable toolchain: LLVM's counters are compiled in by options that it has, too.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;

use crate::{
    beside,
    project::Project,
    report::{Outcome, Tally},
    run::{self, command},
};

/// What to fuzz, and how long.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// Targets, by name; without: all
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// How long each runs
    #[arg(long, default_value_t = SHORT)]
    seconds: u64,
    /// Run one target on one file, as a failure has left it
    #[arg(long)]
    input: Option<Utf8PathBuf>,
    /// Put into fuzz/corpus what reaches code that nothing there reaches
    #[arg(long)]
    keep: bool,
}

impl Wishes {
    /// All targets, for so many seconds each.
    pub(crate) fn all(seconds: u64) -> Self {
        Self { targets: Vec::new(), seconds, input: None, keep: false }
    }

    fn targets(&self) -> Vec<&str> {
        match self.targets.as_slice() {
            [] => TARGETS.to_vec(),
            some => some.iter().map(String::as_str).collect(),
        }
    }
}

/// Runs targets; each is a test.
pub(crate) fn run(project: &Project, wishes: &Wishes) -> Result<Outcome> {
    let programs = build(project)?;
    let targets = wishes.targets();
    let fuzzing: Result<Vec<_>> =
        targets.iter().map(|target| Fuzzing::new(project, &programs, target)).collect();
    let mut sum = Tally::default();
    let mut executed = 0;
    let explore = |fuzzing: &Fuzzing<'_>| fuzzing.run(wishes);
    // A fuzzer uses one core.
    beside::each(fuzzing?, explore, |fuzzing, ran| {
        match ran {
            Ok(ran) => {
                say!("   {:<10} {}", fuzzing.target, ran.said);
                (sum.passed, executed) = (sum.passed + 1, executed + ran.executions);
            }
            Err(error) => {
                say!("   failed: {}: {error:#}", fuzzing.target);
                sum.failed += 1;
            }
        }
        if wishes.keep { fuzzing.keep() } else { Ok(()) }
    })?;
    say!("   {executed} executions");
    Ok(Outcome::Counted(sum))
}

/// What became of a target.
struct Ran {
    /// Inputs that were tried.
    executions: u64,
    said: String,
}

/// In a target directory of their own, since all dependencies are compiled with counters.
fn build(project: &Project) -> Result<Utf8PathBuf> {
    let version = run::capture(&mut command(&project.root, "rustc", &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?;
    let folder = project.root.join(FOLDER);
    // With a target named, build scripts are compiled without the flags.
    let arguments = ["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host];
    let cargo = &mut command(&project.root, "cargo", &arguments);
    cargo.env("CARGO_TARGET_DIR", &folder).env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    run::run(cargo)?;
    Ok(folder.join(host).join("release"))
}

/// One target, and its folders.
struct Fuzzing<'a> {
    project: &'a Project,
    target: &'a str,
    program: Utf8PathBuf,
    /// Inputs that this machine has found.
    found: Utf8PathBuf,
    /// Inputs that are committed.
    corpus: Utf8PathBuf,
}

impl<'a> Fuzzing<'a> {
    fn new(project: &'a Project, programs: &Utf8PathBuf, target: &'a str) -> Result<Self> {
        let found = project.root.join(FOLDER).join("found").join(target);
        let corpus = project.root.join("fuzz/corpus").join(target);
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&corpus)?;
        Ok(Self { project, target, program: programs.join(target), found, corpus })
    }

    fn run(&self, wishes: &Wishes) -> Result<Ran> {
        match &wishes.input {
            Some(input) => self.replay(input),
            None => self.explore(wishes.seconds),
        }
    }

    fn explore(&self, seconds: u64) -> Result<Ran> {
        let failures = self.project.root.join(FOLDER).join(format!("failure-{}-", self.target));
        let mut fuzzer = self.fuzzer();
        fuzzer.args(LIMITS).args([self.found.as_str(), self.corpus.as_str()]);
        fuzzer.arg(format!("-max_total_time={seconds}"));
        fuzzer.arg(format!("-artifact_prefix={failures}"));
        let output = fuzzer.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{said}\n   again: cargo tasks fuzz {} --input FILE", self.target);
        }
        let number = |name: &str| statistic(&said, name).with_context(|| format!("no {name}"));
        let executions = number("number_of_executed_units")?;
        let said = format!(
            "{executions:>10} executions, {:>8} a second, {:>5} inputs that reach something new, {:>4} MB at most",
            number("average_exec_per_sec")?,
            number("new_units_added")?,
            number("peak_rss_mb")?,
        );
        Ok(Ran { executions, said })
    }

    fn replay(&self, input: &Utf8PathBuf) -> Result<Ran> {
        run::run(command(&self.project.root, self.program.as_str(), &[]).arg(input))?;
        Ok(Ran { executions: 1, said: input.to_string() })
    }

    /// By code reached, however often: what the counts of loops tell apart is not worth its place in the repository.
    fn keep(&self) -> Result<()> {
        let mut fuzzer = self.fuzzer();
        fuzzer.args(["-merge=1", "-use_counters=0", "-max_len=512"]);
        let output = fuzzer.args([&self.corpus, &self.found]).output()?;
        run::succeeded(&fuzzer, output.status)?;
        say!("   {:<10} {} inputs are kept", self.target, fs::read_dir(&self.corpus)?.count());
        Ok(())
    }

    fn fuzzer(&self) -> Command {
        let mut fuzzer = command(&self.project.root, self.program.as_str(), &[]);
        // With it the peer would walk the stack for each packet that it refuses.
        fuzzer.env_remove("RUST_BACKTRACE");
        fuzzer
    }
}

/// `stat::peak_rss_mb:              27`
fn statistic(said: &str, name: &str) -> Option<u64> {
    let of = |line: &str| {
        line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok()
    };
    said.lines().find_map(of)
}

/// The programs of fuzz/Cargo.toml.
const TARGETS: [&str; 7] =
    ["packets", "peer", "signals", "keys", "reception", "calls", "recordings"];

const FOLDER: &str = "target/fuzz";

/// What cargo-fuzz compiles with, as far as stable compilers take it (no sanitizer).
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Ten seconds and a gigabyte are a fault for inputs of 4 KB.
const LIMITS: [&str; 5] =
    ["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"];

/// Twelve seconds in all on two cores.
pub(crate) const SHORT: u64 = 3;
/// In `cargo tasks test --full`.
pub(crate) const LONG: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_the_fuzzer_are_understood() {
        let said =
            "Done 7 runs\nstat::number_of_executed_units: 7\nstat::peak_rss_mb:              27\n";
        assert_eq!(statistic(said, "number_of_executed_units"), Some(7));
        assert_eq!(statistic(said, "peak_rss_mb"), Some(27));
        assert_eq!(statistic(said, "peak"), None);
    }
}
