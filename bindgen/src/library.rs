//! The library that ships: how it is built, where, and what it is called.

use std::{env, fs, process::Command};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    files,
    project::Project,
    run::{self, command},
    scaffolding,
};

/// How the library is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Builds the shared library without features, in a target directory that no other build overwrites. It keeps its symbols:
/// the generator reads them.
pub(crate) fn build(project: &Project, profile: Profile) -> Result<Utf8PathBuf> {
    scaffolding::check(project)?;
    let mut arguments = vec!["rustc", "--package", SHIPPED, "--lib", "--crate-type", "cdylib"];
    if profile == Profile::Release {
        arguments.push("--release");
        arguments.extend(FOLDED);
    }
    run::run(&mut cargo(project, &arguments)?)?;
    let library = path(project, profile);
    fs::copy(library.with_file_name(LIBRARY.replace(NAME, MADE)), &library)?;
    files::made(project, &library)?;
    Ok(library)
}

/// Cargo, for what ships and what stands on the same dependencies.
///
/// Panics name their files, and those of dependencies are in a folder of whoever builds: that is cut off, so that a library is the same
/// wherever it was made.
pub(crate) fn cargo(project: &Project, arguments: &[&str]) -> Result<Command> {
    let home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|home| home + "/.cargo"))?;
    let registries = Utf8PathBuf::from(home).join("registry/src");
    let mut flags = Vec::new();
    for registry in registries.read_dir_utf8().with_context(|| registries.to_string())? {
        flags.push(format!("'--remap-path-prefix={}='", registry?.path()));
    }
    flags.sort();
    let mut cargo = command(&project.root, "cargo", &["--config"]);
    cargo.arg(format!("build.rustflags=[{}]", flags.join(", "))).args(arguments);
    cargo.env("CARGO_TARGET_DIR", project.root.join(TARGET));
    Ok(cargo)
}

/// Where [`build`] leaves it.
pub(crate) fn path(project: &Project, profile: Profile) -> Utf8PathBuf {
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    project.root.join(TARGET).join(folder).join(LIBRARY)
}

/// Writes a copy of `library` without symbols: what an application ships.
pub(crate) fn strip(project: &Project, library: &Utf8Path, stripped: &Utf8Path) -> Result<u64> {
    let arguments = ["--strip-all", "-o", stripped.as_str(), library.as_str()];
    run::capture(&mut command(&project.root, "strip", &arguments))?;
    Ok(fs::metadata(stripped)?.len())
}

/// Functions that are compiled to the same code become one, where the compiler brings a linker that can. Rust makes no promise
/// about the addresses of functions, and nothing here compares them.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
const FOLDED: &[&str] = &["--", "-Clink-arg=-Wl,--icf=all"];
/// Functions that are compiled to the same code stay apart: linkers differ.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
const FOLDED: &[&str] = &[];

/// The package that applications get a library of.
pub(crate) const SHIPPED: &str = "datatracks-mobile";
/// What cargo calls its library, without the ending.
pub(crate) const MADE: &str = "libdatatracks_mobile";
/// Builds of what ships; no other build overwrites them.
pub(crate) const TARGET: &str = "target/mobile";
/// What applications call it, without the ending.
const NAME: &str = "libdatatracks";
/// The shared library's file name.
#[cfg(target_os = "macos")]
pub(crate) const LIBRARY: &str = "libdatatracks.dylib";
/// The shared library's file name.
#[cfg(not(target_os = "macos"))]
pub(crate) const LIBRARY: &str = "libdatatracks.so";
