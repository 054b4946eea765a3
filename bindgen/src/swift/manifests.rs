//! Each manifest, in each of the ways in which a library comes to the package: SwiftPM must take them all.
//!
//! On Linux, copies of the manifests that do as elsewhere are given to SwiftPM, with a framework that has no libraries: it is not built.

use std::fs;

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;

use super::{PACKAGE, in_package};
use crate::{
    project::Project,
    report::Outcome,
    run,
    xcframework::{self, info::Info, slices::SLICES},
};

/// Has SwiftPM read them.
pub(super) fn check(project: &Project) -> Result<Outcome> {
    let copies = project.root.join("target/swift/manifests");
    lay_out(project, &copies)?;
    for folder in [&project.root, &project.root.join(PACKAGE), &copies, &copies.join(PACKAGE)] {
        let said = package(project, folder, "describe")?;
        ensure!(said.contains("Name: DataTracks\n"), "{folder}: no target DataTracks\n{said}");
    }
    release(&copies, &format!("(\"https://localhost/framework.zip\", \"{CHECKSUM}\")"))?;
    let said = package(project, &copies, "dump-package")?;
    ensure!(said.contains(CHECKSUM), "{MANIFEST}: a released framework is not taken");
    say!("   with a library on Linux, a local framework, and one of a release");
    Ok(Outcome::Done)
}

fn package(project: &Project, folder: &Utf8Path, command: &str) -> Result<String> {
    let build = project.root.join("target/swift/manifests-build");
    let words = ["swift", "package", "--package-path", folder.as_str(), "--scratch-path"];
    let mut words = words.to_vec();
    words.extend([build.as_str(), command]);
    run::capture(&mut in_package(project, &words)?)
}

/// Writes into the root's manifest which framework is released.
fn release(folder: &Utf8Path, released: &str) -> Result<()> {
    let manifest = folder.join(MANIFEST);
    let text = fs::read_to_string(&manifest)?;
    let line = text.lines().find(|line| line.starts_with(RELEASED));
    let line = line.with_context(|| format!("{MANIFEST} has no line `{RELEASED}…`"))?;
    fs::write(&manifest, text.replace(line, &format!("{RELEASED}{released}")))?;
    Ok(())
}

/// The manifests as they are read where there is no Linux and nothing is released, beside links to what they name.
fn lay_out(project: &Project, copies: &Utf8Path) -> Result<()> {
    if copies.exists() {
        fs::remove_dir_all(copies)?;
    }
    let package = project.root.join(PACKAGE);
    let framework = copies.join(PACKAGE).join(xcframework::NAME);
    fs::create_dir_all(&framework)?;
    fs::write(framework.join("Info.plist"), Info::of(SLICES).to_bytes()?)?;
    for folder in ["Sources", "Tests", "Examples"] {
        std::os::unix::fs::symlink(package.join(folder), copies.join(PACKAGE).join(folder))?;
    }
    for folder in [Utf8Path::new(""), Utf8Path::new(PACKAGE)] {
        let manifest = folder.join(MANIFEST);
        let text = fs::read_to_string(project.root.join(&manifest)).context(MANIFEST)?;
        let elsewhere = text.replace("#if os(Linux)", "#if os(Windows)");
        ensure!(text != elsewhere, "{manifest} does not ask for Linux");
        fs::write(copies.join(manifest), elsewhere)?;
    }
    release(copies, "nil")
}

const MANIFEST: &str = "Package.swift";
/// How the line of the root's manifest begins that a release changes.
const RELEASED: &str = "let released: (url: String, checksum: String)? = ";
const CHECKSUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
