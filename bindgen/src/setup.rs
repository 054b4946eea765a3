//! The tools that tests need, installed into `.tools/`: a real SFU, Python with foreign peers, cargo-deny.
//!
//! Versions are pinned here and in `tests/requirements.txt`. What is there in the right version is left alone.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Installs what is missing.
pub(crate) fn install(project: &Project) -> Result<Outcome> {
    install_peers(project)?;
    install_cargo_deny(project)?;
    Ok(Outcome::Done)
}

/// A real SFU and the foreign peers that need no browser.
pub(crate) fn install_peers(project: &Project) -> Result<Outcome> {
    fs::create_dir_all(project.tools().join("bin"))?;
    install_sfu(project)?;
    install_python(project)?;
    Ok(Outcome::Done)
}

/// True when a tool of `.tools/` reports this version.
pub(crate) fn has(project: &Project, tool: &str, version: &str) -> bool {
    let path = project.tool(tool);
    let said = run::capture(&mut command(&project.root, path.as_str(), &["--version"]));
    said.is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}

/// The real SFU alone.
pub(crate) fn install_sfu(project: &Project) -> Result<()> {
    if !has(project, SFU, SFU_VERSION) {
        say!("   livekit-server {SFU_VERSION}: compiling takes about two minutes");
        let package = format!("github.com/livekit/livekit-server/cmd/server@v{SFU_VERSION}");
        let bin = project.tools().join("bin");
        run::run(command(&project.root, "go", &["install", &package]).env("GOBIN", &bin))?;
        fs::rename(bin.join("server"), project.tool(SFU))?;
    }
    say!("   livekit-server {SFU_VERSION}");
    Ok(())
}

/// An environment of Python with the foreign peers.
pub(crate) fn install_python(project: &Project) -> Result<()> {
    let wanted = fs::read_to_string(project.root.join(REQUIREMENTS)).context(REQUIREMENTS)?;
    let folder = project.tools().join("python");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        let python = project.python();
        run::run(&mut command(
            &project.root,
            "python3",
            &["-m", "venv", "--clear", folder.as_str()],
        ))?;
        let pip = ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS];
        run::run(&mut command(&project.root, python.as_str(), &pip))?;
        fs::write(&stamp, &wanted)?;
    }
    let pinned = wanted.lines().filter(|line| line.contains("==")).collect::<Vec<_>>().join(", ");
    say!("   python with {pinned}");
    Ok(())
}

fn install_cargo_deny(project: &Project) -> Result<()> {
    if !has(project, "cargo-deny", CARGO_DENY_VERSION) {
        say!("   cargo-deny {CARGO_DENY_VERSION}: compiling takes about two minutes");
        let root = project.tools();
        let target = root.join("build");
        // Unoptimized: it compiles three times as fast and has little to do.
        let arguments = ["install", "cargo-deny", "--version", CARGO_DENY_VERSION, "--locked"];
        let install = &mut command(&project.root, "cargo", &arguments);
        install.args(["--debug", "--force", "--quiet", "--root", root.as_str()]);
        run::run(install.env("CARGO_TARGET_DIR", &target))?;
        fs::remove_dir_all(target)?;
    }
    say!("   cargo-deny {CARGO_DENY_VERSION}");
    Ok(())
}

/// The SFU's name in `.tools/bin`.
pub(crate) const SFU: &str = "livekit-server";
/// The newest that installs by `go install`: later ones carry `replace` lines.
const SFU_VERSION: &str = "1.13.5";
const CARGO_DENY_VERSION: &str = "0.20.2";
const REQUIREMENTS: &str = "tests/requirements.txt";
