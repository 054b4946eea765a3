//! Builds the library for targets of which this machine's compiler has no standard library: it is built with it, from its source,
//! by the compiler of a Debian root.
//!
//! That compiler sees no network. What it compiles is brought by the machine's own cargo, under the machine's own settings.

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    project::Project,
    report::Outcome,
    root::{self, CROSS},
    run::{self, command},
};

/// Makes sure that there is the compiler, and the source of all that it compiles.
pub(crate) fn prepare(project: &Project) -> Result<Outcome> {
    if let Some(obstacle) = root::obstacle(project) {
        return Ok(obstacle);
    }
    CROSS.install(project)?;
    vendor(project)?;
    let version =
        run::capture(&mut CROSS.inside(project, &project.root, &["rustc", "--version"])?)?;
    say!("   {}", version.trim());
    Ok(Outcome::Done)
}

/// Runs `cargo rustc` in the root, for one target. `environment` is of the form `NAME=value`. Answers the folder of what it made.
pub(crate) fn rustc(
    project: &Project,
    target: &str,
    environment: &[String],
    arguments: &[&str],
) -> Result<Utf8PathBuf> {
    let build = folder(project).join("build");
    let own = [format!("CARGO_TARGET_DIR={build}"), "RUSTC_BOOTSTRAP=1".into()];
    let directory = format!("source.vendored.directory=\"{}\"", folder(project).join("vendor"));
    let mut words: Vec<&str> = own.iter().chain(environment).map(String::as_str).collect();
    words.extend(["cargo", "--offline", "--config", "source.crates-io.replace-with=\"vendored\""]);
    words.extend(["--config", &directory, "rustc", "--locked", "--release", "--target", target]);
    words.push("-Zbuild-std=std,panic_unwind");
    words.extend(arguments);
    run::run(&mut CROSS.inside(project, &project.root, &words)?)?;
    Ok(build.join(target).join("release"))
}

/// A quiet command in the root, in the project's folder.
pub(crate) fn tool(project: &Project, words: &[&str]) -> Result<String> {
    run::capture(&mut CROSS.inside(project, &project.root, words)?)
}

/// Copies the sources of all dependencies, ours and those of the standard library, unless they are the same already.
fn vendor(project: &Project) -> Result<()> {
    let library = CROSS.folder(project).join(STANDARD_LIBRARY);
    let locked = |folder: &Utf8Path| {
        fs::read_to_string(folder.join("Cargo.lock")).with_context(|| folder.to_string())
    };
    let wanted = locked(&project.root)? + &locked(&library)?;
    let stamp = folder(project).join("vendor.txt");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        fs::create_dir_all(folder(project))?;
        let manifest = library.join("Cargo.toml");
        let mut vendor = command(&project.root, "cargo", &["vendor", "--locked", "--quiet"]);
        vendor.args(["--versioned-dirs", "--sync", manifest.as_str()]);
        vendor.arg(folder(project).join("vendor"));
        // The standard library's manifest is not for stable cargos.
        run::capture(vendor.env("RUSTC_BOOTSTRAP", "1"))?;
        fs::write(&stamp, &wanted)?;
    }
    Ok(())
}

fn folder(project: &Project) -> Utf8PathBuf {
    project.root.join("target").join(CROSS.name)
}

/// Where the root has the source of the standard library.
const STANDARD_LIBRARY: &str = "usr/lib/rustlib/src/rust/library";
