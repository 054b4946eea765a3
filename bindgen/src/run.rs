//! Calling other programs: visibly, with a way to read what they say, and with the package named that brings what is missing.

use std::{
    borrow::Cow,
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use camino::Utf8Path;

use crate::output;

/// A command that runs in `directory`, without what cargo told this tool of itself: build scripts of dependencies watch
/// those variables, and would run anew each time that `cargo` and `cargo tasks` take turns.
pub(crate) fn command(directory: &Utf8Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    let of_this_tool =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_tool)) {
        command.env_remove(name);
    }
    command
}

/// Runs a command that speaks for itself.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = output::lend(command)?.status().with_context(|| missing(command))?;
    succeeded(command, status)
}

/// Runs a command and hands every line of its standard output to `line`.
pub(crate) fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let speaking = output::lend(command)?.stdout(Stdio::piped());
    let mut child = speaking.spawn().with_context(|| missing(command))?;
    if let Some(output) = child.stdout.take() {
        for text in BufReader::new(output).lines() {
            line(&text?);
        }
    }
    Ok(child.wait()?)
}

/// Runs a command quietly and answers its standard output. What it says on failure is part of the error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| missing(command))?;
    if !output.status.success() {
        bail!("{}: {}", show(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a quiet command succeeds before `deadline` is over.
pub(crate) fn succeeds_within(command: &mut Command, deadline: Duration) -> Result<bool> {
    let started = Instant::now();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| missing(command))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// Fails unless `status` is success.
pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", show(command));
    }
    Ok(())
}

pub(crate) fn announce(command: &Command) {
    say!("   $ {}", show(command));
}

/// A command's program and arguments.
pub(crate) fn words(command: &Command) -> impl Iterator<Item = Cow<'_, str>> {
    std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy)
}

/// The same, one a line.
pub(crate) fn lines(command: &Command) -> String {
    words(command).collect::<Vec<_>>().join("\n")
}

fn show(command: &Command) -> String {
    words(command).collect::<Vec<_>>().join(" ")
}

fn missing(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    match PACKAGES.iter().find(|(name, _)| *name == program) {
        Some((_, package)) => format!("{program} is missing; it comes with {package}"),
        None => format!("{program} does not start; `cargo tasks setup` may bring it"),
    }
}

/// Which package brings which program (Debian names).
const PACKAGES: &[(&str, &str)] = &[
    ("cargo", "rustup or the package cargo"),
    ("go", "the package golang"),
    ("jar", "the package openjdk-17-jdk-headless"),
    ("mvn", "the packages maven and openjdk-17-jdk-headless"),
    ("python3", "the package python3-venv"),
    ("strip", "the package binutils"),
    ("debootstrap", "the package debootstrap"),
    ("ip", "the package iproute2"),
    ("tc", "the package iproute2"),
    ("unshare", "the package util-linux"),
    ("xcrun", "Xcode"),
];

/// How often a command with a deadline is looked at.
const POLL: Duration = Duration::from_millis(50);
