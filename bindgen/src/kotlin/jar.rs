//! The jar for the JVM, its native library inside, and the jar of its sources.

use std::fs;

use anyhow::Result;
use camino::Utf8Path;

use super::build;
use crate::{
    bindings::Profile,
    project::Project,
    report::{Outcome, kilobytes},
    run::{self, command},
};

/// Builds what ships and puts both jars into `target/packages`.
pub(crate) fn package(project: &Project) -> Result<Outcome> {
    build::prepare(project, Profile::Release)?;
    run::run(&mut build::maven(project, &["package", "-DskipTests", "-DskipITs"]))?;
    let packages = project.packages();
    fs::create_dir_all(&packages)?;
    let jar = packages.join(format!("datatracks-{}.jar", build::VERSION));
    fs::copy(project.root.join("target/kotlin").join(jar.file_name().unwrap_or_default()), &jar)?;
    made(project, &jar)?;
    let sources = packages.join(format!("datatracks-{}-sources.jar", build::VERSION));
    sources_jar(project, &sources)?;
    Ok(Outcome::Done)
}

/// Packs the hand-written and the generated sources.
pub(crate) fn sources_jar(project: &Project, file: &Utf8Path) -> Result<()> {
    let generated = project.bindings().join("kotlin");
    let roots = ["kotlin-package/src/main/kotlin", generated.as_str()];
    pack(project, file, &roots.map(|root| ["-C", root, "."]).concat())?;
    made(project, file)
}

/// Packs what `entries` says, in the words of the JDK's `jar`. The same input gives the same file.
pub(crate) fn pack(project: &Project, file: &Utf8Path, entries: &[&str]) -> Result<()> {
    let options = ["--create", "--no-manifest", "--date", MOMENT, "--file", file.as_str()];
    run::capture(command(&project.root, "jar", &options).args(entries))?;
    Ok(())
}

/// Says what was made and what it weighs.
pub(crate) fn made(project: &Project, file: &Utf8Path) -> Result<()> {
    println!("   {:>8}  {}", kilobytes(fs::metadata(file)?.len()), project.short(file));
    Ok(())
}

/// What all entries of packages are dated, as in `pom.xml`.
const MOMENT: &str = "2026-01-01T00:00:00Z";
